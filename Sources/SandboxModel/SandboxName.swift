/// The name of a sandbox: `[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?`.
///
/// Every such name is at once a machine name for machined, a unit name part without escaping
/// (systemd.unit(5)), a file name and a host name label (RFC 1123), so it is never rewritten on its way.
public struct SandboxName: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The text of the name.
    public let description: String

    /// The longest name, in characters.
    public static let maximumLength = 32

    /// Names that tools around us give another meaning to.
    static let reserved: Set<String> = ["all", "host"]

    /// Checks `text` and makes a name of it.
    /// - Throws: `usage` when it is not a valid name.
    public init(_ text: String) throws(SandboxError) {
        guard Self.isValid(text) else {
            throw SandboxError(
                .usage, "'\(text.prefix(80))' is not a sandbox name",
                hint: "use 1 to 32 of a-z, 0-9 and '-', beginning and ending with a letter or digit")
        }
        guard !Self.reserved.contains(text) else {
            throw SandboxError(.usage, "'\(text)' is reserved and cannot name a sandbox")
        }
        description = text
    }

    static func isValid(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard (1...maximumLength).contains(bytes.count) else { return false }
        func alphanumeric(_ byte: UInt8) -> Bool { (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte) }
        guard alphanumeric(bytes[0]), alphanumeric(bytes[bytes.count - 1]) else { return false }
        return bytes.allSatisfy { alphanumeric($0) || $0 == 0x2d }
    }

    /// A name made from a directory's base name: folded to lower case, other characters become single dashes.
    /// - Returns: `nil` when nothing usable is left.
    public static func derived(fromDirectory base: String) -> SandboxName? {
        var text = ""
        for scalar in base.lowercased().unicodeScalars {
            switch scalar {
            case "a"..."z", "0"..."9": text.unicodeScalars.append(scalar)
            default: if !text.isEmpty, text.last != "-" { text.append("-") }
            }
        }
        text = String(text.prefix(maximumLength))
        while text.last == "-" { text.removeLast() }
        return try? SandboxName(text)
    }

    /// Alphabetical, as listings show them.
    public static func < (left: SandboxName, right: SandboxName) -> Bool { left.description < right.description }
}

extension SandboxName: Codable {
    /// Decodes and checks; a record with an invalid name is not a record.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        try self.init(container.decode(String.self))
    }

    /// Encodes the plain text.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
