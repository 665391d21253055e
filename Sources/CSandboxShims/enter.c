// Everything between fork and exec of a program that enters a sandbox.
//
// Two processes: the first is cloned straight into the payload's cgroup, joins the namespaces, gives up everything
// it has, and clones the second with CLONE_PARENT, because only a child is in the joined pid namespace. So the second
// has the payload's posture from its first instant, when the payload can see it, and it is a child of the caller,
// which waits for it without anything in between. Neither runs anything but the calls below.
#define _GNU_SOURCE
#include "sbx_enter.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static _Noreturn void fail(int report, int stage) {
    struct sbx_entry_failure failure = {.stage = stage, .error = errno};
    (void)!write(report, &failure, sizeof failure);
    _exit(125);
}

static void drop_capabilities(int report) {
    // Ambient and bounding first: both need what capset takes away.
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0) fail(report, SBX_ENTRY_CAPABILITIES);
    for (int cap = 0;; cap++) {
        int have = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);
        if (have < 0) break;  // past the kernel's last capability
        if (have > 0 && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0) fail(report, SBX_ENTRY_CAPABILITIES);
    }
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}};
    if (syscall(SYS_capset, &header, none) < 0) fail(report, SBX_ENTRY_CAPABILITIES);
}

static void copy_limits(pid_t leader, int report) {
    for (int resource = 0; resource < RLIM_NLIMITS; resource++) {
        struct rlimit limit;
        if (prlimit(leader, resource, NULL, &limit) < 0 || setrlimit(resource, &limit) < 0)
            fail(report, SBX_ENTRY_LIMITS);
    }
    struct rlimit no_core = {0, 0};
    if (setrlimit(RLIMIT_CORE, &no_core) < 0) fail(report, SBX_ENTRY_LIMITS);
}

static void open_terminal(const struct sbx_entry *entry, int report) {
    int fd = open(entry->terminal, O_RDWR | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fchown(fd, entry->uid, (gid_t)-1) < 0) fail(report, SBX_ENTRY_TERMINAL);
    for (int i = 0; i < 3; i++)
        if (dup2(fd, i) < 0) fail(report, SBX_ENTRY_TERMINAL);
}

static void take_stdio(const int stdio[3], int report) {
    // Lift all three out of the way first: one of them may sit on a number that another is to get.
    int lifted[3];
    for (int i = 0; i < 3; i++) {
        lifted[i] = fcntl(stdio[i], F_DUPFD_CLOEXEC, 10);
        if (lifted[i] < 0) fail(report, SBX_ENTRY_STDIO);
    }
    for (int i = 0; i < 3; i++)
        if (dup2(lifted[i], i) < 0) fail(report, SBX_ENTRY_STDIO);
}

static void exec_searching(const struct sbx_entry *entry) {
    char *const *argv = (char *const *)entry->argv, *const *envp = (char *const *)entry->envp;
    const char *name = argv[0];
    if (strchr(name, '/')) {
        execve(name, argv, envp);
        return;
    }
    const char *path = "/usr/local/bin:/usr/bin:/bin";
    for (char *const *e = envp; *e; e++)
        if (strncmp(*e, "PATH=", 5) == 0) path = *e + 5;
    int error = ENOENT;
    size_t length = strlen(name);
    char candidate[PATH_MAX];
    while (path) {
        const char *end = strchr(path, ':');
        size_t n = end ? (size_t)(end - path) : strlen(path);
        // An empty element would mean the working directory, which the payload fills: skipped.
        if (n > 0 && n + 1 + length < sizeof candidate) {
            memcpy(candidate, path, n);
            candidate[n] = '/';
            memcpy(candidate + n + 1, name, length + 1);
            execve(candidate, argv, envp);
            if (errno == EACCES || errno == ENOEXEC || errno == E2BIG) error = errno;
            else if (errno != ENOENT && errno != ENOTDIR) return;
        }
        path = end ? end + 1 : NULL;
    }
    errno = error;
}

// Everything but the exec itself; afterwards the process is what the payload is.
static void take_posture(const struct sbx_entry *entry, int report) {
    // The caller's session keyring would otherwise be possessed inside (keyrings(7)).
    syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);

    if (entry->terminal) open_terminal(entry, report);
    else take_stdio(entry->stdio, report);

    gid_t group = entry->gid;
    if (setgroups(1, &group) < 0 || setresgid(group, group, group) < 0 ||
        setresuid(entry->uid, entry->uid, entry->uid) < 0)
        fail(report, SBX_ENTRY_IDS);
    umask(022);
    if (chdir(entry->directory) < 0) fail(report, SBX_ENTRY_DIRECTORY);

    for (int signal = 1; signal < NSIG; signal++) {
        struct sigaction standard = {.sa_handler = SIG_DFL};
        (void)sigaction(signal, &standard, NULL);
    }
    sigset_t nothing;
    sigemptyset(&nothing);
    sigprocmask(SIG_SETMASK, &nothing, NULL);
    if (syscall(SYS_close_range, 3u, ~0u, CLOSE_RANGE_CLOEXEC) < 0) fail(report, SBX_ENTRY_STDIO);

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) fail(report, SBX_ENTRY_CAPABILITIES);
    drop_capabilities(report);
    struct sock_fprog program = {
        .len = (unsigned short)(entry->filter_bytes / sizeof(struct sock_filter)),
        .filter = (struct sock_filter *)entry->filter,
    };
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0) fail(report, SBX_ENTRY_FILTER);
}

static _Noreturn void become_program(const struct sbx_entry *entry, int report) {
    if (setsid() < 0) fail(report, SBX_ENTRY_SESSION);
    if (entry->terminal) {
        if (ioctl(STDIN_FILENO, TIOCSCTTY, 0) < 0) fail(report, SBX_ENTRY_TERMINAL);
    } else if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0) {
        // Without a terminal to hang up, the program ends with its caller.
        fail(report, SBX_ENTRY_SESSION);
    }
    if (entry->program_fd >= 0)
        syscall(SYS_execveat, entry->program_fd, "", entry->argv, entry->envp, AT_EMPTY_PATH);
    else
        exec_searching(entry);
    fail(report, SBX_ENTRY_EXEC);
}

static _Noreturn void join_and_fork(const struct sbx_entry *entry, int report) {
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) fail(report, SBX_ENTRY_SESSION);
    copy_limits(entry->leader_pid, report);
    // sandbox-init is spared when memory runs out; what enters is not, whatever the caller is (proc_pid_oom_score_adj(5)).
    int score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (score < 0 || write(score, "0", 1) != 1) fail(report, SBX_ENTRY_LIMITS);
    close(score);
    int namespaces = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
                     CLONE_NEWCGROUP;
    if (setns(entry->leader_pidfd, namespaces) < 0) fail(report, SBX_ENTRY_NAMESPACES);
    take_posture(entry, report);

    // clone(2), not clone3(2), which the filter refuses because it cannot look into its arguments.
    long pid = syscall(SYS_clone, CLONE_PARENT, NULL, NULL, NULL, NULL);
    if (pid < 0) fail(report, SBX_ENTRY_FORK);
    if (pid == 0) become_program(entry, report);
    // The number is one of the pid namespace of this process, which is still the caller's.
    struct sbx_entry_failure started = {.stage = SBX_ENTRY_NONE, .error = (int32_t)pid};
    (void)!write(report, &started, sizeof started);
    _exit(0);
}

// From the moment it has the agent's uid, programs of the agent can stop the entering process; the caller does not wait
// for it for ever.
enum { REPORT_PATIENCE_MS = 10000 };

static int64_t monotonic_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// -1 with ETIMEDOUT when nothing was said by `deadline`.
static ssize_t read_report(int fd, struct sbx_entry_failure *report, int64_t deadline) {
    for (;;) {
        int64_t left = deadline - monotonic_ms();
        struct pollfd polled = {.fd = fd, .events = POLLIN};
        int ready = left <= 0 ? 0 : poll(&polled, 1, (int)left);
        if (ready == 0) return errno = ETIMEDOUT, -1;
        if (ready < 0 && errno != EINTR) return -1;
        if (ready < 0) continue;
        ssize_t n = read(fd, report, sizeof *report);
        if (n >= 0 || errno != EINTR) return n;
    }
}

pid_t sbx_enter(const struct sbx_entry *entry, int *pidfd, struct sbx_entry_failure *failure) {
    failure->stage = SBX_ENTRY_CLONE;
    failure->error = 0;
    int report[2];
    if (pipe2(report, O_CLOEXEC) < 0) return failure->error = errno, -failure->error;

    struct clone_args args = {
        .flags = CLONE_INTO_CGROUP,
        .exit_signal = SIGCHLD,
        .cgroup = (uint64_t)entry->cgroup_fd,
    };
    long first = syscall(SYS_clone3, &args, sizeof args);
    if (first == 0) join_and_fork(entry, report[1]);
    int error = errno;
    close(report[1]);
    if (first < 0) {
        close(report[0]);
        failure->error = error;
        return -error;
    }

    pid_t program = -1;
    struct sbx_entry_failure said;
    ssize_t n;
    bool failed = false;
    int64_t deadline = monotonic_ms() + REPORT_PATIENCE_MS;
    while ((n = read_report(report[0], &said, deadline)) == sizeof said) {
        if (said.stage == SBX_ENTRY_NONE) program = said.error;
        else *failure = said, failed = true;
    }
    if (n < 0) {
        // Both are our children: the second one's parent is us, not the first (CLONE_PARENT).
        failure->error = errno;
        failed = true;
        kill((pid_t)first, SIGKILL);
    }
    close(report[0]);
    while (waitpid((pid_t)first, NULL, 0) < 0 && errno == EINTR) {}

    if (!failed && program > 0) {
        *pidfd = (int)syscall(SYS_pidfd_open, program, 0);
        if (*pidfd >= 0) return program;
        failure->error = errno;
        failed = true;
    }
    if (program > 0) {
        kill(program, SIGKILL);
        while (waitpid(program, NULL, 0) < 0 && errno == EINTR) {}
    }
    if (failure->error == 0) failure->error = ECHILD;  // killed before it could say anything
    return -failure->error;
}
