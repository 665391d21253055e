// Runs between systemd's fork and nspawn's exec: sandbox-launch ROOT PROGRAM ARG…
//
// It receives the prepared sandbox on standard input (sbx_launch_protocol.h), attaches its mounts in a mount
// namespace of its own, fills in the secrets, and becomes nspawn. The mounts exist nowhere else: not on the host,
// not for any other service, and not a moment longer than this unit.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sbx_files.h"
#include "sbx_launch_protocol.h"
#include "sbx_mounts.h"

// Where the starter listens: standard input until its number changes hands.
static int gate = STDIN_FILENO;

static _Noreturn void fail(const char *what, const char *operand) {
    sbx_launch_complain(gate, "sandbox-launch", what, operand, errno);
    _exit(1);
}

static void check(int result, const char *what, const char *operand) {
    if (result >= 0) return;
    errno = -result;
    fail(what, operand);
}

struct launch {
    int fds[SBX_LAUNCH_MAX_FDS];
    int count;
    struct sbx_launch_header header;
    const char *strings[2 * SBX_LAUNCH_MAX_FDS];
};

static char packet[SBX_LAUNCH_MAX_PACKET + 1];

static void receive(struct launch *launch) {
    union {
        char buffer[CMSG_SPACE(sizeof(int) * SBX_LAUNCH_MAX_FDS)];
        struct cmsghdr align;
    } control;
    struct iovec iov = {.iov_base = packet, .iov_len = SBX_LAUNCH_MAX_PACKET};
    struct msghdr message = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buffer, .msg_controllen = sizeof control.buffer};
    ssize_t length;
    do length = recvmsg(STDIN_FILENO, &message, MSG_CMSG_CLOEXEC);
    while (length < 0 && errno == EINTR);
    if (length < 0) fail("receive the sandbox", NULL);
    errno = EPROTO;
    if (length < (ssize_t)sizeof launch->header || message.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
        fail("receive the sandbox", NULL);

    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
        fail("receive the descriptors", NULL);
    launch->count = (int)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    memcpy(launch->fds, CMSG_DATA(header), sizeof(int) * (size_t)launch->count);
    memcpy(&launch->header, packet, sizeof launch->header);

    uint32_t strings = launch->header.mounts + launch->header.secrets;
    if (launch->header.magic != SBX_LAUNCH_MAGIC || launch->header.mounts > SBX_LAUNCH_MAX_FDS ||
        launch->header.secrets > SBX_LAUNCH_MAX_FDS || launch->count != (int)launch->header.mounts + 1)
        fail("read the sandbox", NULL);
    packet[length] = 0;
    char *at = packet + sizeof launch->header;
    for (uint32_t i = 0; i < strings; i++) {
        if (at >= packet + length) fail("read the sandbox", NULL);
        launch->strings[i] = at;
        at += strlen(at) + 1;
    }
}

static int attach_mounts(const struct launch *launch, const char *root_path) {
    if (unshare(CLONE_NEWNS) < 0) fail("unshare the mount namespace", NULL);
    // Nothing made here propagates to the host.
    if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0) fail("make mounts private", NULL);
    int target = sbx_open_no_links(AT_FDCWD, root_path, O_PATH | O_DIRECTORY, 0);
    check(target, "open", root_path);
    check(sbx_attach(launch->fds[0], target), "attach the root at", root_path);
    close(target);

    int root = sbx_open_no_links(AT_FDCWD, root_path, O_PATH | O_DIRECTORY, 0);
    check(root, "open", root_path);
    for (uint32_t i = 0; i < launch->header.mounts; i++) {
        const char *path = launch->strings[i];
        int at = sbx_open_beneath(root, path, O_PATH | O_NOFOLLOW, 0);
        check(at, "open the mount point", path);
        check(sbx_attach(launch->fds[1 + i], at), "attach", path);
        close(at);
        close(launch->fds[1 + i]);
    }
    return root;
}

static void copy_secret(int from, int to, const char *name, uid_t owner) {
    int source = sbx_open_beneath(from, name, O_RDONLY | O_NOFOLLOW, 0);
    check(source, "open the credential", name);
    int target = sbx_open_beneath(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0400);
    check(target, "create the secret", name);
    char buffer[65536];
    for (;;) {
        ssize_t n = read(source, buffer, sizeof buffer);
        if (n < 0) fail("read the credential", name);
        if (n == 0) break;
        if (write(target, buffer, (size_t)n) != n) fail("write the secret", name);
    }
    explicit_bzero(buffer, sizeof buffer);
    if (fchown(target, owner, owner) < 0) fail("give away the secret", name);
    close(source);
    close(target);
}

static void copy_secrets(const struct launch *launch, int root) {
    int secrets = sbx_open_beneath(root, "run/secrets", O_RDONLY | O_DIRECTORY, 0);
    check(secrets, "open", "run/secrets");
    if (launch->header.secrets > 0) {
        const char *directory = getenv("CREDENTIALS_DIRECTORY");
        errno = ENOENT;
        if (!directory) fail("find the credentials directory", NULL);
        int credentials = sbx_open_no_links(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY, 0);
        check(credentials, "open the credentials directory", directory);
        for (uint32_t i = 0; i < launch->header.secrets; i++)
            copy_secret(
                credentials, secrets, launch->strings[launch->header.mounts + i], launch->header.secrets_uid);
        close(credentials);
    }
    check(
        sbx_set_attributes(secrets, SBX_MOUNT_RDONLY | SBX_MOUNT_NOSUID | SBX_MOUNT_NODEV | SBX_MOUNT_NOEXEC, -1, 0),
        "make read-only", "run/secrets");
    close(secrets);
}

// The gate takes the number that sd_listen_fds(3) promises; nspawn hands it to the payload.
static void pass_gate(void) {
    if (dup2(STDIN_FILENO, SBX_FD_GATE) < 0) fail("place the gate", NULL);
    gate = SBX_FD_GATE;
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0) fail("open /dev/null", NULL);
    if (syscall(SYS_close_range, (unsigned)SBX_FD_GATE + 1, ~0u, 0) < 0) fail("close descriptors", NULL);

    char pid[16];
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    if (setenv("LISTEN_PID", pid, 1) < 0 || setenv("LISTEN_FDS", "1", 1) < 0) fail("set the environment", NULL);
    unsetenv("LISTEN_FDNAMES");
    unsetenv("CREDENTIALS_DIRECTORY");
}

int main(int argc, char **argv) {
    if (argc < 3) {
        dprintf(2, "usage: sandbox-launch ROOT PROGRAM [ARG ...]\n");
        return 64;
    }
    static struct launch launch;
    receive(&launch);
    int root = attach_mounts(&launch, argv[1]);
    copy_secrets(&launch, root);
    pass_gate();
    execv(argv[2], argv + 2);
    fail("run", argv[2]);
}
