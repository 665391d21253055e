#define _GNU_SOURCE
#include "sbx_mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// <sys/mount.h> of glibc and <linux/mount.h> clash on some releases; the four numbers used here are stable ABI.
int mount(const char *, const char *, const char *, unsigned long, const void *);
int umount2(const char *, int);
#define MS_BIND_ 4096ul
#define MS_PRIVATE_ (1ul << 18)
#define MNT_DETACH_ 2
#define UMOUNT_NOFOLLOW_ 8

static unsigned kernel_attributes(unsigned attributes) {
    unsigned result = 0;
    if (attributes & SBX_MOUNT_RDONLY) result |= MOUNT_ATTR_RDONLY;
    if (attributes & SBX_MOUNT_NOSUID) result |= MOUNT_ATTR_NOSUID;
    if (attributes & SBX_MOUNT_NODEV) result |= MOUNT_ATTR_NODEV;
    if (attributes & SBX_MOUNT_NOEXEC) result |= MOUNT_ATTR_NOEXEC;
    return result;
}

static int set_string(int fs, const char *key, const char *value) {
    return syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, key, value, 0) < 0 ? -errno : 0;
}

static int set_number(int fs, const char *key, const char *format, unsigned long long value) {
    char text[32];
    snprintf(text, sizeof text, format, value);
    return set_string(fs, key, text);
}

static int finish(int fs, unsigned attributes) {
    int result;
    if (syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        result = -errno;
    else {
        long fd = syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, kernel_attributes(attributes));
        result = fd < 0 ? -errno : (int)fd;
    }
    close(fs);
    return result;
}

int sbx_tmpfs(uint64_t size, uint64_t inodes, uint32_t uid, uint32_t gid, unsigned mode, unsigned attributes) {
    long fs = syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);
    if (fs < 0) return -errno;
    int r = set_string((int)fs, "source", "sandbox");
    if (r == 0) r = set_number((int)fs, "size", "%llu", size);
    if (r == 0) r = set_number((int)fs, "nr_inodes", "%llu", inodes);
    if (r == 0) r = set_number((int)fs, "uid", "%llu", uid);
    if (r == 0) r = set_number((int)fs, "gid", "%llu", gid);
    if (r == 0) r = set_number((int)fs, "mode", "%llo", mode);
    if (r < 0) {
        close((int)fs);
        return r;
    }
    return finish((int)fs, attributes);
}

int sbx_procfs(void) {
    long fs = syscall(SYS_fsopen, "proc", FSOPEN_CLOEXEC);
    if (fs < 0) return -errno;
    return finish((int)fs, SBX_MOUNT_NOSUID | SBX_MOUNT_NODEV | SBX_MOUNT_NOEXEC);
}

int sbx_clone_tree(int fd, int recursive) {
    unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
    long result = syscall(SYS_open_tree, fd, "", flags);
    return result < 0 ? -errno : (int)result;
}

int sbx_set_attributes(int mount_fd, unsigned attributes, int userns_fd, int recursive) {
    struct mount_attr attr = {.attr_set = kernel_attributes(attributes), .propagation = MS_PRIVATE_};
    if (userns_fd >= 0) {
        attr.attr_set |= MOUNT_ATTR_IDMAP;
        attr.userns_fd = (uint64_t)userns_fd;
    }
    unsigned flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
    return syscall(SYS_mount_setattr, mount_fd, "", flags, &attr, sizeof attr) < 0 ? -errno : 0;
}

int sbx_attach(int mount_fd, int target_fd) {
    unsigned flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
    return syscall(SYS_move_mount, mount_fd, "", target_fd, "", flags) < 0 ? -errno : 0;
}

int sbx_bind_fd(int fd, const char *target) {
    char source[32];
    snprintf(source, sizeof source, "/proc/self/fd/%d", fd);
    return mount(source, target, NULL, MS_BIND_, NULL) < 0 ? -errno : 0;
}

int sbx_detach(const char *target) { return umount2(target, MNT_DETACH_ | UMOUNT_NOFOLLOW_) < 0 ? -errno : 0; }

int sbx_is_mount_root(int fd) {
    struct statx s;
    if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_BASIC_STATS, &s) < 0) return -errno;
    return (s.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

int sbx_mount_id(int fd, uint64_t *id) {
    struct statx s;
    if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_MNT_ID, &s) < 0) return -errno;
    *id = s.stx_mnt_id;
    return 0;
}

int sbx_make_private_mount_point(const char *directory) {
    int fd = open(directory, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return -errno;
    int root = sbx_is_mount_root(fd);
    close(fd);
    if (root != 0) return root < 0 ? root : 0;
    if (mount(directory, directory, NULL, MS_BIND_, NULL) < 0) return -errno;
    return mount(NULL, directory, NULL, MS_PRIVATE_, NULL) < 0 ? -errno : 0;
}
