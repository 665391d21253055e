internal import SandboxModel
internal import SystemdBus

/// The transient timer that has the direct hosts of a sandbox looked up again, and the service it starts.
struct RefreshUnits {
    let name: SandboxName
    var timer: String { "sandboxctl-refresh-\(name).timer" }
    var service: String { "sandboxctl-refresh-\(name).service" }

    init(_ name: SandboxName) { self.name = name }

    /// Addresses are relied on for half a minute at least; whether one is due is in the record, not in the timer, so that
    /// there is nothing to wind up again after a crash.
    var timerProperties: [UnitProperty] {
        let period: UInt64 = 30_000_000
        return [
            UnitProperty("Description", .string("Addresses of direct hosts of sandbox \(name)")),
            UnitProperty("OnActiveSec", .uint64(period)),
            UnitProperty("OnUnitInactiveSec", .uint64(period)),
            UnitProperty("AccuracyUSec", .uint64(1_000_000)),
            UnitProperty("RemainAfterElapse", .bool(true)),
            UnitProperty("CollectMode", .string("inactive-or-failed")),
        ]
    }

    /// - Parameter program: path of sandboxctl.
    func serviceProperties(program: String) -> [UnitProperty] {
        let arguments = [program, "network", "refresh", "--due", "\(name)"]
        return [
            UnitProperty("Description", .string("Look up direct hosts of sandbox \(name)")),
            UnitProperty("Type", .string("oneshot")),
            UnitProperty("ExecStart", .exec([ExecCommand(path: program, arguments: arguments)])),
            UnitProperty("CollectMode", .string("inactive-or-failed")),
            UnitProperty("TimeoutStartUSec", .uint64(120_000_000)),
            UnitProperty("NoNewPrivileges", .bool(true)),
        ]
    }
}
