extension IPAddress {
    /// Whether it is an IPv4 address.
    public var isV4: Bool { family == .ipv4 }

    /// An address of 4 or 16 bytes in network order.
    public init?(bytes: some Collection<UInt8>) {
        if bytes.count == 4 {
            self = .ipv4(IPv4Address(value: bytes.reduce(0) { $0 << 8 | UInt32($1) }))
        } else {
            guard let address = IPv6Address(bytes: bytes) else { return nil }
            self = .ipv6(address)
        }
    }
}

extension IPAddress: Comparable {
    /// IPv4 before IPv6, then by number.
    public static func < (left: IPAddress, right: IPAddress) -> Bool {
        switch (left, right) {
        case (.ipv4(let one), .ipv4(let other)): one < other
        case (.ipv6(let one), .ipv6(let other)): one < other
        case (.ipv4, .ipv6): true
        case (.ipv6, .ipv4): false
        }
    }
}

extension AddressBlock: Comparable {
    /// Whether the blocks share an address.
    public func overlaps(_ other: AddressBlock) -> Bool { contains(other.address) || other.contains(address) }

    /// By first address, wider blocks first.
    public static func < (left: AddressBlock, right: AddressBlock) -> Bool {
        left.address == right.address ? left.prefixLength < right.prefixLength : left.address < right.address
    }
}
