public import EgressPolicy
public import SandboxModel

/// A change of a sandbox's network policy, as a verb asks for it.
public enum NetworkChange: Sendable, Equatable {
    /// Another mode.
    case mode(NetworkMode)
    /// More rules.
    case allow([EgressRule])
    /// Fewer: rules about exactly this go, and names that a wildcard still allows are denied.
    case deny([Denial])

    /// A destination, or some ports of it.
    public struct Denial: Sendable, Equatable {
        /// What is no longer allowed.
        public var destination: EgressRule.Destination
        /// The ports; nil for all.
        public var ports: [PortRange]?

        /// A destination, or some ports of it.
        public init(_ destination: EgressRule.Destination, ports: [PortRange]? = nil) {
            self.destination = destination
            self.ports = ports
        }
    }
}

/// What had to end when a policy was carried out.
public struct EndedConnections: Sendable, Equatable {
    /// Connections that the gateway ended.
    public var count: Int
    /// Whether the gateway did not answer and was ended itself, with all it had.
    public var hasGatewayEnded: Bool

    /// What ended.
    public init(_ count: Int = 0, hasGatewayEnded: Bool = false) {
        self.count = count
        self.hasGatewayEnded = hasGatewayEnded
    }
}

/// What came of a change.
public struct NetworkOutcome: Sendable, Equatable {
    /// Generation of the policy that is carried out now.
    public var generation: Int
    /// Connections that were ended.
    public var closed: Int
    /// Whether anything was different before.
    public var changed: Bool
    /// What does not work as it was asked for, a line each: direct hosts that were looked up in vain, a gateway that had
    /// to be ended.
    public var problems: [String] = []
    /// Whether the sandbox runs: else the policy is kept for its next start.
    public var isLive = true
}

/// Everything `network show` prints.
public struct NetworkStatus: Sendable, Equatable {
    /// The definition.
    public var record: SandboxRecord
    /// What kernel and gateway are told.
    public var policy: CompiledPolicy
    /// What they counted; nil when the sandbox does not run.
    public var report: NetworkReport?
}

extension SandboxEngine {
    /// Policy and addresses of a record → what kernel and gateway carry out. Takes places for new hosts, and forgets the
    /// addresses of those that are direct no more.
    func compile(_ record: inout SandboxRecord) throws(SandboxError) -> CompiledPolicy {
        var state = record.network ?? NetworkState()
        let compiled = try PolicyCompiler.compile(
            record.template.network, for: record.name, generation: state.generation, synthetic: &state.synthetic,
            resolved: state.resolved, at: host.now())
        state.resolved.removeAll { !compiled.lookups.contains($0.name) }
        // A sandbox that never had a network keeps a record without one.
        if record.template.network.mode != .none || record.network != nil { record.network = state }
        return compiled
    }

    /// Changes the policy of a sandbox, live when it runs. The record is written first: whatever happens then, what is
    /// carried out next is what was asked for.
    public func change(_ name: SandboxName, _ change: NetworkChange) throws(SandboxError) -> NetworkOutcome {
        let lock = try store.lock(name, wait: true)
        defer { withExtendedLifetime(lock) {} }
        let old = try record(name)
        let policy = try old.template.network.applying(change, to: name, at: host.now())
        guard policy != old.template.network else {
            return NetworkOutcome(generation: old.network?.generation ?? 0, closed: 0, changed: false)
        }
        return try carryOut(old.with(policy), instead: old)
    }

    /// Looks direct hosts up again and carries out what is found.
    /// - Parameter onlyDue: whether to leave addresses alone that are true still.
    /// - Throws: `notFound` when the sandbox does not run.
    public func refresh(_ name: SandboxName, onlyDue: Bool = false) throws(SandboxError) -> NetworkOutcome {
        let lock = try store.lock(name, wait: true)
        defer { withExtendedLifetime(lock) {} }
        var (record, _) = try running(name)
        let before = record.network?.generation ?? 0
        let time = host.now()
        var outcome = NetworkOutcome(generation: before, closed: 0, changed: false)
        let left = record.template.network.withoutEnded(at: time)
        if left != record.template.network {
            // The kernel has closed what they opened; now what was made for them goes, such as the link.
            outcome = try carryOut(record.with(left), instead: record)
            (record, _) = try running(name)
        }
        let hosts = try compile(&record).lookups
        let known = record.network?.resolved ?? []
        let isDue = hosts.contains { name in
            known.first { $0.name == name }.map { $0.isDue(at: time) } ?? true
        }
        guard !hosts.isEmpty, isDue || !onlyDue else {
            return outcome
        }
        outcome.closed += try refreshAddresses(&record, of: hosts)
        let generation = record.network?.generation ?? 0
        if generation != outcome.generation { events.record(.network, record) }
        outcome.generation = generation
        outcome.changed = generation != before
        outcome.problems += failures(record).filter { !outcome.problems.contains($0) }
        return outcome
    }

    private func failures(_ record: SandboxRecord) -> [String] {
        (record.network?.resolved ?? []).compactMap { host in host.failure.map { "\(host.name): \($0)" } }
    }

    /// Carries out again what every running sandbox with a link has: its rules name the host's own addresses, and a link
    /// that was cut is joined. One that another command is at work on is left out: the command may wait for the caller.
    /// - Returns: why it was not done, where it was not; with code `temporary` for what is worth another try soon.
    public func reapplyLinked() throws(SandboxError) -> [SandboxError] {
        var problems: [SandboxError] = []
        for name in try store.names() {
            do throws(SandboxError) {
                try reapplyLinked(name)
            } catch {
                problems.append(error)
            }
        }
        return problems
    }

    private func reapplyLinked(_ name: SandboxName) throws(SandboxError) {
        // Most have none, and need no lock to say so.
        guard let known = try store.load(name), known.template.network.mode != .none else { return }
        let lock = try store.lock(name, wait: false)
        defer { withExtendedLifetime(lock) {} }
        guard var record = try store.load(name), record.phase == .created, try run(record) != nil else { return }
        let compiled = try compile(&record)
        guard compiled.needsUplink else { return }
        _ = try host.applyNetwork(record, compiled, beforeLaunch: false)
    }

    private func carryOut(_ record: SandboxRecord, instead old: SandboxRecord) throws(SandboxError) -> NetworkOutcome {
        var new = record
        let compiled = try compile(&new)
        try host.checkNetwork(new, compiled)
        try store.save(new)
        var closed = 0
        var problems: [String] = []
        let isLive = try run(new) != nil
        if isLive {
            do throws(SandboxError) {
                let ended = try host.applyNetwork(new, compiled, beforeLaunch: false)
                closed = ended.count
                if ended.hasGatewayEnded {
                    problems.append("the gateway did not answer: it was ended, with all its connections")
                }
            } catch {
                // What could not be carried out is not what the record promises.
                try store.save(old)
                throw error
            }
            let known = Set(new.network?.resolved.map(\.name) ?? [])
            if !known.isSuperset(of: compiled.lookups) {
                closed += try refreshAddresses(&new, of: compiled.lookups)
                problems += failures(new)
            } else {
                let isWanted = !compiled.lookups.isEmpty || new.template.network.hasDirectEnd
                let wasWanted = old.network?.resolved.isEmpty == false || old.template.network.hasDirectEnd
                if isWanted || wasWanted { try host.scheduleRefresh(new.name, isWanted: isWanted) }
            }
        }
        events.record(.network, new)
        return NetworkOutcome(
            generation: new.network?.generation ?? 0, closed: closed, changed: true, problems: problems, isLive: isLive)
    }

    /// Looks direct hosts of a running sandbox up and carries out what was found: new addresses are open before
    /// old ones close, all at once. One that is not found keeps the addresses it had, and the record says why.
    /// - Returns: how many connections were ended.
    func refreshAddresses(_ record: inout SandboxRecord, of names: [HostName]) throws(SandboxError) -> Int {
        var state = record.network ?? NetworkState()
        let old = state.resolved
        let found = host.lookUp(names, for: record.name)
        let time = host.now()
        state.resolved = names.map { name in
            let known = old.first { $0.name == name }
            return switch found[name] {
            case .success(let addresses)?:
                (known ?? ResolvedHost(name: name, addresses: [], at: 0)).renewed(with: addresses, at: time)
            case .failure(let error)?: ResolvedHost.stale(known, name, error.message)
            case nil: ResolvedHost.stale(known, name, "it was not looked up")
            }
        }
        let isOther = state.resolved.map(\.open) != old.map(\.open)
        if isOther { state.generation += 1 }
        record.network = state
        let compiled = try compile(&record)
        try store.save(record)
        let closed = isOther ? try host.applyNetwork(record, compiled, beforeLaunch: false).count : 0
        try host.scheduleRefresh(record.name, isWanted: true)
        return closed
    }

    /// Policy and counts of a sandbox.
    public func networkStatus(_ name: SandboxName) throws(SandboxError) -> NetworkStatus {
        var record = try record(name)
        let compiled = try compile(&record)
        let report = try run(record) == nil ? nil : try host.networkReport(record)
        return NetworkStatus(record: record, policy: compiled, report: report)
    }

    /// Why a running sandbox may connect to a host, or may not, from the rules that are in force.
    /// - Throws: `notFound` when the sandbox does not run.
    public func explain(
        _ name: SandboxName, _ target: Explanation.Target, _ transport: Transport, port: UInt16
    ) throws(SandboxError) -> Explanation {
        let lock = try store.lock(name, wait: true)
        defer { withExtendedLifetime(lock) {} }
        var (record, _) = try running(name)
        let compiled = try compile(&record)
        let live = try host.liveRules(record)
        return Explanation.make(
            target, transport, port: port, policy: compiled.gateway, live: live,
            lookUp: { host in
                guard case .success(let found)? = self.host.lookUp([host], for: name)[host] else { return [] }
                return found.addresses
            }, at: host.now())
    }

    /// What differs between kernel and policy; empty when nothing does.
    /// - Throws: `notFound` when the sandbox does not run.
    public func verifyNetwork(_ name: SandboxName) throws(SandboxError) -> [String] {
        let lock = try store.lock(name, wait: true)
        defer { withExtendedLifetime(lock) {} }
        var (record, _) = try running(name)
        let compiled = try compile(&record)
        return try host.networkDifferences(record, compiled)
    }
}

extension NetworkPolicy {
    /// Whether the end of a rule may be the end of the link.
    var hasDirectEnd: Bool { mode != .none && rules.contains { $0.via == .direct && $0.expires != nil } }

    /// The policy without rules that are over.
    fileprivate func withoutEnded(at time: Int64) -> NetworkPolicy {
        var policy = self
        policy.rules.removeAll { $0.hasExpired(at: time) }
        return policy
    }

    /// The policy after a change.
    /// - Throws: `configuration` when its parts would not go together; `notFound` when there is nothing to deny.
    func applying(
        _ change: NetworkChange, to name: SandboxName, at time: Int64
    ) throws(SandboxError) -> NetworkPolicy {
        // What is over is not carried on.
        var policy = withoutEnded(at: time)
        switch change {
        case .mode(let mode): policy.mode = mode
        case .allow(let rules):
            policy = policy.allowing(rules)
            for rule in rules { try policy.checkDenial(of: rule) }
            guard policy.mode != .none else {
                throw SandboxError(
                    .configuration, "the sandbox has network mode 'none', in which nothing can be allowed",
                    hint: "'sandboxctl network set \(name) restricted' changes the mode")
            }
        case .deny(let denials):
            for denial in denials {
                let denied = policy.denying(denial.destination, ports: denial.ports)
                guard denied != policy else {
                    let ports = denial.ports.map { " on port " + $0.map(\.description).joined(separator: ",") } ?? ""
                    if denial.ports == nil, case .host(let pattern) = denial.destination,
                        policy.denied.contains(pattern)
                    {
                        throw SandboxError(.notFound, "'\(pattern)' is denied already")
                    }
                    throw SandboxError(
                        .notFound, "no rule is about '\(denial.destination)'\(ports)",
                        hint: "'sandboxctl network show \(name)' lists the rules")
                }
                if let wider = denied.remaining(denial.destination, ports: denial.ports) {
                    throw SandboxError(
                        .configuration, "'\(denial.destination)' would still be allowed by \(wider)",
                        hint: "a name is denied with all its ports; a range with the rule that has it")
                }
                policy = denied
            }
        }
        if let problem = policy.problem { throw SandboxError(.configuration, problem) }
        return policy
    }
}

extension NetworkPolicy {
    /// A rule about names that are denied all together would open nothing.
    /// - Throws: `configuration`.
    public func checkDenial(of rule: EgressRule) throws(SandboxError) {
        guard case .host(let pattern) = rule.destination, let denial = denied.first(where: { $0.covers(pattern) })
        else { return }
        throw SandboxError(
            .configuration, "'\(pattern)' is denied with '\(denial)'",
            hint: "'sandboxctl network allow' of '\(denial)' itself ends that denial")
    }
}

extension SandboxRecord {
    /// The record with another policy, which is the next of its generations.
    fileprivate func with(_ policy: NetworkPolicy) -> SandboxRecord {
        var record = self
        var state = network ?? NetworkState()
        state.generation += 1
        record.network = state
        record.template.network = policy
        return record
    }
}

extension ResolvedHost {
    /// Shortest and longest time that addresses are relied on, in seconds.
    private static let bounds = 30...3600
    /// Addresses that are remembered for a while after they are gone.
    private static let formerLimit = 4096

    private var reliable: Int { min(max(lifetime ?? 0, Self.bounds.lowerBound), Self.bounds.upperBound) }

    /// What the kernel is told of it.
    fileprivate var open: [[IPAddress]] { [addresses, (former ?? []).map(\.address)] }

    /// Whether it should be looked up again.
    fileprivate func isDue(at time: Int64) -> Bool {
        failure != nil || time >= at + Int64(reliable) * 1_000_000
    }

    /// The host after it was looked up: what it does not have any more stays open as long as a client may keep it.
    fileprivate func renewed(with found: FoundAddresses, at time: Int64) -> ResolvedHost {
        let now = Set(found.addresses)
        var former = (self.former ?? []).filter { $0.until > time && !now.contains($0.address) }
        let end = time + Int64(reliable) * 1_000_000
        former += addresses.filter { !now.contains($0) }.map { FormerAddress(address: $0, until: end) }
        return ResolvedHost(
            name: name, addresses: found.addresses.sorted(), at: time, lifetime: found.lifetime,
            former: former.isEmpty ? nil : Array(former.suffix(Self.formerLimit)))
    }

    /// The host after it was looked up in vain.
    fileprivate static func stale(_ known: ResolvedHost?, _ name: HostName, _ why: String) -> ResolvedHost {
        var host = known ?? ResolvedHost(name: name, addresses: [], at: 0)
        host.failure = why
        return host
    }
}
