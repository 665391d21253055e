public import SandboxModel

/// Why a connection of a sandbox is let through or refused: by whom, and by which rule.
public struct Explanation: Hashable, Sendable {
    /// Someone who has a say.
    public enum Judge: String, Sendable, CaseIterable {
        /// The gateway's resolver, about the name.
        case resolver
        /// The kernel, about the packet.
        case kernel
        /// The gateway's relay, about the connection.
        case relay
    }

    /// What one of them says.
    public struct Step: Hashable, Sendable {
        /// Who.
        public var judge: Judge
        /// Whether it goes on.
        public var isAllowed: Bool
        /// What is done, in words.
        public var verdict: String
        /// The rule that decides, as it is in force, and before it those that led there.
        public var rules: [String]

        /// What one of them says.
        public init(judge: Judge, isAllowed: Bool, verdict: String, rules: [String] = []) {
            self.judge = judge
            self.isAllowed = isAllowed
            self.verdict = verdict
            self.rules = rules
        }
    }

    /// The steps, in their order; the first that refuses is the last.
    public var steps: [Step]

    /// An explanation of these steps.
    public init(steps: [Step]) { self.steps = steps }

    /// Whether the connection is let through.
    public var isAllowed: Bool { steps.allSatisfy(\.isAllowed) && !steps.isEmpty }

    /// Explains a connection.
    /// - Parameters:
    ///   - live: what is in force.
    ///   - lookUp: looks a name up that mode `full` opens; gives what the policy permits at all.
    ///   - time: microseconds since 1970.
    public static func make(
        _ target: Target, _ transport: Transport, port: UInt16, policy: GatewayPolicy, live: LiveRules,
        lookUp: (HostName) -> [IPAddress], at time: Int64
    ) -> Explanation {
        guard policy.mode != .none else {
            return Explanation(steps: [
                Step(judge: .kernel, isAllowed: false, verdict: "no route: the network mode is none")
            ])
        }
        guard let rules = live.ruleset else {
            return Explanation(steps: [
                Step(judge: .kernel, isAllowed: false, verdict: "the rules are missing; 'network verify' tells more")
            ])
        }
        let decisions = Decisions(policy)
        func kernel(_ address: IPAddress) -> [Step] {
            let isLinked = address.isV4 ? live.hasLinkV4 : live.hasLinkV6
            // Questions to resolvers have a route of their own.
            let isOurs = SyntheticMap.place(of: address) != nil || port == NamespaceRuleset.resolverPort
            let interface = isLinked && !isOurs ? Uplink.inside : "lo"
            return kernelSteps(
                ImaginedPacket(to: address, transport, port: port, through: interface), rules, live.isSpent)
        }
        switch target {
        case .address(let address):
            var steps = kernel(address)
            // A synthetic address that somebody knows: the relay knows the name.
            guard steps.last?.isAllowed == true else { return Explanation(steps: steps) }
            if let place = SyntheticMap.place(of: address) {
                steps.append(relay(decisions, place, port, nil, time))
            } else if port == NamespaceRuleset.resolverPort {
                steps.append(
                    Step(judge: .resolver, isAllowed: true, verdict: "answers in place of whoever has that address"))
            }
            return Explanation(steps: steps)
        case .name(let name):
            switch decisions.verdict(name: name, at: time) {
            case .refused(let refusal):
                return Explanation(steps: [
                    Step(judge: .resolver, isAllowed: false, verdict: "refuses the name: \(refusal.sentence)")
                ])
            case .relayed(let places):
                return relayed(decisions, places, name, port, policy, kernel, time)
            case .direct(let addresses):
                let answer = Step(
                    judge: .resolver, isAllowed: !addresses.isEmpty,
                    verdict: addresses.isEmpty
                        ? "knows no address of the host" : "answers \(list(addresses))", rules: ["\(name) (direct)"])
                return Explanation(steps: [answer] + (addresses.first.map(kernel) ?? []))
            case .open(let places):
                let found = lookUp(name)
                let addresses = found.filter { Reachability.isReachable($0, allowsPrivate: false) }
                if addresses.isEmpty, !found.isEmpty, let places {
                    return relayed(decisions, places, name, port, policy, kernel, time)
                }
                let answer = Step(
                    judge: .resolver, isAllowed: !addresses.isEmpty,
                    verdict: addresses.isEmpty
                        ? "finds no address that may be reached" : "looks the name up: \(list(addresses))",
                    rules: ["mode full: every name that is not denied"])
                return Explanation(steps: [answer] + (addresses.first.map(kernel) ?? []))
            }
        }
    }

    /// What is in force for a sandbox now.
    public struct LiveRules: Sendable {
        /// The rules as the kernel has them; nil when there are none.
        public var ruleset: Ruleset?
        /// What they counted.
        public var counts: [RuleCount]
        /// Whether IPv4 packets leave by the link, not by the loopback device.
        public var hasLinkV4: Bool
        /// Whether IPv6 packets do.
        public var hasLinkV6: Bool

        /// Rules and routes as they are.
        public init(ruleset: Ruleset?, counts: [RuleCount], hasLinkV4: Bool, hasLinkV6: Bool) {
            self.ruleset = ruleset
            self.counts = counts
            self.hasLinkV4 = hasLinkV4
            self.hasLinkV6 = hasLinkV6
        }

        /// Whether the quota in the rule of that chain and position is used up.
        func isSpent(_ chain: String, _ position: Int) -> Bool {
            guard let used = counts.first(where: { $0.chain == chain && $0.position == position })?.quotaUsed,
                let rules = ruleset?.chains.first(where: { $0.name == chain })?.rules, rules.indices.contains(position)
            else { return false }
            return rules[position].statements.contains { statement in
                if case .quota(let bytes, _) = statement { used >= bytes } else { false }
            }
        }
    }

    /// What is asked about.
    public enum Target: Hashable, Sendable {
        /// A host by name.
        case name(HostName)
        /// An address.
        case address(IPAddress)
    }

    private static func relayed(
        _ decisions: Decisions, _ places: Range<UInt32>, _ name: HostName, _ port: UInt16,
        _ policy: GatewayPolicy, _ kernel: (IPAddress) -> [Step], _ time: Int64
    ) -> Explanation {
        let host = policy.hosts.first { $0.place == places.lowerBound }
        // Whichever place of a block the name is given: rules are about the whole block.
        let packetPlace = places.count == 1 ? places.lowerBound : places.lowerBound + 1
        var steps = [
            Step(
                judge: .resolver, isAllowed: true,
                verdict: "answers \(SyntheticMap.v4(packetPlace)), made for the name",
                rules: host.map { ["\($0.pattern)"] } ?? [])
        ]
        steps += kernel(SyntheticMap.v4(packetPlace))
        if steps.allSatisfy(\.isAllowed) { steps.append(relay(decisions, packetPlace, port, name, time)) }
        return Explanation(steps: steps)
    }

    private static func kernelSteps(
        _ packet: ImaginedPacket, _ live: Ruleset, _ isSpent: (String, Int) -> Bool
    ) -> [Step] {
        var steps: [Step] = []
        var packet = packet
        if let redirect = live.verdict(on: packet, kind: .nat, isSpent: isSpent),
            case .redirected(let port) = redirect.outcome
        {
            steps.append(
                Step(
                    judge: .kernel, isAllowed: true, verdict: "hands the packet to the gateway",
                    rules: redirect.lines))
            packet.destination =
                packet.destination.isV4 ? .ipv4(IPv4Address(127, 0, 0, 1)) : .ipv6(IPv6Address(value: 1))
            packet.interface = "lo"
            packet.port = port ?? packet.port
        }
        guard let verdict = live.verdict(on: packet, kind: .filter, isSpent: isSpent) else {
            return steps + [Step(judge: .kernel, isAllowed: false, verdict: "has no chain that decides")]
        }
        let words: (isAllowed: Bool, text: String)
        switch verdict.outcome {
        case .accepted: words = (true, "lets it pass")
        case .dropped: words = (false, "drops it")
        case .rejected(.tcpReset): words = (false, "resets the connection")
        case .rejected: words = (false, "refuses it as not permitted")
        case .redirected: words = (true, "redirects it")
        }
        steps.append(
            Step(judge: .kernel, isAllowed: words.isAllowed, verdict: words.text, rules: verdict.lines))
        return steps
    }

    private static func relay(
        _ decisions: Decisions, _ place: UInt32, _ port: UInt16, _ name: HostName?, _ time: Int64
    ) -> Step {
        switch decisions.verdict(place: place, port: port, name: { _ in name }, at: time) {
        case .success(let allowed):
            Step(judge: .relay, isAllowed: true, verdict: "connects to \(allowed.host), if \(condition(port))")
        case .failure(let refused):
            Step(judge: .relay, isAllowed: false, verdict: "refuses: \(refused.refusal.sentence)")
        }
    }

    private static func condition(_ port: UInt16) -> String {
        let address = "it leads to no refused address"
        return switch port {
        case 443: "TLS asks for that name and \(address)"
        case 80: "HTTP asks for that name and \(address)"
        default: "\(address); where TLS or HTTP is spoken, it must ask for that name"
        }
    }

    private static func list(_ addresses: [IPAddress]) -> String {
        let shown = addresses.prefix(4).map(\.description).joined(separator: " ")
        return addresses.count > 4 ? "\(shown) and \(addresses.count - 4) more" : shown
    }
}

extension RuleVerdict {
    /// The path as people read it.
    fileprivate var lines: [String] { path.map { "\($0.chain): \($0.rule?.text ?? "policy")" } }
}
