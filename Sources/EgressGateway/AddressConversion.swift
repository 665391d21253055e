internal import EgressWire
internal import NIOCore
internal import SandboxModel

extension IPAddress {
    /// The address of a socket address of IPv4 or IPv6.
    init?(_ address: SocketAddress) {
        guard let text = address.ipAddress else { return nil }
        self.init(text)
    }

    /// A socket address with a port.
    func socketAddress(port: UInt16) -> SocketAddress? {
        try? SocketAddress(packedIPAddress: ByteBuffer(bytes: bytes), port: Int(port))
    }

    /// The form of the wire.
    var wire: DNSAddress {
        switch self {
        case .ipv4(let v4): .v4(v4.value)
        case .ipv6(let v6):
            .v6(UInt64(truncatingIfNeeded: v6.value >> 64), UInt64(truncatingIfNeeded: v6.value))
        }
    }

    init(_ wire: DNSAddress) {
        switch wire {
        case .v4(let number): self = .ipv4(IPv4Address(value: number))
        case .v6(let high, let low): self = .ipv6(IPv6Address(value: UInt128(high) << 64 | UInt128(low)))
        }
    }
}
