import Foundation
import Glibc
import Testing

@testable import SystemdBus

/// Makes journal files as other hosts' entries are received: from the export format, on standard input.
private let remote = "/lib/systemd/systemd-journal-remote"

@Suite("the journal", .timeLimit(.minutes(1)))
struct JournalTests {
    @Test(
        "a name the journal would not take is refused on writing",
        arguments: ["", "lower", "A-B", "1A", "A=B", "_PID", "É", String(repeating: "A", count: 65)])
    func badNames(name: String) {
        #expect(error { try JournalWriter.send([JournalField("MESSAGE", "x"), JournalField(name, "x")]) } == EINVAL)
    }

    @Test("the longest name, digits and trusted fields are names")
    func goodNames() {
        for name in [String(repeating: "A", count: 64), "A1_", "_SYSTEMD_UNIT", "__CURSOR"] {
            #expect(JournalField(name, "").hasValidName)
        }
    }

    @Test("an entry has at least one field and at most 1024")
    func count() {
        #expect(error { try JournalWriter.send([]) } == EINVAL)
        let fields = (0...1024).map { JournalField("F\($0)", "x") }
        #expect(error { try JournalWriter.send(fields) } == EINVAL)
    }

    @Test("a reader refuses what cannot be chosen")
    func badMatches() throws {
        let files = try Files()
        #expect(error { _ = try files.open(matching: [[JournalField("a b", "x")]]) } == EINVAL)
        #expect(error { _ = try files.open(matching: [[]]) } == EINVAL)
        #expect(error { _ = try files.open(start: .after(cursor: "nonsense")) } == EINVAL)
        #expect(error { _ = try JournalReader.open(directory: "/nonexistent") } == ENOENT)
    }

    @Test("a directory without journal files has no entries, wherever one starts", .timeLimit(.minutes(1)))
    func empty() throws {
        let files = try Files()
        for start in [JournalReader.Start.head, .tail(0), .tail(5), .tail(.max), .realtime(0)] {
            let reader = try files.open(start: start)
            #expect(try reader.next() == nil)
            #expect(try reader.next(until: .now + .milliseconds(10)) == nil)
        }
    }

    @Test("entries come in order, with times, cursor and bytes as they were written", .enabled(if: Files.canWrite))
    func reading() throws {
        let files = try Files()
        let message: [UInt8] = [0, 255, 10, 61, 27]
        try files.write([
            [JournalField("MESSAGE", "one")], [JournalField("MESSAGE", message), JournalField("TAG", "t")],
        ])
        let reader = try files.open()
        let first = try #require(try reader.next())
        #expect(first.text("MESSAGE") == "one")
        #expect(first.realtime == Files.epoch && first.monotonic == 1_000_000 && first.bootID == Files.boot)
        let second = try #require(try reader.next())
        #expect(second.value("MESSAGE") == message && second.text("TAG") == "t" && !second.isTruncated)
        #expect(second.realtime == Files.epoch + 1)
        #expect(try reader.next() == nil)
        let later = try files.open(start: .after(cursor: first.cursor))
        #expect(try later.next() == second)
        #expect(try later.next() == nil)
        #expect(try files.open(start: .realtime(Files.epoch + 1)).next() == second)
    }

    @Test("the tail has as many entries as asked for, or all there are", .enabled(if: Files.canWrite))
    func tail() throws {
        let files = try Files()
        try files.write((0..<5).map { [JournalField("MESSAGE", "\($0)")] })
        for (count, expected) in [
            (0, []), (1, ["4"]), (2, ["3", "4"]), (5, ["0", "1", "2", "3", "4"]), (9, ["0", "1", "2", "3", "4"]),
        ] {
            #expect(try texts(try files.open(start: .tail(UInt64(count)))) == expected, "tail \(count)")
        }
    }

    @Test("a group needs all of its fields, and one group is enough", .enabled(if: Files.canWrite))
    func matches() throws {
        let files = try Files()
        try files.write([
            [JournalField("MESSAGE", "0"), JournalField("A", "1"), JournalField("B", "1")],
            [JournalField("MESSAGE", "1"), JournalField("A", "1"), JournalField("B", "2")],
            [JournalField("MESSAGE", "2"), JournalField("C", "1")],
            [JournalField("MESSAGE", "3"), JournalField("B", "1")],
        ])
        let (a, b, c) = (JournalField("A", "1"), JournalField("B", "1"), JournalField("C", "1"))
        #expect(try texts(try files.open(matching: [[a]])) == ["0", "1"])
        #expect(try texts(try files.open(matching: [[a, b]])) == ["0"])
        #expect(try texts(try files.open(matching: [[a, b], [c]])) == ["0", "2"])
        #expect(try texts(try files.open(matching: [[b, JournalField("B", "2")]])) == ["0", "1", "3"])
        #expect(try texts(try files.open(matching: [[JournalField("A", "2")]])) == [])
        // The entries are of another boot than this one.
        #expect(try texts(try files.open(matching: [[a], [c]], currentBoot: true)) == [])
    }

    @Test("a long value is cut at the limit, and the entry says so", .enabled(if: Files.canWrite))
    func truncation() throws {
        let files = try Files()
        try files.write([
            [JournalField("MESSAGE", [UInt8](repeating: 65, count: 100))],
            [JournalField("MESSAGE", [UInt8](repeating: 65, count: 101))],
            [JournalField("MESSAGE", [UInt8](repeating: 65, count: 300_000))],
        ])
        let reader = try files.open(valueLimit: 100)
        for expected in [false, true, true] {
            let entry = try #require(try reader.next())
            #expect(entry.value("MESSAGE")?.count == 100)
            #expect(entry.isTruncated == expected)
        }
    }

    @Test("following sees entries of files that appear, and goes on when a file goes", .enabled(if: Files.canWrite))
    func following() throws {
        let files = try Files()
        try files.write([[JournalField("MESSAGE", "old")]])
        let reader = try files.open(start: .tail(0))
        #expect(try reader.next(until: .now + .milliseconds(10)) == nil)
        try files.write([[JournalField("MESSAGE", "new")]])
        #expect(try reader.next(until: .now + .seconds(20))?.text("MESSAGE") == "new")
        try files.removeAll()
        #expect(try reader.next(until: .now + .milliseconds(50)) == nil)
        try files.write([[JournalField("MESSAGE", "newer")]])
        #expect(try reader.next(until: .now + .seconds(20))?.text("MESSAGE") == "newer")
    }

    @Test("the descriptor wakes a poll loop", .enabled(if: Files.canWrite))
    func polling() throws {
        let files = try Files()
        let reader = try files.open(start: .tail(0))
        var descriptor = pollfd(fd: try reader.fileDescriptor, events: try reader.events, revents: 0)
        #expect(try reader.next() == nil)
        try files.write([[JournalField("MESSAGE", "new")]])
        var entry: JournalEntry?
        while entry == nil {
            try #require(poll(&descriptor, 1, 20_000) == 1)
            if try reader.process() { entry = try reader.next() }
        }
        #expect(entry?.text("MESSAGE") == "new")
    }

    private func texts(_ reader: JournalReader) throws -> [String] {
        var texts: [String] = []
        while let entry = try reader.next() { texts.append(entry.text("MESSAGE") ?? "") }
        return texts
    }

    private func error(_ body: () throws -> Void, at location: SourceLocation = #_sourceLocation) -> Int32? {
        do {
            try body()
            Issue.record("nothing was thrown", sourceLocation: location)
        } catch let error as JournalError {
            return error.errno
        } catch {
            Issue.record(error, sourceLocation: location)
        }
        return nil
    }
}

/// A directory of journal files.
private final class Files {
    static let epoch: UInt64 = 1_700_000_000_000_000
    static let boot = "0123456789abcdef0123456789abcdef"
    static var canWrite: Bool { FileManager.default.isExecutableFile(atPath: remote) }

    private let directory = "/tmp/journal-\(UUID().uuidString)"
    private var written: UInt64 = 0

    init() throws {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    func open(
        matching groups: [[JournalField]] = [], currentBoot: Bool = false, valueLimit: Int = 65_536,
        start: JournalReader.Start = .head
    ) throws -> JournalReader {
        try JournalReader.open(
            matching: groups, currentBoot: currentBoot, directory: directory, valueLimit: valueLimit, start: start)
    }

    /// Writes a new file of entries, each a microsecond later than the one before.
    func write(_ entries: [[JournalField]]) throws {
        var export = Data()
        for fields in entries {
            export += Data("__REALTIME_TIMESTAMP=\(Self.epoch + written)\n".utf8)
            export += Data("__MONOTONIC_TIMESTAMP=\(1_000_000 + written)\n_BOOT_ID=\(Self.boot)\n".utf8)
            for field in fields {
                // The binary form: name, newline, length as 64 bits little endian, value, newline.
                export += Data((field.name + "\n").utf8)
                export += withUnsafeBytes(of: UInt64(field.value.count).littleEndian) { Data($0) }
                export += Data(field.value) + Data("\n".utf8)
            }
            export += Data("\n".utf8)
            written += 1
        }
        let input = "\(directory)/export-\(written)"
        try export.write(to: URL(fileURLWithPath: input))
        let process = Process()
        process.executableURL = URL(fileURLWithPath: remote)
        process.arguments = ["--output=\(directory)/\(written).journal", input]
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
    }

    func removeAll() throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: directory) {
            try FileManager.default.removeItem(atPath: "\(directory)/\(name)")
        }
    }
}
