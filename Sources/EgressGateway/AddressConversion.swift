internal import EgressWire
internal import NIOCore
internal import SandboxModel

extension IPAddress {
    /// The address of a socket address of IPv4 or IPv6.
    init?(_ address: SocketAddress) {
        guard let text = address.ipAddress else { return nil }
        self.init(parsing: text)
    }

    /// A socket address with a port.
    func socketAddress(port: UInt16) -> SocketAddress? {
        try? SocketAddress(packedIPAddress: ByteBuffer(bytes: bytes), port: Int(port))
    }

    /// The form of the wire.
    var wire: DNSAddress {
        switch self {
        case .v4(let number): .v4(number)
        case .v6(let high, let low): .v6(high, low)
        }
    }

    init(_ wire: DNSAddress) {
        switch wire {
        case .v4(let number): self = .v4(number)
        case .v6(let high, let low): self = .v6(high, low)
        }
    }
}
