#pragma once
#include <stdint.h>

// Attributes of a detached mount, as a set.
enum {
    SBX_MOUNT_RDONLY = 1,
    SBX_MOUNT_NOSUID = 2,
    SBX_MOUNT_NODEV = 4,
    SBX_MOUNT_NOEXEC = 8,
};

// mount -t tmpfs -o size=…,nr_inodes=…,mode=0755,uid=…,gid=… as a detached mount (fsopen(2), fsmount(2)).
// Descriptor or negative errno.
int sbx_tmpfs(uint64_t size, uint64_t inodes, uint32_t uid, uint32_t gid, unsigned mode, unsigned attributes);

// mount -t proc as a detached mount.
int sbx_procfs(void);

// open_tree(2) with OPEN_TREE_CLONE of what `fd` refers to: a private copy of that mount, attached nowhere.
// `recursive` takes the mounts below it along.
int sbx_clone_tree(int fd, int recursive);

// mount_setattr(2) on a detached mount: adds attributes, and maps ids when userns_fd >= 0 (MOUNT_ATTR_IDMAP).
int sbx_set_attributes(int mount_fd, unsigned attributes, int userns_fd, int recursive);

// move_mount(2) of a detached mount onto the directory or file `target_fd` (an O_PATH descriptor).
int sbx_attach(int mount_fd, int target_fd);

// mount --bind of a descriptor (a namespace file) onto an existing file; the mount is private.
int sbx_bind_fd(int fd, const char *target);

// umount2(2) with MNT_DETACH | UMOUNT_NOFOLLOW.
int sbx_detach(const char *target);

// mount --bind DIR DIR; mount --make-private DIR, unless DIR is a mount point already.
int sbx_make_private_mount_point(const char *directory);

// 1 when fd (O_PATH works) is the root of a mount, 0 when not (statx(2), STATX_ATTR_MOUNT_ROOT).
int sbx_is_mount_root(int fd);

// The unique id of the mount `fd` lies on (statx(2), STATX_MNT_ID).
int sbx_mount_id(int fd, uint64_t *id);
