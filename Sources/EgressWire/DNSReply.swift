/// Why a message is not the answer that was waited for.
public enum DNSReplyError: Error, Sendable, Equatable {
    /// Another id, question or kind of message: somebody else's, or forged.
    case foreign
    /// It cannot be read, or contradicts itself.
    case malformed
}

/// What a server answered to a question of ours (RFC 1035, RFC 2181, RFC 2308).
public struct DNSReply: Sendable, Equatable {
    /// Response code, 0 to 15.
    public let code: UInt8
    /// Whether it was cut and should be asked for over TCP.
    public let isTruncated: Bool
    /// The addresses of the name, at the end of its chain of names; in their order, none twice.
    public let addresses: [DNSAddress]
    /// Seconds for which all of this may be kept: the least of the chain, or what the authority says of "none".
    public let lifetime: UInt32

    private static let chainLimit = 8
    private static let recordLimit = 512

    /// Reads a message as the answer to a question.
    /// - Parameter name: as it was asked, letter case included: a forger does not know it.
    public static func parse(
        _ bytes: [UInt8], id: UInt16, name: DNSName, type: DNSType
    ) throws(DNSReplyError) -> DNSReply {
        func number(_ at: Int) -> Int { Int(bytes[at]) << 8 | Int(bytes[at + 1]) }
        guard bytes.count >= 12, number(0) == Int(id), bytes[2] & 0xf8 == 0x80, number(4) == 1 else { throw .foreign }
        var position = 12
        guard let asked = DNSName.read(bytes, at: &position), asked.bytes == name.bytes, position + 4 <= bytes.count,
            number(position) == Int(type.number), number(position + 2) == 1
        else { throw .foreign }
        position += 4
        let code = bytes[3] & 0x0f
        let isTruncated = bytes[2] & 0x02 != 0
        guard !isTruncated else { return DNSReply(code: code, isTruncated: true, addresses: [], lifetime: 0) }

        let answerCount = number(6)
        let authorityCount = number(8)
        guard answerCount + authorityCount <= recordLimit else { throw .malformed }
        var answers: [DNSRecord] = []
        for _ in 0..<answerCount {
            guard let record = DNSRecord.read(bytes, at: &position) else { throw .malformed }
            answers.append(record)
        }
        let (addresses, lifetime) = try follow(name, type, answers, bytes)
        guard addresses.isEmpty else {
            return DNSReply(code: code, isTruncated: false, addresses: addresses, lifetime: lifetime)
        }
        var negative: UInt32 = 0
        for _ in 0..<authorityCount {
            guard let record = DNSRecord.read(bytes, at: &position) else { throw .malformed }
            if record.type == .soa, record.data.count >= 20 {
                let end = record.data.upperBound
                let minimum = UInt32(number(end - 4)) << 16 | UInt32(number(end - 2))
                negative = min(bounded(record.lifetime), bounded(minimum))
            }
        }
        return DNSReply(code: code, isTruncated: false, addresses: [], lifetime: negative)
    }

    /// Follows the chain of names from the one asked for; what belongs to other names is passed over.
    private static func follow(
        _ name: DNSName, _ type: DNSType, _ records: [DNSRecord], _ bytes: [UInt8]
    ) throws(DNSReplyError) -> ([DNSAddress], UInt32) {
        var current = name
        var lifetime = UInt32.max
        for _ in 0...chainLimit {
            let own = records.filter { $0.owner == current && $0.class == 1 }
            let addresses = own.filter { $0.type == type }
            if !addresses.isEmpty {
                var result: [DNSAddress] = []
                for record in addresses {
                    let address = try address(record, bytes)
                    if !result.contains(address) { result.append(address) }
                    lifetime = min(lifetime, bounded(record.lifetime))
                }
                return (result, lifetime)
            }
            guard let alias = own.first(where: { $0.type == .cname }) else { return ([], 0) }
            var position = alias.data.lowerBound
            guard let target = DNSName.read(bytes, at: &position), position == alias.data.upperBound else {
                throw .malformed
            }
            lifetime = min(lifetime, bounded(alias.lifetime))
            current = target
        }
        throw .malformed
    }

    private static func address(_ record: DNSRecord, _ bytes: [UInt8]) throws(DNSReplyError) -> DNSAddress {
        func number(_ part: Range<Int>) -> UInt64 { bytes[part].reduce(0) { $0 << 8 | UInt64($1) } }
        let start = record.data.lowerBound
        switch (record.type, record.data.count) {
        case (.a, 4): return .v4(UInt32(number(record.data)))
        case (.aaaa, 16): return .v6(number(start..<start + 8), number(start + 8..<start + 16))
        default: throw .malformed
        }
    }

    /// A lifetime with its highest bit set counts as none (RFC 2181, section 8).
    private static func bounded(_ lifetime: UInt32) -> UInt32 { lifetime > UInt32(Int32.max) ? 0 : lifetime }
}
