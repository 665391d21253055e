/// What a sandbox reaches over the network.
///
/// There is no default that opens: absent means `none`.
public enum NetworkMode: String, Codable, Sendable, CaseIterable {
    /// A namespace with a loopback device and nothing else.
    case none
    /// Only the hosts the policy names, through the gateway.
    case restricted
    /// Everything but private ranges and the host itself, unless a rule names them, and what is never reached (metadata,
    /// link-local addresses, other sandboxes).
    case full
}

/// A transport protocol.
public enum Transport: String, Codable, Sendable, CaseIterable {
    /// TCP (RFC 9293).
    case tcp
    /// UDP (RFC 768).
    case udp
}

/// Ports of one transport: `443`, `8000-8010`, `123/udp`.
public struct PortRange: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The transport.
    public let transport: Transport
    /// Lowest and highest port, 1 to 65,535.
    public let ports: ClosedRange<UInt16>

    /// The given ports.
    public init(_ transport: Transport, _ ports: ClosedRange<UInt16>) {
        self.transport = transport
        self.ports = ports
    }

    /// One TCP port.
    public init(tcp port: UInt16) { self.init(.tcp, port...port) }

    /// Reads `443`, `8000-8010`, `53/udp`, `80/tcp`.
    /// - Returns: `nil` for anything else, port 0 and ranges that run backwards.
    public init?(parsing text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count) else { return nil }
        guard let transport = parts.count == 2 ? Transport(rawValue: String(parts[1])) : .tcp else { return nil }
        let ends = parts[0].split(separator: "-", omittingEmptySubsequences: false)
        guard (1...2).contains(ends.count), let low = Self.port(ends[0]), let high = Self.port(ends[ends.count - 1]),
            low <= high
        else { return nil }
        self.init(transport, low...high)
    }

    private static func port(_ text: Substring) -> UInt16? {
        guard let number = UInt64(strictDecimal: text), (1...65535).contains(number) else { return nil }
        return UInt16(number)
    }

    /// Whether the port is one of these.
    public func contains(_ transport: Transport, _ port: UInt16) -> Bool {
        transport == self.transport && ports.contains(port)
    }

    /// The shortest form it is read in.
    public var description: String {
        let range = ports.count == 1 ? "\(ports.lowerBound)" : "\(ports.lowerBound)-\(ports.upperBound)"
        return transport == .tcp ? range : "\(range)/\(transport.rawValue)"
    }

    /// TCP first, then by number.
    public static func < (left: PortRange, right: PortRange) -> Bool {
        let own = (left.transport == .tcp ? 0 : 1, left.ports.lowerBound, left.ports.upperBound)
        return own < (right.transport == .tcp ? 0 : 1, right.ports.lowerBound, right.ports.upperBound)
    }
}

/// A number of events per unit of time: `50/second`, `600/minute`.
public struct Rate: Hashable, Sendable, CustomStringConvertible {
    /// Unit of time.
    public enum Unit: String, Sendable, CaseIterable {
        /// 1 second.
        case second
        /// 60 seconds.
        case minute
    }

    /// Events per unit, 1 to 1,000,000.
    public let count: UInt32
    /// The unit.
    public let unit: Unit

    /// Reads `50/second` or `600/minute`.
    /// - Returns: `nil` for anything else.
    public init?(parsing text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let count = UInt64(strictDecimal: parts[0]), (1...1_000_000).contains(count),
            let unit = Unit(rawValue: String(parts[1]))
        else { return nil }
        self.count = UInt32(count)
        self.unit = unit
    }

    /// The form it is read in.
    public var description: String { "\(count)/\(unit.rawValue)" }
}

/// One thing that may be reached.
public struct EgressRule: Hashable, Codable, Sendable {
    /// What is reached.
    public enum Destination: Hashable, Sendable, CustomStringConvertible {
        /// Hosts by name.
        case host(HostPattern)
        /// Addresses.
        case network(AddressBlock)

        /// The form a template writes.
        public var description: String {
            switch self {
            case .host(let pattern): pattern.description
            case .network(let range): range.description
            }
        }
    }

    /// How traffic leaves.
    public enum Path: String, Codable, Sendable, CaseIterable {
        /// Relayed by the gateway, which checks names: TCP only.
        case gateway
        /// Through the kernel to the addresses that the name has: any transport.
        case direct
    }

    /// TCP 443 and 80: what a rule without ports means.
    public static let standardPorts = [PortRange(tcp: 80), PortRange(tcp: 443)]

    /// What is reached.
    public var destination: Destination
    /// On which ports; never empty, in order.
    public var ports: [PortRange]
    /// How.
    public var via: Path
    /// Until when: microseconds since 1970; nil for good.
    public var expires: Int64?
    /// The preset it came from, for people.
    public var preset: String?

    /// A rule with all its parts.
    public init(
        _ destination: Destination, ports: [PortRange] = standardPorts, via: Path? = nil, expires: Int64? = nil,
        preset: String? = nil
    ) {
        self.destination = destination
        self.ports = ports.sorted()
        self.expires = expires
        self.preset = preset
        // An address has no name that the gateway could check.
        if case .network = destination { self.via = .direct } else { self.via = via ?? .gateway }
    }

    /// What keeps the parts from going together; nil when they do.
    public var problem: String? {
        guard !ports.isEmpty else { return "names no port" }
        switch (destination, via) {
        case (.host, .gateway):
            guard ports.allSatisfy({ $0.transport == .tcp }) else {
                return "has UDP ports, which the gateway does not relay; 'via = \"direct\"' and '--direct' take them"
            }
        case (.host(.below), .direct): return "is a wildcard, whose addresses cannot be known; direct needs a full name"
        case (.host(.exact), .direct): break
        case (.network(let range), _): return SpecialAddresses.refusal(of: range)
        }
        return nil
    }

    /// Whether it is over at `time` (microseconds since 1970).
    public func hasExpired(at time: Int64) -> Bool { expires.map { $0 <= time } ?? false }

    /// Reads what `--allow` takes: `HOST`, `HOST:PORT`, `HOST:PORT,PORT`, `ADDRESS/PREFIX:PORT`, `[IPV6]:PORT`.
    /// - Parameter via: how a host is reached.
    /// - Throws: what is wrong, in words that follow "'…' ".
    public init(parsing text: String, via: Path = .gateway) throws(EgressRuleProblem) {
        let (destination, ports) = try Self.parts(text)
        self.init(destination, ports: ports ?? Self.standardPorts, via: via)
        if let problem { throw EgressRuleProblem(problem) }
    }

    /// The parts of such a text; no ports where it names none.
    /// - Throws: what is wrong, in words that follow "'…' ".
    public static func parts(_ text: String) throws(EgressRuleProblem) -> (Destination, [PortRange]?) {
        if text.contains("://") { throw EgressRuleProblem("is a URL; write the host alone, or HOST:PORT") }
        let (destination, ports) = try split(text)
        return (try Self.destination(String(destination)), try ports.map(Self.ports))
    }

    /// Reads a host pattern, an address or a range of addresses.
    public static func destination(_ text: String) throws(EgressRuleProblem) -> Destination {
        if let range = AddressBlock(text) { return .network(range) }
        if text.isEmpty { throw EgressRuleProblem("names no host") }
        if let problem = AddressBlock.problem(text) { throw EgressRuleProblem(problem) }
        if text.contains("/") || text.contains(":") {
            throw EgressRuleProblem("is neither a host nor a range of addresses like 192.0.2.0/24 or [2001:db8::]/32")
        }
        if let problem = HostPattern.problem(text) { throw EgressRuleProblem(problem) }
        guard let pattern = HostPattern(parsing: text) else { throw EgressRuleProblem("is no host name") }
        return .host(pattern)
    }

    private static func split(_ text: String) throws(EgressRuleProblem) -> (Substring, Substring?) {
        var rest = text[...]
        var bracketed: Substring?
        if rest.hasPrefix("[") {
            guard let end = rest.firstIndex(of: "]") else { throw EgressRuleProblem("has '[' without ']'") }
            bracketed = rest[rest.index(after: rest.startIndex)..<end]
            rest = rest[rest.index(after: end)...]
            // Both [2001:db8::]/32:443 and [2001:db8::/32]:443 are written.
            if rest.hasPrefix("/") {
                let prefix = rest.prefix { $0 != ":" }
                bracketed = Substring(String(bracketed ?? "") + prefix)
                rest = rest[prefix.endIndex...]
            }
            guard rest.isEmpty || rest.hasPrefix(":") else { throw EgressRuleProblem("has text after ']'") }
        } else if AddressBlock(text) != nil {
            return (rest, nil)
        }
        guard let colon = rest.firstIndex(of: ":") else { return (bracketed ?? rest, nil) }
        return (bracketed ?? rest[..<colon], rest[rest.index(after: colon)...])
    }

    private static func ports(_ text: Substring) throws(EgressRuleProblem) -> [PortRange] {
        var result: [PortRange] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let range = PortRange(parsing: String(part)) else {
                throw EgressRuleProblem("has the port '\(part)'; write 443, 8000-8010 or 123/udp")
            }
            result.append(range)
        }
        return result
    }
}

/// What is wrong with a rule, in words that follow the rule in quotes.
public struct EgressRuleProblem: Error, Sendable, Equatable {
    /// The words.
    public let text: String

    /// A problem.
    public init(_ text: String) { self.text = text }
}

extension EgressRule: CustomStringConvertible {
    /// The form `--allow` takes: `HOST` or `HOST:PORTS`.
    public var description: String {
        guard ports != Self.standardPorts else { return destination.description }
        let list = ports.map(\.description).joined(separator: ",")
        if case .network(let range) = destination, range.family == .ipv6 { return "[\(range)]:\(list)" }
        return "\(destination):\(list)"
    }
}

/// What a sandbox may reach: the definition, from template, command line and live changes.
public struct NetworkPolicy: Hashable, Sendable {
    /// The most rules a policy holds, presets included.
    public static let ruleLimit = 1024

    /// The mode.
    public var mode: NetworkMode
    /// What may be reached in mode `restricted`, and in mode `full` against what is refused there.
    public var rules: [EgressRule]
    /// Names that are refused although a wildcard or the mode allows them.
    public var denied: [HostPattern]
    /// Whether names may lead to addresses of private ranges, and rules may name such addresses.
    public var allowsPrivate: Bool
    /// Bytes that may leave until the sandbox is started again; nil for any number.
    public var egressBudget: ByteSize?
    /// New connections; nil for any number.
    public var connectionRate: Rate?

    /// A host that one rule reaches directly and another through the gateway, if there is one.
    public var directAndRelayed: HostPattern? {
        let direct = Set(rules.filter { $0.via == .direct }.map(\.destination))
        for rule in rules where rule.via == .gateway && direct.contains(rule.destination) {
            if case .host(let pattern) = rule.destination { return pattern }
        }
        return nil
    }

    /// A policy; without parts it reaches nothing.
    public init(
        mode: NetworkMode = .none, rules: [EgressRule] = [], denied: [HostPattern] = [], allowsPrivate: Bool = false,
        egressBudget: ByteSize? = nil, connectionRate: Rate? = nil
    ) {
        self.mode = mode
        self.rules = rules
        self.denied = denied
        self.allowsPrivate = allowsPrivate
        self.egressBudget = egressBudget
        self.connectionRate = connectionRate
    }
}
