import Foundation
import Seccomp
import Testing

@Suite("The standard profile")
struct ProfileTests {
    let profile = SeccompProfile.standard

    @Test("names every call once")
    func noDuplicates() throws {
        let names = profile.entries.map(\.syscall)
        #expect(Set(names).count == names.count)
        let reordered = SeccompProfile(
            defaultAction: profile.defaultAction, foreignArchitecture: profile.foreignArchitecture,
            entries: profile.entries.reversed())
        #expect(reordered == profile)
    }

    @Test(
        "allows what ordinary programs and their own sandboxes need",
        arguments: [
            "read", "write", "execve", "futex", "futex_waitv", "rseq", "statx", "close_range", "faccessat2", "seccomp",
            "prctl", "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self", "memfd_create",
            "pidfd_open", "pidfd_send_signal", "process_madvise", "cachestat", "map_shadow_stack", "mseal", "vfork",
            "epoll_pwait2", "copy_file_range", "splice", "setuid", "setgroups", "mlock", "umask", "setxattr",
            "futex_wait", "futex_wake", "futex_requeue", "getrandom", "membarrier", "shmget", "io_setup", "accept4",
        ])
    func allowed(_ name: String) {
        #expect(profile.action(for: name) == .allow)
    }

    @Test(
        "refuses what reaches past the sandbox",
        arguments: [
            "unshare", "setns", "mount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "fsopen",
            "fsmount", "fsconfig", "fspick", "mount_setattr", "open_tree_attr", "io_uring_setup", "io_uring_enter",
            "io_uring_register", "bpf", "perf_event_open", "keyctl", "add_key", "request_key", "userfaultfd", "ptrace",
            "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kcmp", "kexec_load", "kexec_file_load",
            "init_module", "finit_module", "delete_module", "reboot", "swapon", "swapoff", "acct", "settimeofday",
            "clock_settime", "clock_adjtime", "adjtimex", "syslog", "quotactl", "quotactl_fd", "name_to_handle_at",
            "open_by_handle_at", "lookup_dcookie", "iopl", "ioperm", "modify_ldt", "vmsplice", "fanotify_init",
            "mbind", "move_pages", "migrate_pages", "set_mempolicy", "set_mempolicy_home_node", "memfd_secret",
            "sethostname", "setdomainname", "vhangup",
        ])
    func refused(_ name: String) {
        #expect(profile.action(for: name) == .refuse)
    }

    @Test(
        "answers ENOSYS to calls that libraries can do without, and to unknown ones",
        arguments: ["clone3", "openat2", "statmount", "listmount", "lsm_set_self_attr", "file_setattr", "no_such_call"])
    func absent(_ name: String) {
        #expect(profile.action(for: name) == .fail(.noSuchCall))
    }

    @Test("lets clone make threads and processes but no namespace")
    func clone() {
        let thread: UInt64 = 0x3d0f00
        #expect(profile.action(for: "clone", thread) == .allow)
        #expect(profile.action(for: "clone", 0x120_0011) == .allow)
        let bits: [UInt64] = [
            0x80, 0x2_0000, 0x200_0000, 0x400_0000, 0x800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000,
        ]
        for combination in 1..<(1 << bits.count) {
            let flags = bits.indices.reduce(UInt64(0)) { combination >> $1 & 1 == 1 ? $0 | bits[$1] : $0 }
            for other in [0, 17, thread, 1 << 40] as [UInt64] {
                #expect(profile.action(for: "clone", flags | other) == .refuse)
            }
        }
    }

    @Test("opens TCP, UDP, UNIX and route sockets and no others")
    func sockets() {
        func socket(_ family: UInt64, _ type: UInt64, _ proto: UInt64 = 0) -> String {
            profile.action(for: "socket", family, type, proto).description
        }
        for high in [0, 1 << 40, 0xffff_ffff_0000_0000] as [UInt64] {
            for flags in [0, 0o4000, 0o200_0000, 0o200_4000] as [UInt64] {
                #expect(socket(1 | high, 1 | flags) == "allow")
                #expect(socket(1 | high, 5 | flags) == "allow")
                #expect(socket(16 | high, 3 | flags, 0 | high) == "allow")
                for proto in 1...22 as ClosedRange<UInt64> {
                    #expect(socket(16, 3 | flags, proto | high) == "EPROTONOSUPPORT")
                }
                for family in [2, 10] as [UInt64] {
                    #expect(socket(family | high, 1 | flags) == "allow")
                    #expect(socket(family | high, 1 | flags | high, 6 | high) == "allow")
                    #expect(socket(family | high, 2 | flags) == "allow")
                    #expect(socket(family | high, 2 | flags, 17 | high) == "allow")
                    for proto in [132, 33, 262, 17, 136] as [UInt64] {
                        #expect(socket(family, 1 | flags, proto | high) == "EPROTONOSUPPORT")
                    }
                    for proto in [6, 132, 136, 262] as [UInt64] {
                        #expect(socket(family, 2 | flags, proto | high) == "EPROTONOSUPPORT")
                    }
                    for proto in [1, 58] as [UInt64] { #expect(socket(family, 2 | flags, proto | high) == "EPERM") }
                    for proto in [0, 1, 6, 17, 47, 50, 132, 255] as [UInt64] {
                        #expect(socket(family, 3 | flags | high, proto) == "EPERM")
                        #expect(socket(family, 10 | flags | high, proto) == "EPERM")
                    }
                    for type in [0, 4, 5, 6, 15] as [UInt64] {
                        #expect(socket(family, type | flags) == "EPROTONOSUPPORT")
                    }
                }
            }
            for family in (0...63 as ClosedRange<UInt64>) where ![1, 2, 10, 16].contains(family) {
                #expect(socket(family | high, 1) == "EAFNOSUPPORT")
                #expect(profile.action(for: "socketpair", family | high, 1).description == "EAFNOSUPPORT")
            }
            #expect(profile.action(for: "socketpair", 1 | high, 1) == .allow)
        }
    }

    @Test("keeps terminals apart, whatever the upper half of the register holds")
    func ioctls() {
        for high in [0, 1 << 32, 1 << 63, 0xffff_ffff_0000_0000] as [UInt64] {
            for request in [0x5412, 0x541c, 0x541d, 0x5423, 0x4b45, 0x4b3a, 0x4b72, 0x5606] as [UInt64] {
                #expect(profile.action(for: "ioctl", 0, request | high) == .refuse)
            }
            for request in [0x5401, 0x5413, 0x5414, 0x540e, 0x541b, 0x5421, 0x4004_9409, 0x8008_5600] as [UInt64] {
                #expect(profile.action(for: "ioctl", 0, request | high) == .allow)
            }
        }
    }

    @Test("refuses set-user-ID and set-group-ID modes in every call that takes a mode")
    func modes() {
        let position = ["chmod": 1, "fchmod": 1, "fchmodat": 2, "fchmodat2": 2, "mkdir": 1, "mkdirat": 2, "creat": 1]
        for (name, argument) in position {
            for mode in 0...0o7777 as ClosedRange<UInt64> {
                let before = Array(repeating: UInt64.max, count: argument)
                let action = argument == 1
                    ? profile.action(for: name, before[0], mode) : profile.action(for: name, before[0], before[1], mode)
                #expect((action == .allow) == (mode & 0o6000 == 0), "\(name) \(String(mode, radix: 8))")
            }
        }
    }

    @Test("looks at the mode of open only where a file may be made")
    func opening() {
        for (creates, flags) in [(false, 0), (false, 0o2), (false, 0o20_0000), (true, 0o101), (true, 0o2020_0002)] {
            for mode in [0, 0o644, 0o4755, 0o2755, .max] as [UInt64] {
                let expected: FilterAction = creates && mode & 0o6000 != 0 ? .refuse : .allow
                #expect(profile.action(for: "open", 0, UInt64(flags), mode) == expected)
                #expect(profile.action(for: "openat", 0, 0, UInt64(flags), mode) == expected)
            }
        }
    }

    @Test("makes files, FIFOs and sockets but no devices")
    func nodes() {
        for type in 0...15 as ClosedRange<UInt64> {
            for bits in [0, 0o644, 0o4755, 0o2755, 0o1777] as [UInt64] {
                let expected: FilterAction = [0, 1, 8, 12].contains(type) && bits & 0o6000 == 0 ? .allow : .refuse
                #expect(profile.action(for: "mknod", 0, type << 12 | bits) == expected)
                #expect(profile.action(for: "mknodat", 0, 0, type << 12 | bits) == expected)
            }
        }
    }

    @Test("allows five personalities")
    func personality() {
        for value in [0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff, .max] as [UInt64] {
            #expect(profile.action(for: "personality", value) == .allow)
        }
        for value in [0x40_0000, 0x4_0000, 0x1, 0x6, 0x42_0008] as [UInt64] {
            #expect(profile.action(for: "personality", value) == .refuse)
        }
    }

    @Test("prints the same text and JSON every time, with each rule in it")
    func printing() throws {
        #expect(profile.description == SeccompProfile.standard.description)
        #expect(profile.description.contains("\nclone [arg0 & 0x7e020080 == 0x0] allow\nclone [arg0 any] EPERM\n"))
        #expect(profile.description.hasPrefix("default ENOSYS\nforeign-architecture kill\n"))
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let json = try encoder.encode(profile.rules)
        #expect(try JSONDecoder().decode([FilterRule].self, from: json) == profile.rules)
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode([FilterAction].self, from: Data(#"["EVERYTHING"]"#.utf8))
        }
    }
}
