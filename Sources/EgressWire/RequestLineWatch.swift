/// Tells whether a stream begins with the request line of HTTP/1 (RFC 9112, section 3), whatever its method, from bytes that
/// go on while they are looked at: without its end a line asks for nothing.
public struct RequestLineWatch: Sendable {
    /// The most bytes that are looked at; a line that is longer is no server's.
    public static let limit = 16384
    private static let longestMethod = 32
    private static let version = Array(" HTTP/".utf8)

    private enum State {
        case blankLines
        case method
        case rest
    }

    /// What was seen so far.
    public private(set) var seen: [UInt8] = []
    private var state = State.blankLines
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
        /// What may be a request line and does not end.
        case endless
    }

    /// Takes the next bytes. After anything but `needMore` there is nothing more to feed.
    public mutating func feed(_ bytes: [UInt8]) -> Verdict {
        for byte in bytes {
            seen.append(byte)
            switch state {
            // Servers pass over empty lines before a request.
            case .blankLines where byte == 0x0d || byte == 0x0a: lineStart = seen.count
            case .blankLines, .method:
                if state == .method, byte == 0x20 {
                    state = .rest
                } else if HTTPText.isToken([byte]), seen.count - lineStart <= Self.longestMethod {
                    state = .method
                } else {
                    return .other
                }
            case .rest where byte == 0x0a: return namesVersion ? .request : .other
            case .rest: break
            }
            guard seen.count < Self.limit else { return .endless }
        }
        return .needMore
    }

    private var namesVersion: Bool {
        let line = seen[lineStart...]
        return line.indices.contains { line[$0...].starts(with: Self.version) }
    }
}
