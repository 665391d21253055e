// What Swift cannot say: setns(2) and its flags, which glibc declares for GNU C only.
//
// Every function that can fail returns a negative errno, so that nothing depends on the thread's errno
// surviving the way back into Swift.
#pragma once

// Opens a close-on-exec netlink socket of a protocol (NETLINK_*), in the network namespace that the descriptor
// `namespace_fd` is of; -1: in the caller's own. Returns the socket.
int sbx_netlink_socket(int protocol, int namespace_fd);
