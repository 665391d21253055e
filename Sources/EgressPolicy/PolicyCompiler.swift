public import SandboxModel

/// A policy in the form that kernel and gateway carry out.
public struct CompiledPolicy: Hashable, Sendable {
    /// What the gateway is told.
    public var gateway: GatewayPolicy
    /// Addresses that are reached through the kernel: those of ranges, and those of direct hosts.
    public var direct: [DirectAddress]
    /// Hosts whose addresses are looked up for `direct`, in order.
    public var lookups: [HostName]

    /// Whether the sandbox needs a link of its own to the host's network.
    public var needsUplink: Bool { gateway.mode == .full || !direct.isEmpty || !lookups.isEmpty || hasEnded }

    /// Whether direct rules are over that nobody has taken away yet: the link goes together with them.
    var hasEnded = false
}

/// A range of addresses that is reached through the kernel.
public struct DirectAddress: Hashable, Sendable {
    /// The addresses.
    public var range: AddressBlock
    /// Open ports, none twice.
    public var grants: [Grant]
    /// The host that led here; nil for a range that a rule names.
    public var host: HostName?

    /// A range.
    public init(range: AddressBlock, grants: [Grant], host: HostName?) {
        self.range = range
        self.grants = grants
        self.host = host
    }
}

/// Policy and what is known of addresses → what kernel and gateway carry out. Pure.
public enum PolicyCompiler {
    /// Compiles a policy.
    /// - Parameters:
    ///   - synthetic: addresses given out so far; places for new patterns are taken.
    ///   - resolved: addresses of direct hosts, as last looked up.
    ///   - time: microseconds since 1970; grants that are over by then are left out.
    /// - Throws: `configuration` when the pool of synthetic addresses is used up.
    public static func compile(
        _ policy: NetworkPolicy, for sandbox: SandboxName, generation: Int, synthetic: inout SyntheticMap,
        resolved: [ResolvedHost] = [], at time: Int64
    ) throws(SandboxError) -> CompiledPolicy {
        let open = policy.mode == .none ? [] : policy.rules.filter { !$0.hasExpired(at: time) }
        let relayed = grants(open, via: .gateway)
        var gateway = GatewayPolicy(
            sandbox: sandbox, generation: generation, mode: policy.mode, denied: policy.denied.sorted(),
            allowsPrivate: policy.allowsPrivate)
        for pattern in relayed.keys.sorted() {
            guard !policy.denied.contains(where: { $0.covers(pattern) }) else { continue }
            guard let places = synthetic.take(pattern) else {
                throw SandboxError(
                    .configuration, "'\(pattern)' has no place among the addresses of '\(sandbox)'",
                    hint: "a sandbox has \(SyntheticMap.blockCount) different wildcards and "
                        + "\(SyntheticMap.singles.count) different hosts in its life; remove and create it again")
            }
            let all = relayed.filter { $0.key.covers(pattern) }.flatMap(\.value)
            gateway.hosts.append(
                GatewayPolicy.Host(pattern: pattern, place: places.lowerBound, grants: Grant.disjoint(all)))
        }
        return directPart(open, gateway, policy, resolved, at: time)
    }

    private static func directPart(
        _ open: [EgressRule], _ gateway: GatewayPolicy, _ policy: NetworkPolicy, _ resolved: [ResolvedHost],
        at time: Int64
    ) -> CompiledPolicy {
        let known = Dictionary(resolved.map { ($0.name, $0) }) { first, _ in first }
        var compiled = CompiledPolicy(gateway: gateway, direct: [], lookups: [])
        compiled.hasEnded =
            policy.mode != .none && policy.rules.contains { $0.via == .direct && $0.hasExpired(at: time) }
        var ranges: [AddressBlock: [Grant]] = [:]
        for rule in open {
            guard case .network(let range) = rule.destination else { continue }
            ranges[range, default: []] += rule.ports.map { Grant($0, expires: rule.expires) }
        }
        for range in ranges.keys.sorted() {
            compiled.direct.append(
                DirectAddress(range: range, grants: Grant.disjoint(ranges[range] ?? []), host: nil))
        }
        let hosts = grants(open, via: .direct)
        for pattern in hosts.keys.sorted() {
            guard case .exact(let name) = pattern, !policy.denied.contains(where: { $0.matches(name) }) else {
                continue
            }
            compiled.lookups.append(name)
            func isOpen(_ address: IPAddress) -> Bool {
                Reachability.isReachable(address, allowsPrivate: policy.allowsPrivate)
            }
            let addresses = (known[name]?.addresses ?? []).filter(isOpen)
            compiled.gateway.direct.append(GatewayPolicy.DirectHost(name: name, addresses: addresses))
            let grants = Grant.disjoint(hosts[pattern] ?? [])
            compiled.direct += addresses.map { DirectAddress(range: AddressBlock($0), grants: grants, host: name) }
            for former in known[name]?.former ?? [] where former.until > time && isOpen(former.address) {
                let ending = grants.map { Grant($0.ports, expires: min($0.expires ?? .max, former.until)) }
                compiled.direct.append(
                    DirectAddress(range: AddressBlock(former.address), grants: ending, host: name))
            }
        }
        return compiled
    }

    /// Open ports of each pattern that goes this way.
    private static func grants(_ rules: [EgressRule], via path: EgressRule.Path) -> [HostPattern: [Grant]] {
        var result: [HostPattern: [Grant]] = [:]
        for rule in rules where rule.via == path {
            guard case .host(let pattern) = rule.destination else { continue }
            result[pattern, default: []] += rule.ports.map { Grant($0, expires: rule.expires) }
        }
        return result
    }
}

extension HostPattern {
    /// Whether every name that `other` is about is one that this is about.
    public func covers(_ other: HostPattern) -> Bool {
        switch other {
        case .exact(let name): matches(name)
        case .below(let name): self == other || { if case .below = self { matches(name) } else { false } }()
        }
    }
}

/// Which addresses anything of ours connects to for a sandbox.
public enum Reachability {
    /// Whether an address that a name led to may be reached.
    public static func isReachable(_ address: IPAddress, allowsPrivate: Bool) -> Bool {
        switch SpecialAddresses.kind(of: address) {
        case nil: true
        case .private?: allowsPrivate
        case .never?: false
        }
    }
}
