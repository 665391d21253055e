public import SandboxModel

/// The rules of a sandbox's own network namespace.
public enum NamespaceRuleset {
    /// Name of the table.
    public static let table = "sandbox"
    /// Where the gateway takes connections: a port that programs of the payload cannot take first, having no privilege.
    public static let relayPort: UInt16 = 198
    /// Where the gateway's resolver answers.
    public static let resolverPort: UInt16 = 53

    /// Destinations that are remembered as refused, and for how long (milliseconds).
    private static let deniedSize: UInt32 = 1024
    private static let deniedTime: UInt64 = 3_600_000

    /// The rules of a compiled policy; nil for mode `none`, in which the namespace has no way out and needs none.
    /// - Parameter time: microseconds since 1970; what grants have left is counted from it.
    public static func make(
        _ compiled: CompiledPolicy, _ policy: NetworkPolicy, at time: Int64
    ) -> Ruleset? {
        guard compiled.gateway.mode != .none else { return nil }
        return Ruleset(
            table: table, sets: sets(compiled.gateway, at: time),
            chains: [
                RuleChain(
                    name: "redirect", base: RuleChain.Base(kind: .nat, hook: .output, priority: -100),
                    rules: redirects),
                RuleChain(
                    name: "output", base: RuleChain.Base(kind: .filter, hook: .output, priority: 0, policy: .drop),
                    rules: output(policy)),
            ])
    }

    // MARK: Sets

    private static let families: [(suffix: String, family: AddressFamily, field: KeyField, packet: PacketField)] = [
        ("4", .ipv4, .ipv4, .destinationIPv4), ("6", .ipv6, .ipv6, .destinationIPv6),
    ]

    private static func sets(_ gateway: GatewayPolicy, at time: Int64) -> [RuleSetDefinition] {
        families.flatMap { family -> [RuleSetDefinition] in
            let allowed = gateway.hosts.flatMap { host in
                host.grants.compactMap { element(host, $0, family.family, at: time) }
            }
            return [
                RuleSetDefinition(
                    name: "allowed\(family.suffix)", key: [family.field, .service], isInterval: true, hasTimeout: true,
                    elements: allowed),
                RuleSetDefinition(
                    name: "denied\(family.suffix)", key: [family.field, .transport, .service], hasTimeout: true,
                    isDynamic: true, size: deniedSize, defaultTimeout: deniedTime, countsElements: true),
            ]
        }
    }

    private static func element(
        _ host: GatewayPolicy.Host, _ grant: Grant, _ family: AddressFamily, at time: Int64
    ) -> SetElement? {
        let last: UInt32
        switch host.pattern {
        case .exact: last = host.place
        case .below: last = host.place + SyntheticMap.blockSize - 1
        }
        guard let low = key(host.place, family), let high = key(last, family) else { return nil }
        var timeout: UInt64?
        if let expires = grant.expires {
            guard expires > time else { return nil }
            // The kernel counts in ticks of at most 20 ms; the gateway, which counts too, is exact.
            timeout = (UInt64(expires - time) / 20_000 + 1) * 20
        }
        return SetElement(
            from: [low, .service(grant.ports.ports.lowerBound)],
            through: [high, .service(grant.ports.ports.upperBound)],
            timeout: timeout, comment: String(host.pattern.description.prefix(127)))
    }

    private static func key(_ place: UInt32, _ family: AddressFamily) -> KeyValue? {
        switch (family, SyntheticMap.v4(place), SyntheticMap.v6(place)) {
        case (.ipv4, .ipv4(let address), _): .ipv4(address)
        case (.ipv6, _, .ipv6(let address)): .ipv6(address)
        default: nil
        }
    }

    // MARK: Rules

    /// Whatever server the payload asks, ours answers; whatever allowed host it connects to, the gateway takes it.
    private static var redirects: [Rule] {
        [
            Rule("resolver", [.transport(.udp), .destinationPort(53...53), .redirect(toPort: resolverPort)]),
            Rule("resolver", [.transport(.tcp), .destinationPort(53...53), .redirect(toPort: resolverPort)]),
        ]
            + families.map { family in
                Rule(
                    "allowed host",
                    [
                        .family(family.family), .transport(.tcp),
                        .inSet("allowed\(family.suffix)", key: [family.packet, .destinationPort]),
                        .redirect(toPort: relayPort),
                    ])
            }
    }

    private static func output(_ policy: NetworkPolicy) -> [Rule] {
        let toGateway: [Statement] = [
            .interface(.output, .name("lo")), .transport(.tcp), .destinationPort(relayPort...relayPort),
        ]
        var rules: [Rule] = []
        if let budget = policy.egressBudget {
            rules.append(
                Rule("egress budget", toGateway + [.quota(bytes: budget.bytes, over: true), .reject(.tcpReset)]))
        }
        if let rate = policy.connectionRate {
            let unit: RateLimit.Unit = rate.unit == .second ? .second : .minute
            rules.append(
                Rule(
                    "connection rate",
                    toGateway + [
                        .connectionState(.new),
                        .limit(
                            RateLimit(packets: UInt64(rate.count), per: unit, burst: max(5, rate.count), over: true)),
                        .reject(.tcpReset),
                    ]))
        }
        rules += loopbacks.map { block in
            Rule("own loopback", [.interface(.output, .name("lo")), .address(.destination, block), .accept])
        }
        rules += families.map { family in
            Rule(
                "remember",
                [
                    .family(family.family),
                    .remember(
                        Remembrance(
                            .update, set: "denied\(family.suffix)", key: [family.packet, .transport, .destinationPort],
                            counter: true)),
                ])
        }
        rules.append(Rule("refuse", [.transport(.tcp), .reject(.tcpReset)]))
        rules.append(Rule("refuse", [.reject(.administrativelyProhibited)]))
        return rules
    }

    private static let loopbacks = ["127.0.0.0/8", "::1"].compactMap { AddressBlock($0) }
}
