// The first program inside a sandbox.
//
// It gives up everything it can give up, lets the outside look at the result, and says READY only when it was
// told that the posture is as it should be. Then it reaps orphans, and ends when it is asked to and nobody else
// is left. Nothing it reads afterwards comes from the payload.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sbx_launch_protocol.h"

static _Noreturn void fail(const char *what) {
    sbx_launch_complain(SBX_FD_GATE, "sandbox-init", what, NULL, errno);
    _exit(1);
}

static _Noreturn void refuse(const char *what) {
    sbx_launch_complain(SBX_FD_GATE, "sandbox-init", what, NULL, 0);
    _exit(1);
}

// nspawn was told to leave no capability. This does not trust it: what it left is dropped where that is still
// possible, and what cannot be dropped stops the start.
static void check_capabilities(void) {
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0) fail("clear ambient capabilities");
    for (int cap = 0;; cap++) {
        int have = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);
        if (have < 0) break;
        if (have > 0 && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0) fail("drop a bounding capability");
    }
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}};
    if (syscall(SYS_capset, &header, none) < 0) fail("drop capabilities");
}

// Waits for the filter program at the gate.
static int receive_filter(void) {
    union {
        char buffer[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    char byte = 0;
    struct iovec iov = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buffer, .msg_controllen = sizeof control.buffer};
    ssize_t n;
    do n = recvmsg(SBX_FD_GATE, &message, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0) fail("wait for the filter");
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (n != 1 || byte != SBX_GATE_FILTER || !header || header->cmsg_type != SCM_RIGHTS ||
        header->cmsg_len != CMSG_LEN(sizeof(int)))
        refuse("the starter is gone, or sent no filter");
    int fd;
    memcpy(&fd, CMSG_DATA(header), sizeof fd);
    return fd;
}

static void apply_filter(void) {
    int fd = receive_filter();
    struct stat s;
    if (fstat(fd, &s) < 0) fail("filter descriptor");
    if (s.st_size <= 0 || s.st_size % sizeof(struct sock_filter) != 0 ||
        s.st_size / sizeof(struct sock_filter) > 4096)
        refuse("the filter program has an impossible size");
    void *program = mmap(NULL, (size_t)s.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (program == MAP_FAILED) fail("map the filter program");
    struct sock_fprog filter = {
        .len = (unsigned short)((size_t)s.st_size / sizeof(struct sock_filter)), .filter = program};
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter) != 0) fail("seccomp");
    munmap(program, (size_t)s.st_size);
    close(fd);
}

static void notify_ready(void) {
    const char *path = getenv("NOTIFY_SOCKET");
    if (!path) refuse("no notify socket");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof address.sun_path) refuse("the notify socket has an impossible path");
    memcpy(address.sun_path, path, length);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (path[0] != '@'));
    if (path[0] == '@') address.sun_path[0] = 0;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) fail("notify socket");
    static const char ready[] = "READY=1";
    if (sendto(fd, ready, sizeof ready - 1, MSG_NOSIGNAL, (struct sockaddr *)&address, size) < 0)
        fail("notify ready");
    close(fd);
}

static void wait_for_release(void) {
    char byte = SBX_GATE_LOCKED;
    if (send(SBX_FD_GATE, &byte, 1, MSG_NOSIGNAL) != 1) fail("say that the lock-down is done");
    ssize_t n;
    do n = read(SBX_FD_GATE, &byte, 1);
    while (n < 0 && errno == EINTR);
    if (n < 0) fail("wait for release");
    if (n != 1 || byte != SBX_GATE_RELEASE) refuse("not released: the starter is gone or found the posture wrong");
}

static void release_descriptors(void) {
    // From here on no descriptor leads out of the sandbox, not even the journal's.
    int null = open("/dev/null", O_RDWR);
    if (null < 0) fail("open /dev/null");
    for (int fd = 0; fd < 3; fd++)
        if (dup2(null, fd) < 0) _exit(1);
    syscall(SYS_close_range, 3u, ~0u, 0);
}

// Any process inside besides this one, as a pidfd; -1 when there is none.
static int somebody(void) {
    DIR *proc = opendir("/proc");
    if (!proc) return -1;
    int result = -1;
    struct dirent *entry;
    while (result < 0 && (entry = readdir(proc))) {
        char *end;
        long pid = strtol(entry->d_name, &end, 10);
        if (*end == 0 && pid > 1) result = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
    }
    closedir(proc);
    return result;
}

// An idle sandbox should cost next to nothing: the pages of code that only the start needed are given back; what the
// loop needs is read again from the page cache.
static void forget_start_up(void) {
    extern const char __executable_start[], etext[];
    uintptr_t begin = (uintptr_t)__executable_start & ~(uintptr_t)4095;
    (void)madvise((void *)begin, (uintptr_t)etext - begin, MADV_DONTNEED);
}

static void reap(void) {
    while (waitpid(-1, NULL, WNOHANG) > 0) {}
}

int main(void) {
    if (getpid() != 1) refuse("runs as the first process of a sandbox only");
    const char *passed = getenv("LISTEN_FDS");
    if (!passed || strcmp(passed, "1") != 0) refuse("the gate was not passed");

    // Not to be attached to, and without a core, from the start.
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) fail("undumpable");
    struct rlimit no_core = {0, 0};
    if (setrlimit(RLIMIT_CORE, &no_core) < 0) fail("core limit");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) fail("no_new_privs");
    umask(022);
    check_capabilities();

    sigset_t all;
    sigfillset(&all);
    if (sigprocmask(SIG_SETMASK, &all, NULL) < 0) fail("block signals");

    apply_filter();
    wait_for_release();
    notify_ready();
    release_descriptors();
    int signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals < 0) _exit(1);
    forget_start_up();

    int ending = 0, other = -1;
    for (;;) {
        struct pollfd polled[2] = {{.fd = signals, .events = POLLIN}, {.fd = other, .events = POLLIN}};
        if (poll(polled, 2, -1) < 0 && errno != EINTR) _exit(1);
        struct signalfd_siginfo info;
        while (read(signals, &info, sizeof info) == sizeof info)
            if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT || info.ssi_signo == (uint32_t)SIGRTMIN + 3)
                ending = 1;
        reap();
        if (!ending) continue;
        // Those that entered from outside are nobody's children here, so their end is no SIGCHLD: wait on one of
        // them after the other.
        if (other >= 0 && !(polled[1].revents)) continue;
        if (other >= 0) close(other);
        other = somebody();
        if (other < 0) _exit(0);
    }
}
