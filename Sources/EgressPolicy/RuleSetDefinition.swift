public import SandboxModel

/// A named set: keys that rules look up, filled by whoever makes the ruleset or by rules themselves.
public struct RuleSetDefinition: Hashable, Codable, Sendable {
    /// The set's name, unique in its table; 1 to 255 bytes.
    public var name: String
    /// What a key is made of; more than one field makes a concatenation. At most 64 bytes in all.
    public var key: [KeyField]
    /// Whether elements may be ranges (`NFT_SET_INTERVAL`). Ranges must not overlap.
    public var isInterval: Bool
    /// Whether elements may expire (`NFT_SET_TIMEOUT`).
    public var hasTimeout: Bool
    /// Whether rules add elements (`NFT_SET_EVAL`). Such elements are no part of the policy: reading leaves them out.
    public var isDynamic: Bool
    /// The most elements the set takes; nil: any number. The kernel prepares for the number, so loading is faster.
    public var size: UInt32?
    /// How long elements without a time of their own stay, in milliseconds; nil: for ever. The kernel counts in ticks,
    /// so only whole multiples of 20 ms are kept exactly.
    public var defaultTimeout: UInt64?
    /// Whether each element counts the packets and bytes that matched it.
    public var countsElements: Bool
    /// The elements the set is loaded with. Their order has no meaning.
    public var elements: [SetElement]

    /// A set; by default one of single, lasting elements that only its owner changes.
    public init(
        name: String, key: [KeyField], isInterval: Bool = false, hasTimeout: Bool = false, isDynamic: Bool = false,
        size: UInt32? = nil, defaultTimeout: UInt64? = nil, countsElements: Bool = false, elements: [SetElement] = []
    ) {
        self.name = name
        self.key = key
        self.isInterval = isInterval
        self.hasTimeout = hasTimeout
        self.isDynamic = isDynamic
        self.size = size
        self.defaultTimeout = defaultTimeout
        self.countsElements = countsElements
        self.elements = elements
    }
}

/// One field of a set's key.
public enum KeyField: String, Hashable, Codable, Sendable, CaseIterable {
    /// `ipv4_addr`, 4 bytes.
    case ipv4
    /// `ipv6_addr`, 16 bytes.
    case ipv6
    /// `inet_proto`, 1 byte.
    case transport
    /// `inet_service`, a port of TCP, UDP or the like, 2 bytes.
    case service
}

/// The value of one field of a key.
public enum KeyValue: Hashable, Codable, Sendable {
    /// An IPv4 address.
    case ipv4(IPv4Address)
    /// An IPv6 address.
    case ipv6(IPv6Address)
    /// A protocol above IP.
    case transport(TransportProtocol)
    /// A port.
    case service(UInt16)

    /// An address of either family.
    public static func address(_ address: IPAddress) -> KeyValue {
        switch address {
        case .ipv4(let v4): .ipv4(v4)
        case .ipv6(let v6): .ipv6(v6)
        }
    }

    /// The kind of field it is a value of.
    public var field: KeyField {
        switch self {
        case .ipv4: .ipv4
        case .ipv6: .ipv6
        case .transport: .transport
        case .service: .service
        }
    }
}

/// An element of a set: a key or, in an interval set, a range of keys.
public struct SetElement: Hashable, Codable, Sendable {
    /// The key, or the lower bound; one value per field of the set.
    public var lower: [KeyValue]
    /// The upper bound, inclusive and field by field; nil: the key alone.
    public var upper: [KeyValue]?
    /// How long the element stays, in milliseconds; nil: as long as the set says.
    public var timeout: UInt64?
    /// A word for people; at most 127 bytes.
    public var comment: String?

    /// A single key.
    public init(_ key: [KeyValue], timeout: UInt64? = nil, comment: String? = nil) {
        self.init(from: key, through: nil, timeout: timeout, comment: comment)
    }

    /// A range of keys, both bounds inclusive and field by field.
    public init(
        from lower: [KeyValue], through upper: [KeyValue]?, timeout: UInt64? = nil, comment: String? = nil
    ) {
        self.lower = lower
        self.upper = upper
        self.timeout = timeout
        self.comment = comment
    }
}

/// A change of a set's elements in a table that is loaded.
public enum ElementChange: Hashable, Codable, Sendable {
    /// Puts elements in. One that is there already stays as it is, with the time it has left.
    case add(set: String, elements: [SetElement])
    /// Takes elements out; bounds must be those it was put in with. One that is not there is no error.
    case remove(set: String, elements: [SetElement])
    /// Puts elements in, or starts their time anew.
    case refresh(set: String, elements: [SetElement])
}
