/// An address of either family.
public enum IPAddress: Hashable, Sendable {
    /// An IPv4 address.
    case ipv4(IPv4Address)
    /// An IPv6 address.
    case ipv6(IPv6Address)

    /// Reads either written form; nil if it is none.
    public init?(_ text: some StringProtocol) {
        if let address = IPv4Address(text) {
            self = .ipv4(address)
        } else if let address = IPv6Address(text) {
            self = .ipv6(address)
        } else {
            return nil
        }
    }

    /// The IP version.
    public var family: AddressFamily {
        switch self {
        case .ipv4: .ipv4
        case .ipv6: .ipv6
        }
    }

    /// The bytes in network order, 4 or 16.
    public var bytes: [UInt8] {
        switch self {
        case .ipv4(let address): address.bytes
        case .ipv6(let address): address.bytes
        }
    }
}

extension IPAddress: CustomStringConvertible {
    /// The written form.
    public var description: String {
        switch self {
        case .ipv4(let address): address.description
        case .ipv6(let address): address.description
        }
    }
}

extension IPAddress: Codable {
    /// Reads either written form.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let address = IPAddress(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(text)' is no IP address")
        }
        self = address
    }

    /// Writes the written form.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// All addresses that begin with the same bits (CIDR, RFC 4632): `10.0.0.0/8`.
public struct AddressBlock: Hashable, Sendable {
    /// The first address of the block; the bits after the prefix are 0.
    public let address: IPAddress
    /// How many bits are the same: 0 to 32 or 0 to 128.
    public let prefixLength: Int

    /// All addresses of a family.
    public static func everything(_ family: AddressFamily) -> AddressBlock {
        switch family {
        case .ipv4: AddressBlock(first: .ipv4(IPv4Address(value: 0)), 0)
        case .ipv6: AddressBlock(first: .ipv6(IPv6Address(value: 0)), 0)
        }
    }

    private init(first: IPAddress, _ prefixLength: Int) {
        address = first
        self.prefixLength = prefixLength
    }

    /// The block of one address.
    public init(_ address: IPAddress) {
        self.address = address
        prefixLength = address.family == .ipv4 ? 32 : 128
    }

    /// The block `address` is in; nil for a prefix longer than the address. Bits after the prefix are cleared.
    public init?(_ address: IPAddress, prefixLength: Int) {
        switch address {
        case .ipv4(let whole):
            guard (0...32).contains(prefixLength) else { return nil }
            let mask: UInt32 = prefixLength == 0 ? 0 : .max << UInt32(32 - prefixLength)
            self.address = .ipv4(IPv4Address(value: whole.value & mask))
        case .ipv6(let whole):
            guard (0...128).contains(prefixLength) else { return nil }
            let mask: UInt128 = prefixLength == 0 ? 0 : .max << UInt128(128 - prefixLength)
            self.address = .ipv6(IPv6Address(value: whole.value & mask))
        }
        self.prefixLength = prefixLength
    }

    /// Reads an address or `address/prefix`; nil if it is neither, or if bits after the prefix are set.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let front = parts.first, let address = IPAddress(front) else { return nil }
        guard parts.count == 2 else {
            self.init(address)
            return
        }
        guard (1...3).contains(parts[1].utf8.count), parts[1].allSatisfy({ $0.isASCII && $0.isNumber }),
            let length = Int(parts[1])
        else { return nil }
        self.init(address, prefixLength: length)
        guard self.address == address else { return nil }
    }

    /// What keeps an address with a prefix from being a block, in words that follow "'…' "; nil for all other texts.
    static func problem(_ text: String) -> String? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = IPAddress(parts[0]), let length = Int(parts[1]) else { return nil }
        guard let block = AddressBlock(address, prefixLength: length) else {
            return "has a prefix that is longer than the address"
        }
        return block.address == address ? nil : "has bits after its prefix; the range is \(block)"
    }

    /// The IP version.
    public var family: AddressFamily { address.family }

    /// Whether the block is one address.
    public var isSingle: Bool { prefixLength == (family == .ipv4 ? 32 : 128) }

    /// The last address of the block.
    public var last: IPAddress {
        switch address {
        case .ipv4(let first):
            let rest: UInt32 = prefixLength == 32 ? 0 : .max >> UInt32(prefixLength)
            return .ipv4(IPv4Address(value: first.value | rest))
        case .ipv6(let first):
            let rest: UInt128 = prefixLength == 128 ? 0 : .max >> UInt128(prefixLength)
            return .ipv6(IPv6Address(value: first.value | rest))
        }
    }

    /// Whether an address is in the block.
    public func contains(_ other: IPAddress) -> Bool {
        AddressBlock(other, prefixLength: prefixLength)?.address == address && other.family == family
    }

    /// Whether all of another block is in this one.
    public func contains(_ other: AddressBlock) -> Bool {
        other.prefixLength >= prefixLength && contains(other.address)
    }
}

extension AddressBlock: CustomStringConvertible {
    /// The address, and the prefix unless the block is one address.
    public var description: String { isSingle ? "\(address)" : "\(address)/\(prefixLength)" }
}

extension AddressBlock: Codable {
    /// Reads an address or `address/prefix`.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let block = AddressBlock(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(text)' is no address block")
        }
        self = block
    }

    /// Writes an address or `address/prefix`.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
