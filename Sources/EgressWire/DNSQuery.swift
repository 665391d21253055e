/// The kind of a record (RFC 1035, section 3.2.2, and the IANA registry).
public struct DNSType: Hashable, Sendable {
    /// Its number.
    public let number: UInt16

    /// The kind of a number.
    public init(_ number: UInt16) { self.number = number }

    /// IPv4 address.
    public static let a = DNSType(1)
    /// Another name.
    public static let cname = DNSType(5)
    /// Start of authority.
    public static let soa = DNSType(6)
    /// IPv6 address (RFC 3596).
    public static let aaaa = DNSType(28)
    /// The pseudo record of EDNS (RFC 6891).
    public static let opt = DNSType(41)
}

/// Why a message is no question that can be answered as it is.
public enum DNSQueryError: Error, Sendable, Equatable {
    /// It is no question at all: nothing is answered.
    case ignored
    /// It is answered with these bytes: a header with the code that tells what is wrong.
    case answered([UInt8])
}

/// A question to a resolver (RFC 1035; EDNS: RFC 6891).
public struct DNSQuery: Sendable, Equatable {
    /// What its answer begins with, too.
    public let id: UInt16
    /// Whether recursion is asked for.
    public let wantsRecursion: Bool
    /// Whether the client checks signatures itself (RFC 4035).
    public let disablesChecking: Bool
    /// The name asked for, in the case it was asked in.
    public let name: DNSName
    /// The kind of record.
    public let type: DNSType
    /// The class: 1 for the internet.
    public let `class`: UInt16
    /// Bytes of an answer that the client takes: 512 without EDNS, else 512 to 4096 as it says.
    public let payloadSize: Int
    /// Whether it speaks EDNS.
    public let hasEDNS: Bool

    private static let headerLength = 12

    /// Reads a message.
    public static func parse(_ bytes: [UInt8]) throws(DNSQueryError) -> DNSQuery {
        // An answer to an answer would be a loop.
        guard bytes.count >= headerLength, bytes[2] & 0x80 == 0 else { throw .ignored }
        func number(_ at: Int) -> Int { Int(bytes[at]) << 8 | Int(bytes[at + 1]) }
        func wrong(_ code: UInt8) -> DNSQueryError {
            .answered([bytes[0], bytes[1], 0x80 | bytes[2] & 0x79, 0x80 | code, 0, 0, 0, 0, 0, 0, 0, 0])
        }
        guard bytes[2] & 0x78 == 0 else { throw wrong(DNSResponse.notImplemented) }
        guard number(4) == 1, number(6) == 0, number(8) == 0, number(10) <= 2 else {
            throw wrong(DNSResponse.formatError)
        }
        var position = headerLength
        guard let name = DNSName.read(bytes, at: &position), position + 4 <= bytes.count else {
            throw wrong(DNSResponse.formatError)
        }
        let type = DNSType(UInt16(number(position)))
        let `class` = UInt16(number(position + 2))
        position += 4
        var payloadSize: Int?
        for _ in 0..<number(10) {
            guard let record = DNSRecord.read(bytes, at: &position) else { throw wrong(DNSResponse.formatError) }
            guard record.type == .opt else { continue }
            guard payloadSize == nil, record.owner.bytes == [0] else { throw wrong(DNSResponse.formatError) }
            payloadSize = min(max(Int(record.class), 512), 4096)
        }
        return DNSQuery(
            id: UInt16(number(0)), wantsRecursion: bytes[2] & 1 == 1, disablesChecking: bytes[3] & 0x10 != 0,
            name: name, type: type, class: `class`, payloadSize: payloadSize ?? 512, hasEDNS: payloadSize != nil)
    }

    /// Writes a question to a server that looks names up for others.
    /// - Parameter payloadSize: bytes of an answer that are taken (EDNS).
    public static func encode(id: UInt16, name: DNSName, type: DNSType, payloadSize: UInt16) -> [UInt8] {
        var writer = DNSWriter(capacity: 64)
        writer.append(id)
        writer.bytes += [0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 1]
        writer.bytes += name.bytes
        writer.append(type.number)
        writer.append(UInt16(1))
        // OPT: root, type, size, no flags, no options.
        writer.bytes.append(0)
        writer.append(DNSType.opt.number)
        writer.append(payloadSize)
        writer.bytes += [0, 0, 0, 0, 0, 0]
        return writer.bytes
    }
}

/// One resource record of a message.
struct DNSRecord {
    let owner: DNSName
    let type: DNSType
    let `class`: UInt16
    let lifetime: UInt32
    /// Where its data stands in the message.
    let data: Range<Int>

    static func read(_ message: [UInt8], at position: inout Int) -> DNSRecord? {
        guard let owner = DNSName.read(message, at: &position), position + 10 <= message.count else { return nil }
        func number(_ at: Int) -> UInt16 { UInt16(message[at]) << 8 | UInt16(message[at + 1]) }
        let start = position + 10
        let end = start + Int(number(position + 8))
        guard end <= message.count else { return nil }
        defer { position = end }
        return DNSRecord(
            owner: owner, type: DNSType(number(position)), class: number(position + 2),
            lifetime: UInt32(number(position + 4)) << 16 | UInt32(number(position + 6)), data: start..<end)
    }
}

/// Bytes of a message that is being written.
struct DNSWriter {
    var bytes: [UInt8] = []

    init(capacity: Int) { bytes.reserveCapacity(capacity) }

    mutating func append(_ number: UInt16) {
        bytes.append(UInt8(number >> 8))
        bytes.append(UInt8(truncatingIfNeeded: number))
    }

    mutating func append(_ number: UInt32) {
        append(UInt16(number >> 16))
        append(UInt16(truncatingIfNeeded: number))
    }
}
