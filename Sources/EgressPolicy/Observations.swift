/// What a rule has counted since it was loaded.
public struct RuleCount: Hashable, Codable, Sendable {
    /// The chain the rule is in.
    public var chain: String
    /// The rule's name.
    public var rule: String
    /// Its place in the chain, from 0.
    public var position: Int
    /// Packets and bytes of its counter; nil if it has none.
    public var traffic: Traffic?
    /// Bytes its quota has seen; nil if it has none.
    public var quotaUsed: UInt64?

    /// A rule's counts.
    public init(chain: String, rule: String, position: Int, traffic: Traffic?, quotaUsed: UInt64?) {
        self.chain = chain
        self.rule = rule
        self.position = position
        self.traffic = traffic
        self.quotaUsed = quotaUsed
    }
}

/// Packets and their bytes, IP headers included.
public struct Traffic: Hashable, Codable, Sendable {
    /// Packets.
    public var packets: UInt64
    /// Bytes.
    public var bytes: UInt64

    /// So many packets of so many bytes.
    public init(packets: UInt64, bytes: UInt64) {
        self.packets = packets
        self.bytes = bytes
    }
}

/// An element of a set as it is in the kernel now.
public struct LiveElement: Hashable, Codable, Sendable {
    /// The element; its timeout is the one it was given, or that of its set.
    public var element: SetElement
    /// Milliseconds until it goes; nil: it stays.
    public var expires: UInt64?
    /// What it has counted; nil if the set does not count.
    public var traffic: Traffic?

    /// An element and what the kernel says of it.
    public init(element: SetElement, expires: UInt64?, traffic: Traffic?) {
        self.element = element
        self.expires = expires
        self.traffic = traffic
    }
}
