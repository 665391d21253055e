internal import LinuxKit
public import SandboxEngine
public import SandboxModel
internal import SystemdBus

extension NspawnBackend {
    /// See `Backend`.
    public func enter(
        _ record: SandboxRecord, _ run: RunRecord, _ entry: EntryRequest
    ) throws(SandboxError) -> EntryResult {
        let before = usage(run)
        let ended: (outcome: Session.Outcome, output: [UInt8])
        do {
            ended = try start(record, run, entry)
        } catch let error as EntryError {
            return try failed(error, entry)
        } catch let error as SystemError {
            throw error.as(.internal).prefixed("enter '\(record.name)'")
        } catch let error as BusError {
            throw error.asSandboxError("open a terminal in '\(record.name)'")
        } catch let error as SandboxError {
            throw error
        } catch {
            throw SandboxError(.internal, "enter '\(record.name)'", cause: "\(error)")
        }
        return EntryResult(
            status: ended.outcome.end.status, timedOut: ended.outcome.timedOut,
            interruptedBy: ended.outcome.interruptedBy, limits: limitsReached(record, before, usage(run)),
            output: ended.output)
    }

    private func start(
        _ record: SandboxRecord, _ run: RunRecord, _ request: EntryRequest
    ) throws -> (outcome: Session.Outcome, output: [UInt8]) {
        let leader = try ProcessHandle(pid: run.leader, startTime: run.leaderStart)
        let cgroup = try Cgroup.payload(run)
        let entry = try entry(record, request)
        let session = try Session()
        switch request.streams {
        case .terminal:
            let pty = try MachineManager(try bus()).openPTY(machine: "\(record.name)")
            let controller = Descriptor(owning: pty.fileDescriptor)
            let outcome = try session.run(terminal: 0, controller: controller, timeout: request.timeout) {
                () throws(EntryError) in
                try entry.start(leader: leader, cgroup: cgroup, streams: .terminal(pty.path))
            }
            return (outcome, [])
        case .caller(let input):
            return try session.run(input: input ? 0 : nil, timeout: request.timeout) { (streams) throws(EntryError) in
                try entry.start(leader: leader, cgroup: cgroup, streams: streams)
            }
        case .collected(let limit):
            return try session.run(input: nil, sink: .collected(limit: limit), timeout: request.timeout) {
                (streams) throws(EntryError) in
                try entry.start(leader: leader, cgroup: cgroup, streams: streams)
            }
        }
    }

    /// What runs, with the seccomp program that the payload runs under.
    func entry(_ record: SandboxRecord, _ request: EntryRequest) throws -> Entry {
        let filter = try Files.open(noLinks: paths.filter(record.name), .read).readAll(limit: 1 << 16)
        guard !filter.isEmpty, filter.count % 8 == 0 else {
            throw SandboxError(.internal, "the seccomp program of '\(record.name)' is damaged")
        }
        return Entry(
            arguments: request.arguments, environment: request.environment, directory: request.directory,
            uid: request.user.id, gid: request.user.id, filter: filter)
    }

    /// What shells say of a program that cannot be run; anything else is a fault of ours.
    private func failed(_ error: EntryError, _ entry: EntryRequest) throws(SandboxError) -> EntryResult {
        switch error.stage {
        case .program:
            let name = entry.arguments.first ?? ""
            let status: Int32 = error.errno == 2 || error.errno == 20 ? 127 : 126
            return EntryResult(status: status, problem: "run '\(name)': \(error.reason)".escapingControls)
        case .directory:
            throw SandboxError(.notFound, "working directory '\(entry.directory)' inside", cause: error.reason)
        case .posture(let step):
            throw SandboxError(.internal, "enter the sandbox: \(step)", cause: error.reason)
        }
    }

    private func limitsReached(_ record: SandboxRecord, _ before: Usage, _ after: Usage) -> [LimitHit] {
        var hits: [LimitHit] = []
        if let limit = record.template.limits.memory, (after.outOfMemoryKills ?? 0) > (before.outOfMemoryKills ?? 0) {
            let peak = after.memoryPeak.map { ByteSize(bytes: $0).rounded } ?? "unknown"
            hits.append(LimitHit(resource: "memory", limit: "\(limit)", peak: peak))
        }
        if let limit = record.template.limits.tasks, (after.tasksRefused ?? 0) > (before.tasksRefused ?? 0) {
            hits.append(
                LimitHit(resource: "tasks", limit: "\(limit)", peak: after.tasksPeak.map(String.init) ?? "\(limit)"))
        }
        return hits
    }

    /// See `Backend`.
    public func usage(_ run: RunRecord) -> Usage {
        var usage = Usage()
        usage.memory = Cgroup.number(run.cgroup, "memory.current")
        usage.memoryPeak = Cgroup.number(run.cgroup, "memory.peak")
        usage.outOfMemoryKills = Cgroup.value(run.cgroup, "memory.events", "oom_kill")
        usage.tasks = Cgroup.number(run.cgroup, "pids.current")
        usage.tasksPeak = Cgroup.number(run.cgroup, "pids.peak")
        // Linux counts a refused fork where the limit is from 6.11 on, and where the process is before.
        usage.tasksRefused = [run.cgroup, "\(run.cgroup)/payload"]
            .compactMap { Cgroup.value($0, "pids.events", "max") }.max()
        usage.cpu = Cgroup.value(run.cgroup, "cpu.stat", "usage_usec")
        // The magic link leads to the payload's root itself; nothing inside is looked up.
        if let root = try? Files.open(following: "/proc/\(run.leader)/root", .reference),
            let space = try? Files.space(root)
        {
            usage.root = space.bytes - space.bytesFree
            usage.rootInodes = space.inodes - space.inodesFree
        }
        return usage
    }

    /// See `Backend`.
    public func secretValue(_ secret: Secret, of record: SandboxRecord) throws(SandboxError) -> String {
        let path = "/run/credentials/\(HostPaths.unit(record.name))/\(secret.name)"
        let bytes: [UInt8]
        do {
            bytes = try Files.open(noLinks: path, .read).readAll(limit: Int(CredentialSource.limit))
        } catch {
            throw SandboxError(.unavailable, "read secret '\(secret.name)'", cause: error.reason)
        }
        // One line feed at the end belongs to the file, not to the value.
        let value = bytes.last == 0x0a ? bytes.dropLast() : bytes[...]
        guard !value.contains(0), let text = String(validating: value, as: UTF8.self) else {
            throw SandboxError(.configuration, "secret '\(secret.name)' is not text and cannot be a variable")
        }
        return text
    }
}
