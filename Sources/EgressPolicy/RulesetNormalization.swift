internal import SandboxModel

extension Ruleset {
    /// The same ruleset in the one form that reading gives: sorted, nothing said twice, and what a statement presumes
    /// of the packet spelled out before it.
    ///
    /// An IPv4 address can be looked for in an IPv4 packet only; in a table of both families the kernel would read
    /// something else there. So the family is matched first, as is TCP before a reset.
    public var normalized: Ruleset {
        var result = self
        result.sets = sets.map(\.normalized).sorted { $0.name < $1.name }
        let byName = Dictionary(result.sets.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        result.chains = chains.map { chain in
            var chain = chain
            chain.rules = chain.rules.map { Rule($0.name, Self.normalized($0.statements, sets: byName)) }
            return chain
        }
        result.chains.sort { $0.name < $1.name }
        return result
    }

    private static func normalized(_ statements: [Statement], sets: [String: RuleSetDefinition]) -> [Statement] {
        var known = PacketKnowledge()
        var result: [Statement] = []
        for statement in statements {
            for guardian in known.missing(before: statement) {
                known.learn(guardian)
                result.append(guardian)
            }
            known.learn(statement)
            if case .remember(var remembrance) = statement, let set = sets[remembrance.set] {
                // The kernel gives every element what the set says, so the statement need not say it again.
                if set.countsElements { remembrance.counter = true }
                if remembrance.timeout == set.defaultTimeout { remembrance.timeout = nil }
                result.append(.remember(remembrance))
            } else {
                result.append(statement)
            }
        }
        return result
    }
}

extension RuleSetDefinition {
    /// The same set in the one form that reading gives: elements sorted, and no word where the default says the same.
    public var normalized: RuleSetDefinition {
        var result = self
        if size == 0 { result.size = nil }
        if defaultTimeout == 0 { result.defaultTimeout = nil }
        result.elements = elements.map { element in
            var element = element
            if element.upper == element.lower { element.upper = nil }
            if element.timeout == 0 || element.timeout == result.defaultTimeout { element.timeout = nil }
            if element.comment == "" { element.comment = nil }
            return element
        }
        result.elements.sort()
        result.hasTimeout = hasTimeout || result.defaultTimeout != nil || elements.contains { $0.timeout != nil }
        return result
    }
}

/// What the statements of a rule so far say about a packet that came through.
struct PacketKnowledge {
    private(set) var family: AddressFamily?
    private(set) var transport: TransportProtocol?

    mutating func learn(_ statement: Statement) {
        switch statement {
        case .family(let family): self.family = family
        case .transport(let transport, negated: false): self.transport = transport
        default: break
        }
    }

    /// The matches that must come before a statement so that it reads what it means to read.
    func missing(before statement: Statement) -> [Statement] {
        var missing: [Statement] = []
        if family == nil, let needed = statement.families.first { missing.append(.family(needed)) }
        if transport == nil, case .reject(.tcpReset) = statement { missing.append(.transport(.tcp)) }
        return missing
    }
}

extension Statement {
    /// The fields of a packet that the statement makes a key of.
    var fields: [PacketField] {
        switch self {
        case .inSet(_, let key, _): key
        case .remember(let remembrance): remembrance.key
        default: []
        }
    }

    /// The IP versions it can only be true of; more than one is a mistake.
    var families: [AddressFamily] {
        if case .address(_, let block, _) = self { return [block.family] }
        var families: [AddressFamily] = []
        for field in fields {
            guard let family = field.family, !families.contains(family) else { continue }
            families.append(family)
        }
        return families
    }

    /// Whether it reads a port without reading the protocol too.
    var presumesPorts: Bool {
        switch self {
        case .destinationPort: true
        case .redirect(let port): port != nil
        default: fields.contains(.destinationPort) && !fields.contains(.transport)
        }
    }

    /// Whether nothing after it in the same rule is ever run.
    var isVerdict: Bool {
        switch self {
        case .accept, .drop, .jump, .goto, .return, .reject, .redirect, .masquerade: true
        default: false
        }
    }
}

extension PacketField {
    /// The IP version that has it; nil for both.
    var family: AddressFamily? {
        switch self {
        case .sourceIPv4, .destinationIPv4: .ipv4
        case .sourceIPv6, .destinationIPv6: .ipv6
        case .transport, .destinationPort: nil
        }
    }
}
