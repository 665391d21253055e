/// Tells whether a stream begins with the request line of HTTP/1 (RFC 9112, section 3), whatever its method, from bytes that
/// go on while they are looked at: without its end a line asks for nothing.
///
/// Servers differ in what they pass over before and between the parts of the line, so only its end and the version count;
/// whether it is well formed is judged by whoever reads the whole head.
public struct RequestLineWatch: Sendable {
    /// The most bytes that are looked at.
    public static let limit = HTTPRequestHead.limit
    private static let version = Array("HTTP/".utf8)

    /// What was seen so far.
    public private(set) var seen: [UInt8] = []
    private var lineStart = 0

    /// At the beginning of a stream.
    public init() {}

    /// What a stream begins with.
    public enum Verdict: Sendable, Equatable {
        /// More bytes are needed.
        case needMore
        /// A request line.
        case request
        /// Something else.
        case other
        /// Text that may be a request line and does not end.
        case endless
    }

    /// Takes the next bytes. After anything but `needMore` there is nothing more to feed.
    public mutating func feed(_ bytes: [UInt8]) -> Verdict {
        for byte in bytes {
            seen.append(byte)
            if byte == 0x0a {
                // Servers pass over empty lines before a request.
                guard seen[lineStart...].allSatisfy(Self.isBlank) else { return namesVersion ? .request : .other }
                lineStart = seen.count
            }
            guard seen.count < Self.limit else { return mayBecomeRequest ? .endless : .other }
        }
        return .needMore
    }

    private var namesVersion: Bool {
        let line = seen[lineStart...]
        return line.indices.dropFirst().contains { start in
            Self.isBlank(seen[start - 1]) && line[start...].starts(with: Self.version)
        }
    }

    /// A method, and text after it.
    private var mayBecomeRequest: Bool {
        let line = seen[lineStart...].drop(while: Self.isBlank)
        let word = line.prefix { !Self.isBlank($0) }
        return word.count < line.count && HTTPText.isToken(word) && seen.allSatisfy(Self.isText)
    }

    /// White space and all that some servers take for it.
    private static func isBlank(_ byte: UInt8) -> Bool { byte <= 0x20 }

    private static func isText(_ byte: UInt8) -> Bool { byte >= 0x20 && byte != 0x7f || (0x09...0x0d).contains(byte) }
}
