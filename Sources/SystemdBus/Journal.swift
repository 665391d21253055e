internal import CSystemd
internal import Glibc

/// Why the journal could not be read or written.
public struct JournalError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What was tried.
    public let operation: String
    /// The errno(3) value, positive.
    public let errno: Int32
    /// What was wrong.
    public let message: String

    init(_ operation: String, errno: Int32, message: String? = nil) {
        self.operation = operation
        self.errno = errno
        self.message = message ?? BusError("", errno: errno).message
    }

    /// `operation: message`.
    public var description: String { "\(operation): \(message)" }
}

@discardableResult
private func checkJournal(_ result: Int32, _ operation: String) throws(JournalError) -> Int32 {
    guard result >= 0 else { throw JournalError(operation, errno: -result) }
    return result
}

/// A field of a journal entry, or what it must be (systemd.journal-fields(7)).
public struct JournalField: Sendable, Equatable {
    /// The name, such as `MESSAGE` or `_SYSTEMD_UNIT`.
    public let name: String
    /// The value: any bytes.
    public let value: [UInt8]

    /// Makes a field of bytes.
    public init(_ name: String, _ value: [UInt8]) {
        self.name = name
        self.value = value
    }

    /// Makes a field of text.
    public init(_ name: String, _ text: String) {
        self.init(name, Array(text.utf8))
    }

    /// Whether the journal takes such a name: 1 to 64 of A–Z, 0–9 and `_`, no digit first.
    ///
    /// A name with `_` first is the journal's own and can be read, not written.
    var hasValidName: Bool {
        let bytes = name.utf8
        guard (1...64).contains(bytes.count), let first = bytes.first else { return false }
        guard !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else { return false }
        return bytes.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"): true
            default: false
            }
        }
    }

    /// `NAME=value`.
    var bytes: [UInt8] { Array(name.utf8) + [UInt8(ascii: "=")] + value }
}

/// An entry of the journal. The values are untrusted: whatever writes a log chooses them.
public struct JournalEntry: Sendable, Equatable {
    /// The place of the entry, to continue after it.
    public let cursor: String
    /// When it was written, in microseconds since 1970.
    public let realtime: UInt64
    /// When it was written, in microseconds since its boot.
    public let monotonic: UInt64
    /// The boot, 32 hexadecimal digits.
    public let bootID: String
    /// The fields, in the journal's order; a name can come more than once.
    public let fields: [JournalField]
    /// Whether a value was cut to the reader's limit, or fields were left out.
    public let isTruncated: Bool

    /// The first value of a field.
    public func value(_ name: String) -> [UInt8]? { fields.first { $0.name == name }?.value }

    /// The first value of a field as text; what is not UTF-8 becomes U+FFFD. Escape it before printing.
    public func text(_ name: String) -> String? { value(name).map { String(decoding: $0, as: UTF8.self) } }
}

/// Reads the journal (sd-journal(3)), oldest entry first.
///
/// It belongs to one thread. Files that are rotated, vacuumed or added while it reads are followed; with no file at
/// all it finds no entry.
@safe
public final class JournalReader {
    /// Where to start.
    public enum Start: Sendable, Equatable {
        /// At the oldest entry.
        case head
        /// With the last entries, so many of them; 0: only what comes from now on.
        case tail(UInt64)
        /// At the first entry at or after this time, in microseconds since 1970.
        case realtime(UInt64)
        /// After the entry of this cursor, or where it would be.
        case after(cursor: String)
    }

    /// No entry has more fields than this (the journal's own limit on writing).
    static let fieldLimit = 1024

    private let handle: OpaquePointer
    private let valueLimit: Int
    /// The position is the last entry seen before the start, not the first one to return.
    private var cursorToPass: String?

    private init(taking handle: OpaquePointer, valueLimit: Int) {
        unsafe self.handle = handle
        self.valueLimit = valueLimit
    }

    deinit { unsafe sd_journal_close(handle) }

    /// Opens the local journal, or the files of one directory.
    ///
    /// - Parameters:
    ///   - matching: groups of fields. An entry is read when it fits one of the groups (or there are none); it fits a
    ///     group when it has all of its fields, where fields of one name are alternatives (sd_journal_add_match(3)).
    ///   - currentBoot: only entries of this boot.
    ///   - valueLimit: the longest value that is kept, in bytes.
    ///   - start: the first entry to read.
    /// - Throws: `EINVAL` for a field name or cursor that cannot be; `EACCES`; `ENOENT` when the directory is not there.
    public static func open(
        matching groups: [[JournalField]] = [], currentBoot: Bool = false, directory: String? = nil,
        valueLimit: Int = 65_536, start: Start = .head
    ) throws(JournalError) -> JournalReader {
        let operation = "open the journal"
        var raw: OpaquePointer?
        if let directory {
            guard !directory.utf8.contains(0) else { throw JournalError(operation, errno: EINVAL) }
            try checkJournal(unsafe sd_journal_open_directory(&raw, directory, 0), "\(operation) in '\(directory)'")
        } else {
            try checkJournal(unsafe sd_journal_open(&raw, Int32(SD_JOURNAL_LOCAL_ONLY)), operation)
        }
        guard let raw = unsafe raw else { throw JournalError(operation, errno: ENOMEM) }
        let reader = unsafe JournalReader(taking: raw, valueLimit: valueLimit)
        try checkJournal(unsafe sd_journal_set_data_threshold(raw, valueLimit + 128), operation)
        try reader.match(groups, currentBoot: currentBoot)
        try reader.seek(start)
        return reader
    }

    /// The next entry, or nil when there is none yet.
    public func next() throws(JournalError) -> JournalEntry? {
        let operation = "read the journal"
        while try checkJournal(unsafe sd_journal_next(handle), operation) > 0 {
            let entry: JournalEntry
            do {
                entry = try read(operation)
            } catch {
                // The file was vacuumed under our hands, or its end was never written.
                guard JournalReader.goneErrors.contains(error.errno) else { throw error }
                continue
            }
            if let passed = cursorToPass {
                cursorToPass = nil
                if unsafe sd_journal_test_cursor(handle, passed) > 0 { continue }
            }
            return entry
        }
        return nil
    }

    /// The next entry, waiting for it if need be; nil when the deadline has passed.
    public func next(until deadline: ContinuousClock.Instant?) throws(JournalError) -> JournalEntry? {
        while true {
            if let entry = try next() { return entry }
            let left = deadline.map { ContinuousClock.now.duration(to: $0).microsecondsLeft }
            if left == 0 { return nil }
            // The first call only sets up the watch and returns at once, so nothing falls between.
            let result = unsafe sd_journal_wait(handle, left ?? .max)
            if result != -EINTR { try checkJournal(result, "wait for the journal") }
        }
    }

    // MARK: In somebody's poll loop

    /// The descriptor to poll, owned by the reader (sd_journal_get_fd(3)).
    ///
    /// Ask for it before the last `next()` that gave nil: only from then on changes are noticed.
    public var fileDescriptor: Int32 {
        get throws(JournalError) { try checkJournal(unsafe sd_journal_get_fd(handle), "watch the journal") }
    }

    /// The poll(2) events to wait for.
    public var events: Int16 {
        get throws(JournalError) {
            Int16(truncatingIfNeeded: try checkJournal(unsafe sd_journal_get_events(handle), "watch the journal"))
        }
    }

    /// Takes note of what poll has reported (sd_journal_process(3)); then call `next()` until it gives nil.
    ///
    /// - Returns: whether there may be new entries.
    public func process() throws(JournalError) -> Bool {
        try checkJournal(unsafe sd_journal_process(handle), "watch the journal") != Int32(SD_JOURNAL_NOP)
    }

    // MARK: Parts

    private static let goneErrors: Set<Int32> = [EBADMSG, EADDRNOTAVAIL, ENOENT, ESTALE]

    private func match(_ groups: [[JournalField]], currentBoot: Bool) throws(JournalError) {
        let operation = "choose journal entries"
        if currentBoot {
            var boot = sd_id128_t()
            try checkJournal(unsafe sd_id128_get_boot(&boot), operation)
            try add(JournalField("_BOOT_ID", JournalReader.text(boot)), operation)
            try checkJournal(unsafe sd_journal_add_conjunction(handle), operation)
        }
        for (index, group) in groups.enumerated() {
            // An empty group would choose everything without anybody having said so.
            guard !group.isEmpty else {
                throw JournalError(operation, errno: EINVAL, message: "a group without fields")
            }
            if index > 0 { try checkJournal(unsafe sd_journal_add_disjunction(handle), operation) }
            for field in group { try add(field, operation) }
        }
    }

    private func add(_ field: JournalField, _ operation: String) throws(JournalError) {
        guard field.hasValidName else {
            throw JournalError(operation, errno: EINVAL, message: "'\(field.name)' cannot be a field's name")
        }
        let result = unsafe field.bytes.withUnsafeBytes { bytes in
            unsafe sd_journal_add_match(handle, bytes.baseAddress, bytes.count)
        }
        try checkJournal(result, operation)
    }

    private func seek(_ start: Start) throws(JournalError) {
        let operation = "find a place in the journal"
        switch start {
        case .head:
            try checkJournal(unsafe sd_journal_seek_head(handle), operation)
        case .tail(let count):
            try checkJournal(unsafe sd_journal_seek_tail(handle), operation)
            // One more than asked for, since reading goes on after the position. With fewer entries than that there is
            // nothing before the first one, and without any the head is where new ones will be.
            let steps = min(count, UInt64(Int32.max) - 1) + 1
            let moved = try checkJournal(unsafe sd_journal_previous_skip(handle, steps), operation)
            if UInt64(moved) < steps { try checkJournal(unsafe sd_journal_seek_head(handle), operation) }
        case .realtime(let time):
            try checkJournal(unsafe sd_journal_seek_realtime_usec(handle, time), operation)
        case .after(let cursor):
            guard !cursor.utf8.contains(0) else { throw JournalError(operation, errno: EINVAL) }
            try checkJournal(unsafe sd_journal_seek_cursor(handle, cursor), operation)
            cursorToPass = cursor
        }
    }

    private func read(_ operation: String) throws(JournalError) -> JournalEntry {
        var realtime: UInt64 = 0
        try checkJournal(unsafe sd_journal_get_realtime_usec(handle, &realtime), operation)
        var monotonic: UInt64 = 0
        var boot = sd_id128_t()
        try checkJournal(unsafe sd_journal_get_monotonic_usec(handle, &monotonic, &boot), operation)
        var raw: UnsafeMutablePointer<CChar>?
        try checkJournal(unsafe sd_journal_get_cursor(handle, &raw), operation)
        guard let raw = unsafe raw else { throw JournalError(operation, errno: ENOMEM) }
        defer { unsafe free(raw) }
        var fields: [JournalField] = []
        var isTruncated = false
        unsafe sd_journal_restart_data(handle)
        while true {
            var data: UnsafeRawPointer?
            var size = 0
            // Leaves out what cannot be read, such as a compression this build does not know.
            let result = unsafe sd_journal_enumerate_available_data(handle, &data, &size)
            guard try checkJournal(result, operation) > 0 else { break }
            guard fields.count < JournalReader.fieldLimit else {
                isTruncated = true
                break
            }
            let bytes = unsafe UnsafeRawBufferPointer(start: data, count: size)
            guard let equals = unsafe bytes.firstIndex(of: UInt8(ascii: "=")) else { continue }
            let value = unsafe bytes[(equals + 1)...]
            if unsafe value.count > valueLimit { isTruncated = true }
            fields.append(
                JournalField(
                    unsafe String(decoding: bytes[..<equals], as: UTF8.self), unsafe Array(value.prefix(valueLimit))))
        }
        return JournalEntry(
            cursor: unsafe String(cString: raw), realtime: realtime, monotonic: monotonic,
            bootID: JournalReader.text(boot), fields: fields, isTruncated: isTruncated)
    }

    private static func text(_ id: sd_id128_t) -> String {
        unsafe withUnsafeBytes(of: id) { unsafe Array($0) }.hexadecimal
    }
}

/// Writes to the journal (sd_journal_sendv(3)).
public enum JournalWriter {
    /// Writes one entry.
    ///
    /// Where no journal runs nothing is written, and that is no error: the entry was not for the caller.
    /// - Throws: `EINVAL` when there is no field, too many, or a name the journal would not take.
    public static func send(_ fields: [JournalField]) throws(JournalError) {
        let operation = "write to the journal"
        guard (1...JournalReader.fieldLimit).contains(fields.count) else {
            throw JournalError(operation, errno: EINVAL, message: "\(fields.count) fields")
        }
        for field in fields where !field.hasValidName || field.name.hasPrefix("_") {
            throw JournalError(operation, errno: EINVAL, message: "'\(field.name)' cannot be a field's name")
        }
        let lengths = fields.map { $0.name.utf8.count + 1 + $0.value.count }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(lengths.reduce(0, +))
        for field in fields { bytes += field.bytes }
        let result = unsafe bytes.withUnsafeMutableBytes { buffer -> Int32 in
            var offset = 0
            let parts = unsafe lengths.map { length -> iovec in
                defer { offset += length }
                return unsafe iovec(iov_base: buffer.baseAddress?.advanced(by: offset), iov_len: length)
            }
            return unsafe sd_journal_sendv(parts, Int32(parts.count))
        }
        try checkJournal(result, operation)
    }
}
