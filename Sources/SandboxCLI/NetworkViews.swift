internal import EgressPolicy
internal import SandboxEngine
internal import SandboxModel

// What `network … --json` prints: times are microseconds, sizes bytes.

/// The policy of a sandbox, and what came of it.
struct NetworkView: Encodable {
    struct RuleView: Encodable {
        var host: String
        var ports: [String]
        var via: EgressRule.Path
        /// Addresses that stand for the host inside, or that it has; none where it is looked up when it is asked for.
        var addresses: [String]
        var expiresIn: Int64?
        var preset: String?
        /// Addresses that a direct host had, open for a while still.
        var formerAddresses: [String]?
        /// Microseconds since a direct host was looked up with success.
        var age: Int64?
        /// Why it was looked up in vain since.
        var failure: String?
    }

    var sandbox: SandboxName
    var mode: NetworkMode
    var generation: Int
    var rules: [RuleView]
    var denied: [String]
    var `private`: Bool
    var egressBudget: UInt64?
    var egressSpent: UInt64?
    var connectionRate: String?
    /// Bytes that left by the link, past the gateway.
    var linked: UInt64?
    var queries: UInt64?
    var hosts: [GatewayReport.Host]?

    init(_ status: NetworkStatus, now: Int64) {
        let policy = status.record.template.network
        sandbox = status.record.name
        mode = policy.mode
        generation = status.record.network?.generation ?? 0
        rules = policy.rules.filter { !$0.hasExpired(at: now) }.map { rule in
            let resolved = Self.resolved(rule, status)
            return RuleView(
                host: "\(rule.destination)", ports: rule.ports.map(\.description), via: rule.via,
                addresses: Self.addresses(of: rule, status), expiresIn: rule.expires.map { $0 - now },
                preset: rule.preset,
                formerAddresses: resolved?.former?.filter { $0.until > now }.map { "\($0.address)" },
                age: resolved.flatMap { $0.at == 0 ? nil : now - $0.at }, failure: resolved?.failure)
        }
        denied = policy.denied.map(\.description)
        `private` = policy.allowsPrivate
        egressBudget = policy.egressBudget?.bytes
        egressSpent = status.report?.spent
        connectionRate = policy.connectionRate?.description
        linked = status.report?.linked
        queries = status.report?.gateway?.queries
        hosts = status.report?.gateway?.hosts
    }

    private static func addresses(of rule: EgressRule, _ status: NetworkStatus) -> [String] {
        guard case .host(let pattern) = rule.destination else { return ["\(rule.destination)"] }
        // Where every name leads to its own addresses, none stand for it.
        if rule.via == .gateway, status.record.template.network.mode == .full { return [] }
        switch (rule.via, pattern) {
        case (.gateway, .exact):
            guard let place = status.record.network?.synthetic[pattern]?.lowerBound else { return [] }
            return [SyntheticMap.v4(place), SyntheticMap.v6(place)].map(\.description)
        case (.gateway, .below):
            guard let places = status.record.network?.synthetic[pattern] else { return [] }
            return ["\(SyntheticMap.v4(places.lowerBound))-\(SyntheticMap.v4(places.upperBound - 1))"]
        case (.direct, .exact): return resolved(rule, status)?.addresses.map(\.description) ?? []
        case (.direct, .below): return []
        }
    }

    /// What is known of the addresses of a direct host.
    private static func resolved(_ rule: EgressRule, _ status: NetworkStatus) -> ResolvedHost? {
        guard rule.via == .direct, case .host(.exact(let name)) = rule.destination else { return nil }
        return status.record.network?.resolved.first { $0.name == name }
    }
}

/// Bytes that may leave and that did.
struct BudgetView: Encodable {
    var egress: UInt64
    var spent: UInt64

    /// The budget of a running sandbox whose policy has one.
    init?(_ status: NetworkStatus?) {
        guard let budget = status?.record.template.network.egressBudget, let report = status?.report else { return nil }
        egress = budget.bytes
        spent = min(report.spent ?? 0, budget.bytes)
    }

    var isSpent: Bool { spent >= egress }

    /// For people.
    var text: String {
        let all = isSpent ? "; it is spent: connections are refused until a restart" : ""
        return "\(Text.bytes(spent)) of \(Text.bytes(egress)) sent\(all)"
    }
}
