#pragma once
#include <stdint.h>

// A user namespace whose only use is to describe an id mapping to mount_setattr(2): ids first…first+count-1 of
// the file system appear as target…target+count-1 of the host. Descriptor or negative errno.
int sbx_idmap_namespace(uint32_t first_uid, uint32_t target_uid, uint32_t first_gid, uint32_t target_gid, uint32_t count);

// A new network namespace, owned by the caller's user namespace, with its loopback device up. Descriptor or
// negative errno.
int sbx_network_namespace(void);

// setns(2) into the user namespace of the process `pidfd` refers to, in a child, and write 0 to
// user/max_user_namespaces there through the procfs `procfs_fd` (namespaces(7)); then read it back.
// 0 or negative errno.
int sbx_close_user_namespaces(int pidfd, int procfs_fd);

// Enter the mount namespace of `pidfd` in a child and cover paths with something empty. `paths` is a NULL-terminated
// list: the path (inside) of an empty file nobody may open, the same for a directory, then each path to cover;
// paths that do not exist are left alone. 0 or negative errno.
int sbx_mask_paths(int pidfd, const char *const *paths);
