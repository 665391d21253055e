import Foundation
import SandboxEngine
import SandboxModel
import Testing

@testable import NspawnBackend

/// Places of one test.
final class Scratch {
    let directory: String
    let paths: HostPaths
    let store: FileRecordStore

    init() throws {
        directory =
            FileManager.default.temporaryDirectory.resolvingSymlinksInPath().path + "/store-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        paths = HostPaths(state: "\(directory)/state", runtime: "\(directory)/run")
        store = FileRecordStore(paths: paths)
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    func write(_ bytes: [UInt8]) throws {
        try FileManager.default.createDirectory(atPath: "\(paths.state)/demo", withIntermediateDirectories: true)
        try Data(bytes).write(to: URL(filePath: "\(paths.state)/demo/sandbox.json"))
    }
}

@Suite("records as files") struct StoreTests {
    @Test("come back as they were saved") func roundTrip() throws {
        let scratch = try Scratch()
        let saved = try record(
            Template(
                limits: ResourceLimits(memory: ByteSize(bytes: 5)),
                secrets: [Secret(name: "s", source: .credential("c"), exposure: .environment(variable: "V"))]))
        try scratch.store.save(saved)
        #expect(try scratch.store.load(saved.name) == saved)
        #expect(try scratch.store.names() == [saved.name])
        try scratch.store.remove(saved.name)
        #expect(try scratch.store.load(saved.name) == nil)
        #expect(try scratch.store.names() == [])
    }

    @Test(
        "F25: one that is damaged is an error of its own",
        arguments: [
            "", "{", "\0\0\0\0", "[]", "null", "{\"version\": \"1\"}", "{\"version\": 1}",
            "{\"version\": 1, \"name\": 5}",
            String(repeating: "{", count: 5000),
        ])
    func damaged(text: String) throws {
        let scratch = try Scratch()
        try scratch.write(Array(text.utf8))
        let name = try SandboxName("demo")
        #expect(throws: SandboxError.self) { try scratch.store.load(name) }
        #expect(try scratch.store.names() == [name])
        try scratch.store.remove(name)
    }

    @Test("F25: a newer version, a foreign name, foreign ids and 2 MiB are refused") func refused() throws {
        let scratch = try Scratch()
        var other = try record()
        other.version = 99
        let name = try SandboxName("demo")
        func file(_ record: SandboxRecord) throws { try scratch.write(Array(JSONEncoder().encode(record))) }
        try file(other)
        #expect { try scratch.store.load(name) } throws: { "\($0)".contains("version 99") }
        other = try record()
        other.name = try SandboxName("other")
        try file(other)
        #expect(throws: SandboxError.self) { try scratch.store.load(name) }
        other = try record()
        for base in [1, 0x4000_0001, 0x5000_0000, UInt32.max] as [UInt32] {
            other.uidBase = base
            try file(other)
            #expect(throws: SandboxError.self) { try scratch.store.load(name) }
        }
        try scratch.write([UInt8](repeating: 0x20, count: 2 << 20))
        #expect(throws: SandboxError.self) { try scratch.store.load(name) }
    }

    @Test("a link or a pipe in a record's place is neither followed nor waited for") func special() throws {
        let scratch = try Scratch()
        let name = try SandboxName("demo")
        try scratch.write([])
        let path = "\(scratch.paths.state)/demo/sandbox.json"
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "/etc/passwd")
        #expect(throws: SandboxError.self) { try scratch.store.load(name) }
        try FileManager.default.removeItem(atPath: path)
        #expect(mkfifo(path, 0o600) == 0)
        #expect(throws: SandboxError.self) { try scratch.store.load(name) }
    }

    @Test("gives every name a range of its own, and the same name the same") func ranges() throws {
        let scratch = try Scratch()
        var bases: Set<UInt32> = []
        for number in 0..<300 {
            let base = try scratch.store.claimRange(try SandboxName("n\(number)"))
            #expect(UIDRange.isValid(base))
            bases.insert(base)
        }
        #expect(bases.count == 300)
        let name = try SandboxName("n7")
        let base = try scratch.store.claimRange(name)
        #expect(bases.contains(base))
        try scratch.store.releaseRange(name)
        #expect(try !scratch.store.claimants().contains("n7"))
        #expect(try scratch.store.claimants().count == 299)
    }

    @Test("F22: says so when every range is taken") func exhausted() throws {
        let scratch = try Scratch()
        try FileManager.default.createDirectory(
            atPath: "\(scratch.paths.state)/.ranges", withIntermediateDirectories: true)
        for slot in 0..<UIDRange.count {
            try FileManager.default.createSymbolicLink(
                atPath: "\(scratch.paths.state)/.ranges/\(slot)", withDestinationPath: "taken")
        }
        #expect { try scratch.store.claimRange(try SandboxName("demo")) } throws: { "\($0)".contains("in use") }
    }

    @Test("a lock is held once, and free when its holder lets go") func locks() throws {
        let scratch = try Scratch()
        let name = try SandboxName("demo")
        var lock: (any SandboxLock)? = try scratch.store.lock(name, wait: false)
        #expect(scratch.store.isLocked(name))
        #expect(throws: SandboxError.self) { try scratch.store.lock(name, wait: false) }
        withExtendedLifetime(lock) {}
        lock = nil
        #expect(!scratch.store.isLocked(name))
    }
}

@Suite("sources of secrets") struct CredentialTests {
    private func find(_ path: String) throws -> CredentialSource {
        try CredentialSource.find(Secret(name: "s", source: .file(path), exposure: .file))
    }

    @Test("CRD-15: only a regular file of a sensible size is one") func sources() throws {
        let scratch = try Scratch()
        let path = "\(scratch.directory)/secret"
        #expect { try find(path) } throws: { "\($0)".contains("does not exist") }
        try Data("value\n".utf8).write(to: URL(filePath: path))
        #expect(try find(path).path == path)
        try FileManager.default.createSymbolicLink(atPath: "\(path).link", withDestinationPath: path)
        #expect(throws: SandboxError.self) { try find("\(path).link") }
        #expect(mkfifo("\(path).pipe", 0o600) == 0)
        #expect { try find("\(path).pipe") } throws: { "\($0)".contains("not a regular file") }
        #expect { try find(scratch.directory) } throws: { "\($0)".contains("not a regular file") }
        try Data().write(to: URL(filePath: path))
        #expect { try find(path) } throws: { "\($0)".contains("is empty") }
        try Data(count: 65537).write(to: URL(filePath: path))
        #expect { try find(path) } throws: { "\($0)".contains("at most 65536") }
    }
}

@Suite("the stream of cp") struct CopyFrameTests {
    @Test("a header comes back as it was written") func roundTrip() throws {
        let frame = CopyFrame(kind: .file, mode: 0o755, path: "a/b", size: 1 << 40)
        let (parsed, length) = try CopyFrame.parse(header: frame.header)
        #expect(length == 3)
        #expect(parsed == CopyFrame(kind: .file, mode: 0o755, size: 1 << 40))
    }

    @Test("set-id bits never survive") func setID() throws {
        #expect(try CopyFrame.parse(header: CopyFrame(kind: .file, mode: 0o6777).header).frame.mode == 0o777)
    }

    @Test(
        "WSP-01: a path that could lead out is a violation",
        arguments: [
            "/etc/passwd", "..", "a/../b", "a//b", "a/", "./a", ".", "a/..", "a\0b",
            String(repeating: "x/", count: 200) + "x",
        ])
    func paths(path: String) {
        #expect(throws: CopyFrame.Violation.self) { try CopyFrame.check(path: Array(path.utf8)) }
    }

    @Test("ordinary names pass, odd ones too") func names() throws {
        for path in ["", "a", "a/b", "-rf", "...", "a b", "ü"] {
            #expect(try CopyFrame.check(path: Array(path.utf8)) == path)
        }
        #expect(throws: CopyFrame.Violation.self) { try CopyFrame.check(path: [0xff, 0xfe]) }
    }

    @Test("damaged headers are refused or bounded, never trusted") func damaged() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...30, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            guard let (frame, length) = try? CopyFrame.parse(header: bytes) else { continue }
            #expect(length <= CopyFrame.maximumPath && frame.mode <= 0o777)
            #expect(frame.kind == .file || frame.size <= CopyFrame.maximumText)
        }
    }
}

@Suite("doctor") struct DoctorTests {
    @Test("finds nothing on a host that has all") func healthy() {
        var facts = HostFacts()
        facts.systemd = "257.13"
        facts.kernel = "6.1.0"
        facts.idmapFailures = ["/usr": nil, "/var/lib": nil]
        facts.seccompActions = ["errno", "kill_process"]
        #expect(facts.findings.filter { $0.level != .ok } == [])
    }

    @Test("finds each thing that is missing, and says how to mend it") func missing() throws {
        let changes: [(String, (inout HostFacts) -> Void)] = [
            ("user", { $0.isRoot = false }), ("systemd", { $0.systemd = "251" }), ("systemd", { $0.systemd = nil }),
            ("machined", { $0.machinedAnswers = false }), ("cgroups", { $0.hasUnifiedCgroups = false }),
            ("cgroup controller memory", { $0.controllers.remove("memory") }), ("kernel", { $0.kernel = "5.10.0" }),
            ("user namespaces", { $0.userNamespaces = 0 }),
            ("id-mapped mounts on /srv", { $0.idmapFailures["/srv"] = "no" }),
            ("seccomp", { $0.seccompActions = ["errno"] }), ("programs", { $0.missingPrograms = ["/x"] }),
            ("programs", { $0.writablePrograms = ["/x"] }),
        ]
        for (check, change) in changes {
            var facts = HostFacts()
            facts.systemd = "257.13"
            facts.kernel = "6.1.0"
            facts.seccompActions = ["errno", "kill_process"]
            change(&facts)
            let bad = facts.findings.filter { $0.level != .ok }
            #expect(bad.map(\.check) == [check])
            #expect(bad.first?.level == .problem && bad.first?.mend != nil)
        }
    }

    @Test("a missing controller that the administrator accepted is only a warning") func accepted() {
        var facts = HostFacts()
        facts.controllers = []
        facts.acceptsUnenforcedLimits = true
        #expect(facts.findings.filter { $0.check.hasPrefix("cgroup controller") }.allSatisfy { $0.level == .warning })
    }
}
