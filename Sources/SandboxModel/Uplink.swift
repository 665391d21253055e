/// Where links between sandboxes and the host get their addresses from; the host's administrator may choose others.
public struct UplinkPool: Hashable, Sendable {
    /// How many links a pool has room for: one for every range of uids.
    public static let count: UInt32 = 4096
    /// The longest prefix of a family that leaves two addresses for each link.
    public static func longestPrefix(_ family: AddressFamily) -> Int { family == .ipv4 ? 19 : 115 }

    /// IPv4 addresses, private ones.
    public var v4: AddressBlock
    /// IPv6 addresses, unique local ones.
    public var v6: AddressBlock

    /// A pool.
    /// - Returns: nil when a block is of the wrong family or too small.
    public init?(v4: AddressBlock, v6: AddressBlock) {
        guard v4.family == .ipv4, v6.family == .ipv6, Self.hasRoom(v4), Self.hasRoom(v6) else { return nil }
        self.v4 = v4
        self.v6 = v6
    }

    /// Whether a block leaves two addresses for each link.
    public static func hasRoom(_ block: AddressBlock) -> Bool { block.prefixLength <= longestPrefix(block.family) }

    /// A part of the private ranges that few networks use.
    public static let standard = UplinkPool(
        standardV4: IPv4Address(10, 213, 32, 0), standardV6: IPv6Address(value: 0xfd5c_9a41_7d2e << 80))

    private init(standardV4: IPv4Address, standardV6: IPv6Address) {
        v4 = AddressBlock(.ipv4(standardV4), prefixLength: 19) ?? AddressBlock(.ipv4(standardV4))
        v6 = AddressBlock(.ipv6(standardV6), prefixLength: 64) ?? AddressBlock(.ipv6(standardV6))
    }

    /// The link of a slot, below ``count``.
    public func link(_ slot: UInt32) -> Uplink {
        let offset = slot % Self.count * 2
        return Uplink(
            slot: slot % Self.count, v4: Uplink.Ends(v4.address.advanced(by: offset)),
            v6: Uplink.Ends(v6.address.advanced(by: offset)))
    }
}

/// The pair of interfaces that joins a sandbox with the host's network: in mode `full`, and for direct hosts.
public struct Uplink: Hashable, Sendable {
    /// Two addresses next to each other, with nobody else on the link (RFC 3021, RFC 6164).
    public struct Ends: Hashable, Sendable {
        /// On the host.
        public let host: IPAddress
        /// In the sandbox.
        public let sandbox: IPAddress

        init(_ first: IPAddress) {
            host = first
            sandbox = first.advanced(by: 1)
        }
    }

    /// Begins the names of the host's interfaces. Nothing of Docker, podman, libvirt, NetworkManager or networkd looks for
    /// names like these.
    public static let prefix = "sbx-"
    /// Name of the interface in the sandbox.
    public static let inside = "uplink"

    /// The number that everything about the link is made of.
    public let slot: UInt32
    /// IPv4 addresses.
    public let v4: Ends
    /// IPv6 addresses.
    public let v6: Ends

    /// Name of the host's interface.
    public var interface: String { Self.prefix + String(slot, radix: 16) }
    /// Hardware address of the host's interface: locally administered, known to both sides without asking.
    public var hostHardware: [UInt8] { hardware(0) }
    /// Hardware address of the sandbox's interface.
    public var sandboxHardware: [UInt8] { hardware(1) }

    private func hardware(_ side: UInt8) -> [UInt8] {
        [0x02, 0x73, 0x62, UInt8(truncatingIfNeeded: slot >> 8), UInt8(truncatingIfNeeded: slot), side]
    }
}

extension IPAddress {
    /// The address so many places further on.
    func advanced(by count: UInt32) -> IPAddress {
        switch self {
        case .ipv4(let address): .ipv4(IPv4Address(value: address.value &+ count))
        case .ipv6(let address): .ipv6(IPv6Address(value: address.value &+ UInt128(count)))
        }
    }
}
