#pragma once
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

// openat2(2) with RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS. Descriptor or negative errno.
int sbx_open_beneath(int dirfd, const char *path, int flags, unsigned mode);

// openat2(2) with RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS: no component may be a link, not even one of root's.
int sbx_open_no_links(int dirfd, const char *path, int flags, unsigned mode);

// open(2) and openat(2) with a mode; O_CLOEXEC is always added.
int sbx_openat(int dirfd, const char *path, int flags, unsigned mode);

// memfd_create(2), sealed against every change after `length` bytes were written into it.
int sbx_sealed_memfd(const char *name, const void *bytes, size_t length);

// fcntl(2) F_OFD_SETLK / F_OFD_SETLKW on the whole file. `wait` blocks. 0, -EAGAIN when held, negative errno.
int sbx_lock(int fd, int wait);

// poll(2) on one descriptor with a monotonic deadline in microseconds (CLOCK_MONOTONIC); negative: no deadline.
// The returned events (positive), 0 at the deadline, negative errno.
int sbx_poll_one(int fd, short events, int64_t deadline_us);

// Microseconds of CLOCK_MONOTONIC and CLOCK_REALTIME.
int64_t sbx_monotonic_us(void);
int64_t sbx_realtime_us(void);

// renameat2(2) with RENAME_NOREPLACE.
int sbx_rename_noreplace(int olddir, const char *oldpath, int newdir, const char *newpath);

// statfs of a descriptor: type (f_type), total and free bytes, total and free inodes.
struct sbx_statfs { uint64_t type, bytes, bytes_free, inodes, inodes_free; };
int sbx_fstatfs(int fd, struct sbx_statfs *out);
