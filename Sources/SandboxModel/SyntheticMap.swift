/// Which synthetic addresses stand for which hosts of one sandbox. An address never changes its host while the sandbox
/// exists, whatever happens to the policy meanwhile.
///
/// Addresses are places in a pool that IPv4 and IPv6 share: place `n` is the `n`th address of 198.18.0.0/15 and of
/// 2001:2::/48 (both set aside for benchmarks and routed nowhere, RFC 2544, RFC 5180). The lower half of the pool is for
/// single hosts; the upper half is cut into one block for each wildcard.
public struct SyntheticMap: Hashable, Codable, Sendable {
    /// Places for single hosts.
    public static let singles: Range<UInt32> = 1..<0x10000
    /// Places of one wildcard's block.
    public static let blockSize: UInt32 = 1024
    /// Where the blocks begin.
    public static let firstBlock: UInt32 = 0x10000
    /// Blocks there are.
    public static let blockCount: UInt32 = 64

    /// First place of each pattern that ever had one, by its text.
    public private(set) var places: [String: UInt32] = [:]
    private var nextSingle = singles.lowerBound
    private var nextBlock: UInt32 = 0

    /// No places taken.
    public init() {}

    /// The places of a pattern; taken for it now if it had none.
    /// - Returns: nil when the pool is used up.
    public mutating func take(_ pattern: HostPattern) -> Range<UInt32>? {
        if let known = self[pattern] { return known }
        let place: UInt32
        switch pattern {
        case .exact:
            guard Self.singles.contains(nextSingle) else { return nil }
            place = nextSingle
            nextSingle += 1
        case .below:
            guard nextBlock < Self.blockCount else { return nil }
            place = Self.firstBlock + nextBlock * Self.blockSize
            nextBlock += 1
        }
        places[pattern.description] = place
        return self[pattern]
    }

    /// The places of a pattern that has some.
    public subscript(pattern: HostPattern) -> Range<UInt32>? {
        guard let first = places[pattern.description] else { return nil }
        return switch pattern {
        case .exact: first..<first + 1
        case .below: first..<first + Self.blockSize
        }
    }

    /// The pattern that a place stands for, or is one of the places of.
    public func pattern(of place: UInt32) -> HostPattern? {
        let first = place < Self.firstBlock ? place : place - place % Self.blockSize
        return places.first { $0.value == first }.flatMap { HostPattern(parsing: $0.key) }
    }

    /// All IPv4 addresses of the pool.
    public static let poolV4 = block(.ipv4(IPv4Address(value: 0xc612_0000)), 15)
    /// All IPv6 addresses of the pool.
    public static let poolV6 = block(.ipv6(IPv6Address(value: 0x2001_0002 << 96)), 48)

    private static func block(_ address: IPAddress, _ prefixLength: Int) -> AddressBlock {
        AddressBlock(address, prefixLength: prefixLength) ?? AddressBlock(address)
    }

    /// The IPv4 address of a place.
    public static func v4(_ place: UInt32) -> IPAddress { .ipv4(IPv4Address(value: 0xc612_0000 | place)) }

    /// The IPv6 address of a place.
    public static func v6(_ place: UInt32) -> IPAddress {
        .ipv6(IPv6Address(value: 0x2001_0002 << 96 | UInt128(place)))
    }

    /// The place of an address of the pool.
    public static func place(of address: IPAddress) -> UInt32? {
        switch address {
        case .ipv4(let v4): v4.value & 0xfffe_0000 == 0xc612_0000 ? v4.value & 0x1_ffff : nil
        case .ipv6(let v6):
            v6.value & ~0x1_ffff == 0x2001_0002 << 96 ? UInt32(truncatingIfNeeded: v6.value & 0x1_ffff) : nil
        }
    }
}
