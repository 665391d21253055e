import Foundation
import Seccomp
import Testing

@Suite("The kernel under the standard filter", .serialized)
struct KernelTests {
    private let probe: Probe
    private let bytes: [UInt8]

    init() throws {
        probe = try Probe()
        bytes = try SeccompProfile.standard.compile().bytes
    }

    private static let refused = [
        "unshare uts", "setns", "mount", "chroot", "open_tree", "fsopen", "io_uring_setup", "bpf", "perf_event_open",
        "keyctl", "userfaultfd", "ptrace", "process_vm_readv", "vmsplice", "sethostname", "fanotify_init",
        "set_mempolicy", "clone newuts", "clone newuts, high", "raw", "raw, high", "chmod 4755", "fchmod 2755, high",
        "fchmodat 4755", "openat O_CREAT 4755", "mknodat device", "TIOCSTI", "TIOCSTI, high", "personality",
    ]
    private static let allowed = [
        "chmod 755", "mkdirat", "mknodat fifo", "openat, mode is garbage", "tcp", "unix, high", "route", "socketpair",
        "memfd_create", "pidfd_open", "getrandom", "personality query", "thread", "own filter",
    ]

    @Test("refuses, and without the filter answers otherwise", .enabled(if: getuid() == 0, "the control needs root"))
    func refusals() throws {
        let filtered = try probe.calls(under: bytes)
        let control = try probe.calls(under: nil)
        for name in Self.refused {
            #expect(filtered[name] == "1", "\(name)")
            #expect(control[name] != nil && control[name] != "1", "control of \(name)")
        }
        for (name, errno) in [("packet", "97"), ("nfnetlink", "93"), ("clone3", "38"), ("openat2", "38")] {
            #expect(filtered[name] == errno, "\(name)")
            #expect(control[name] != nil && control[name] != errno, "control of \(name)")
        }
    }

    @Test("lets through what programs need, and filters of their own")
    func allowances() throws {
        let filtered = try probe.calls(under: bytes)
        for name in Self.allowed { #expect(filtered[name] == "ok", "\(name)") }
        #expect(filtered["number 600"] == "38")
    }

    #if arch(x86_64)
        @Test("kills calls of foreign architectures")
        func foreign() throws {
            let filtered = try probe.calls(under: bytes)
            let control = try probe.calls(under: nil)
            for name in ["x32 getpid", "i386 getpid"] {
                #expect(filtered[name] == "signal 31", "\(name)")
                #expect(control[name] != nil && control[name] != "signal 31", "control of \(name)")
            }
        }
    #endif

    @Test("leaves no set-user-ID file, whichever tool tries", .enabled(if: getuid() == 0))
    func noSetUid() throws {
        let script = """
            cp /bin/true a; chmod 4755 a || true; install -m 4755 /bin/true b || true
            cp /bin/true c; python3 -c 'import os; os.chmod("c", 0o6755)' || true
            find . -perm /6000
            """
        #expect(!(try probe.shell(under: bytes, script)).output.contains("\n./"))
        let control = try probe.shell(under: nil, script)
        #expect(control.output.split(separator: "\n").filter { $0.hasPrefix("./") }.count == 3)
    }

    @Test(
        "runs real programs",
        arguments: [
            (
                "python3",
                """
                python3 -c 'import threading, subprocess as s; t = threading.Thread(target=s.run, args=(["true"],))
                t.start(); t.join(); print(42)'
                """
            ),
            (
                "python3",
                """
                python3 -c 'import asyncio, sqlite3; sqlite3.connect("a.db").execute("create table t(a)")
                asyncio.run(asyncio.sleep(0)); print(42)'
                """
            ),
            (
                "git",
                """
                git init -q . && echo hello > file && git add file
                git -c user.name=a -c user.email=a@example.org commit -qm first && git gc -q && git clone -q . copy
                git -C copy log --format=%s | grep -qx first && echo 42
                """
            ),
            (
                "make",
                """
                echo 'int main(void) { return 0; }' > a.c; printf 'a: a.c\\n\\tgcc -O2 -o a a.c\\n' > Makefile
                make -s -j2 && ./a && echo 42
                """
            ),
            (
                "node",
                """
                node -e 'require("zlib").gzip("x", () => require("fs").promises.readFile("/etc/passwd")
                    .then(() => console.log(42)))'
                """
            ),
            ("tar", "mkdir d && touch d/f && tar cf d.tar d && tar xpf d.tar && test -s d.tar && echo 42"),
            ("bash", "bash -c 'exec {fd}<> <(echo 42); read -u $fd line; echo $line'"),
            ("swiftc", "echo 'print(6 * 7)' > main.swift && swiftc main.swift -o a && ./a"),
        ])
    func programs(_ tool: String, _ script: String) throws {
        guard try probe.shell(under: nil, "command -v \(tool)").status == 0 else {
            try Test.cancel("\(tool) is not installed")
        }
        let result = try probe.shell(under: bytes, script)
        #expect(result.status == 0, "\(result.output)")
        #expect(result.output.hasSuffix("42\n"), "\(result.output)")
    }
}
