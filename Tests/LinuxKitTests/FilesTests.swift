import Foundation
import Testing

@testable import LinuxKit

/// A directory of one test.
final class Scratch {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.resolvingSymlinksInPath().path + "/linuxkit-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ name: String, _ text: String) throws {
        try Data(text.utf8).write(to: URL(filePath: "\(path)/\(name)"))
    }
    func read(_ name: String) -> String? { try? String(contentsOfFile: "\(path)/\(name)", encoding: .utf8) }
    func exists(_ name: String) -> Bool {
        (try? FileManager.default.attributesOfItem(atPath: "\(path)/\(name)")) != nil
    }
}

/// Tests of system calls that only root may make.
let isRoot = geteuid() == 0

@Suite("files") struct FilesTests {
    @Test("links are refused on the way and at the end; the control follows them") func links() throws {
        let scratch = try Scratch()
        try FileManager.default.createDirectory(atPath: "\(scratch.path)/real", withIntermediateDirectories: true)
        try scratch.write("real/file", "canary")
        try FileManager.default.createSymbolicLink(atPath: "\(scratch.path)/dir", withDestinationPath: "real")
        try FileManager.default.createSymbolicLink(atPath: "\(scratch.path)/end", withDestinationPath: "real/file")
        for name in ["dir/file", "end"] {
            #expect(throws: SystemError.self) { _ = try Files.open(noLinks: "\(scratch.path)/\(name)", .read) }
            let top = try Files.open(noLinks: scratch.path, .directory)
            #expect(throws: SystemError.self) { _ = try Files.open(name, beneath: top, .read) }
            #expect(
                try Files.open(following: "\(scratch.path)/\(name)", .read).readAll(limit: 99) == Array("canary".utf8))
        }
    }

    @Test("nothing above a directory can be reached beneath it", arguments: ["..", "../x", "/etc/passwd", "a/../../x"])
    func beneath(name: String) throws {
        let scratch = try Scratch()
        try FileManager.default.createDirectory(atPath: "\(scratch.path)/a", withIntermediateDirectories: true)
        let top = try Files.open(noLinks: "\(scratch.path)/a", .directory)
        #expect(throws: SystemError.self) { _ = try Files.open(name, beneath: top, .reference) }
    }

    @Test("reading stops at its limit with an error, not with a part") func limit() throws {
        let scratch = try Scratch()
        try scratch.write("f", "12345")
        #expect(try Files.open(noLinks: "\(scratch.path)/f", .read).readAll(limit: 5).count == 5)
        #expect(throws: SystemError("read", errno: EFBIG)) {
            _ = try Files.open(noLinks: "\(scratch.path)/f", .read).readAll(limit: 4)
        }
    }

    @Test("a replaced file is the old or the new one, and no temporary file stays") func replace() throws {
        let scratch = try Scratch()
        let top = try Files.open(noLinks: scratch.path, .directory)
        try Files.replace("f", in: top, with: Array("one".utf8))
        try Files.replace("f", in: top, with: Array("two".utf8), durable: false)
        #expect(scratch.read("f") == "two")
        #expect(try Files.list(top) == ["f"])
        // A link in its place is replaced, not written through.
        try scratch.write("other", "canary")
        try Files.remove("f", beneath: top)
        try Files.makeLink("f", to: "other", beneath: top)
        try Files.replace("f", in: top, with: Array("three".utf8))
        #expect(scratch.read("other") == "canary")
    }

    @Test("WSP-04: removing a tree follows no link, whatever names and depth are in it") func removeTree() throws {
        let scratch = try Scratch()
        try scratch.write("canary", "alive")
        try FileManager.default.createDirectory(atPath: "\(scratch.path)/t/a/b", withIntermediateDirectories: true)
        for name in ["-rf", ".t.1.removing", "a b", "ü"] { try scratch.write("t/\(name)", "") }
        try FileManager.default.createSymbolicLink(
            atPath: "\(scratch.path)/t/a/link", withDestinationPath: scratch.path)
        try FileManager.default.createSymbolicLink(
            atPath: "\(scratch.path)/t/a/b/up", withDestinationPath: "../../../canary")
        #expect(creat("\(scratch.path)/t/a/\u{1}", 0o600) >= 0)
        let raw: [CChar] = Array("\(scratch.path)/t/a/".utf8CString.dropLast()) + [-1, -2, 0]
        #expect(mkdir(raw, 0o700) == 0)
        let top = try Files.open(noLinks: scratch.path, .directory)
        try Files.removeTree("t", beneath: top)
        #expect(try Files.list(top) == ["canary"])
        #expect(scratch.read("canary") == "alive")
        try Files.removeTree("t", beneath: top)
    }

    @Test("a tree of 5,000 levels is removed without 5,000 descriptors") func deep() throws {
        let scratch = try Scratch()
        let top = try Files.open(noLinks: scratch.path, .directory)
        var current = try Files.open(noLinks: scratch.path, .directory)
        for _ in 0..<5000 {
            try Files.makeDirectory("d", beneath: current, mode: 0o700)
            current = try Files.open("d", beneath: current, .directory)
        }
        try Files.removeTree("d", beneath: top)
        #expect(try Files.list(top) == [])
    }

    @Test("a lock is held once, also against another descriptor of this process, and survives its file's removal")
    func locks() throws {
        let scratch = try Scratch()
        let path = "\(scratch.path)/lock"
        var first = try FileLock.take(path, wait: false)
        let hasFirst = isHeld(&first)
        #expect(hasFirst)
        var second = try FileLock.take(path, wait: false)
        let hasSecond = isHeld(&second)
        #expect(!hasSecond)
        first = nil
        var third = try FileLock.take(path, wait: false)
        let hasThird = isHeld(&third)
        #expect(hasThird)
        try FileManager.default.removeItem(atPath: path)
        // Another file of the name is another lock.
        var fourth = try FileLock.take(path, wait: false)
        let hasFourth = isHeld(&fourth)
        #expect(hasFourth)
    }

    private func isHeld(_ lock: inout FileLock?) -> Bool {
        switch lock {
        case .some: true
        case .none: false
        }
    }

    @Test("a sealed file cannot be changed any more") func sealed() throws {
        let file = try Descriptor.sealed("t", [1, 2, 3])
        #expect(try file.readAll(limit: 9) == [1, 2, 3])
        #expect(throws: SystemError.self) { try file.write([4]) }
    }
}

@Suite("what the kernel says") struct ProcTests {
    @Test("a line of mountinfo is read with its escapes") func mountinfo() throws {
        let entry = try #require(
            MountEntry("36 35 98:0 /a\\040b /mnt/x\\011y rw,noatime master:1 shared:2 - ext3 /dev/root rw"))
        #expect(entry.id == 36 && entry.root == "/a b" && entry.target == "/mnt/x\ty" && entry.type == "ext3")
        #expect(entry.options == ["rw", "noatime"] && entry.propagation == ["master:1", "shared:2"])
    }

    @Test("other lines are none", arguments: ["", "-", "1 2 3", "x 35 98:0 / / rw - ext3 a b", "1 2 3 4 5 6 7 8 9 10"])
    func nonsense(line: String) {
        #expect(MountEntry(line) == nil)
    }

    @Test("damaged lines end nothing") func damaged() {
        let line = Array("36 35 98:0 /a\\040b /mnt rw,noatime master:1 - ext3 /dev/root rw".utf8)
        var random = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            var copy = line
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                copy[Int.random(in: 0..<copy.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            _ = MountEntry(String(decoding: copy, as: UTF8.self))
        }
    }

    @Test("a process is the one that started when it did") func handles() throws {
        let own = ProcessHandle.ownPID
        let start = ProcessHandle.startTime(of: own)
        #expect(start > 0)
        _ = try ProcessHandle(pid: own, startTime: start)
        #expect(throws: SystemError.self) { _ = try ProcessHandle(pid: own, startTime: start + 1) }
        #expect(ProcessHandle.startTime(of: 0) == 0)
    }
}

@Suite("mounts and namespaces", .enabled(if: isRoot, "only root may make them")) struct NamespaceTests {
    @Test("a new network namespace has a loopback device and nothing else") func network() throws {
        let namespace = try Namespaces.network()
        let output = try run(
            "/usr/bin/nsenter", "--net=/proc/\(ProcessHandle.ownPID)/fd/\(namespace.number)", "cat", "/proc/net/dev")
        let devices = output.split(separator: "\n").dropFirst(2).map {
            $0.split(separator: ":")[0].filter { $0 != " " }
        }
        #expect(devices == ["lo"])
    }

    @Test("one id is mapped and no other exists; without the mapping the control writes as root") func idmap() throws {
        let scratch = try Scratch()
        #expect(chown(scratch.path, 12345, 12345) == 0)
        let source = try Files.open(noLinks: scratch.path, .reference)
        let map = try Namespaces.idmap(diskUID: 12345, hostUID: 0, diskGID: 12345, hostGID: 0, count: 1)
        let mapped = try DetachedMount.clone(
            source, [.noSetID, .noDevices], idmap: map.number, recursive: false, label: scratch.path)
        _ = try Files.create("mapped", beneath: mapped, mode: 0o600)
        #expect(try owner("\(scratch.path)/mapped") == 12345)
        // The process is root; where root is mapped to nobody, it can make no file.
        let other = try Namespaces.idmap(diskUID: 12345, hostUID: 77777, diskGID: 12345, hostGID: 77777, count: 1)
        let closed = try DetachedMount.clone(source, [], idmap: other.number, recursive: false, label: scratch.path)
        #expect { _ = try Files.create("closed", beneath: closed, mode: 0o600) } throws: {
            ($0 as? SystemError)?.errno == EOVERFLOW
        }
        let plain = try DetachedMount.clone(source, [], idmap: nil, recursive: false, label: scratch.path)
        _ = try Files.create("plain", beneath: plain, mode: 0o600)
        #expect(try owner("\(scratch.path)/plain") == 0)
    }

    @Test("a tmpfs holds what was stated and no more") func tmpfs() throws {
        let mount = try DetachedMount.tmpfs(size: 1 << 20, inodes: 10, uid: 0, gid: 0, mode: 0o755, [])
        #expect(try Files.space(mount).bytes == 1 << 20)
        let file = try Files.create("f", beneath: mount, mode: 0o600)
        #expect { try file.write([UInt8](repeating: 0, count: 2 << 20)) } throws: {
            ($0 as? SystemError)?.errno == ENOSPC
        }
        #expect { for number in 0..<20 { _ = try Files.create("\(number)", beneath: mount, mode: 0o600) } } throws: {
            ($0 as? SystemError)?.errno == ENOSPC
        }
    }

    @Test("a read-only mount refuses writing") func readOnly() throws {
        let mount = try DetachedMount.tmpfs(size: 1 << 20, inodes: 10, uid: 0, gid: 0, mode: 0o755, [])
        _ = try Files.create("before", beneath: mount, mode: 0o600)
        try DetachedMount.restrict(mount, .readOnly)
        #expect { _ = try Files.create("after", beneath: mount, mode: 0o600) } throws: {
            ($0 as? SystemError)?.errno == EROFS
        }
    }

    private func owner(_ path: String) throws -> UInt32 { try Files.open(noLinks: path, .reference).status().uid }

    private func run(_ command: String...) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: command[0])
        process.arguments = Array(command.dropFirst())
        let pipe = Foundation.Pipe()
        process.standardOutput = pipe
        try process.run()
        process.waitUntilExit()
        return String(decoding: pipe.fileHandleForReading.availableData, as: UTF8.self)
    }
}
