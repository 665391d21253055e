#pragma once
#include <stdint.h>

// A user namespace whose only use is to describe an id mapping to mount_setattr(2): ids first…first+count-1 of
// the file system appear as target…target+count-1 of the host. Descriptor or negative errno.
int sbx_idmap_namespace(uint32_t first_uid, uint32_t target_uid, uint32_t first_gid, uint32_t target_gid, uint32_t count);

// A new network namespace, owned by the caller's user namespace, with its loopback device up. Descriptor or
// negative errno.
int sbx_network_namespace(void);

// In a child, from outside: enter the mount namespace of `pidfd` and cover paths with something empty; then enter its
// user namespace and write 0 to user/max_user_namespaces there (namespaces(7)) through the procfs `procfs_fd`, and
// read it back. `paths` is a NULL-terminated list: the path (inside) of an empty file nobody may open, the same for
// a directory, then each path to cover; those that do not exist are left alone. The covers have the attributes of the
// mount that the empty ones lie on (setting them one by one costs half a millisecond each). 0 or negative errno.
int sbx_harden(int pidfd, int procfs_fd, const char *const *paths);
