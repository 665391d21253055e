#define _GNU_SOURCE
#include "sbx_files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int open2(int dirfd, const char *path, int flags, unsigned mode, uint64_t resolve) {
    struct open_how how = {.flags = (uint64_t)flags | O_CLOEXEC, .resolve = resolve};
    if (flags & (O_CREAT | O_TMPFILE)) how.mode = mode;
    // EAGAIN: a rename raced with a scoped lookup; the kernel asks to try again (openat2(2)). It is also what a lease on
    // the file gives (fcntl(2), F_SETLEASE), and that may last: so the tries are counted.
    for (int tries = 0;;) {
        long fd = syscall(SYS_openat2, dirfd, path, &how, sizeof how);
        if (fd >= 0) return (int)fd;
        if (errno != EINTR && (errno != EAGAIN || ++tries >= 128)) return -errno;
    }
}

int sbx_open_beneath(int dirfd, const char *path, int flags, unsigned mode) {
    return open2(dirfd, path, flags, mode, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
}

int sbx_open_no_links(int dirfd, const char *path, int flags, unsigned mode) {
    return open2(dirfd, path, flags, mode, RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
}

int sbx_openat(int dirfd, const char *path, int flags, unsigned mode) {
    for (;;) {
        int fd = openat(dirfd, path, flags | O_CLOEXEC, mode);
        if (fd >= 0) return fd;
        if (errno != EINTR) return -errno;
    }
}

int sbx_sealed_memfd(const char *name, const void *bytes, size_t length) {
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0) return -errno;
    size_t done = 0;
    while (done < length) {
        ssize_t n = write(fd, (const char *)bytes + done, length - done);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) goto fail;
        done += (size_t)n;
    }
    if (lseek(fd, 0, SEEK_SET) < 0) goto fail;
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0) goto fail;
    return fd;
fail:;
    int saved = errno ? errno : EIO;
    close(fd);
    return -saved;
}

int sbx_lock(int fd, int wait) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    for (;;) {
        if (fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &lock) == 0) return 0;
        if (errno == EINTR) continue;
        return errno == EACCES ? -EAGAIN : -errno;
    }
}

int64_t sbx_monotonic_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t sbx_realtime_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int sbx_poll_one(int fd, short events, int64_t deadline_us) {
    struct pollfd p = {.fd = fd, .events = events};
    for (;;) {
        int timeout = -1;
        if (deadline_us >= 0) {
            int64_t left = deadline_us - sbx_monotonic_us();
            timeout = left <= 0 ? 0 : left > 1000000000 ? 1000000 : (int)((left + 999) / 1000);
        }
        int n = poll(&p, 1, timeout);
        if (n > 0) return p.revents;
        if (n == 0 && (deadline_us < 0 || sbx_monotonic_us() >= deadline_us)) return 0;
        if (n < 0 && errno != EINTR) return -errno;
    }
}

int sbx_rename_noreplace(int olddir, const char *oldpath, int newdir, const char *newpath) {
    return renameat2(olddir, oldpath, newdir, newpath, RENAME_NOREPLACE) == 0 ? 0 : -errno;
}

int sbx_fstatfs(int fd, struct sbx_statfs *out) {
    struct statfs s;
    if (fstatfs(fd, &s) < 0) return -errno;
    out->type = (uint64_t)s.f_type;
    out->bytes = (uint64_t)s.f_blocks * (uint64_t)s.f_bsize;
    out->bytes_free = (uint64_t)s.f_bfree * (uint64_t)s.f_bsize;
    out->inodes = s.f_files;
    out->inodes_free = s.f_ffree;
    return 0;
}
