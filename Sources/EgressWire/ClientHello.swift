/// What a TLS client says first (RFC 8446, section 4.1.2), as far as a relay needs it.
public struct ClientHello: Sendable, Equatable {
    /// The name of the server it wants (RFC 6066, section 3), in lower case; nil when it names none.
    public let serverName: String?
    /// Protocols it offers to speak (RFC 7301).
    public let protocols: [[UInt8]]
    /// Whether it carries an encrypted hello: a true one, or the imitation that browsers always send.
    public let hasEncryptedHello: Bool
}

/// How far reading has come.
public enum ClientHelloProgress: Sendable, Equatable {
    /// More bytes are needed.
    case needMore
    /// The whole message was read.
    case hello(ClientHello)
    /// It is no TLS.
    case notTLS
    /// It is TLS, and wrong; in words for a log.
    case malformed(String)
}

/// Reads a ClientHello from a stream that comes in pieces, over as many TLS records as the client likes.
public struct ClientHelloParser: Sendable {
    /// The most bytes a message and its records may have.
    public static let limit = 65536

    private var unread: [UInt8] = []
    private var message: [UInt8] = []
    /// Bytes of the records that were read.
    private var consumed = 0

    /// Bytes of the message and its records, once it was read.
    public var length: Int { consumed }

    /// At the beginning of a stream.
    public init() {}

    /// Takes the next bytes. After anything but `needMore` there is nothing more to feed.
    public mutating func feed(_ bytes: ArraySlice<UInt8>) -> ClientHelloProgress {
        unread += bytes
        var position = 0
        while unread.count - position >= 5 {
            guard unread[position] == 0x16 else {
                return message.isEmpty ? .notTLS : .malformed("a record of another kind inside the hello")
            }
            // The version of the record is 3.x whatever is spoken (RFC 8446, section 5.1).
            guard unread[position + 1] == 3 else { return .notTLS }
            let length = Int(unread[position + 3]) << 8 | Int(unread[position + 4])
            guard (1...16384).contains(length) else { return .malformed("a record of \(length) bytes") }
            guard unread.count - position >= 5 + length else { break }
            message += unread[(position + 5)..<(position + 5 + length)]
            position += 5 + length
            consumed += 5 + length
            // Records of one byte each would make six bytes of every one of the message.
            guard consumed <= Self.limit else { return .malformed("the hello is too long") }
            if let result = read() { return result }
        }
        unread.removeFirst(position)
        if let first = unread.first, first != 0x16 {
            return message.isEmpty ? .notTLS : .malformed("a record of another kind inside the hello")
        }
        guard consumed + unread.count <= Self.limit else { return .malformed("the hello is too long") }
        return .needMore
    }

    private func read() -> ClientHelloProgress? {
        guard message[0] == 1 else { return .malformed("the first message is no hello") }
        guard message.count >= 4 else { return nil }
        let length = Int(message[1]) << 16 | Int(message[2]) << 8 | Int(message[3])
        guard length <= Self.limit else { return .malformed("the hello is too long") }
        guard message.count >= 4 + length else { return nil }
        guard message.count == 4 + length else { return .malformed("bytes after the hello") }
        var reader = ByteReader(message[4...])
        do throws(ClientHelloProblem) {
            return .hello(try ClientHello(&reader))
        } catch {
            return .malformed(error.text)
        }
    }
}

private struct ClientHelloProblem: Error {
    let text: String
}

/// Reads numbers and vectors of a TLS message (RFC 8446, section 3).
private struct ByteReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func bytes(_ count: Int) throws(ClientHelloProblem) -> ArraySlice<UInt8> {
        guard rest.count >= count else { throw ClientHelloProblem(text: "the hello ends too early") }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }

    mutating func number(_ width: Int) throws(ClientHelloProblem) -> Int {
        try bytes(width).reduce(0) { $0 << 8 | Int($1) }
    }

    /// A vector whose length stands before it in `width` bytes.
    mutating func vector(_ width: Int) throws(ClientHelloProblem) -> ArraySlice<UInt8> {
        try bytes(try number(width))
    }
}

extension ClientHello {
    fileprivate init(_ reader: inout ByteReader) throws(ClientHelloProblem) {
        // Version, random, session, cipher suites, compression.
        _ = try reader.bytes(34)
        _ = try reader.vector(1)
        _ = try reader.vector(2)
        _ = try reader.vector(1)
        var serverName: String?
        var protocols: [[UInt8]] = []
        var seen: Set<Int> = []
        if !reader.isAtEnd {
            var extensions = ByteReader(try reader.vector(2))
            while !extensions.isAtEnd {
                let kind = try extensions.number(2)
                let body = try extensions.vector(2)
                guard seen.insert(kind).inserted else { throw ClientHelloProblem(text: "extension \(kind) twice") }
                switch kind {
                case 0: serverName = try Self.serverName(body)
                case 16: protocols = try Self.protocols(body)
                default: break
                }
            }
        }
        guard reader.isAtEnd else { throw ClientHelloProblem(text: "bytes after the extensions") }
        self.init(serverName: serverName, protocols: protocols, hasEncryptedHello: seen.contains(0xfe0d))
    }

    private static func serverName(_ body: ArraySlice<UInt8>) throws(ClientHelloProblem) -> String {
        var reader = ByteReader(body)
        var list = ByteReader(try reader.vector(2))
        guard reader.isAtEnd, try list.number(1) == 0 else {
            throw ClientHelloProblem(text: "no host name as server name")
        }
        let name = try list.vector(2)
        // Of two names the relay might check one and the server take the other.
        guard list.isAtEnd else { throw ClientHelloProblem(text: "more than one server name") }
        guard let text = hostText(name) else { throw ClientHelloProblem(text: "a server name that is no host name") }
        return text
    }

    /// Lower case of what may be a host name. An address in its place is none: names only are checked.
    private static func hostText(_ bytes: ArraySlice<UInt8>) -> String? {
        guard let name = DNSName(host: String(decoding: bytes, as: UTF8.self)), let text = name.hostText,
            text.utf8.count == bytes.count
        else { return nil }
        let last = text.utf8.split(separator: 0x2e).last ?? []
        return last.allSatisfy { (0x30...0x39).contains($0) } ? nil : text
    }

    private static func protocols(_ body: ArraySlice<UInt8>) throws(ClientHelloProblem) -> [[UInt8]] {
        var reader = ByteReader(body)
        var list = ByteReader(try reader.vector(2))
        guard reader.isAtEnd else { throw ClientHelloProblem(text: "bytes after the protocols") }
        var result: [[UInt8]] = []
        while !list.isAtEnd { result.append(Array(try list.vector(1))) }
        return result
    }
}

/// The word with which TLS ends (RFC 8446, section 6).
public enum TLSAlert {
    /// The record of a fatal alert, in clear text: nothing is agreed on yet.
    /// - Parameter description: the number of the alert.
    public static func bytes(_ description: UInt8) -> [UInt8] { [0x15, 3, 3, 0, 2, 2, description] }
}
