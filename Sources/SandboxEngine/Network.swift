public import EgressPolicy
public import SandboxModel

/// A change of a sandbox's network policy, as a verb asks for it.
public enum NetworkChange: Sendable, Equatable {
    /// Another mode.
    case mode(NetworkMode)
    /// More rules.
    case allow([EgressRule])
    /// Fewer: rules about exactly this go, and names that a wildcard still allows are denied.
    case deny([EgressRule.Destination], ports: [PortRange]?)
}

/// What came of a change.
public struct NetworkOutcome: Sendable, Equatable {
    /// Generation of the policy that is carried out now.
    public var generation: Int
    /// Connections that were ended.
    public var closed: Int
    /// Whether anything was different before.
    public var changed: Bool
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
    /// Policy and addresses of a record → what kernel and gateway carry out. Takes places for new hosts.
    func compile(_ record: inout SandboxRecord) throws(SandboxError) -> CompiledPolicy {
        var state = record.network ?? NetworkState()
        let resolved = Dictionary(state.resolved.map { ($0.name, $0.addresses) }) { first, _ in first }
        let compiled = try PolicyCompiler.compile(
            record.template.network, for: record.name, generation: state.generation, synthetic: &state.synthetic,
            resolved: resolved, at: host.now())
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
        var new = old
        new.template.network = try old.template.network.applying(change, at: host.now())
        guard new.template.network != old.template.network else {
            return NetworkOutcome(generation: old.network?.generation ?? 0, closed: 0, changed: false)
        }
        var state = new.network ?? NetworkState()
        state.generation += 1
        new.network = state
        return try carryOut(new, instead: old)
    }

    /// Looks direct hosts up again and carries out what is found.
    public func refresh(_ name: SandboxName) throws(SandboxError) -> NetworkOutcome {
        let lock = try store.lock(name, wait: true)
        defer { withExtendedLifetime(lock) {} }
        let old = try record(name)
        var new = old
        resolve(&new)
        let changed = new.network?.resolved.map(\.addresses) != old.network?.resolved.map(\.addresses)
        guard changed else {
            if new != old { try store.save(new) }
            return NetworkOutcome(generation: old.network?.generation ?? 0, closed: 0, changed: false)
        }
        new.network?.generation += 1
        return try carryOut(new, instead: old)
    }

    private func carryOut(_ record: SandboxRecord, instead old: SandboxRecord) throws(SandboxError) -> NetworkOutcome {
        var new = record
        if needsAddresses(new) { resolve(&new) }
        let compiled = try compile(&new)
        try host.checkNetwork(new, compiled)
        try store.save(new)
        var closed = 0
        if try run(new) != nil {
            do throws(SandboxError) {
                closed = try host.applyNetwork(new, compiled)
            } catch {
                // What could not be carried out is not what the record promises.
                try store.save(old)
                throw error
            }
        }
        events.record(.network, new)
        return NetworkOutcome(generation: compiled.gateway.generation, closed: closed, changed: true)
    }

    /// Whether a direct host was never looked up.
    private func needsAddresses(_ record: SandboxRecord) -> Bool {
        let known = Set(record.network?.resolved.map(\.name) ?? [])
        return !directHosts(record).allSatisfy { known.contains($0) }
    }

    private func directHosts(_ record: SandboxRecord) -> [HostName] {
        guard record.template.network.mode != .none else { return [] }
        let names = record.template.network.rules.compactMap { rule -> HostName? in
            guard rule.via == .direct, case .host(.exact(let name)) = rule.destination else { return nil }
            return name
        }
        return Set(names).sorted()
    }

    /// Looks the direct hosts of a record up. One that is not found keeps the addresses it had, and says why.
    func resolve(_ record: inout SandboxRecord) {
        let names = directHosts(record)
        guard !names.isEmpty else { return }
        var state = record.network ?? NetworkState()
        let known = Dictionary(state.resolved.map { ($0.name, $0) }) { first, _ in first }
        let found = host.lookUp(names)
        state.resolved = names.map { name in
            switch found[name] {
            case .success(let addresses)? where !addresses.isEmpty:
                return ResolvedHost(name: name, addresses: addresses.sorted(), at: host.now())
            case .success?, nil: return stale(known[name], name, "it has no address")
            case .failure(let error)?: return stale(known[name], name, error.message)
            }
        }
        record.network = state
    }

    private func stale(_ known: ResolvedHost?, _ name: HostName, _ why: String) -> ResolvedHost {
        var host = known ?? ResolvedHost(name: name, addresses: [], at: 0)
        host.failure = why
        return host
    }

    /// Policy and counts of a sandbox.
    public func networkStatus(_ name: SandboxName) throws(SandboxError) -> NetworkStatus {
        var record = try record(name)
        let compiled = try compile(&record)
        let report = try run(record) == nil ? nil : try host.networkReport(record)
        return NetworkStatus(record: record, policy: compiled, report: report)
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
    /// The policy after a change.
    /// - Throws: `configuration` when its parts would not go together; `notFound` when there is nothing to deny.
    func applying(_ change: NetworkChange, at time: Int64) throws(SandboxError) -> NetworkPolicy {
        var policy = self
        // What is over is not carried on.
        policy.rules.removeAll { $0.hasExpired(at: time) }
        switch change {
        case .mode(let mode): policy.mode = mode
        case .allow(let rules):
            policy = policy.allowing(rules)
            guard policy.mode != .none else {
                throw SandboxError(
                    .configuration, "the sandbox has network mode 'none', in which nothing can be allowed",
                    hint: "'sandboxctl network set NAME restricted' changes the mode")
            }
        case .deny(let destinations, let ports):
            for destination in destinations {
                let denied = policy.denying(destination, ports: ports)
                guard denied != policy else {
                    throw SandboxError(
                        .notFound, "no rule allows '\(destination)'",
                        hint: "'sandboxctl network show NAME' lists the rules")
                }
                policy = denied
            }
        }
        if let problem = policy.problem { throw SandboxError(.configuration, problem) }
        return policy
    }
}
