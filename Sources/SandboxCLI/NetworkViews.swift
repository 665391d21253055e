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
        let all = isSpent ? "; it is spent: everything is refused until a restart" : ""
        return "\(Text.bytes(spent)) of \(Text.bytes(egress)) sent\(all)"
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

        fileprivate func isAbout(_ other: DenialView) -> Bool {
            target == other.target && port == other.port && `protocol` == other.protocol && reason == other.reason
        }
    }

    /// Whether something was refused as often before.
    func holds(_ denial: DenialView) -> Bool {
        denials.contains { $0.isAbout(denial) && $0.count >= denial.count }
    }

    var sandbox: SandboxName
    var denials: [DenialView]
    var forgotten: UInt64
    /// When all of it is spent, everything is refused.
    var budget: BudgetView?
    /// Connections that were refused because there were too many in a time, or at a time.
    var overRate: UInt64?
    var overConnections: UInt64?

    init(_ status: NetworkStatus, now: Int64) {
        let name = status.record.name
        sandbox = name
        let gateway = status.report?.gateway
        let policy = status.record.template.network
        denials = (gateway?.denials ?? []).map { denial in
            DenialView(
                target: denial.target, port: denial.port, protocol: nil, reason: denial.refusal.sentence,
                count: denial.count, last: now - denial.last, allow: Self.command(name, denial, policy))
        }
        denials += (status.report?.refused ?? []).map { Self.view($0, status) }
        forgotten = gateway?.forgottenDenials ?? 0
        budget = BudgetView(status)
        overRate = status.report?.overRate
        overConnections = status.report?.overCrowd
    }

    /// A destination that the kernel refused. An address that stands for a host is shown as the host.
    private static func view(_ refused: RefusedAddress, _ status: NetworkStatus) -> DenialView {
        let name = status.record.name
        let transport = [6: "tcp", 17: "udp"][refused.protocol] ?? "protocol \(refused.protocol)"
        var view = DenialView(
            target: "\(refused.address)", port: refused.port == 0 ? nil : refused.port, protocol: transport,
            reason: "no rule allows this address", count: refused.packets, last: Int64(refused.age) * 1_000_000,
            allow: command(name, refused))
        if let place = SyntheticMap.place(of: refused.address),
            let pattern = status.record.network?.synthetic.pattern(of: place)
        {
            let isAllowed = status.policy.gateway.hosts.contains { $0.place == place || $0.places.contains(place) }
            view.target = "\(pattern)"
            view.reason = (isAllowed ? Decisions.Refusal.port : .notAllowed).sentence
            let isOpened = refused.protocol == 6 && refused.port != 0
            view.allow = isOpened ? "sandboxctl network allow \(name) '\(pattern):\(refused.port)'" : nil
        }
        return view
    }

    /// An address is opened by its number, past the gateway; private ones are opened by the template alone.
    private static func command(_ name: SandboxName, _ refused: RefusedAddress) -> String? {
        guard let transport = [6: "", 17: "/udp"][refused.protocol], refused.port != 0,
            Reachability.isReachable(refused.address, allowsPrivate: false)
        else { return nil }
        let address = refused.address.isV4 ? "\(refused.address)" : "[\(refused.address)]"
        return "sandboxctl network allow \(name) '\(address):\(refused.port)\(transport)'"
    }

    private static func command(
        _ name: SandboxName, _ denial: GatewayReport.Denial, _ policy: NetworkPolicy
    ) -> String? {
        guard let host = HostName(parsing: denial.target) else { return nil }
        // A denial ends with a rule about what was denied.
        let denied = policy.denied.first { $0.matches(host) }
        guard denial.refusal.isForWantOfRule || (denial.refusal == .denied && denied != nil) else { return nil }
        let pattern = denied ?? .exact(host)
        let port = denial.port.map { $0 == 80 || $0 == 443 ? "" : ":\($0)" } ?? ""
        let word = "\(pattern)\(port)"
        return "sandboxctl network allow \(name) \(denied == nil || denied == .exact(host) ? word : "'\(word)'")"
    }
}
