/// An address in a record.
public enum DNSAddress: Hashable, Sendable {
    /// IPv4, the first byte the most significant.
    case v4(UInt32)
    /// IPv6 in two halves, the first byte the most significant.
    case v6(UInt64, UInt64)
}

/// An answer to a question (RFC 1035, RFC 2308, RFC 6891, RFC 8914).
public struct DNSResponse: Sendable, Equatable {
    /// No error.
    public static let noError: UInt8 = 0
    /// The message cannot be read.
    public static let formatError: UInt8 = 1
    /// The servers that know the name did not answer.
    public static let serverFailure: UInt8 = 2
    /// There is no such name.
    public static let nameError: UInt8 = 3
    /// The kind of question is not known.
    public static let notImplemented: UInt8 = 4
    /// Policy does not let it be answered.
    public static let refused: UInt8 = 5

    /// Response code, 0 to 15.
    public var code: UInt8
    /// Addresses of the name.
    public var addresses: [DNSAddress]
    /// Seconds for which they may be kept.
    public var lifetime: UInt32
    /// Seconds for which it may be kept that there are none; nil when that may not be kept.
    public var negativeLifetime: UInt32?
    /// An extended error: its number and words of at most 255 bytes.
    public var extendedError: (number: UInt16, text: String)?

    /// By parts.
    public static func == (left: DNSResponse, right: DNSResponse) -> Bool {
        left.code == right.code && left.addresses == right.addresses && left.lifetime == right.lifetime
            && left.negativeLifetime == right.negativeLifetime
            && left.extendedError?.number == right.extendedError?.number
            && left.extendedError?.text == right.extendedError?.text
    }

    /// An answer.
    public init(
        code: UInt8 = noError, addresses: [DNSAddress] = [], lifetime: UInt32 = 0, negativeLifetime: UInt32? = nil,
        extendedError: (number: UInt16, text: String)? = nil
    ) {
        self.code = code
        self.addresses = addresses
        self.lifetime = lifetime
        self.negativeLifetime = negativeLifetime
        self.extendedError = extendedError
    }

    /// The message. One that has more than `limit` bytes is sent without records, marked as cut (TC).
    public func encode(to query: DNSQuery, limit: Int) -> [UInt8] {
        let whole = encode(to: query, isCut: false)
        return whole.count <= limit ? whole : encode(to: query, isCut: true)
    }

    private func encode(to query: DNSQuery, isCut: Bool) -> [UInt8] {
        let addresses = isCut ? [] : self.addresses
        let negative = isCut || !addresses.isEmpty ? nil : negativeLifetime
        var writer = DNSWriter(capacity: 64 + query.name.bytes.count + addresses.count * 28)
        writer.append(query.id)
        writer.bytes.append(0x80 | (isCut ? 0x02 : 0) | (query.wantsRecursion ? 0x01 : 0))
        writer.bytes.append(0x80 | (query.disablesChecking ? 0x10 : 0) | code & 0x0f)
        writer.append(UInt16(1))
        writer.append(UInt16(addresses.count))
        writer.append(UInt16(negative == nil ? 0 : 1))
        writer.append(UInt16(query.hasEDNS ? 1 : 0))
        writer.bytes += query.name.bytes
        writer.append(query.type.number)
        writer.append(query.class)
        for address in addresses { append(address, &writer) }
        if let negative { appendAuthority(negative, &writer) }
        if query.hasEDNS { appendOptions(isCut: isCut, &writer) }
        return writer.bytes
    }

    /// The owner of every record is the name asked for, which stands after the header.
    private static let owner: UInt16 = 0xc00c

    private func append(_ address: DNSAddress, _ writer: inout DNSWriter) {
        writer.append(Self.owner)
        switch address {
        case .v4(let number):
            writer.append(DNSType.a.number)
            writer.append(UInt16(1))
            writer.append(lifetime)
            writer.append(UInt16(4))
            writer.append(number)
        case .v6(let high, let low):
            writer.append(DNSType.aaaa.number)
            writer.append(UInt16(1))
            writer.append(lifetime)
            writer.append(UInt16(16))
            for half in [high, low] {
                writer.append(UInt32(half >> 32))
                writer.append(UInt32(truncatingIfNeeded: half))
            }
        }
    }

    /// A start of authority, which says how long "there is none" may be kept (RFC 2308, section 3).
    private func appendAuthority(_ seconds: UInt32, _ writer: inout DNSWriter) {
        writer.append(Self.owner)
        writer.append(DNSType.soa.number)
        writer.append(UInt16(1))
        writer.append(seconds)
        writer.append(UInt16(24))
        writer.append(Self.owner)
        writer.append(Self.owner)
        // Serial, refresh, retry, expire, minimum.
        for number in [1, 3600, 600, 86400, seconds] { writer.append(number) }
    }

    private func appendOptions(isCut: Bool, _ writer: inout DNSWriter) {
        writer.bytes.append(0)
        writer.append(DNSType.opt.number)
        writer.append(UInt16(1232))
        writer.append(UInt32(0))
        guard let extendedError, !isCut else { return writer.append(UInt16(0)) }
        let text = extendedError.text.utf8.prefix(255)
        writer.append(UInt16(6 + text.count))
        writer.append(UInt16(15))
        writer.append(UInt16(2 + text.count))
        writer.append(extendedError.number)
        writer.bytes += text
    }
}
