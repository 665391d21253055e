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
        /// Addresses that stand for the host inside, or that it has.
        var addresses: [String]
        var expiresIn: Int64?
        var preset: String?
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
    var queries: UInt64?
    var hosts: [GatewayReport.Host]?

    init(_ status: NetworkStatus, now: Int64) {
        let policy = status.record.template.network
        sandbox = status.record.name
        mode = policy.mode
        generation = status.record.network?.generation ?? 0
        rules = policy.rules.filter { !$0.hasExpired(at: now) }.map { rule in
            RuleView(
                host: "\(rule.destination)", ports: rule.ports.map(\.description), via: rule.via,
                addresses: Self.addresses(of: rule, status), expiresIn: rule.expires.map { $0 - now },
                preset: rule.preset)
        }
        denied = policy.denied.map(\.description)
        `private` = policy.allowsPrivate
        egressBudget = policy.egressBudget?.bytes
        egressSpent = status.report?.spent
        connectionRate = policy.connectionRate?.description
        queries = status.report?.gateway?.queries
        hosts = status.report?.gateway?.hosts
    }

    private static func addresses(of rule: EgressRule, _ status: NetworkStatus) -> [String] {
        guard case .host(let pattern) = rule.destination else { return ["\(rule.destination)"] }
        switch (rule.via, pattern) {
        case (.gateway, .exact):
            guard let place = status.record.network?.synthetic[pattern]?.lowerBound else { return [] }
            return [SyntheticMap.v4(place), SyntheticMap.v6(place)].map(\.description)
        case (.gateway, .below):
            guard let places = status.record.network?.synthetic[pattern] else { return [] }
            return ["\(SyntheticMap.v4(places.lowerBound))-\(SyntheticMap.v4(places.upperBound - 1))"]
        case (.direct, .exact(let name)):
            return status.record.network?.resolved.first { $0.name == name }?.addresses.map(\.description) ?? []
        case (.direct, .below): return []
        }
    }
}

/// What was refused.
struct DeniedView: Encodable {
    struct DenialView: Encodable {
        var target: String
        var port: UInt16?
        var `protocol`: String?
        var reason: String
        var count: UInt64
        /// Microseconds ago.
        var last: Int64
        /// The command that would allow it, where one would.
        var allow: String?
    }

    var sandbox: SandboxName
    var denials: [DenialView]
    var forgotten: UInt64

    init(_ status: NetworkStatus, now: Int64) {
        let name = status.record.name
        sandbox = name
        let gateway = status.report?.gateway
        denials = (gateway?.denials ?? []).map { denial in
            DenialView(
                target: denial.target, port: denial.port, protocol: nil, reason: denial.refusal.sentence,
                count: denial.count, last: now - denial.last, allow: Self.command(name, denial))
        }
        denials += (status.report?.refused ?? []).map { refused in
            let transport = [6: "tcp", 17: "udp"][refused.protocol] ?? "protocol \(refused.protocol)"
            return DenialView(
                target: "\(refused.address)", port: refused.port == 0 ? nil : refused.port, protocol: transport,
                reason: "no rule allows this address", count: refused.packets, last: Int64(refused.age) * 1_000_000,
                allow: nil)
        }
        forgotten = gateway?.forgottenDenials ?? 0
    }

    private static func command(_ name: SandboxName, _ denial: GatewayReport.Denial) -> String? {
        guard let host = HostName(parsing: denial.target) else { return nil }
        switch denial.refusal {
        case .notAllowed, .denied, .port, .expired, .otherHost:
            let port = denial.port.map { $0 == 80 || $0 == 443 ? "" : ":\($0)" } ?? ""
            return "sandboxctl network allow \(name) \(host)\(port)"
        case .unknownAddress, .protocol, .address, .tooManyNames: return nil
        }
    }
}
