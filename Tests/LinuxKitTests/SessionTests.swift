import Glibc
import Testing

@testable import LinuxKit

/// Starts a program on the streams of a session, without a sandbox.
private func spawn(_ script: String) -> (EntryStreams) throws(EntryError) -> ProcessHandle {
    { (streams) throws(EntryError) in
        guard case .descriptors(let input, let output, let error) = streams else {
            throw EntryError(stage: .program, errno: EINVAL)
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, input, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, error, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK))
        var arguments: [UnsafeMutablePointer<CChar>?] = [strdup("sh"), strdup("-c"), strdup(script), nil]
        defer { arguments.forEach { free($0) } }
        var pid: pid_t = 0
        guard posix_spawn(&pid, "/bin/sh", &actions, &attributes, &arguments, environ) == 0,
            let handle = try? ProcessHandle(pid: pid)
        else { throw EntryError(stage: .program, errno: ENOENT) }
        return handle
    }
}

@Suite("a session", .serialized) struct SessionTests {
    private func run(
        _ script: String, input: Int32? = nil, timeout: Double? = nil, limit: Int = 1 << 22
    ) throws -> (Session.Outcome, [UInt8]) {
        let result = try Session().run(
            input: input, sink: .collected(limit: limit), timeout: timeout, start: spawn(script))
        return (result.outcome, result.output)
    }

    @Test("tells the exit status and the signal") func ends() throws {
        #expect(try run("exit 7").0.end == .exited(7))
        #expect(try run("kill -KILL $$").0.end == .signalled(9))
        #expect(ChildEnd.signalled(9).status == 137)
    }

    @Test("carries a megabyte through, unchanged") func bytes() throws {
        let data = (0..<(1 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let file = try Descriptor.sealed("input", data)
        let (outcome, output) = try run("cat", input: file.number)
        #expect(outcome.end == .exited(0))
        #expect(output == data)
    }

    @Test("gives an empty input where none is wanted") func noInput() throws {
        #expect(try run("cat; echo end").1 == Array("end\n".utf8))
    }

    @Test("keeps what was written before the end, and no more than the limit") func collected() throws {
        #expect(try run("head -c 100000 /dev/zero").1.count == 100_000)
        #expect(try run("head -c 100000 /dev/zero", limit: 1000).1.count == 1000)
    }

    @Test("does not wait for what is left in the background") func background() throws {
        let (outcome, output) = try run("sleep 30 & echo started")
        #expect(outcome.end == .exited(0))
        #expect(output == Array("started\n".utf8))
    }

    @Test("ends a program whose time is up, also one that ignores SIGTERM") func timeout() throws {
        let polite = try run("sleep 30", timeout: 0.1).0
        #expect(polite.timedOut && polite.end == .signalled(15))
        let stubborn = try run("trap '' TERM; sleep 30 & wait; sleep 30", timeout: 0.1).0
        #expect(stubborn.timedOut && stubborn.end == .signalled(9))
    }

    @Test("stops feeding a program that closed its input") func closedInput() throws {
        let file = try Descriptor.sealed("input", [UInt8](repeating: 1, count: 1 << 20))
        signal(SIGPIPE, SIG_IGN)
        #expect(try run("exec <&-; echo done", input: file.number).1 == Array("done\n".utf8))
    }
}
