internal import EgressPolicy
internal import SandboxEngine
internal import SandboxModel

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
    /// When all of it is spent, connections are refused.
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
        forgotten = gateway?.forgottenDenials ?? 0
        budget = BudgetView(status)
        overRate = status.report?.overRate
        overConnections = status.report?.overCrowd
        for refused in status.report?.refused ?? [] { add(Self.view(refused, status)) }
    }

    /// A host has an address of each family, and one row.
    private mutating func add(_ denial: DenialView) {
        guard let index = denials.firstIndex(where: { $0.isAbout(denial) }) else { return denials.append(denial) }
        denials[index].count += denial.count
        denials[index].last = min(denials[index].last, denial.last)
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
            let isAllowed = status.policy.gateway.hosts.contains { $0.places.contains(place) }
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
        let denials = policy.denied.filter { $0.matches(host) }
        let denied = denials.first { denial in !denials.contains { $0 != denial && $0.covers(denial) } }
        guard denial.refusal.isForWantOfRule || (denial.refusal == .denied && denied != nil) else { return nil }
        let pattern = denied ?? .exact(host)
        let port = denial.port.map { $0 == 80 || $0 == 443 ? "" : ":\($0)" } ?? ""
        let word = "\(pattern)\(port)"
        return "sandboxctl network allow \(name) \(denied == nil || denied == .exact(host) ? word : "'\(word)'")"
    }
}
