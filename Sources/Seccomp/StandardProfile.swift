extension SeccompProfile {
    /// The profile of every sandbox.
    ///
    /// What ordinary programs need is allowed: compilers, interpreters, version control, databases, browsers (without
    /// sandboxes of their own that need namespaces). What is known and refused answers `EPERM`, so that a program
    /// says "not permitted"; what a C library knows to live without, and every number the profile has never heard
    /// of, answers `ENOSYS`, so that it takes its older way.
    ///
    /// | refused | why |
    /// |---|---|
    /// | `unshare`, `setns`, `clone` with a namespace flag, `clone3` (flags in memory: `ENOSYS`) | a new user namespace gives all capabilities over new mounts and networks, the usual start of a kernel exploit; existing ones are other sandboxes' |
    /// | `mount` and its successors, `pivot_root`, `chroot` | the view of the file system is the sandbox's boundary |
    /// | `socket` other than UNIX, INET, INET6, NETLINK_ROUTE | AF_ALG, VSOCK, PACKET, TIPC and the like reach the host or rarely tested kernel code, and no network rule sees them |
    /// | raw, ping, SCTP, DCCP, MPTCP, UDP-Lite sockets | traffic that is neither TCP nor UDP cannot be decided by name and port; `EPROTONOSUPPORT` makes programs fall back to TCP |
    /// | set-user-ID and set-group-ID bits in `chmod`, `open`, `mkdir`, `mknod`; `openat2` (mode in memory: `ENOSYS`) | such a file in the workspace would be one on the host |
    /// | device nodes | the same |
    /// | `ioctl` TIOCSTI, TIOCLINUX, TIOCCONS, TIOCSETD, and the console's `K` and `V` families | typing into, or redirecting, the terminal the user runs the sandbox from; line disciplines are rarely tested kernel code |
    /// | `io_uring_*` | does what other calls do without passing this filter |
    /// | `bpf`, `perf_event_open`, `userfaultfd`, `memfd_secret`, `vmsplice` | kernel attack surface, or a tool of exploits, without ordinary users |
    /// | `keyctl`, `add_key`, `request_key` | key rings are not divided by sandbox |
    /// | `ptrace`, `process_vm_*`, `pidfd_getfd`, `kcmp` | one process reading or steering another, whose secrets it should not have |
    /// | `personality` other than Linux, Linux32 and "uname 2.6" | switches off address randomisation or makes readable memory executable |
    /// | `name_to_handle_at`, `open_by_handle_at`, `fanotify_*`, `quotactl*` | look past the mounts the sandbox was given |
    /// | modules, kexec, reboot, swap, clocks, accounting, `syslog`, host name, I/O ports | the machine's, not the sandbox's |
    /// | `mbind`, `set_mempolicy`, `move_pages`, `migrate_pages` | placement of the host's memory |
    ///
    /// Allowed on purpose: `seccomp`, `prctl` and Landlock, as programs confine themselves with them (what is dangerous
    /// in `prctl` needs a capability, and there is none); `setuid` and relatives, which without capabilities only reach
    /// ids a process has already; extended attributes, of which `security.*` need a capability; `splice` and `tee`,
    /// as the socket families that made them dangerous are closed.
    ///
    /// References: syscalls(2), capabilities(7), namespaces(7), clone(2), socket(2), ioctl_console(2), personality(2).
    public static let standard = SeccompProfile(
        defaultAction: .fail(.noSuchCall),
        foreignArchitecture: .kill,
        entries: named(allowed, .always(.allow)) + named(refused, .always(.refuse))
            + named(absent, .always(.fail(.noSuchCall))) + newer + byArgument)

    private static func named(_ list: String, _ decision: Decision) -> [Entry] {
        list.split { $0 == " " || $0 == "\n" }.map { Entry(String($0), decision) }
    }

    // MARK: Decided by name

    private static let allowed = """
        read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek close close_range
        stat fstat lstat newfstatat statx statfs fstatfs access faccessat faccessat2
        poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2
        pipe pipe2 dup dup2 dup3 fcntl flock eventfd eventfd2 signalfd signalfd4 memfd_create
        timerfd_create timerfd_settime timerfd_gettime inotify_init inotify_init1 inotify_add_watch inotify_rm_watch
        fsync fdatasync sync syncfs sync_file_range truncate ftruncate fallocate fadvise64 readahead
        sendfile copy_file_range splice tee io_setup io_submit io_cancel io_getevents io_pgetevents io_destroy
        getdents getdents64 getcwd chdir fchdir rename renameat renameat2 rmdir
        link linkat unlink unlinkat symlink symlinkat readlink readlinkat
        chown fchown lchown fchownat umask utime utimes utimensat futimesat
        setxattr lsetxattr fsetxattr getxattr lgetxattr fgetxattr
        listxattr llistxattr flistxattr removexattr lremovexattr fremovexattr

        mmap mprotect munmap brk mremap msync mincore madvise remap_file_pages membarrier get_mempolicy
        mlock mlock2 mlockall munlock munlockall pkey_mprotect pkey_alloc pkey_free process_madvise process_mrelease
        shmget shmat shmctl shmdt semget semop semtimedop semctl msgget msgsnd msgrcv msgctl
        mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr

        fork vfork execve execveat exit exit_group wait4 waitid kill tkill tgkill pidfd_open pidfd_send_signal
        rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait rt_sigqueueinfo rt_tgsigqueueinfo
        rt_sigsuspend sigaltstack restart_syscall pause alarm getitimer setitimer
        futex futex_waitv set_robust_list get_robust_list set_tid_address rseq arch_prctl prctl
        seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self capget capset
        getpid getppid gettid getpgid setpgid getpgrp getsid setsid
        getuid geteuid getgid getegid getresuid getresgid getgroups
        setuid setgid setreuid setregid setresuid setresgid setfsuid setfsgid setgroups
        getrlimit setrlimit prlimit64 getrusage times sysinfo uname getcpu getrandom
        sched_yield sched_setparam sched_getparam sched_setscheduler sched_getscheduler sched_setattr sched_getattr
        sched_get_priority_max sched_get_priority_min sched_rr_get_interval sched_setaffinity sched_getaffinity
        getpriority setpriority ioprio_set ioprio_get

        time gettimeofday clock_gettime clock_getres clock_nanosleep nanosleep
        timer_create timer_settime timer_gettime timer_getoverrun timer_delete

        connect accept accept4 bind listen shutdown getsockname getpeername setsockopt getsockopt
        sendto recvfrom sendmsg recvmsg sendmmsg recvmmsg
        """

    private static let refused = """
        unshare setns chroot pivot_root mount umount2
        move_mount open_tree fsopen fsconfig fsmount fspick mount_setattr
        ptrace process_vm_readv process_vm_writev pidfd_getfd kcmp
        io_uring_setup io_uring_enter io_uring_register bpf perf_event_open userfaultfd memfd_secret vmsplice
        keyctl add_key request_key
        name_to_handle_at open_by_handle_at fanotify_init fanotify_mark quotactl quotactl_fd lookup_dcookie
        init_module finit_module delete_module create_module query_module get_kernel_syms
        kexec_load kexec_file_load reboot swapon swapoff acct syslog nfsservctl uselib sysfs _sysctl vhangup
        settimeofday clock_settime clock_adjtime adjtimex sethostname setdomainname
        iopl ioperm modify_ldt mbind set_mempolicy migrate_pages move_pages
        """

    /// Their arguments lie in memory, where a filter cannot look; every C library has another way.
    private static let absent = "clone3 openat2"

    /// Calls of Linux 6.5 and later, sorted one by one. Not here, and so absent (`ENOSYS`): `statmount`, `listmount`
    /// and `listns` (callers read /proc/self/mountinfo instead), `lsm_*` (they read /proc/self/attr), `file_setattr`
    /// (they use the ioctl), `uretprobe` and `uprobe` (called by the kernel's own trampolines only).
    private static let newer: [Entry] = [
        Entry("set_mempolicy_home_node", number: 450, .always(.refuse)),
        Entry("cachestat", number: 451, .always(.allow)),
        Entry("fchmodat2", number: 452, plainMode(argument: 2)),
        Entry("map_shadow_stack", number: 453, .always(.allow)),
        Entry("futex_wake", number: 454, .always(.allow)),
        Entry("futex_wait", number: 455, .always(.allow)),
        Entry("futex_requeue", number: 456, .always(.allow)),
        Entry("mseal", number: 462, .always(.allow)),
        Entry("setxattrat", number: 463, .always(.allow)),
        Entry("getxattrat", number: 464, .always(.allow)),
        Entry("listxattrat", number: 465, .always(.allow)),
        Entry("removexattrat", number: 466, .always(.allow)),
        Entry("open_tree_attr", number: 467, .always(.refuse)),
        Entry("file_getattr", number: 468, .always(.allow)),
    ]

    // MARK: Decided by arguments

    /// Namespace flags of clone(2), among them CLONE_NEWTIME, which shares its bit with the exit signal's byte.
    private static let namespaceFlags: UInt64 = 0x7e02_0080

    private static let byArgument: [Entry] = [
        Entry(
            "clone",
            .byArgument(
                0, cases: [.init(mask: namespaceFlags, value: 0, then: .always(.allow))], otherwise: .refuse)),
        Entry("socket", sockets),
        Entry("socketpair", .byArgument(0, cases: [exactly(1, .always(.allow))], otherwise: .fail(.familyNotSupported))),
        Entry("ioctl", ioctls),
        Entry(
            "personality",
            .byArgument(
                0, cases: [0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff].map { exactly($0, .always(.allow)) },
                otherwise: .refuse)),
        Entry("chmod", plainMode(argument: 1)),
        Entry("fchmod", plainMode(argument: 1)),
        Entry("fchmodat", plainMode(argument: 2)),
        Entry("mkdir", plainMode(argument: 1)),
        Entry("mkdirat", plainMode(argument: 2)),
        Entry("creat", plainMode(argument: 1)),
        Entry("open", opening(flags: 1)),
        Entry("openat", opening(flags: 2)),
        Entry("mknod", node(mode: 1)),
        Entry("mknodat", node(mode: 2)),
    ]

    /// The low half of the register is exactly `value`: what the kernel sees of an `int`.
    private static func exactly(_ value: UInt64, _ then: Decision) -> Decision.Case {
        .init(mask: 0xffff_ffff, value: value, then: then)
    }

    /// Families 1 UNIX, 2 INET, 10 INET6, 16 NETLINK (ROUTE only, which has no side effects without capabilities).
    private static let sockets = Decision.byArgument(
        0,
        cases: [
            exactly(1, .always(.allow)),
            exactly(2, internet),
            exactly(10, internet),
            exactly(
                16,
                .byArgument(
                    2, cases: [exactly(0, .always(.allow))], otherwise: .fail(.protocolNotSupported))),
        ], otherwise: .fail(.familyNotSupported))

    /// SOCK_STREAM for TCP, SOCK_DGRAM for UDP; the type's upper bits are SOCK_NONBLOCK and SOCK_CLOEXEC. SOCK_RAW,
    /// SOCK_PACKET and ping sockets (ICMP, ICMPv6 by SOCK_DGRAM) are refused as the kernel would refuse them.
    private static let internet: Decision = {
        func type(_ value: UInt64, _ then: Decision) -> Decision.Case { .init(mask: 0xf, value: value, then: then) }
        let stream = Decision.byArgument(
            2, cases: [0, 6].map { exactly($0, .always(.allow)) }, otherwise: .fail(.protocolNotSupported))
        let datagram = Decision.byArgument(
            2,
            cases: [0, 17].map { exactly($0, .always(.allow)) } + [1, 58].map { exactly($0, .always(.refuse)) },
            otherwise: .fail(.protocolNotSupported))
        return .byArgument(
            1,
            cases: [
                type(1, stream), type(2, datagram), type(3, .always(.refuse)), type(10, .always(.refuse)),
            ], otherwise: .fail(.protocolNotSupported))
    }()

    /// TIOCSTI, TIOCLINUX, TIOCCONS, TIOCSETD, and all of ioctl_console(2): 0x4b00 `K` (keyboard, fonts, colours) and
    /// 0x5600 `V` (virtual terminals). Later users of these letters encode size and direction above them.
    private static let ioctls = Decision.byArgument(
        1,
        cases: [0x5412, 0x541c, 0x541d, 0x5423].map { exactly($0, .always(.refuse)) }
            + [0x4b00, 0x5600].map { .init(mask: 0xffff_ff00, value: $0, then: .always(.refuse)) },
        otherwise: .allow)

    /// S_ISUID | S_ISGID.
    private static let setIdBits: UInt64 = 0o6000

    private static func plainMode(argument: Int) -> Decision {
        .byArgument(
            argument, cases: [.init(mask: setIdBits, value: 0, then: .always(.allow))], otherwise: .refuse)
    }

    /// The mode counts only with O_CREAT or __O_TMPFILE; without them the register holds anything.
    private static func opening(flags: Int) -> Decision {
        .byArgument(
            flags,
            cases: [0o100, 0o2000_0000].map {
                .init(mask: $0, value: $0, then: plainMode(argument: flags + 1))
            }, otherwise: .allow)
    }

    /// Regular files (two spellings), FIFOs and sockets without set-id bits; never devices.
    private static func node(mode: Int) -> Decision {
        .byArgument(
            mode,
            cases: [0, 0o10_0000, 0o01_0000, 0o14_0000].map {
                .init(mask: 0o17_0000 | setIdBits, value: $0, then: .always(.allow))
            }, otherwise: .refuse)
    }
}
