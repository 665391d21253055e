public import SandboxModel

/// A rule: statements from left to right, until one does not match or one decides.
public struct Rule: Hashable, Codable, Sendable {
    /// What the rule is called, for example in an explanation of a decision; at most 127 bytes, may be empty.
    ///
    /// The kernel keeps it as the rule's comment (`NFTNL_UDATA_RULE_COMMENT`, libnftnl/udata.h).
    public var name: String
    /// What it matches and does.
    public var statements: [Statement]

    /// A rule of these statements.
    public init(_ name: String, _ statements: [Statement]) {
        self.name = name
        self.statements = statements
    }
}

/// A part of a rule: a match, something that happens on the way, or a verdict. See nft(8).
public enum Statement: Hashable, Codable, Sendable {
    // MARK: Matches

    /// The packet is of this family (`meta nfproto`).
    case family(AddressFamily)
    /// The protocol above IP (`meta l4proto`).
    case transport(TransportProtocol, negated: Bool = false)
    /// The interface by name (`iifname`, `oifname`).
    case interface(InterfaceSide, InterfacePattern, negated: Bool = false)
    /// An address in a block (`ip daddr`, `ip6 saddr`).
    case address(AddressSide, AddressBlock, negated: Bool = false)
    /// The destination port of TCP, UDP or the like (`th dport`), in a range that may be one port.
    case destinationPort(ClosedRange<UInt16>, negated: Bool = false)
    /// The packet's fields, together, are an element of a named set (`ip daddr . th dport @name`).
    case inSet(String, key: [PacketField], negated: Bool = false)
    /// The connection is in one of these states (`ct state`).
    case connectionState(ConnectionStates)
    /// The destination is an address of this network namespace (`fib daddr type local`).
    case destinationIsLocal(negated: Bool = false)
    /// The packet's mark under a mask (`meta mark`).
    case mark(UInt32, mask: UInt32 = .max, negated: Bool = false)

    // MARK: Limits

    /// Matches until so many bytes have passed, or from then on.
    case quota(bytes: UInt64, over: Bool)
    /// Matches while the rate of packets is kept, or when it is exceeded.
    case limit(RateLimit)
    /// Matches while there are no more than `count` connections, or when there are (`ct count`).
    case connectionLimit(count: UInt32, over: Bool)

    // MARK: On the way

    /// Counts packets and bytes.
    case counter
    /// Puts the packet's fields into a dynamic set (`add`, `update`). When the set is full the rule does not match.
    case remember(Remembrance)
    /// Gives the packet a mark (`meta mark set`).
    case setMark(UInt32)

    // MARK: Verdicts

    /// The packet passes this hook's chain.
    case accept
    /// The packet vanishes.
    case drop
    /// Goes on in a regular chain, and here again when that has no verdict.
    case jump(String)
    /// Goes on in a regular chain, and not here again.
    case goto(String)
    /// Goes back to the chain that jumped here; in a base chain: to its policy.
    case `return`
    /// The packet vanishes and its sender is told.
    case reject(Rejection)
    /// The packet goes to this machine instead; nil keeps its port. In a nat chain only.
    case redirect(toPort: UInt16?)
    /// The packet leaves with the interface's own address. In a nat chain of `postrouting` only.
    case masquerade

    // MARK: What others made

    /// Something this type has no word for, in libnftnl's words. Reading makes it; applying it is an error.
    case foreign(String)
}

/// A protocol above IP by its number; see protocols(5).
public struct TransportProtocol: RawRepresentable, Hashable, Codable, Sendable {
    /// The number of the IP header.
    public let rawValue: UInt8
    /// A protocol by number.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// ICMP, the control protocol of IPv4.
    public static let icmp = TransportProtocol(rawValue: 1)
    /// TCP.
    public static let tcp = TransportProtocol(rawValue: 6)
    /// UDP.
    public static let udp = TransportProtocol(rawValue: 17)
    /// ICMPv6, the control protocol of IPv6.
    public static let icmpv6 = TransportProtocol(rawValue: 58)
}

/// The interface a packet came through or goes through.
public enum InterfaceSide: String, Hashable, Codable, Sendable {
    /// Came through (`iifname`).
    case input
    /// Goes through (`oifname`).
    case output
}

/// Which interfaces are meant.
public enum InterfacePattern: Hashable, Codable, Sendable {
    /// The one of this name; 1 to 15 bytes.
    case name(String)
    /// All whose name starts so; 1 to 15 bytes.
    case prefix(String)
}

/// One of a packet's two addresses.
public enum AddressSide: String, Hashable, Codable, Sendable {
    /// Where it comes from.
    case source
    /// Where it goes.
    case destination
}

/// A field of a packet that can be part of a key.
public enum PacketField: String, Hashable, Codable, Sendable, CaseIterable {
    /// `ip saddr`.
    case sourceIPv4
    /// `ip daddr`.
    case destinationIPv4
    /// `ip6 saddr`.
    case sourceIPv6
    /// `ip6 daddr`.
    case destinationIPv6
    /// `meta l4proto`.
    case transport
    /// `th dport`.
    case destinationPort

    /// The kind of key field it fills.
    public var keyField: KeyField {
        switch self {
        case .sourceIPv4, .destinationIPv4: .ipv4
        case .sourceIPv6, .destinationIPv6: .ipv6
        case .transport: .transport
        case .destinationPort: .service
        }
    }
}

/// States of a connection; raw values as in `NF_CT_STATE_BIT` (linux/netfilter/nf_conntrack_common.h).
public struct ConnectionStates: OptionSet, Hashable, Codable, Sendable {
    /// The bits.
    public let rawValue: UInt32
    /// States by their bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Belongs to no connection and starts none.
    public static let invalid = ConnectionStates(rawValue: 1)
    /// Belongs to a connection that has seen packets both ways.
    public static let established = ConnectionStates(rawValue: 2)
    /// Starts a connection that another expects, or tells an error of one.
    public static let related = ConnectionStates(rawValue: 4)
    /// Starts a connection.
    public static let new = ConnectionStates(rawValue: 8)
    /// Tracking was switched off.
    public static let untracked = ConnectionStates(rawValue: 64)
}

/// A rate of packets (`limit rate`).
public struct RateLimit: Hashable, Codable, Sendable {
    /// The time a rate is counted over; raw values are seconds.
    public enum Unit: UInt64, Hashable, Codable, Sendable, CaseIterable {
        /// Per second.
        case second = 1
        /// Per minute.
        case minute = 60
        /// Per hour.
        case hour = 3600
        /// Per day.
        case day = 86400
    }

    /// Packets per unit; not 0.
    public var packets: UInt64
    /// The unit.
    public var unit: Unit
    /// Packets that may come at once beyond the rate; not 0.
    public var burst: UInt32
    /// Whether it matches what exceeds the rate, instead of what keeps it.
    public var over: Bool

    /// A rate; the burst is nft's own default.
    public init(packets: UInt64, per unit: Unit, burst: UInt32 = 5, over: Bool = false) {
        self.packets = packets
        self.unit = unit
        self.burst = burst
        self.over = over
    }
}

/// What is put into a dynamic set by a rule.
public struct Remembrance: Hashable, Codable, Sendable {
    /// How an element that is there already is treated.
    public enum Operation: String, Hashable, Codable, Sendable {
        /// It stays as it is.
        case add
        /// Its time starts anew.
        case update
    }

    /// How an element that is there already is treated.
    public var operation: Operation
    /// The name of the set.
    public var set: String
    /// The fields that make the key.
    public var key: [PacketField]
    /// How long the element stays, in milliseconds; nil: as long as the set says.
    public var timeout: UInt64?
    /// Whether the element counts packets and bytes.
    public var counter: Bool

    /// An addition to a dynamic set.
    public init(
        _ operation: Operation = .update, set: String, key: [PacketField], timeout: UInt64? = nil,
        counter: Bool = false
    ) {
        self.operation = operation
        self.set = set
        self.key = key
        self.timeout = timeout
        self.counter = counter
    }
}

/// How a sender is told that its packet was not let through.
public enum Rejection: String, Hashable, Codable, Sendable {
    /// The connection is reset: "connection refused". TCP only.
    case tcpReset
    /// ICMP or ICMPv6 "administratively prohibited": "no route to host" or "permission denied".
    case administrativelyProhibited
    /// ICMP or ICMPv6 "port unreachable": "connection refused".
    case portUnreachable
}
