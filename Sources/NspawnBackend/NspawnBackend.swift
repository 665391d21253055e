internal import LinuxKit
public import SandboxEngine
public import SandboxModel
internal import Seccomp
internal import SystemdBus

/// The machine that sandboxes run on: systemd and machined over D-Bus, and the kernel.
public final class NspawnBackend: Backend {
    let paths: HostPaths
    let configuration: HostConfiguration
    let interruptions: () -> Int32?
    private var connection: Bus?
    /// systemd opens a gateway's sockets while other things go on; `waitForGateway` sees to it that it did.
    var openingGateway: Job?

    /// A backend. The bus is opened when it is first needed: `list` and `exec` do without.
    /// - Parameter interruptions: asked between steps for a signal that should end the command.
    public init(
        paths: HostPaths = HostPaths(), configuration: HostConfiguration = HostConfiguration(),
        interruptions: @escaping () -> Int32? = { nil }
    ) {
        self.paths = paths
        self.configuration = configuration
        self.interruptions = interruptions
    }

    func bus() throws(SandboxError) -> Bus {
        if let connection { return connection }
        do {
            let opened = try Bus.openSystem()
            connection = opened
            return opened
        } catch {
            throw error.asSandboxError("connect to the system bus")
        }
    }

    // MARK: Checks

    /// See `Backend`.
    public func check(_ record: SandboxRecord) throws(SandboxError) -> [Weakening] {
        for program in [paths.nspawn, "\(paths.programs)/sandbox-launch", "\(paths.programs)/sandbox-init"] {
            try require(program, "program")
        }
        if let workspace = record.workspace { try require(workspace.path, "workspace") }
        for path in record.template.storePaths { try require(path, "store path") }
        for mount in record.template.mounts { try require(mount.source, "mount source") }
        if case .directory(let path) = record.template.store { try require("\(path)/usr", "store") }
        if case .nix = record.template.store { try require("/nix/store", "store") }
        for secret in record.template.secrets { _ = try CredentialSource.find(secret) }
        return try checkControllers(record.template.limits)
    }

    private func require(_ path: String, _ what: String) throws(SandboxError) {
        do {
            _ = try Files.open(noLinks: path, .reference)
        } catch {
            if error.errno == 40 {
                throw SandboxError(
                    .configuration, "\(what) '\(path)' goes through a symbolic link",
                    hint: "name the place it leads to: links are not followed at start")
            }
            throw SandboxError(error.isNotFound ? .notFound : .configuration, "\(what) '\(path)'", cause: error.reason)
        }
    }

    /// Limits that the host cannot hold stop the start, unless its administrator decided otherwise.
    private func checkControllers(_ limits: ResourceLimits) throws(SandboxError) -> [Weakening] {
        let present = Cgroup.controllers()
        var missing: [String] = []
        if limits.memory != nil, !present.contains("memory") { missing.append("memory") }
        if limits.tasks != nil, !present.contains("pids") { missing.append("tasks") }
        if limits.cpu != nil, !present.contains("cpu") { missing.append("cpu") }
        guard !missing.isEmpty else { return [] }
        let list = missing.joined(separator: ", ")
        guard configuration.unenforcedLimits == .warn else {
            throw SandboxError(
                .unavailable, "this host cannot enforce limits on \(list): the cgroup controllers are missing",
                hint: "'sandboxctl doctor' tells why; 'unenforced = \"warn\"' below [limits] in "
                    + "/etc/sandboxctl/sandboxctl.toml accepts it")
        }
        return [Weakening(layer: "limits", reason: "not enforced on this host: \(list) (cgroup controllers missing)")]
    }

    /// See `Backend`.
    public func ensureUnused(_ name: SandboxName) throws(SandboxError) {
        func refuse(_ what: String) -> SandboxError {
            SandboxError(
                .cannotCreate, "\(what) already exists",
                hint: "choose another name; 'sandboxctl gc' tells whether it is a leftover of ours")
        }
        if (try? Files.open(noLinks: paths.network(name), .reference)) != nil {
            throw refuse("network namespace '\(paths.network(name))'")
        }
        do {
            let bus = try self.bus()
            if try MachineManager(bus).machine(named: "\(name)") != nil { throw refuse("machine '\(name)'") }
            if try !SystemdManager(bus).listUnits(patterns: [HostPaths.unit(name)]).isEmpty {
                throw refuse("unit '\(HostPaths.unit(name))'")
            }
        } catch let error as BusError {
            throw error.asSandboxError("ask systemd about '\(name)'")
        } catch let error as SandboxError {
            throw error
        } catch {
            throw SandboxError(.internal, "ask systemd about '\(name)'")
        }
    }

    // MARK: Network

    /// See `Backend`.
    public func makeNetwork(_ record: SandboxRecord) throws(SandboxError) {
        do {
            try Files.makeDirectories(paths.networks, mode: 0o755)
            try Namespaces.makePrivateMountPoint(paths.networks)
            let namespace = try Namespaces.network()
            let directory = try Files.open(noLinks: paths.networks, .directory)
            _ = try Files.create("\(HostPaths.prefix)\(record.name)", beneath: directory, mode: 0o444)
            try Namespaces.pin(namespace, at: paths.network(record.name))
        } catch {
            throw error.as(.cannotCreate).prefixed("network namespace of '\(record.name)'")
        }
    }

    /// See `Backend`.
    public func removeNetwork(_ name: SandboxName) throws(SandboxError) {
        try detachLink(of: name)
        try stopGateway(of: name)
        do throws(SystemError) {
            let directory = try Files.open(noLinks: paths.networks, .directory)
            let file = try Files.open("\(HostPaths.prefix)\(name)", beneath: directory, .reference)
            if try isMountRoot(file) { try Namespaces.unpin(paths.network(name)) }
            try Files.remove("\(HostPaths.prefix)\(name)", beneath: directory)
        } catch {
            if !error.isNotFound { throw error.as(.internal).prefixed("network namespace of '\(name)'") }
        }
    }

    // MARK: Start and stop

    /// See `Backend`.
    public func launch(
        _ record: SandboxRecord, _ weakenings: [Weakening]
    ) throws(SandboxError) -> any LaunchedMachine {
        var credentials: [CredentialSource] = []
        for secret in record.template.secrets { credentials.append(try CredentialSource.find(secret)) }
        let unit = UnitPlan.make(for: record, paths: paths, credentials: credentials)
        let root = try rootPlan(record)
        do {
            try Files.makeDirectories(paths.root(record.name), mode: 0o700)
            let directory = try Files.open(noLinks: paths.runtime(record.name), .directory)
            for volume in record.template.agent.persist { try makeVolume(volume, record) }
            let builder = RootBuilder(record: record, plan: root, initProgram: "\(paths.programs)/sandbox-init")
            let network = try Files.open(following: paths.network(record.name), .reference).status()
            let launch = try Launch(
                record: record, unit: unit, network: "net:[\(network.inode)]", promised: promises(root),
                weakenings: weakenings, bus: bus(), interruption: interruptions
            ) { () throws(SandboxError) in
                try keepFilter(try compileFilter(), in: directory)
            } mounts: { () throws(SystemError) in
                try builder.build()
            }
            try waitForGateway()
            return launch
        } catch let error as SystemError where error.errno == 116 {
            throw SandboxError(
                .configuration, "workspace '\(record.workspace?.path ?? "")' is another directory than it was",
                hint: "put the old one back, or remove the sandbox and create it again")
        } catch let error as SystemError {
            throw error.as(.cannotCreate).prefixed("root of '\(record.name)'")
        } catch let error as SandboxError {
            throw error
        } catch {
            throw SandboxError(.internal, "start '\(record.name)'", cause: "\(error)")
        }
    }

    func rootPlan(_ record: SandboxRecord) throws(SandboxError) -> RootPlan {
        let etc: String
        switch record.template.store {
        case .host: etc = "/etc"
        case .directory(let path): etc = "\(path)/etc"
        case .nix: return RootPlan.make(for: record, paths: paths, etcNames: [])
        }
        let names = (try? Files.list(try Files.open(noLinks: etc, .directory))) ?? []
        return RootPlan.make(for: record, paths: paths, etcNames: names)
    }

    /// What the mounts of the plan must look like from outside.
    private func promises(_ plan: RootPlan) -> [String: Set<String>] {
        var result: [String: Set<String>] = [
            "/": ["nosuid", "nodev"], "/run": ["nosuid", "nodev", "noexec"],
            "/run/secrets": ["ro", "nosuid", "nodev", "noexec"], "/run/sandbox/init": ["ro", "nosuid", "nodev"],
            "/run/sandbox": ["ro", "nosuid", "nodev", "noexec"],
            "/dev": ["nosuid", "noexec"], "/dev/shm": ["nosuid", "nodev"],
        ]
        for attachment in plan.attachments where !attachment.optional {
            result["/\(attachment.target)"] = attachment.readOnly ? ["ro", "nosuid", "nodev"] : ["nosuid", "nodev"]
        }
        for attachment in plan.attachments where attachment.optional {
            guard (try? Files.open(noLinks: attachment.source, .reference)) != nil else { continue }
            result["/\(attachment.target)"] = ["ro", "nosuid", "nodev"]
        }
        return result
    }

    /// Keeps the program for what enters later.
    private func keepFilter(_ filter: [UInt8], in directory: borrowing Descriptor) throws(SandboxError) -> [UInt8] {
        do throws(SystemError) {
            try Files.replace("filter.bpf", in: directory, with: filter, durable: false)
        } catch {
            throw error.as(.internal)
        }
        return filter
    }

    private func compileFilter() throws(SandboxError) -> [UInt8] {
        do {
            return try SeccompProfile.standard.compile().bytes
        } catch {
            throw SandboxError(.unavailable, "compile the seccomp profile", cause: "\(error)")
        }
    }

    /// A directory of the agent's home that outlives resets; its owner on disk is the agent's uid in the range.
    private func makeVolume(_ volume: String, _ record: SandboxRecord) throws(SystemError) {
        let agent = record.uidBase + SandboxUsers.agentID
        try Files.makeDirectories(paths.volumes(record.name), mode: 0o700)
        let root = try Files.open(noLinks: paths.volumes(record.name), .directory)
        var partial = ""
        for component in volume.split(separator: "/") {
            partial += (partial.isEmpty ? "" : "/") + component
            do {
                try Files.makeDirectory(partial, beneath: root, mode: 0o755, uid: agent, gid: agent)
            } catch {
                if !error.isExisting { throw error }
            }
        }
    }

    /// See `Backend`.
    public func stop(_ name: SandboxName, grace: Double) throws(SandboxError) {
        let unit = HostPaths.unit(name)
        do {
            let manager = SystemdManager(try bus())
            let state = try manager.snapshot(of: unit)
            if state.isGone { return }
            if state.activeState == "failed" { return try manager.resetFailedUnit(unit) }
            if grace <= 0 { try kill(unit, manager) }
            do {
                let job = try manager.stopUnit(unit)
                if let result = try? job.wait(until: .now + .milliseconds(Int64((grace > 0 ? grace : 5) * 1000))),
                    result == .done
                {
                    return
                }
                try kill(unit, manager)
                _ = try job.wait(until: .now + .seconds(20))
            } catch {
                // Gone between two calls: what was wanted.
                guard error.kind == .notFound else { throw error }
            }
        } catch let error as BusError {
            throw error.asSandboxError("stop the unit of '\(name)'")
        } catch let error as SandboxError {
            throw error
        } catch {
            throw SandboxError(.internal, "stop the unit of '\(name)'", cause: "\(error)")
        }
    }

    private func kill(_ unit: String, _ manager: SystemdManager) throws(BusError) {
        do {
            try manager.killUnit(unit, signal: 9)
        } catch {
            guard error.kind == .notFound else { throw error }
        }
    }

    /// See `Backend`.
    public func isAlive(_ run: RunRecord) -> Bool {
        isAlive(ProcessMark(pid: run.leader, start: run.leaderStart))
    }

    /// See `Backend`.
    public func isAlive(_ process: ProcessMark) -> Bool {
        guard let handle = try? ProcessHandle(pid: process.pid, startTime: process.start) else { return false }
        // Readable: it has ended and waits to be reaped.
        return (try? handle.descriptor.waitReadable(until: .now)) == false
    }

    /// See `Backend`.
    public func ownProcess() -> ProcessMark {
        ProcessMark(pid: ProcessHandle.ownPID, start: ProcessHandle.startTime(of: ProcessHandle.ownPID))
    }

    /// See `Backend`.
    public func failure(_ name: SandboxName) -> String? {
        guard let bus = try? bus(), let state = try? SystemdManager(bus).snapshot(of: HostPaths.unit(name)),
            !state.isGone
        else { return nil }
        return "unit is \(state.activeState) (\(state.result))"
    }

    // MARK: Residues

    /// See `Backend`.
    public func residues() throws(SandboxError) -> [Residue] {
        var result: [Residue] = []
        do {
            for unit in try SystemdManager(try bus()).listUnits(patterns: ["\(HostPaths.prefix)*.service"]) {
                let text = unit.name.dropFirst(HostPaths.prefix.count).dropLast(".service".count)
                guard let name = try? SandboxName(String(text)), unit.description == "\(UnitPlan.description)\(name)"
                else { continue }
                result.append(Residue(kind: .unit, sandbox: name))
            }
            let networks = try Files.open(noLinks: paths.networks, .directory)
            for entry in try Files.list(networks) where entry.hasPrefix(HostPaths.prefix) {
                guard let name = try? SandboxName(String(entry.dropFirst(HostPaths.prefix.count))) else { continue }
                result.append(Residue(kind: .network, sandbox: name))
            }
        } catch let error as SystemError {
            if !error.isNotFound { throw error.as(.internal) }
        } catch let error as BusError {
            throw error.asSandboxError("list units")
        } catch let error as SandboxError {
            throw error
        } catch {
            throw SandboxError(.internal, "list what is left", cause: "\(error)")
        }
        return result
    }

    /// See `Backend`.
    public func now() -> Int64 { Clock.realtime }

    /// See `Backend`.
    public func interruption() -> Int32? { interruptions() }
}
