/// Follows the records of one side of a TLS connection (RFC 8446, section 5.1) up to the next one that carries a handshake
/// message in clear text.
public struct TLSRecordWatch: Sendable {
    private static let handshake: UInt8 = 22
    /// Change cipher spec, alert, application data.
    private static let passing: Set<UInt8> = [20, 21, 23]

    private var header: [UInt8] = []
    private var left = 0

    /// At the beginning of a record.
    public init() {}

    /// What was found in some bytes.
    public enum Verdict: Sendable, Equatable {
        /// These go on.
        case pass([UInt8])
        /// These go on, and the rest begins with a handshake record.
        case handshake(before: [UInt8], rest: [UInt8])
        /// This is no record.
        case malformed
    }

    /// Bytes of a header that is not complete.
    public var held: [UInt8] { header }

    /// Takes the next bytes.
    public mutating func feed(_ bytes: [UInt8]) -> Verdict {
        var passed: [UInt8] = []
        var position = 0
        while position < bytes.count {
            if left > 0 {
                let count = min(left, bytes.count - position)
                passed += bytes[position..<(position + count)]
                position += count
                left -= count
                continue
            }
            header.append(bytes[position])
            position += 1
            if header == [Self.handshake] {
                let rest = header + bytes[position...]
                header = []
                return .handshake(before: passed, rest: rest)
            }
            guard let kind = header.first, Self.passing.contains(kind) else { return .malformed }
            guard header.count == 5 else { continue }
            left = Int(header[3]) << 8 | Int(header[4])
            passed += header
            header = []
        }
        return .pass(passed)
    }
}

/// Tells from the first bytes of a TLS server whether it asks for another ClientHello (RFC 8446, section 4.1.4).
public struct ServerHelloWatch: Sendable {
    /// SHA-256 of "HelloRetryRequest", which stands in the place of the random bytes (RFC 8446, section 4.1.3).
    private static let retryRandom: [UInt8] = [
        0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
        0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
    ]
    private static let randomStart = 6
    private static let limit = 4096

    private var unread: [UInt8] = []
    private var message: [UInt8] = []

    /// At the beginning of a connection.
    public init() {}

    /// What the server says.
    public enum Verdict: Sendable, Equatable {
        /// More bytes are needed.
        case needMore
        /// The client is to say hello again.
        case retry
        /// Anything else: there is no other hello in clear text.
        case other
    }

    /// Takes the next bytes. After anything but `needMore` there is nothing more to feed.
    public mutating func feed(_ bytes: some Sequence<UInt8>) -> Verdict {
        unread += bytes
        while let first = unread.first {
            guard first == 22 else { return .other }
            guard unread.count > 5 else { return .needMore }
            let length = Int(unread[3]) << 8 | Int(unread[4])
            let part = unread.dropFirst(5).prefix(length)
            let end = Self.randomStart + Self.retryRandom.count
            let known = message + part
            if let kind = known.first, kind != 2 { return .other }
            if known.count >= end { return Array(known[Self.randomStart..<end]) == Self.retryRandom ? .retry : .other }
            guard part.count == length, unread.count <= Self.limit, message.count <= Self.limit else {
                return unread.count > Self.limit ? .other : .needMore
            }
            message = known
            unread.removeFirst(5 + length)
        }
        return .needMore
    }
}
