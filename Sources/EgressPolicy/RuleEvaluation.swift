public import SandboxModel

/// A packet that is thought of, to ask rules about.
public struct ImaginedPacket: Hashable, Sendable {
    /// Where it goes.
    public var destination: IPAddress
    /// TCP or UDP.
    public var transport: Transport
    /// The port it goes to.
    public var port: UInt16
    /// The interface it leaves by.
    public var interface: String

    /// The first packet of a connection.
    public init(to destination: IPAddress, _ transport: Transport, port: UInt16, through interface: String) {
        self.destination = destination
        self.transport = transport
        self.port = port
        self.interface = interface
    }
}

/// What rules do with a packet.
public struct RuleVerdict: Hashable, Sendable {
    /// What happens to the packet.
    public enum Outcome: Hashable, Sendable {
        /// It passes.
        case accepted
        /// It vanishes.
        case dropped
        /// It vanishes and its sender is told.
        case rejected(Rejection)
        /// It goes to this port of the namespace itself.
        case redirected(UInt16?)
    }

    /// What happens.
    public var outcome: Outcome
    /// A rule, and the chain it is in.
    public struct Place: Hashable, Sendable {
        /// The chain.
        public var chain: String
        /// The rule; nil when it is the chain's policy that decides.
        public var rule: Rule?
    }

    /// The rule that decides, and before it those that led to its chain.
    public var path: [Place]
}

extension Ruleset {
    /// What the base chain of a hook and kind does with the first packet of a connection that is made in the namespace.
    ///
    /// Rates are taken for kept; statements this type has no word for never match.
    /// - Parameter isSpent: whether the quota in the rule of that chain and position is used up.
    /// - Returns: nil when there is no such chain.
    public func verdict(
        on packet: ImaginedPacket, kind: RuleChain.Base.Kind, hook: RuleChain.Base.Hook = .output,
        isSpent: (_ chain: String, _ position: Int) -> Bool = { _, _ in false }
    ) -> RuleVerdict? {
        guard let chain = chains.first(where: { $0.base?.kind == kind && $0.base?.hook == hook }),
            let policy = chain.base?.policy
        else { return nil }
        if let verdict = walk(chain, packet, isSpent, depth: 0) { return verdict }
        return RuleVerdict(
            outcome: policy == .accept ? .accepted : .dropped,
            path: [RuleVerdict.Place(chain: chain.name, rule: nil)])
    }

    /// Deeper jumps are refused by the kernel (`NFT_JUMP_STACK_SIZE`).
    private static let deepest = 16

    private func walk(
        _ chain: RuleChain, _ packet: ImaginedPacket, _ isSpent: (String, Int) -> Bool, depth: Int
    ) -> RuleVerdict? {
        guard depth < Self.deepest else { return nil }
        rules: for (position, rule) in chain.rules.enumerated() {
            let place = RuleVerdict.Place(chain: chain.name, rule: rule)
            for statement in rule.statements {
                if let outcome = statement.outcome { return RuleVerdict(outcome: outcome, path: [place]) }
                switch statement {
                case .return: return nil
                case .jump(let name), .goto(let name):
                    if let next = chains.first(where: { $0.name == name }),
                        var verdict = walk(next, packet, isSpent, depth: depth + 1)
                    {
                        verdict.path.insert(place, at: 0)
                        return verdict
                    }
                    if case .goto = statement { return nil }
                case .quota(_, let over):
                    if isSpent(chain.name, position) != over { continue rules }
                default:
                    guard matches(statement, packet) else { continue rules }
                }
            }
        }
        return nil
    }

    private func matches(_ statement: Statement, _ packet: ImaginedPacket) -> Bool {
        switch statement {
        case .family(let family): return packet.destination.family == family
        case .transport(let transport, let negated):
            return (transport == (packet.transport == .tcp ? .tcp : .udp)) != negated
        case .interface(.output, let pattern, let negated):
            return pattern.matches(packet.interface) != negated
        case .address(.destination, let block, let negated):
            return block.contains(packet.destination) != negated
        case .destinationPort(let ports, let negated): return ports.contains(packet.port) != negated
        case .inSet(let name, let key, let negated):
            guard let set = sets.first(where: { $0.name == name }), let values = packet.values(of: key) else {
                return false
            }
            return set.elements.contains { $0.holds(values) } != negated
        case .connectionState(let states): return states.contains(.new)
        case .limit(let limit): return !limit.over
        case .connectionLimit(_, let over): return !over
        case .counter, .remember, .setMark: return true
        default: return false
        }
    }
}

extension Statement {
    /// What it ends a packet's way with; nil when it goes on.
    fileprivate var outcome: RuleVerdict.Outcome? {
        switch self {
        case .accept, .masquerade: .accepted
        case .drop: .dropped
        case .reject(let how): .rejected(how)
        case .redirect(let port): .redirected(port)
        default: nil
        }
    }
}

extension InterfacePattern {
    fileprivate func matches(_ interface: String) -> Bool {
        switch self {
        case .name(let name): interface == name
        case .prefix(let prefix): interface.hasPrefix(prefix)
        }
    }
}

extension ImaginedPacket {
    /// The fields of a key; nil for one that is not thought of.
    fileprivate func values(of key: [PacketField]) -> [KeyValue]? {
        var values: [KeyValue] = []
        for field in key {
            switch (field, destination) {
            case (.destinationIPv4, .ipv4), (.destinationIPv6, .ipv6): values.append(.address(destination))
            case (.transport, _): values.append(.transport(transport == .tcp ? .tcp : .udp))
            case (.destinationPort, _): values.append(.service(port))
            default: return nil
            }
        }
        return values
    }
}

extension SetElement {
    /// Whether a key is the element's, or in its range, field by field.
    fileprivate func holds(_ key: [KeyValue]) -> Bool {
        let upper = self.upper ?? lower
        guard key.count == lower.count, key.count == upper.count else { return false }
        return zip(key, zip(lower, upper)).allSatisfy { value, bounds in
            switch (value, bounds.0, bounds.1) {
            case (.ipv4(let one), .ipv4(let low), .ipv4(let high)): low <= one && one <= high
            case (.ipv6(let one), .ipv6(let low), .ipv6(let high)): low <= one && one <= high
            case (.transport(let one), .transport(let low), .transport(let high)):
                low.rawValue <= one.rawValue && one.rawValue <= high.rawValue
            case (.service(let one), .service(let low), .service(let high)): low <= one && one <= high
            default: false
            }
        }
    }
}
