internal import EgressPolicy
internal import SandboxModel

/// A policy as a template writes it, with presets spelled out.
struct PolicyView: Encodable {
    struct RuleView: Encodable {
        var host: String?
        var cidr: String?
        var ports: [String]
        var via: EgressRule.Path
        var preset: String?
        /// Microseconds since 1970.
        var expires: Int64?

        init(_ rule: EgressRule) {
            switch rule.destination {
            case .host(let pattern): host = pattern.description
            case .network(let range): cidr = range.description
            }
            ports = rule.ports.map(\.description)
            via = rule.via
            preset = rule.preset
            expires = rule.expires
        }
    }

    struct Budget: Encodable {
        /// Bytes.
        var egress: UInt64
    }

    struct RateView: Encodable {
        var connections: String
    }

    var mode: NetworkMode
    var allow: [RuleView]
    var deny: [String]
    var `private`: Bool
    var budget: Budget?
    var rate: RateView?

    init(_ policy: NetworkPolicy) {
        mode = policy.mode
        allow = policy.rules.map { RuleView($0) }
        deny = policy.denied.map(\.description)
        `private` = policy.allowsPrivate
        budget = policy.egressBudget.map { Budget(egress: $0.bytes) }
        rate = policy.connectionRate.map { RateView(connections: $0.description) }
    }
}
