#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// pidfd_open(2), pidfd_send_signal(2). Descriptor or 0; negative errno.
int sbx_pidfd_open(pid_t pid);
int sbx_pidfd_signal(int pidfd, int signal);

// Start time of a process in clock ticks since boot (field 22 of proc_pid_stat(5)); 0 when it is gone.
uint64_t sbx_start_time(pid_t pid);

// waitpid(2) without blocking: 1 and the wait status when the child ended, 0 while it runs, negative errno.
int sbx_wait_nohang(pid_t pid, int *exit_code, int *signal);

// Blocks the given signals (NULL-terminated by 0) in this thread and returns a signalfd for them.
int sbx_signal_fd(const int *signals);
// Reads one signal number from a signalfd; 0 when none is pending.
int sbx_next_signal(int fd);

// pipe2(2) with O_CLOEXEC; socketpair(2) SOCK_SEQPACKET | SOCK_CLOEXEC whose first end learns who wrote to it.
int sbx_pipe(int ends[2]);
int sbx_packet_pair(int ends[2]);

// Receives one packet and the pid of its sender, as the kernel vouches for it (unix(7), SCM_CREDENTIALS).
// Its length, 0 at the end, negative errno.
int sbx_receive_packet(int fd, void *buffer, size_t size, pid_t *sender);

// Sends one packet with descriptors attached (unix(7), SCM_RIGHTS).
int sbx_send_packet(int fd, const void *bytes, size_t length, const int *fds, int count);

// Opens descriptors 0, 1 and 2 on /dev/null where the caller was started without them, so that no later open
// lands there. 0 or negative errno.
int sbx_ensure_stdio(void);

// Sets SIGPIPE to be ignored: a closed pipe is an error of a write, not the end of the program.
void sbx_ignore_sigpipe(void);

// Ends the process by the signal's default action, so that a shell sees the truth.
void sbx_die_of_signal(int signal);
