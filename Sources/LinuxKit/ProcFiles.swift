/// Reading what the kernel says of a process, below an open `/proc` that payloads cannot change.
public struct ProcFiles: ~Copyable {
    private let proc: Descriptor

    /// Opens `/proc`.
    public init() throws(SystemError) { proc = try Files.open(noLinks: "/proc", .directory) }

    /// Text of `/proc/PID/FILE`; nil when the process is gone.
    public func text(_ pid: Int32, _ file: String) throws(SystemError) -> String? {
        do {
            let descriptor = try Files.open("\(pid)/\(file)", beneath: proc, .read)
            return String(decoding: try descriptor.readAll(limit: 1 << 20), as: UTF8.self)
        } catch {
            if error.isNotFound || error.errno == 3 { return nil }
            throw error
        }
    }

    /// The target of `/proc/PID/FILE`, for example `net:[4026531840]`; nil when the process is gone.
    public func link(_ pid: Int32, _ file: String) throws(SystemError) -> String? {
        do {
            return try Files.readLink("\(pid)/\(file)", beneath: proc)
        } catch {
            if error.isNotFound || error.errno == 3 { return nil }
            throw error
        }
    }

    /// The names in `/proc/PID/DIRECTORY`, for example the numbers of open descriptors.
    public func entries(_ pid: Int32, _ directory: String) throws(SystemError) -> [String] {
        try Files.list(try Files.open("\(pid)/\(directory)", beneath: proc, .directory))
    }

    /// The values of `/proc/PID/status` by field name (proc_pid_status(5)); nil when the process is gone.
    public func status(_ pid: Int32) throws(SystemError) -> [Substring: String]? {
        guard let text = try text(pid, "status") else { return nil }
        var fields: [Substring: String] = [:]
        for line in text.split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":") else { continue }
            fields[line[..<colon]] = String(line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" })
        }
        return fields
    }
}

/// One line of `/proc/PID/mountinfo` (proc_pid_mountinfo(5)).
public struct MountEntry: Sendable, Equatable {
    /// Unique id of the mount.
    public let id: UInt64
    /// Where in its file system the mount is rooted.
    public let root: String
    /// Where it is mounted, relative to the reader's root.
    public let target: String
    /// Options of the mount, for example `ro`, `nosuid`.
    public let options: Set<String>
    /// Optional fields: `shared:N`, `master:N` and so on.
    public let propagation: [String]
    /// Type of the file system.
    public let type: String

    /// Reads one line; nil when it is not one.
    public init?(_ line: String) {
        let fields: [Substring] = line.split(separator: " ")
        guard fields.count >= 9, let id = UInt64(fields[0]), let separator = fields.firstIndex(of: "-"),
            separator >= 6, fields.count > separator + 1
        else { return nil }
        self.id = id
        root = Self.unescaped(fields[3])
        target = Self.unescaped(fields[4])
        options = Set(fields[5].split(separator: ",").map(String.init))
        propagation = fields[6..<separator].map(String.init)
        type = String(fields[separator + 1])
    }

    /// Undoes the octal escapes of spaces, tabs, newlines and backslashes.
    static func unescaped(_ field: some StringProtocol) -> String {
        var bytes: [UInt8] = []
        let source = Array(field.utf8)
        var index = 0
        while index < source.count {
            if source[index] == 0x5c, index + 3 < source.count,
                let value = UInt8(String(decoding: source[(index + 1)...(index + 3)], as: UTF8.self), radix: 8)
            {
                bytes.append(value)
                index += 4
            } else {
                bytes.append(source[index])
                index += 1
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// All lines of a mountinfo file.
    public static func parse(_ text: String) -> [MountEntry] {
        text.split(separator: "\n").compactMap { MountEntry(String($0)) }
    }
}
