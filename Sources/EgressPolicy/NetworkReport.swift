public import SandboxModel

/// What kernel and gateway counted for a running sandbox.
public struct NetworkReport: Codable, Sendable, Equatable {
    /// What the gateway counted; nil when it has not been needed yet.
    public var gateway: GatewayReport?
    /// What the kernel refused, the newest last.
    public var refused: [RefusedAddress]
    /// Bytes that left, where the policy has a budget for them.
    public var spent: UInt64?
    /// Bytes that left by the link, past the gateway.
    public var linked: UInt64
    /// Packets of new connections that were refused because the rate of them was exceeded.
    public var overRate: UInt64
    /// The same because the link had too many connections.
    public var overCrowd: UInt64

    /// A report.
    public init(
        gateway: GatewayReport? = nil, refused: [RefusedAddress] = [], spent: UInt64? = nil, linked: UInt64 = 0,
        overRate: UInt64 = 0, overCrowd: UInt64 = 0
    ) {
        self.linked = linked
        self.overRate = overRate
        self.overCrowd = overCrowd
        self.gateway = gateway
        self.refused = refused
        self.spent = spent
    }
}

/// A destination that the kernel refused.
public struct RefusedAddress: Codable, Sendable, Equatable {
    /// The address.
    public var address: IPAddress
    /// Number of the protocol (protocols(5)).
    public var `protocol`: UInt8
    /// The port; 0 where the protocol has none.
    public var port: UInt16
    /// Packets.
    public var packets: UInt64
    /// Seconds since the last of them.
    public var age: UInt64

    /// A destination.
    public init(address: IPAddress, protocol: UInt8, port: UInt16, packets: UInt64, age: UInt64) {
        self.address = address
        self.protocol = `protocol`
        self.port = port
        self.packets = packets
        self.age = age
    }
}
