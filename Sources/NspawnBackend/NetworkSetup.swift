public import EgressPolicy
internal import FoundationEssentials
internal import LinuxKit
internal import Netfilter
public import SandboxEngine
public import SandboxModel
internal import SystemdBus

extension NspawnBackend {
    /// See `Backend`.
    public func checkNetwork(_ record: SandboxRecord, _ policy: CompiledPolicy) throws(SandboxError) {
        guard policy.gateway.mode != .none else { return }
        let named = policy.direct.filter { $0.host == nil }.map(\.range)
        let pool = named.isEmpty ? nil : uplinks.pool
        // A wider range is a rule about what else is in it: the host's table keeps sandboxes apart.
        let others = pool.flatMap { pool in named.first { pool.v4.contains($0) || pool.v6.contains($0) } }
        if let others {
            throw SandboxError(
                .configuration, "'\(others)' has addresses of other sandboxes, which are never reached",
                hint: "'pool4' and 'pool6' in /etc/sandboxctl/sandboxctl.toml say which these are")
        }
        guard (try? Files.open(noLinks: "\(paths.programs)/sandbox-gateway", .reference)) != nil else {
            throw SandboxError(.unavailable, "program '\(paths.programs)/sandbox-gateway' is missing")
        }
    }

    /// See `Backend`.
    public func applyNetwork(
        _ record: SandboxRecord, _ policy: CompiledPolicy, beforeLaunch: Bool
    ) throws(SandboxError) -> EndedConnections {
        // Never had anything but loopback, and needs nothing else.
        guard policy.gateway.mode != .none || record.network != nil else { return EndedConnections() }
        try checkNetwork(record, policy)
        do {
            let namespace = try Files.open(following: paths.network(record.name), .read)
            let filter = try NetfilterSocket.open(inNamespace: namespace.number)
            let surroundings = try surroundings(record, policy)
            guard
                let rules = NamespaceRuleset.make(
                    policy, record.template.network, surroundings: surroundings, at: now())
            else {
                // Routes go first: what has no route needs no rule.
                try Loopback.removeRoutes(namespace.number)
                try uplinks.detach(record.name)
                try stopGateway(record.name)
                _ = try filter.delete(table: NamespaceRuleset.table)
                return EndedConnections()
            }
            // Counters and a budget that is half spent outlive a change of hosts.
            if let changes = try filter.read(table: NamespaceRuleset.table)?.elementChanges(to: rules) {
                if !changes.isEmpty { try filter.change(changes, in: rules) }
            } else {
                try filter.apply(rules, continuing: true)
            }
            let differences = Ruleset.differences(
                applied: rules, read: try filter.read(table: NamespaceRuleset.table))
            guard differences.isEmpty else {
                throw SandboxError(
                    .cannotCreate, "the kernel's rules for '\(record.name)' are not those of the policy",
                    cause: differences.joined(separator: "; "))
            }
            // Rules are in force before there is a way out, and as long as there is one.
            let hasV6 = try makeWay(record.name, surroundings, policy.direct, namespace.number)
            let ended = try tellGateway(record.name, policy.gateway, hasV6: hasV6)
            if !beforeLaunch { try waitForGateway() }
            return ended
        } catch let error as NetlinkError {
            throw SandboxError(.cannotCreate, "network of '\(record.name)'", cause: "\(error)")
        } catch let error as SystemError {
            throw error.as(.cannotCreate).prefixed("network of '\(record.name)'")
        } catch let error as BusError {
            throw error.asSandboxError("start the gateway of '\(record.name)'")
        } catch let error as SandboxError {
            throw error
        } catch {
            throw SandboxError(.internal, "network of '\(record.name)'", cause: "\(error)")
        }
    }

    /// Routes of a namespace, and its link where it has one.
    /// - Returns: whether the namespace speaks IPv6.
    private func makeWay(
        _ name: SandboxName, _ surroundings: NamespaceRuleset.Surroundings?, _ direct: [DirectAddress],
        _ namespace: Int32
    ) throws -> Bool {
        let isLinked = surroundings != nil && uplinks.isAttached(name)
        let hasV6 = try isLinked || Loopback.makeRoutes(namespace)
        if let surroundings {
            try uplinks.attach(
                surroundings.link, owner: name, namespace: namespace, opened: openings(surroundings, direct))
        } else {
            try uplinks.detach(name)
        }
        return hasV6
    }

    /// What a policy opens of the host itself; its ends of links are no addresses to be reached.
    func openings(_ surroundings: NamespaceRuleset.Surroundings, _ direct: [DirectAddress]) -> [HostOpening] {
        let pool = uplinks.pool
        return HostOpening.list(
            direct, link: surroundings.link,
            hostAddresses: surroundings.hostAddresses.filter { !pool.v4.contains($0) && !pool.v6.contains($0) })
    }

    /// What rules must know of the link, for a policy that needs one.
    func surroundings(
        _ record: SandboxRecord, _ policy: CompiledPolicy
    ) throws(SystemError) -> NamespaceRuleset.Surroundings? {
        guard policy.needsUplink else { return nil }
        let slot = (record.uidBase - UIDRange.first) / SandboxUsers.rangeSize
        // In order, and none twice: the same host has the same rules.
        let own = Set(try InterfaceAddresses.list().compactMap { IPAddress(bytes: $0.bytes) })
        return NamespaceRuleset.Surroundings(
            link: uplinks.pool.link(slot), hostAddresses: own.sorted())
    }

    /// The host's side of links.
    var uplinks: HostUplinks {
        HostUplinks(
            directory: paths.uplinks, configured: configuration.uplinks,
            guardian: UplinkGuardian(start: startGuard, stop: stopGuard),
            firewall: UplinkFirewall(trust: trustLinks, distrust: distrustLinks))
    }

    /// See `Backend`.
    public func lookUp(
        _ names: [HostName], for name: SandboxName
    ) -> [HostName: Result<FoundAddresses, SandboxError>] {
        var result: [HostName: Result<FoundAddresses, SandboxError>] = [:]
        do throws(SandboxError) {
            try waitForGateway()
            let control = GatewayControl(path: paths.gatewayControl(name))
            // Every resolver has two tries of two seconds, for each of a few batches.
            guard case .found(let hosts) = try control.ask(.lookUp(names), seconds: 30) else {
                throw SandboxError(.internal, "the gateway of '\(name)' gave another answer than was asked for")
            }
            for host in hosts {
                result[host.name] =
                    host.failure.map { .failure(SandboxError(.unavailable, $0)) }
                    ?? .success(FoundAddresses(addresses: host.addresses, lifetime: Int(host.lifetime)))
            }
        } catch {
            for name in names { result[name] = .failure(error) }
        }
        return result
    }

    /// See `Backend`.
    public func repairLinks() throws(SandboxError) -> [String] {
        do {
            return try uplinks.repair()
        } catch let error as SandboxError {
            throw error
        } catch {
            throw SandboxError(.unavailable, "look after the host's rules for links", cause: "\(error)")
        }
    }

    /// See `Backend`.
    public func scheduleRefresh(_ name: SandboxName, isWanted: Bool) throws(SandboxError) {
        do {
            let manager = SystemdManager(try bus())
            let units = RefreshUnits(name)
            let state = try manager.snapshot(of: units.timer)
            let isActive = state.activeState == "active"
            guard isActive != isWanted else { return }
            guard isWanted else {
                _ = try manager.stopUnit(units.timer).wait(until: .now + .seconds(10))
                return
            }
            let job = try manager.startTransientUnit(
                units.timer, mode: "replace", properties: units.timerProperties,
                auxiliary: [(units.service, units.serviceProperties(program: try ownProgram()))])
            _ = try job.wait(until: .now + .seconds(10))
        } catch let error as BusError {
            throw error.asSandboxError("arrange for addresses to be looked up again")
        } catch {
            throw SandboxError(.internal, "arrange for addresses to be looked up again", cause: "\(error)")
        }
    }

    /// See `Backend`.
    public func removeNetworkState(_ name: SandboxName) throws(SandboxError) {
        do throws(SystemError) {
            for parent in ["/var/lib/private/\(HostPaths.gatewayState)", "/var/lib/\(HostPaths.gatewayState)"] {
                guard let directory = try? Files.open(noLinks: parent, .directory) else { continue }
                try Files.removeTree("\(name)", beneath: directory)
            }
        } catch {
            if !error.isNotFound { throw error.as(.internal).prefixed("state of the gateway of '\(name)'") }
        }
    }

    // MARK: Gateway

    /// Writes the policy where the gateway finds it when it starts, and tells a gateway that runs already.
    private func tellGateway(_ name: SandboxName, _ policy: GatewayPolicy, hasV6: Bool) throws -> EndedConnections {
        let bytes = Array(try JSONEncoder().encode(policy))
        try Files.makeDirectories(paths.runtime(name), mode: 0o700)
        let directory = try Files.open(noLinks: paths.runtime(name), .directory)
        try Files.replace("gateway.json", in: directory, with: bytes, durable: false)
        let manager = SystemdManager(try bus())
        let sockets = try manager.snapshot(of: GatewayUnits.socket(name))
        if sockets.activeState == "active" {
            guard try gatewayRuns(name) else { return EndedConnections() }
            return try applyLive(policy, name, manager)
        }
        if !sockets.isGone { try? manager.resetFailedUnit(GatewayUnits.socket(name)) }
        let units = GatewayUnits.make(for: name, paths: paths, hasV6: hasV6)
        openingGateway = try manager.startTransientUnit(
            units.socket, mode: "replace", properties: units.socketProperties,
            auxiliary: [(units.service, units.serviceProperties)], confirmed: false)
        return EndedConnections()
    }

    /// Tells a gateway that runs. One that does not answer, or cannot do it, is ended with all its connections: the next
    /// reads what is written.
    private func applyLive(
        _ policy: GatewayPolicy, _ name: SandboxName, _ manager: SystemdManager
    ) throws -> EndedConnections {
        do throws(SandboxError) {
            let control = GatewayControl(path: paths.gatewayControl(name))
            if case .applied(_, let closed) = try control.ask(.apply(policy)) { return EndedConnections(closed) }
        } catch {
            // It is ended.
        }
        do throws(BusError) {
            try manager.killUnit(GatewayUnits.service(name), signal: 9)
        } catch {
            // It has ended by itself.
            guard error.kind == .notFound else { throw error }
        }
        return EndedConnections(hasGatewayEnded: true)
    }

    /// Waits until systemd has opened the gateway's sockets, where it was asked to.
    func waitForGateway() throws(SandboxError) {
        guard let job = openingGateway else { return }
        openingGateway = nil
        let result: JobResult
        do throws(BusError) {
            result = try job.wait(until: .now + .seconds(10))
        } catch {
            throw error.asSandboxError("open the gateway's sockets")
        }
        guard result == .done else {
            throw SandboxError(
                .cannotCreate, "the gateway's sockets were not opened (\(result))",
                hint: "'journalctl -u \(job.unit)' tells more")
        }
    }

    /// Whether the gateway's program runs, or is on its way: then it must be told, else it reads what is written.
    func gatewayRuns(_ name: SandboxName) throws -> Bool {
        let state = try SystemdManager(try bus()).snapshot(of: GatewayUnits.service(name)).activeState
        return ["active", "activating", "reloading"].contains(state)
    }

    /// Takes the link of a sandbox away that goes.
    func detachLink(of name: SandboxName) throws(SandboxError) {
        do {
            try uplinks.detach(name)
        } catch let error as SandboxError {
            throw error
        } catch {
            throw SandboxError(.internal, "take away the link of '\(name)'", cause: "\(error)")
        }
    }

    /// Ends the gateway of a sandbox that goes; one that never had one costs a look at a file.
    func stopGateway(of name: SandboxName) throws(SandboxError) {
        guard (try? Files.open(noLinks: paths.gatewayPolicy(name), .reference)) != nil else { return }
        do {
            try stopGateway(name)
        } catch let error as BusError {
            throw error.asSandboxError("stop the gateway of '\(name)'")
        } catch let error as SandboxError {
            throw error
        } catch {
            throw SandboxError(.internal, "stop the gateway of '\(name)'", cause: "\(error)")
        }
    }

    /// Ends the gateway: its sockets first, so that nothing starts it again.
    func stopGateway(_ name: SandboxName) throws {
        // What is on its way cannot be stopped; that it failed is no matter here.
        try? waitForGateway()
        let manager = SystemdManager(try bus())
        let timer = RefreshUnits(name).timer
        for unit in [timer, GatewayUnits.socket(name), GatewayUnits.service(name)] {
            let state = try manager.snapshot(of: unit)
            if state.isGone || state.activeState == "inactive" { continue }
            if state.activeState == "failed" {
                try? manager.resetFailedUnit(unit)
                continue
            }
            do throws(BusError) {
                _ = try manager.stopUnit(unit).wait(until: .now + .seconds(10))
            } catch {
                guard error.kind == .notFound else { throw error }
            }
        }
        // The end of the job is told before the unit's credentials are taken away; the next answer comes after that.
        _ = try manager.snapshot(of: GatewayUnits.service(name))
    }
}
