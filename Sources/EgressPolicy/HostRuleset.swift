public import SandboxModel

/// The rules of the host's own network namespace, there while any sandbox has a link to it.
///
/// What a sandbox may reach is decided in its own namespace, which nothing but sandboxctl changes. These rules give its
/// packets an address that answers find back to, and are a second wall around what no policy opens.
public enum HostRuleset {
    /// Name of the table.
    public static let table = "sandboxctl"

    private static let ours = InterfacePattern.prefix(Uplink.prefix)

    /// The rules for links with addresses of a pool.
    /// - Parameter opened: what sandboxes may reach of the host itself.
    public static func make(_ pool: UplinkPool, opened: [HostOpening] = []) -> Ruleset {
        Ruleset(
            table: table, sets: never + self.opened(opened),
            chains: [
                RuleChain(
                    name: "input", base: RuleChain.Base(kind: .filter, hook: .input, priority: -10), rules: input),
                RuleChain(
                    name: "forward", base: RuleChain.Base(kind: .filter, hook: .forward, priority: -10),
                    rules: forward(pool)),
                RuleChain(
                    name: "postrouting", base: RuleChain.Base(kind: .nat, hook: .postrouting, priority: 100),
                    rules: [pool.v4, pool.v6].map { block in
                        Rule("masquerade", [.address(.source, block), .masquerade])
                    }),
            ])
    }

    private static func opened(_ openings: [HostOpening]) -> [RuleSetDefinition] {
        let all = Set(openings.flatMap(\.elements))
        return [(name: "opened4", field: KeyField.ipv4), ("opened6", .ipv6)].map { name, field in
            RuleSetDefinition(
                name: name, key: [field, field, .transport, .service], isInterval: true,
                elements: all.filter { $0.lower.first?.field == field })
        }
    }

    private static var input: [Rule] {
        let keys: [(set: String, family: AddressFamily, key: [PacketField])] = [
            ("opened4", .ipv4, [.sourceIPv4, .destinationIPv4, .transport, .destinationPort]),
            ("opened6", .ipv6, [.sourceIPv6, .destinationIPv6, .transport, .destinationPort]),
        ]
        return keys.map { set, family, key in
            Rule("a rule names it", [.interface(.input, ours), .family(family), .inSet(set, key: key), .accept])
        } + [Rule("the host is not reached", [.interface(.input, ours), .drop])]
    }

    private static var never: [RuleSetDefinition] {
        let ranges = AddressRanges.union(SpecialAddresses.never + SpecialAddresses.embedded)
        return [(name: "never4", family: AddressFamily.ipv4, field: KeyField.ipv4), ("never6", .ipv6, .ipv6)].map {
            (name, family, field) in
            RuleSetDefinition(
                name: name, key: [field], isInterval: true,
                elements: ranges.filter { $0.first.family == family }.map { range in
                    SetElement(from: [.address(range.first)], through: [.address(range.last)])
                })
        }
    }

    private static func forward(_ pool: UplinkPool) -> [Rule] {
        [
            // Only answers come in: not what other sandboxes, or machines beside the host, begin.
            Rule(
                "answers", [.interface(.output, ours), .connectionState([.established, .related]), .accept]),
            Rule("nothing else comes in", [.interface(.output, ours), .drop]),
            Rule("own address only", [.interface(.input, ours), .address(.source, pool.v4, negated: true), .drop]),
            Rule("own address only", [.interface(.input, ours), .address(.source, pool.v6, negated: true), .drop]),
            Rule("never reached", [.interface(.input, ours), .inSet("never4", key: [.destinationIPv4]), .drop]),
            Rule("never reached", [.interface(.input, ours), .inSet("never6", key: [.destinationIPv6]), .drop]),
        ]
    }
}
