public import SandboxModel

extension NetworkPolicy {
    /// What keeps the parts of the policy from going together; nil when they do.
    public var problem: String? {
        guard rules.count <= Self.ruleLimit else {
            return "the policy has \(rules.count) rules, at most \(Self.ruleLimit) are kept"
        }
        if let both = directAndRelayed {
            return "'\(both)' is both direct and relayed; a name has one kind of address: deny it first"
        }
        for rule in rules {
            if let problem = rule.problem { return "'\(rule)' \(problem)" }
            if !allowsPrivate, case .network(let range) = rule.destination,
                let network = SpecialAddresses.privateNetworks.first(where: { $0.overlaps(range) })
            {
                return "'\(rule)' is private (\(network)), which needs 'private = true' in the template"
            }
        }
        return nil
    }

    /// The policy with further rules. A rule about the same ports of the same destination takes the place of the one
    /// that was there, unless that one has no end and the new one has; a denial of it ends.
    public func allowing(_ new: [EgressRule]) -> NetworkPolicy {
        var policy = self
        for rule in new {
            func isAlike(_ other: EgressRule) -> Bool {
                other.destination == rule.destination && other.ports == rule.ports && other.via == rule.via
            }
            if rule.expires == nil || !policy.rules.contains(where: { isAlike($0) && $0.expires == nil }) {
                policy.rules.removeAll(where: isAlike)
                policy.rules.append(rule)
            }
            if case .host(let pattern) = rule.destination { policy.denied.removeAll { $0 == pattern } }
        }
        return policy
    }

    /// The policy without a destination, or without some ports of it. A name that a wildcard would still allow is
    /// denied by name.
    public func denying(_ destination: EgressRule.Destination, ports: [PortRange]?) -> NetworkPolicy {
        var policy = self
        if let ports {
            policy.rules = policy.rules.compactMap { rule in
                guard rule.destination == destination else { return rule }
                var rest = rule
                for port in ports { rest.ports = rest.ports.flatMap { $0.without(port) } }
                return rest.ports.isEmpty ? nil : rest
            }
            return policy
        }
        policy.rules.removeAll { $0.destination == destination }
        guard case .host(let pattern) = destination, !policy.denied.contains(pattern) else { return policy }
        let isCovered = policy.rules.contains { rule in
            if case .host(let other) = rule.destination { other.covers(pattern) } else { false }
        }
        if isCovered || policy.mode == .full { policy.denied.append(pattern) }
        return policy
    }

    /// What still lets through what ``denying(_:ports:)`` was asked to deny; nil when nothing does.
    public func remaining(_ destination: EgressRule.Destination, ports: [PortRange]?) -> String? {
        if case .host(let pattern) = destination {
            if denied.contains(where: { $0.covers(pattern) }) { return nil }
            if mode == .full { return "the mode \"full\"" }
        }
        let rule = rules.first { rule in
            let isWider =
                switch (rule.destination, destination) {
                case (.host(let wide), .host(let pattern)): wide.covers(pattern)
                case (.network(let wide), .network(let range)): wide.contains(range)
                default: false
                }
            return isWider && (ports?.contains { port in rule.ports.contains { $0.overlaps(port) } } ?? true)
        }
        return rule.map { "'\($0)'" }
    }
}

extension PortRange {
    /// Whether the ranges have a port in common.
    func overlaps(_ other: PortRange) -> Bool { transport == other.transport && ports.overlaps(other.ports) }

    /// What is left of the range without another.
    func without(_ other: PortRange) -> [PortRange] {
        guard overlaps(other) else { return [self] }
        var rest: [PortRange] = []
        if ports.lowerBound < other.ports.lowerBound {
            rest.append(PortRange(transport, ports.lowerBound...(other.ports.lowerBound - 1)))
        }
        if ports.upperBound > other.ports.upperBound {
            rest.append(PortRange(transport, (other.ports.upperBound + 1)...ports.upperBound))
        }
        return rest
    }
}
