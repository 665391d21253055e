#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// A program to run inside a sandbox, with exactly the rights of its payload.
struct sbx_entry {
    int leader_pidfd;        // pidfd of the payload's PID 1
    pid_t leader_pid;        // the same process; its resource limits are taken over
    int cgroup_fd;           // directory of the payload's cgroup
    int stdio[3];            // become descriptors 0, 1, 2; unused with a terminal
    const char *terminal;    // path inside of a pty that becomes the controlling terminal, or NULL
    uint32_t uid, gid;       // ids inside
    const char *directory;   // working directory inside
    const char *const *argv; // NULL-terminated
    const char *const *envp; // NULL-terminated; PATH of it is searched for argv[0]
    int program_fd;          // run this file instead of searching argv[0]; -1: search
    const void *filter;      // struct sock_filter[]
    size_t filter_bytes;
};

// Where an entry can fail; reported through `failure`.
enum sbx_entry_stage {
    SBX_ENTRY_NONE = 0,
    SBX_ENTRY_CLONE,
    SBX_ENTRY_LIMITS,
    SBX_ENTRY_NAMESPACES,
    SBX_ENTRY_FORK,
    SBX_ENTRY_SESSION,
    SBX_ENTRY_TERMINAL,
    SBX_ENTRY_STDIO,
    SBX_ENTRY_IDS,
    SBX_ENTRY_DIRECTORY,
    SBX_ENTRY_CAPABILITIES,
    SBX_ENTRY_FILTER,
    SBX_ENTRY_EXEC,
};

struct sbx_entry_failure {
    int32_t stage;
    int32_t error;  // errno
};

// Starts the program. Returns its pid (a child of the caller) and its pidfd in *pidfd, after its exec succeeded;
// or a negative errno with *failure filled in, with no child left.
pid_t sbx_enter(const struct sbx_entry *entry, int *pidfd, struct sbx_entry_failure *failure);
