public import SandboxModel

/// The rules of a sandbox's own network namespace.
public enum NamespaceRuleset {
    /// Name of the table.
    public static let table = "sandbox"
    /// Where the gateway takes connections: a port that programs of the payload cannot take first, having no privilege.
    public static let relayPort: UInt16 = 198
    /// Where the gateway's resolver answers.
    public static let resolverPort: UInt16 = 53

    /// Connections through the link at a time. The host tracks each of them in a table that is everybody's.
    private static let linkedConnections: UInt32 = 4096

    /// Name of the rule that counts connections refused because there are too many new ones in a time.
    public static let rateRule = "connection rate"
    /// Name of the rule that counts connections refused because the link has too many at a time.
    public static let crowdRule = "too many connections"

    /// Destinations that are remembered as refused, and for how long (milliseconds).
    private static let deniedSize: UInt32 = 1024
    private static let deniedTime: UInt64 = 3_600_000

    /// What the rules must know of the link to the host's network.
    public struct Surroundings: Hashable, Sendable {
        /// The link.
        public var link: Uplink
        /// Addresses of the host's own interfaces.
        public var hostAddresses: [IPAddress]

        /// A link of a host that has these addresses.
        public init(link: Uplink, hostAddresses: [IPAddress]) {
            self.link = link
            self.hostAddresses = hostAddresses
        }
    }

    /// The rules of a compiled policy; nil for mode `none`, in which the namespace has no way out and needs none.
    /// - Parameters:
    ///   - surroundings: the link, for a policy that needs one; without it nothing leaves but through the gateway.
    ///   - time: microseconds since 1970; what grants have left is counted from it.
    public static func make(
        _ compiled: CompiledPolicy, _ policy: NetworkPolicy, surroundings: Surroundings? = nil, at time: Int64
    ) -> Ruleset? {
        guard compiled.gateway.mode != .none else { return nil }
        let surroundings = compiled.needsUplink ? surroundings : nil
        var ruleset = Ruleset(
            table: table, sets: sets(compiled.gateway, at: time),
            chains: [
                RuleChain(
                    name: "redirect", base: RuleChain.Base(kind: .nat, hook: .output, priority: -100),
                    rules: redirects),
                RuleChain(
                    name: "output", base: RuleChain.Base(kind: .filter, hook: .output, priority: 0, policy: .drop),
                    rules: output(policy, surroundings?.link, isFull: compiled.gateway.mode == .full)),
                RuleChain(name: "leave", rules: leave(policy)),
                RuleChain(name: "spent", rules: refusals("refuse what is too much")),
            ])
        if let surroundings {
            ruleset.sets += directSets(compiled.direct, at: time)
            if compiled.gateway.mode == .full { ruleset.sets += refusedSets(surroundings.hostAddresses) }
        }
        return ruleset
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
        guard let low = key(host.place, family), let high = key(host.places.upperBound - 1, family) else { return nil }
        if let expires = grant.expires, expires <= time { return nil }
        return SetElement(
            from: [low, .service(grant.ports.ports.lowerBound)],
            through: [high, .service(grant.ports.ports.upperBound)],
            timeout: grant.timeout(at: time), comment: String(host.pattern.description.prefix(127)))
    }

    /// Real addresses that are reached through the link.
    private static func directSets(_ direct: [DirectAddress], at time: Int64) -> [RuleSetDefinition] {
        let elements = DirectElements.disjoint(direct, at: time)
        return families.map { family in
            RuleSetDefinition(
                name: "direct\(family.suffix)", key: [family.field, .transport, .service], isInterval: true,
                hasTimeout: true,
                elements: elements.filter { $0.lower.first?.field == family.field })
        }
    }

    /// What mode `full` does not reach unless a rule names it.
    private static func refusedSets(_ hostAddresses: [IPAddress]) -> [RuleSetDefinition] {
        let ranges = AddressRanges.union(
            SpecialAddresses.never + SpecialAddresses.embedded + SpecialAddresses.privateNetworks
                + hostAddresses.map { AddressBlock($0) })
        return families.map { family in
            RuleSetDefinition(
                name: "refused\(family.suffix)", key: [family.field], isInterval: true,
                elements: ranges.filter { $0.first.family == family.family }.map { range in
                    SetElement(from: [.address(range.first)], through: [.address(range.last)])
                })
        }
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

    /// What every packet that leaves goes through: what is left of the budget, and how many connections are new.
    private static func leave(_ policy: NetworkPolicy) -> [Rule] {
        var rules: [Rule] = []
        if let budget = policy.egressBudget {
            rules.append(
                Rule("egress budget", [.quota(bytes: budget.bytes, over: true), .goto("spent")]))
        }
        if let rate = policy.connectionRate {
            let unit: RateLimit.Unit = rate.unit == .second ? .second : .minute
            rules.append(
                Rule(
                    rateRule,
                    [
                        .connectionState(.new),
                        .limit(
                            RateLimit(packets: UInt64(rate.count), per: unit, burst: max(5, rate.count), over: true)),
                        .counter, .goto("spent"),
                    ]))
        }
        return rules + [Rule("leave", [.accept])]
    }

    private static func output(_ policy: NetworkPolicy, _ link: Uplink?, isFull: Bool) -> [Rule] {
        var rules = [
            Rule(
                "gateway",
                [
                    .interface(.output, .name("lo")), .transport(.tcp), .destinationPort(relayPort...relayPort),
                    .goto("leave"),
                ])
        ]
        rules += loopbacks.map { block in
            Rule("own loopback", [.interface(.output, .name("lo")), .address(.destination, block), .accept])
        }
        if let link { rules += uplink(link, isFull: isFull) }
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
        return rules + refusals("refuse")
    }

    private static func refusals(_ name: String) -> [Rule] {
        [
            Rule(name, [.transport(.tcp), .reject(.tcpReset)]),
            Rule(name, [.reject(.administrativelyProhibited)]),
        ]
    }

    /// What goes through the link: direct hosts and, in mode `full`, everything that is not refused there. Sets come
    /// first, and no packet passes for its connection's sake: what leaves a set is cut off.
    private static func uplink(_ link: Uplink, isFull: Bool) -> [Rule] {
        let out = Statement.interface(.output, .name(Uplink.inside))
        let own = [link.v4.sandbox, link.v6.sandbox].map { address in
            // The gateway's answers to what was redirected to it, and servers of the sandbox's own.
            Rule(
                "own address",
                [.interface(.output, .name("lo")), .address(.destination, AddressBlock(address)), .accept])
        }
        // Anybody may bind a socket to an IPv6 address that is not there (`IPV6_FREEBIND`, linux/in6.h): another sandbox would get
        // the answers.
        let spoofed = [link.v4.sandbox, link.v6.sandbox].map { address in
            Rule("own source only", [out, .address(.source, AddressBlock(address), negated: true), .drop])
        }
        let limit = Rule(
            crowdRule,
            [
                out, .connectionState(.new), .connectionLimit(count: linkedConnections, over: true), .counter,
                .goto("spent"),
            ])
        let direct = families.map { family in
            Rule(
                "direct host",
                [
                    out, .family(family.family),
                    .inSet("direct\(family.suffix)", key: [family.packet, .transport, .destinationPort]),
                    .counter, .goto("leave"),
                ])
        }
        // The kernel's own announcements of groups are nobody's attempt.
        let announcements = AddressBlock("ff02::/16").map {
            [Rule("group announcement", [out, .transport(.icmpv6), .address(.destination, $0), .drop])]
        }
        let open = families.map { family in
            Rule(
                "full",
                [
                    out, .family(family.family),
                    .inSet("refused\(family.suffix)", key: [family.packet], negated: true), .counter,
                    .goto("leave"),
                ])
        }
        return own + spoofed + [limit] + direct + (announcements ?? []) + (isFull ? open : [])
    }

    private static let loopbacks = ["127.0.0.0/8", "::1"].compactMap { AddressBlock($0) }
}
