internal import SandboxModel
public import SystemdBus

/// The transient unit of a sandbox, as a value.
public struct UnitPlan: Sendable, Equatable {
    /// Name of the unit.
    public var unit: String
    /// What is run: sandbox-launch, which becomes nspawn.
    public var command: [String]
    /// Properties for `StartTransientUnit` (org.freedesktop.systemd1(5)), without the descriptor of standard input.
    public var properties: [UnitProperty]

    /// Begins the description of every unit that is ours; `gc` looks for it.
    static let description = "Sandbox "

    /// The plan of a sandbox.
    static func make(for record: SandboxRecord, paths: HostPaths, credentials: [CredentialSource]) -> UnitPlan {
        let name = record.name
        // systemd-nspawn(1). --settings=no: no .nspawn file is looked for beside the root (CVE-2026-40226). The last
        // four stop nspawn from writing into the root as the host's root after mounts are up.
        let nspawn = [
            paths.nspawn, "--quiet", "--settings=no", "--directory=\(paths.root(name))", "--machine=\(name)",
            "--keep-unit", "--register=yes", "--private-users=\(record.uidBase):\(SandboxUsers.rangeSize)",
            "--private-users-ownership=off", "--notify-ready=yes", "--no-new-privileges=yes", "--drop-capability=all",
            "--kill-signal=SIGTERM", "--console=pipe", "--resolv-conf=off", "--timezone=off", "--link-journal=no",
            "/run/sandbox/init",
        ]
        let command = ["\(paths.programs)/sandbox-launch", paths.root(name)] + nspawn
        var properties = [
            UnitProperty("Description", .string("\(description)\(name)")),
            UnitProperty("Type", .string("notify")),
            UnitProperty("NotifyAccess", .string("main")),
            UnitProperty("ExecStart", .exec([ExecCommand(path: command[0], arguments: command)])),
            // nspawn's own filter costs half of its start and is weaker than the one sandbox-init loads; /tmp is
            // part of the root, whose size is stated.
            UnitProperty("Environment", .strings(["SYSTEMD_SECCOMP=0", "SYSTEMD_NSPAWN_TMPFS_TMP=0"])),
            UnitProperty("Slice", .string(HostPaths.slice)),
            // Shares are for each sandbox, not for each of its processes.
            UnitProperty("CPUWeight", .uint64(100)),
            UnitProperty("Delegate", .bool(true)),
            UnitProperty("NetworkNamespacePath", .string(paths.network(name))),
            UnitProperty("StandardOutput", .string("journal")),
            UnitProperty("StandardError", .string("journal")),
            UnitProperty("SyslogIdentifier", .string("\(HostPaths.prefix)\(name)")),
            UnitProperty("KeyringMode", .string("private")),
            UnitProperty("KillMode", .string("control-group")),
            UnitProperty("CollectMode", .string("inactive-or-failed")),
            // The agent's process that ate the memory dies, the sandbox stays.
            UnitProperty("OOMPolicy", .string("continue")),
            // nspawn and sandbox-init are never the one that dies: files in the root count as memory too, and killing
            // everybody does not free them. What enters has 0 again (sbx_enter).
            UnitProperty("OOMScoreAdjust", .int32(-1000)),
            UnitProperty("LimitCORE", .uint64(0)),
            UnitProperty("TimeoutStartUSec", .uint64(30_000_000)),
            UnitProperty("TimeoutStopUSec", .uint64(10_000_000)),
            UnitProperty("DevicePolicy", .string("closed")),
            UnitProperty("DeviceAllow", .pairs([StringPair("char-pts", "rw")])),
            UnitProperty("MemorySwapMax", .uint64(0)),
        ]
        let limits = record.template.limits
        if let memory = limits.memory { properties.append(UnitProperty("MemoryMax", .uint64(memory.bytes))) }
        if let tasks = limits.tasks { properties.append(UnitProperty("TasksMax", .uint64(tasks))) }
        if let cpu = limits.cpu {
            properties.append(UnitProperty("CPUQuotaPerSecUSec", .uint64(cpu.microsecondsPerSecond)))
        }
        // systemd hands the values over in a directory that only root can read, gone with the unit (systemd.exec(5)).
        for credential in credentials {
            properties.append(
                UnitProperty(
                    credential.isEncrypted ? "LoadCredentialEncrypted" : "LoadCredential",
                    .pairs([StringPair(credential.name, credential.path)])))
        }
        return UnitPlan(unit: HostPaths.unit(name), command: command, properties: properties)
    }
}
