import Seccomp
import Testing

/// SECCOMP_RET_*, written out once more so that the tests do not believe the product.
private let allow: UInt32 = 0x7fff_0000
private let kill: UInt32 = 0x8000_0000
private func errno(_ number: UInt32) -> UInt32 { 0x0005_0000 | number }

private let x86: UInt32 = 0xc000_003e
private let arm64: UInt32 = 0xc000_00b7

@Suite("The compiled program")
struct CompilerTests {
    private func program(_ architecture: SeccompProfile.Architecture) throws -> CompiledFilter {
        try SeccompProfile.standard.compile(for: architecture)
    }

    @Test("is the same each time and fits the kernel")
    func deterministic() throws {
        let first = try SeccompProfile.standard.compile()
        let second = try SeccompProfile.standard.compile()
        #expect(first.bytes == second.bytes)
        #expect(first.digest == second.digest && first.digest.count == 16)
        #expect(first.instructionCount > 300 && first.instructionCount < 1500)
        #expect(first.bytes.count % 8 == 0)
    }

    @Test("differs when one rule differs")
    func digestTells() throws {
        let other = SeccompProfile(
            defaultAction: .fail(.noSuchCall), foreignArchitecture: .kill,
            entries: SeccompProfile.standard.entries + [.init("ptrace", .always(.allow))])
        #expect(try other.compile().digest != SeccompProfile.standard.compile().digest)
    }

    @Test("kills foreign architectures and x32 numbers, whatever the number")
    func foreign() throws {
        let none = [UInt64](repeating: 0, count: 6)
        for (own, token) in [(SeccompProfile.Architecture.x86_64, x86), (.aarch64, arm64)] {
            let filter = try program(own)
            for other in [0x4000_0003, 0x4000_0028, x86, arm64, 0, 0x8000_0015, .max] as [UInt32] where other != token {
                for number in 0...600 as ClosedRange<UInt32> {
                    #expect(filter.evaluate(architecture: other, number: number, arguments: none) == kill)
                }
            }
        }
        let filter = try program(.x86_64)
        for number in 0...600 as ClosedRange<UInt32> {
            #expect(filter.evaluate(architecture: x86, number: 0x4000_0000 | number, arguments: none) == kill)
            #expect(filter.evaluate(architecture: x86, number: 0x8000_0000 | number, arguments: none) == kill)
        }
    }

    @Test("answers ENOSYS to numbers nobody knows")
    func unknown() throws {
        for (own, token) in [(SeccompProfile.Architecture.x86_64, x86), (.aarch64, arm64)] {
            let filter = try program(own)
            for number in [UInt32](471...4096) + [244 + 0x1000, .max, 0x3fff_ffff] {
                #expect(
                    filter.evaluate(
                        architecture: token, number: number, arguments: [UInt64](repeating: .max, count: 6))
                        == errno(38))
            }
        }
    }

    @Test("decides known numbers of x86_64 as a table written by hand says")
    func table() throws {
        let filter = try program(.x86_64)
        let high: UInt64 = 0xdead_beef_0000_0000
        let cases: [(String, UInt32, [UInt64], UInt32)] = [
            ("read", 0, [], allow), ("execve", 59, [], allow), ("seccomp", 317, [], allow),
            ("landlock_create_ruleset", 444, [], allow), ("mseal", 462, [], allow), ("futex_wait", 455, [], allow),
            ("clone3", 435, [], errno(38)), ("openat2", 437, [], errno(38)), ("statmount", 457, [], errno(38)),
            ("unshare", 272, [], errno(1)), ("setns", 308, [], errno(1)), ("mount", 165, [], errno(1)),
            ("io_uring_setup", 425, [], errno(1)), ("bpf", 321, [], errno(1)), ("keyctl", 250, [], errno(1)),
            ("ptrace", 101, [], errno(1)), ("open_tree_attr", 467, [], errno(1)), ("chroot", 161, [], errno(1)),
            ("clone thread", 56, [0x3d0f00], allow), ("clone thread, high bits", 56, [high | 0x3d0f00], allow),
            ("clone newuser", 56, [0x1000_0011], errno(1)), ("clone newtime", 56, [0x91], errno(1)),
            ("clone newuser, high bits", 56, [high | 0x1000_0011], errno(1)),
            ("AF_ALG", 41, [38, 5, 0], errno(97)), ("AF_ALG, high bits", 41, [1 << 40 | 38, 5, 0], errno(97)),
            ("AF_VSOCK", 41, [40, 1, 0], errno(97)), ("AF_PACKET", 41, [17, 3, 0], errno(97)),
            ("TCP", 41, [2, 1 | 0o200_4000, 6], allow), ("TCP, high bits", 41, [high | 2, high | 1, high | 6], allow),
            ("MPTCP", 41, [2, 1, 262], errno(93)), ("SCTP", 41, [10, 1, 132], errno(93)),
            ("SCTP seqpacket", 41, [10, 5, 132], errno(93)), ("UDP-Lite", 41, [2, 2, 136], errno(93)),
            ("raw", 41, [2, 3, 255], errno(1)), ("raw, high bits", 41, [high | 2, high | 3, high | 1], errno(1)),
            ("ping", 41, [2, 2, 1], errno(1)), ("ping6", 41, [10, 2, 58], errno(1)),
            ("route", 41, [16, 3, 0], allow), ("nftables", 41, [16, 3, 12], errno(93)),
            ("TIOCSTI", 16, [0, 0x5412], errno(1)), ("TIOCSTI, high bits", 16, [0, 1 << 32 | 0x5412], errno(1)),
            ("TIOCGWINSZ", 16, [0, 0x5413], allow), ("KDSKBMODE", 16, [0, high | 0x4b45], errno(1)),
            ("chmod 755", 90, [0, 0o755], allow), ("chmod 4755", 90, [0, high | 0o4755], errno(1)),
            ("fchmodat2 2755", 452, [0, 0, 0o2755], errno(1)), ("fchmodat2 755", 452, [0, 0, 0o755, 0x100], allow),
            ("open, mode is garbage", 2, [0, 0, .max], allow), ("open O_CREAT 4644", 2, [0, 0x41, 0o4644], errno(1)),
            ("openat O_TMPFILE 2644", 257, [0, 0, 0x41_0002, 0o2644], errno(1)),
            ("openat O_CREAT 644", 257, [0, 0, 0x41, 0o644], allow),
            ("mknod fifo", 133, [0, 0o01_0644], allow), ("mknod char", 133, [0, 0o02_0644], errno(1)),
            ("mknod block, setuid", 133, [0, 0o06_4644], errno(1)),
            ("personality query", 135, [0xffff_ffff], allow), ("personality -1", 135, [.max], allow),
            ("no randomisation", 135, [0x4_0000], errno(1)), ("read implies exec", 135, [0x40_0000], errno(1)),
        ]
        for (name, number, arguments, expected) in cases {
            let padded = arguments + [UInt64](repeating: 0, count: 6 - arguments.count)
            #expect(filter.evaluate(architecture: x86, number: number, arguments: padded) == expected, "\(name)")
        }
    }

    @Test("decides known numbers of aarch64 as a table written by hand says")
    func tableForArm() throws {
        let filter = try program(.aarch64)
        let cases: [(String, UInt32, [UInt64], UInt32)] = [
            ("read", 63, [], allow), ("execve", 221, [], allow), ("seccomp", 277, [], allow),
            ("clone3", 435, [], errno(38)), ("clone thread", 220, [0x3d0f00], allow),
            ("clone newnet", 220, [0x4000_0011], errno(1)), ("AF_ALG", 198, [1 << 40 | 38, 5, 0], errno(97)),
            ("TCP", 198, [2, 1, 0], allow), ("TIOCSTI", 29, [0, 1 << 32 | 0x5412], errno(1)),
            ("fchmodat 4755", 53, [0, 0, 0o4755], errno(1)), ("openat O_CREAT 4644", 56, [0, 0, 0x41, 0o4644], errno(1)),
            ("ptrace", 117, [], errno(1)), ("unshare", 97, [], errno(1)), ("mount", 40, [], errno(1)),
            ("244, a hole", 244, [], errno(38)),
        ]
        for (name, number, arguments, expected) in cases {
            let padded = arguments + [UInt64](repeating: 0, count: 6 - arguments.count)
            #expect(filter.evaluate(architecture: arm64, number: number, arguments: padded) == expected, "\(name)")
        }
    }

    @Test("agrees with the profile on random arguments of every call")
    func random() throws {
        let filter = try SeccompProfile.standard.compile()
        let token = try #require(SeccompProfile.Architecture.native).token
        var generator = SystemRandomNumberGenerator()
        let numbers: [(String, UInt32)] =
            token == x86
            ? [
                ("clone", 56), ("socket", 41), ("socketpair", 53), ("ioctl", 16), ("personality", 135), ("chmod", 90),
                ("open", 2), ("openat", 257), ("mknod", 133), ("mknodat", 259), ("mkdir", 83), ("fchmodat2", 452),
            ]
            : [("clone", 220), ("socket", 198), ("socketpair", 199), ("ioctl", 29), ("openat", 56), ("mknodat", 33)]
        for (name, number) in numbers {
            for _ in 0..<2000 {
                let arguments = (0..<6).map { _ -> UInt64 in
                    let bits = UInt64.random(in: 0...63, using: &generator)
                    return UInt64.random(in: 0...UInt64.max, using: &generator) >> bits
                }
                let expected = SeccompProfile.standard.action(
                    for: name, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5])
                #expect(
                    filter.evaluate(architecture: token, number: number, arguments: arguments) == expected.code,
                    "\(name) \(arguments)")
            }
        }
    }

    @Test("is refused for a name that no architecture has")
    func typo() {
        let profile = SeccompProfile(
            defaultAction: .fail(.noSuchCall), foreignArchitecture: .kill, entries: [.init("opne", .always(.allow))])
        #expect(throws: SeccompError(operation: "seccomp_syscall_resolve_name", errno: 22, syscall: "opne")) {
            try profile.compile()
        }
    }

    @Test("is not handed out when it does not do what the profile says")
    func contradiction() {
        // The first case of the profile is the wider one; libseccomp tries the narrower one first.
        let profile = SeccompProfile(
            defaultAction: .fail(.noSuchCall), foreignArchitecture: .kill,
            entries: [
                .init(
                    "close",
                    .byArgument(
                        0,
                        cases: [
                            .init(mask: 0x1, value: 0x1, then: .always(.allow)),
                            .init(mask: 0x3, value: 0x3, then: .always(.refuse)),
                        ], otherwise: .fail(.protocolNotSupported)))
            ])
        #expect(throws: SeccompError.self) { try profile.compile() }
    }

    @Test("of bytes that are no filter has no answer")
    func broken() {
        let none = [UInt64](repeating: 0, count: 6)
        #expect(CompiledFilter(bytes: []).evaluate(architecture: x86, number: 0, arguments: none) == nil)
        for bytes: [UInt8] in [
            [0x20, 0, 0, 0, 1, 0, 0, 0], [0x20, 0, 0, 0, 64, 0, 0, 0], [0xff, 0, 0, 0, 0, 0, 0, 0],
            [0x05, 0, 0, 0, 0xff, 0xff, 0xff, 0xff], [0x06, 0, 0],
        ] {
            #expect(CompiledFilter(bytes: bytes).evaluate(architecture: x86, number: 0, arguments: none) == nil)
        }
    }

    @Test("is made in a time that does not delay a sandbox")
    func fast() throws {
        let clock = ContinuousClock()
        let best = try (0..<5).map { _ in try clock.measure { _ = try SeccompProfile.standard.compile() } }.min()
        print("seccomp: \(try SeccompProfile.standard.compile().instructionCount) instructions, compiled in \(best!)")
        #expect(try #require(best) < .milliseconds(100))
    }
}
