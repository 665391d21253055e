#define _GNU_SOURCE
#include "sbx_namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sbx_mounts.h"

// Starts a child in new namespaces. The child gets one end of a socket pair; it ends when the other is closed.
static pid_t start_child(unsigned long flags, int *channel) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) return -errno;
    long pid = syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, 0);
    if (pid < 0) {
        int saved = errno;
        close(pair[0]);
        close(pair[1]);
        return -saved;
    }
    close(pair[pid == 0 ? 0 : 1]);
    *channel = pair[pid == 0 ? 1 : 0];
    return (pid_t)pid;
}

static void end_child(pid_t pid, int channel) {
    close(channel);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
}

static int open_namespace(pid_t pid, const char *which) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/ns/%s", (int)pid, which);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int write_proc(pid_t pid, const char *file, const char *text) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return -errno;
    int result = write(fd, text, strlen(text)) < 0 ? -errno : 0;
    close(fd);
    return result;
}

int sbx_idmap_namespace(
    uint32_t first_uid, uint32_t target_uid, uint32_t first_gid, uint32_t target_gid, uint32_t count) {
    int channel;
    pid_t pid = start_child(CLONE_NEWUSER, &channel);
    if (pid < 0) return pid;
    if (pid == 0) {
        char byte;
        (void)!read(channel, &byte, 1);
        _exit(0);
    }
    char map[64];
    snprintf(map, sizeof map, "%u %u %u\n", first_uid, target_uid, count);
    int result = write_proc(pid, "uid_map", map);
    snprintf(map, sizeof map, "%u %u %u\n", first_gid, target_gid, count);
    if (result == 0) result = write_proc(pid, "gid_map", map);
    if (result == 0) result = open_namespace(pid, "user");
    end_child(pid, channel);
    return result;
}

static int loopback_up(void) {
    // ip link set dev lo up
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    int result = ioctl(fd, SIOCSIFFLAGS, &request) < 0 ? -errno : 0;
    close(fd);
    return result;
}

int sbx_network_namespace(void) {
    int channel;
    pid_t pid = start_child(CLONE_NEWNET, &channel);
    if (pid < 0) return pid;
    if (pid == 0) {
        int result = loopback_up();
        char byte;
        if (write(channel, &result, sizeof result) == sizeof result) (void)!read(channel, &byte, 1);
        _exit(0);
    }
    int result = -EIO;
    ssize_t n;
    do n = read(channel, &result, sizeof result);
    while (n < 0 && errno == EINTR);
    if (n == sizeof result && result == 0) result = open_namespace(pid, "net");
    end_child(pid, channel);
    return result;
}

// Runs `body` in a child that shares nothing it could damage, and brings its result back.
static int in_child(int (*body)(int, int, const char *const *), int pidfd, int fd, const char *const *paths) {
    int channel;
    pid_t pid = start_child(0, &channel);
    if (pid < 0) return pid;
    if (pid == 0) {
        int result = body(pidfd, fd, paths);
        (void)!write(channel, &result, sizeof result);
        _exit(0);
    }
    int result = -EIO;
    ssize_t n;
    do n = read(channel, &result, sizeof result);
    while (n < 0 && errno == EINTR);
    if (n != sizeof result) result = -EIO;
    end_child(pid, channel);
    return result;
}

static int close_user_namespaces(int pidfd, int procfs, const char *const *unused) {
    (void)unused;
    static const char path[] = "sys/user/max_user_namespaces";
    if (setns(pidfd, CLONE_NEWUSER) < 0) return -errno;
    int fd = openat(procfs, path, O_RDWR | O_CLOEXEC);
    if (fd < 0) return -errno;
    if (write(fd, "0\n", 2) < 0) return -errno;
    char back[8] = "";
    if (pread(fd, back, sizeof back - 1, 0) < 0) return -errno;
    return strcmp(back, "0\n") == 0 ? 0 : -EPROTO;
}

int sbx_close_user_namespaces(int pidfd, int procfs_fd) {
    return in_child(close_user_namespaces, pidfd, procfs_fd, NULL);
}

static int mask_paths(int pidfd, int unused, const char *const *paths) {
    (void)unused;
    if (setns(pidfd, CLONE_NEWNS) < 0) return -errno;
    const char *empty_file = *paths++, *empty_directory = *paths++;
    for (; *paths; paths++) {
        int target = open(*paths, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (target < 0) {
            if (errno == ENOENT) continue;
            return -errno;
        }
        struct stat s;
        if (fstat(target, &s) < 0) return -errno;
        int source = open(S_ISDIR(s.st_mode) ? empty_directory : empty_file, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (source < 0) return -errno;
        int cover = sbx_clone_tree(source, 0);
        if (cover < 0) return cover;
        int result = sbx_set_attributes(
            cover, SBX_MOUNT_RDONLY | SBX_MOUNT_NOSUID | SBX_MOUNT_NODEV | SBX_MOUNT_NOEXEC, -1, 0);
        if (result == 0) result = sbx_attach(cover, target);
        if (result < 0) return result;
        close(cover);
        close(source);
        close(target);
    }
    return 0;
}

int sbx_mask_paths(int pidfd, const char *const *paths) { return in_child(mask_paths, pidfd, -1, paths); }
