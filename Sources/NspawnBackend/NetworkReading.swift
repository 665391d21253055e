public import EgressPolicy
internal import LinuxKit
internal import Netfilter
public import SandboxModel
internal import SystemdBus

/// What is in force for a sandbox, and what it counted.
extension NspawnBackend {
    /// Milliseconds by which the kernel's and our own count of what an element has left may differ: a policy is compiled
    /// some time before it is in force.
    private static let timeoutGrace: UInt64 = 2000

    /// See `Backend`.
    public func networkDifferences(
        _ record: SandboxRecord, _ policy: CompiledPolicy
    ) throws(SandboxError) -> [String] {
        try reading(record.name) { filter in
            let read = try filter.read(table: NamespaceRuleset.table, timeout: .left)
            var lines: [String] = []
            let surroundings = try surroundings(record, policy)
            if let rules = NamespaceRuleset.make(
                policy, record.template.network, surroundings: surroundings, at: now())
            {
                lines = Ruleset.differences(applied: rules, read: read, grace: Self.timeoutGrace)
                if let surroundings { lines += try linkDifferences(record.name, surroundings, policy.direct) }
            } else if read != nil {
                lines = ["table '\(NamespaceRuleset.table)': should not be there"]
            }
            if surroundings == nil, uplinks.isAttached(record.name) { lines.append("link: should not be there") }
            let foreign = try filter.tables().filter { $0 != NamespaceRuleset.table }
            return lines + foreign.map { "table '\($0)': is not ours" }
        }
    }

    /// Does something with the packet filter of a sandbox's namespace that changes nothing there.
    private func reading<Value>(
        _ name: SandboxName, _ action: (NetfilterSocket) throws -> Value
    ) throws(SandboxError) -> Value {
        do {
            let namespace = try Files.open(following: paths.network(name), .read)
            return try action(try NetfilterSocket.open(inNamespace: namespace.number))
        } catch let error as SandboxError {
            throw error
        } catch let error as SystemError {
            throw error.as(.internal).prefixed("read the rules of '\(name)'")
        } catch let error as BusError {
            throw error.asSandboxError("ask systemd about '\(name)'")
        } catch let error as NetlinkError where error.isNotFound {
            throw SandboxError(
                .unavailable, "the rules of '\(name)' are not as sandboxctl made them",
                hint: "'sandboxctl network verify \(name)' tells more, 'sandboxctl restart \(name)' makes them anew",
                cause: "\(error)")
        } catch {
            throw SandboxError(.internal, "read the rules of '\(name)'", cause: "\(error)")
        }
    }

    /// What is wrong with the host's side of a link.
    private func linkDifferences(
        _ name: SandboxName, _ surroundings: NamespaceRuleset.Surroundings, _ direct: [DirectAddress]
    ) throws -> [String] {
        guard uplinks.isAttached(name) else { return ["link: is not there"] }
        let guardian = try SystemdManager(try bus()).snapshot(of: GuardUnit.name).activeState
        let opened = openings(surroundings, direct)
        return try uplinks.differences(surroundings.link, opened: opened).map { "host: \($0)" }
            + (guardian == "active" ? [] : ["guard: is not running"])
    }

    /// See `Backend`.
    public func liveRules(_ record: SandboxRecord) throws(SandboxError) -> Explanation.LiveRules {
        try reading(record.name) { filter in
            let rules = try filter.read(table: NamespaceRuleset.table)
            let isLinked = uplinks.isAttached(record.name)
            return Explanation.LiveRules(
                ruleset: rules, counts: rules == nil ? [] : try filter.counts(of: NamespaceRuleset.table),
                hasLinkV4: isLinked, hasLinkV6: isLinked && HostForwarding.hasV6Route)
        }
    }

    /// See `Backend`.
    public func networkReport(_ record: SandboxRecord) throws(SandboxError) -> NetworkReport {
        guard record.template.network.mode != .none else { return NetworkReport() }
        return try reading(record.name) { filter in
            var report = NetworkReport()
            if try gatewayRuns(record.name) {
                let control = GatewayControl(path: paths.gatewayControl(record.name))
                if case .report(let counted) = try control.ask(.report) { report.gateway = counted }
            }
            for set in ["denied4", "denied6"] {
                for element in try filter.elements(ofSet: set, in: NamespaceRuleset.table) {
                    if let refused = Self.refused(element) { report.refused.append(refused) }
                }
            }
            report.refused.sort { $0.age > $1.age }
            let counts = try filter.counts(of: NamespaceRuleset.table)
            report.spent = counts.compactMap(\.quotaUsed).first
            func packets(_ rule: String) -> UInt64 {
                counts.compactMap { $0.rule == rule ? $0.traffic?.packets : nil }.reduce(0, +)
            }
            report.overRate = packets(NamespaceRuleset.rateRule)
            report.overCrowd = packets(NamespaceRuleset.crowdRule)
            let refusing = [NamespaceRuleset.rateRule, NamespaceRuleset.crowdRule]
            report.linked = counts.compactMap { count in
                count.chain == "output" && !refusing.contains(count.rule) ? count.traffic?.bytes : nil
            }.reduce(0, +)
            return report
        }
    }

    /// A destination of a dynamic set; its age is what has gone of its time.
    private static func refused(_ element: LiveElement) -> RefusedAddress? {
        guard element.element.lower.count == 3, case .transport(let transport) = element.element.lower[1],
            case .service(let port) = element.element.lower[2]
        else { return nil }
        let address: IPAddress
        switch element.element.lower[0] {
        case .ipv4(let v4): address = .ipv4(v4)
        case .ipv6(let v6): address = .ipv6(v6)
        case .transport, .service: return nil
        }
        let whole = element.element.timeout ?? 3_600_000
        return RefusedAddress(
            address: address, protocol: transport.rawValue, port: port, packets: element.traffic?.packets ?? 0,
            age: (whole - min(whole, element.expires ?? whole)) / 1000)
    }
}
