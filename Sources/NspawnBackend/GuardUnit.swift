internal import SystemdBus

/// The transient unit that watches the host's rules while any sandbox has a link: `sandboxctl network guard`.
enum GuardUnit {
    static let name = "sandboxctl-guard.service"

    /// - Parameter program: path of sandboxctl.
    static func properties(program: String) -> [UnitProperty] {
        [
            UnitProperty("Description", .string("Guard of the rules for links to sandboxes")),
            UnitProperty("Type", .string("notify")),
            UnitProperty("NotifyAccess", .string("main")),
            UnitProperty(
                "ExecStart",
                .exec([ExecCommand(path: program, arguments: [program, "network", "guard"])])),
            UnitProperty("Restart", .string("always")),
            UnitProperty("RestartUSec", .uint64(100_000)),
            UnitProperty("CollectMode", .string("inactive-or-failed")),
            UnitProperty("TimeoutStopUSec", .uint64(2_000_000)),
            UnitProperty("TasksMax", .uint64(16)),
            UnitProperty("MemoryMax", .uint64(256 << 20)),
            UnitProperty("NoNewPrivileges", .bool(true)),
            UnitProperty("ProtectHome", .string("yes")),
            UnitProperty("PrivateTmp", .bool(true)),
            UnitProperty("ProtectClock", .bool(true)),
            UnitProperty("ProtectKernelLogs", .bool(true)),
            UnitProperty("ProtectKernelModules", .bool(true)),
            UnitProperty("RestrictRealtime", .bool(true)),
            // Not RestrictSUIDSGID: with it systemd takes openat2(2) away, which everything here is opened with.
            UnitProperty("LockPersonality", .bool(true)),
            UnitProperty("MemoryDenyWriteExecute", .bool(true)),
            UnitProperty("SystemCallArchitectures", .strings(["native"])),
        ]
    }
}
