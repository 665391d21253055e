internal import LinuxKit
internal import SandboxEngine
internal import SandboxModel
internal import SystemdBus

/// A unit that was started and whose PID 1 waits at the gate.
final class Launch: LaunchedMachine {
    private let record: SandboxRecord
    private let promise: (network: String, mounts: [String: Set<String>])
    private let gate: Descriptor
    private let bus: Bus
    private let job: Job
    private let leader: ProcessHandle
    private var weakenings: [Weakening]
    private var cgroup = ""

    /// Kernel files inside that tell about the host, covered from outside because not every systemd does.
    static let masked = [
        "/proc/kallsyms", "/proc/kcore", "/proc/keys", "/proc/key-users", "/proc/timer_list", "/proc/timer_stats",
        "/proc/sched_debug", "/proc/latency_stats", "/proc/kpagecount", "/proc/kpageflags", "/proc/kpagecgroup",
        "/proc/vmallocinfo", "/proc/slabinfo", "/proc/iomem", "/proc/ioports", "/proc/modules", "/proc/scsi",
        "/proc/asound", "/proc/acpi", "/proc/sysrq-trigger", "/sys/firmware", "/sys/kernel/debug",
        "/sys/kernel/tracing", "/sys/devices/virtual/powercap", "/dev/net", "/run/host/incoming",
        "/run/host/unix-export",
    ]

    /// Starts the unit and waits until sandbox-init says that it is locked down.
    ///
    /// The unit is asked for first, and its root is built while systemd forks; the filter is compiled while nspawn starts.
    init(
        record: SandboxRecord, unit: UnitPlan, network: String, promised: [String: Set<String>],
        weakenings: [Weakening], bus: Bus, interruption: () -> Int32?,
        filter: () throws(SandboxError) -> [UInt8], mounts build: () throws(SystemError) -> RootBuilder.Mounts
    ) throws(SandboxError) {
        self.record = record
        self.bus = bus
        promise = (network, promised)
        self.weakenings = weakenings
        do {
            let pair = try PacketPair()
            let input = UnitProperty("StandardInputFileDescriptor", .fileDescriptor(pair.far.number))
            job = try SystemdManager(bus).startTransientUnit(
                unit.unit, properties: unit.properties + [input], confirmed: false)
            let mounts = try build()
            self.weakenings += mounts.weakenings
            let secrets = record.template.secrets.filter { $0.exposure == .file }.map(\.name)
            try pair.near.send(
                packet: LaunchPacket.encode(
                    mounts: mounts.targets, secrets: secrets,
                    secretsOwner: record.uidBase + SandboxUsers.agentID),
                descriptors: [mounts.root.number] + mounts.others)
            let program = try Descriptor.sealed("seccomp", try filter())
            try pair.near.send(packet: [LaunchPacket.filter], descriptors: [program.number])
            gate = try pair.near.duplicate()
            try job.confirm()
        } catch let error as SystemError {
            throw error.as(.internal).prefixed("prepare the start of '\(record.name)'")
        } catch let error as BusError {
            throw error.asSandboxError("start the unit of '\(record.name)'")
        } catch let error as SandboxError {
            throw error
        } catch {
            throw SandboxError(.internal, "start '\(record.name)'")
        }
        leader = try Self.waitForLock(gate, bus, job, record, interruption)
    }

    /// Waits for the gate's first packet, and notices when the unit fails instead.
    private static func waitForLock(
        _ gate: borrowing Descriptor, _ bus: Bus, _ job: Job, _ record: SandboxRecord, _ interruption: () -> Int32?
    ) throws(SandboxError) -> ProcessHandle {
        let deadline = Deadline.in(seconds: 30)
        do {
            while !deadline.hasPassed {
                if let signal = interruption() {
                    throw SandboxError(.temporary, "interrupted by signal \(signal)")
                }
                while try bus.process() {}
                if let result = job.result, result != .done {
                    throw SandboxError(
                        .cannotCreate, "the unit of '\(record.name)' did not start (\(result))",
                        hint: "'journalctl -u \(job.unit)' tells more", cause: said(gate))
                }
                let ready = try EventSet.wait(
                    [gate.number, bus.fileDescriptor], until: Deadline.in(seconds: 1).earlier(of: deadline))
                guard ready.contains(gate.number) else { continue }
                guard let packet = try gate.receivePacket() else { continue }
                if packet.bytes.first == LaunchPacket.failed {
                    throw SandboxError(
                        .cannotCreate, "sandbox '\(record.name)' did not start",
                        cause: String(decoding: packet.bytes.dropFirst(), as: UTF8.self))
                }
                guard packet.bytes == [LaunchPacket.locked], packet.sender > 1 else { continue }
                return try ProcessHandle(pid: packet.sender)
            }
        } catch let error as SandboxError {
            throw error
        } catch let error as BusError {
            throw error.asSandboxError("wait for the start of '\(record.name)'")
        } catch {
            throw SandboxError(.internal, "wait for the start of '\(record.name)'", cause: "\(error)")
        }
        throw SandboxError(.temporary, "sandbox '\(record.name)' was not ready within 30 seconds")
    }

    /// What the failing program left at the gate.
    private static func said(_ gate: borrowing Descriptor) -> String? {
        guard let packet = try? gate.receivePacket(), packet.bytes.first == LaunchPacket.failed else { return nil }
        return String(decoding: packet.bytes.dropFirst(), as: UTF8.self)
    }

    /// See `LaunchedMachine`.
    func verify() throws(SandboxError) {
        do {
            try Namespaces.harden(
                leader.descriptor, masking: Self.masked, emptyFile: "/run/sandbox/empty-file",
                emptyDirectory: "/run/sandbox/empty-directory")
            guard let reading = try Posture.read(leader.pid) else {
                throw SandboxError(.cannotCreate, "the payload of '\(record.name)' ended before it was verified")
            }
            // The unit's cgroup is where systemd put it; that it is the unit's is what is checked.
            let tail = "/\(HostPaths.unit(record.name))/payload"
            guard reading.cgroup.hasSuffix(tail) else {
                throw SandboxError(
                    .cannotCreate, "posture of '\(record.name)': cgroup is '\(reading.cgroup)', should end in '\(tail)'"
                )
            }
            cgroup = String(reading.cgroup.dropLast("/payload".count))
            let differences = Posture.differences(
                reading,
                Posture.Promise(
                    uidBase: record.uidBase, networkNamespace: promise.network, cgroup: reading.cgroup,
                    mounts: promise.mounts))
            guard differences.isEmpty else {
                throw SandboxError(
                    .cannotCreate, "posture of '\(record.name)' is not as it should be",
                    cause: differences.joined(separator: "; "))
            }
        } catch let error as SandboxError {
            throw error
        } catch {
            throw SandboxError(.cannotCreate, "verify the posture of '\(record.name)'", cause: "\(error)")
        }
    }

    /// See `LaunchedMachine`.
    func release() throws(SandboxError) -> RunRecord {
        do {
            try gate.send(packet: [LaunchPacket.release], descriptors: [])
            let result = try job.wait(until: .now + .seconds(30))
            guard result == .done else {
                throw SandboxError(
                    .cannotCreate, "the unit of '\(record.name)' did not become active (\(result))",
                    hint: "'journalctl -u \(job.unit)' tells more", cause: Self.said(gate))
            }
        } catch let error as SandboxError {
            throw error
        } catch let error as BusError {
            throw error.asSandboxError("wait for the unit of '\(record.name)'")
        } catch {
            throw SandboxError(.internal, "release '\(record.name)'", cause: "\(error)")
        }
        return RunRecord(
            id: record.id, leader: leader.pid, leaderStart: ProcessHandle.startTime(of: leader.pid), cgroup: cgroup,
            startedAt: Clock.realtime, weakenings: weakenings)
    }
}

extension BusError {
    /// The same failure as the user sees it.
    func asSandboxError(_ context: String) -> SandboxError {
        switch kind {
        case .accessDenied: SandboxError(.permission, context, hint: "run it as root", cause: message)
        case .exists: SandboxError(.cannotCreate, context, hint: "choose another name", cause: message)
        case .unavailable, .disconnected:
            SandboxError(.unavailable, context, hint: "'sandboxctl doctor' checks the host", cause: message)
        case .timedOut: SandboxError(.temporary, context, cause: message)
        default: SandboxError(.internal, context, cause: "\(self)")
        }
    }
}
