internal import CSystemd
internal import Glibc

/// How a job ended (org.freedesktop.systemd1(5), `JobRemoved`).
public enum JobResult: Sendable, Equatable {
    /// The unit did what it was asked to.
    case done
    /// The unit failed.
    case failed
    /// The job, or the unit's start, took too long.
    case timeout
    /// Another job took its place, or it was cancelled.
    case canceled
    /// A unit it depends on failed.
    case dependency
    /// There was nothing to do: a condition was not met.
    case skipped
    /// A result this program has no case for: `assert`, `unsupported`, `invalid`, `collected`, `once`, `frozen`, …
    case other(String)

    init(_ text: String) {
        switch text {
        case "done": self = .done
        case "failed": self = .failed
        case "timeout": self = .timeout
        case "canceled": self = .canceled
        case "dependency": self = .dependency
        case "skipped": self = .skipped
        default: self = .other(text)
        }
    }
}

/// A unit as `ListUnits` shows it.
public struct UnitStatus: Sendable, Equatable {
    /// The full name, `x.service`.
    public let name: String
    /// The description.
    public let description: String
    /// `loaded`, `not-found`, `bad-setting`, `error`, `masked`, …
    public let loadState: String
    /// `active`, `inactive`, `failed`, `activating`, `deactivating`, `reloading`, `maintenance`.
    public let activeState: String
    /// The state in the unit type's own words, such as `running` or `exited`.
    public let subState: String
    /// The object path of the unit.
    public let objectPath: String
    /// The id of the job that waits or runs for it, or 0.
    public let jobID: UInt32
}

/// The state of a unit at one moment. What belongs to services has its default for units of another type.
public struct UnitSnapshot: Sendable, Equatable {
    /// `loaded`, or `not-found` when systemd does not know the unit.
    public var loadState = ""
    /// `active`, `inactive`, `failed`, `activating`, `deactivating`, …
    public var activeState = ""
    /// `running`, `exited`, `dead`, …
    public var subState = ""
    /// 16 bytes that name this run of the unit, or none when it has never run.
    public var invocationID: [UInt8] = []
    /// When the state changed last, in microseconds since 1970; 0 when it never did.
    public var stateChangeTimestamp: UInt64 = 0
    /// When it became active last, in microseconds since 1970; 0 when it never did.
    public var activeEnterTimestamp: UInt64 = 0
    /// Service: `success`, `exit-code`, `signal`, `core-dump`, `timeout`, `oom-kill`, `resources`, `protocol`, …
    public var result = ""
    /// Service: the main process, or 0.
    public var mainPID: UInt32 = 0
    /// Service: how the main process ended, a `CLD_` code of waitid(2), or 0.
    public var execMainCode: Int32 = 0
    /// Service: the exit status or the signal, by `execMainCode`.
    public var execMainStatus: Int32 = 0
    /// Service: the control group below the root of cgroup2, or empty.
    public var controlGroup = ""
    /// Service: what it said with `STATUS=` (sd_notify(3)). Untrusted: the service wrote it.
    public var statusText = ""

    static let unitProperties = [
        "LoadState", "ActiveState", "SubState", "InvocationID", "StateChangeTimestamp", "ActiveEnterTimestamp",
    ]
    static let serviceProperties = [
        "Result", "MainPID", "ExecMainCode", "ExecMainStatus", "ControlGroup", "StatusText",
    ]

    init(_ properties: PropertySet, isService: Bool) throws(BusError) {
        loadState = try properties.string("LoadState")
        activeState = try properties.string("ActiveState")
        subState = try properties.string("SubState")
        invocationID = try properties.bytes("InvocationID")
        stateChangeTimestamp = try properties.uint64("StateChangeTimestamp")
        activeEnterTimestamp = try properties.uint64("ActiveEnterTimestamp")
        guard isService else { return }
        result = try properties.string("Result")
        mainPID = try properties.uint32("MainPID")
        execMainCode = try properties.int32("ExecMainCode")
        execMainStatus = try properties.int32("ExecMainStatus")
        controlGroup = try properties.string("ControlGroup")
        statusText = try properties.string("StatusText")
    }

    /// Whether systemd does not know the unit, or no longer.
    public var isGone: Bool { loadState == "not-found" }
}

/// The client of systemd's manager (org.freedesktop.systemd1(5)).
public final class SystemdManager {
    static let service = "org.freedesktop.systemd1"
    static let path = "/org/freedesktop/systemd1"
    static let unitPrefix = "/org/freedesktop/systemd1/unit"
    static let interface = "org.freedesktop.systemd1.Manager"
    static let unitInterface = "org.freedesktop.systemd1.Unit"
    static let serviceInterface = "org.freedesktop.systemd1.Service"

    /// The connection.
    public let bus: Bus

    /// Makes a client; nothing is sent.
    public init(_ bus: Bus) {
        self.bus = bus
    }

    /// The manager's version, such as `252.38-1~deb12u1`.
    public func version() throws(BusError) -> String {
        let pending = try bus.requestProperty("Version", of: Self.interface, at: Self.path, on: Self.service)
        guard case .string(let version)? = try bus.property(pending) else {
            throw .malformed(pending.operation, "Version is not a string")
        }
        return version
    }

    /// Makes a unit and starts it, as `systemd-run` does.
    ///
    /// - Parameters:
    ///   - mode: what to do about jobs in the way: `fail`, `replace`, …
    ///   - auxiliary: further units that are made with it, such as the service of a socket.
    ///   - confirmed: whether to wait for systemd's answer; else `Job.confirm()` does, later.
    /// - Returns: the start job, which may have ended by then.
    /// - Throws: `.exists` when the unit is loaded already; the peer's error when a property is refused.
    public func startTransientUnit(
        _ name: String, mode: String = "fail", properties: [UnitProperty],
        auxiliary: [(name: String, properties: [UnitProperty])] = [], confirmed: Bool = true
    ) throws(BusError) -> Job {
        let message = try managerCall("StartTransientUnit")
        try message.append(name)
        try message.append(mode)
        try message.append(properties)
        try message.open("a", "(sa(sv))")
        for unit in auxiliary {
            try message.open("r", "sa(sv)")
            try message.append(unit.name)
            try message.append(unit.properties)
            try message.close()
        }
        try message.close()
        let job = try Job(bus, unit: name, call: message)
        if confirmed { try job.confirm() }
        return job
    }

    /// Starts a unit that exists.
    ///
    /// - Throws: `.notFound` when there is none.
    public func startUnit(_ name: String, mode: String = "replace") throws(BusError) -> Job {
        try job("StartUnit", name, mode)
    }

    /// Stops a unit.
    ///
    /// - Throws: `.notFound` when it is not loaded.
    public func stopUnit(_ name: String, mode: String = "replace") throws(BusError) -> Job {
        try job("StopUnit", name, mode)
    }

    /// Sends a signal to processes of a unit: `main`, `control` or `all`.
    public func killUnit(_ name: String, who: String = "all", signal: Int32) throws(BusError) {
        let message = try managerCall("KillUnit")
        try message.append(name)
        try message.append(who)
        try message.append(signal)
        _ = try bus.perform(message, returning: "")
    }

    /// Forgets that a unit failed, which lets systemd unload it.
    ///
    /// - Throws: `.notFound` when it is not loaded.
    public func resetFailedUnit(_ name: String) throws(BusError) {
        let message = try managerCall("ResetFailedUnit")
        try message.append(name)
        _ = try bus.perform(message, returning: "")
    }

    /// Changes properties of a unit that runs; `runtime`: until the next boot only.
    public func setUnitProperties(
        _ name: String, runtime: Bool = true, properties: [UnitProperty]
    ) throws(BusError) {
        let message = try managerCall("SetUnitProperties")
        try message.append(name)
        try message.append(runtime)
        try message.append(properties)
        _ = try bus.perform(message, returning: "")
    }

    /// The loaded units whose name matches one of the shell patterns, in one call, by name.
    public func listUnits(patterns: [String]) throws(BusError) -> [UnitStatus] {
        let message = try managerCall("ListUnitsByPatterns")
        try message.append([String]())
        try message.append(patterns)
        let reply = try bus.perform(message, returning: "a(ssssssouso)")
        let units = try reply.readStructs("ssssssouso") { (reply) throws(BusError) in
            let name = try reply.readString()
            let description = try reply.readString()
            let loadState = try reply.readString()
            let activeState = try reply.readString()
            let subState = try reply.readString()
            // The unit it follows.
            try reply.skip("s")
            let path = try reply.readPath(below: Self.unitPrefix)
            let job = try reply.readUInt32()
            // The type and the path of that job.
            try reply.skip("so")
            return UnitStatus(
                name: name, description: description, loadState: loadState, activeState: activeState,
                subState: subState, objectPath: path, jobID: job)
        }
        return units.sorted { $0.name < $1.name }
    }

    /// The state of a unit, in one round trip. Of a unit systemd does not know, `isGone` is true.
    ///
    /// - Throws: `.malformedReply` when a property is missing or has another type than documented.
    public func snapshot(of name: String) throws(BusError) -> UnitSnapshot {
        let path = try Self.objectPath(of: name)
        var pending: [(String, PendingReply)] = []
        for property in UnitSnapshot.unitProperties {
            let request = try bus.requestProperty(property, of: Self.unitInterface, at: path, on: Self.service)
            pending.append((property, request))
        }
        let isService = name.hasSuffix(".service")
        for property in isService ? UnitSnapshot.serviceProperties : [] {
            let request = try bus.requestProperty(property, of: Self.serviceInterface, at: path, on: Self.service)
            pending.append((property, request))
        }
        var properties = PropertySet(operation: "read the state of unit '\(name)'")
        for (property, request) in pending { properties.values[property] = try bus.property(request) }
        return try UnitSnapshot(properties, isService: isService)
    }

    /// One property of a unit, such as `MemoryPeak` of `org.freedesktop.systemd1.Service`.
    ///
    /// - Returns: nil when the value is of a type that `UnitValue` cannot hold.
    /// - Throws: the peer's error when the property is not there.
    public func property(
        _ property: String, interface: String, of unit: String
    ) throws(BusError) -> UnitValue? {
        try bus.property(
            try bus.requestProperty(property, of: interface, at: Self.objectPath(of: unit), on: Self.service))
    }

    /// Watches a unit from now on, without a round trip.
    public func watch(_ name: String) throws(BusError) -> UnitWatch {
        try UnitWatch(self, unit: name)
    }

    /// The object path of a unit (sd_bus_path_encode(3)); whatever the name holds, it is one element below the prefix.
    static func objectPath(of unit: String) throws(BusError) -> String {
        try encodedPath(unitPrefix, unit)
    }

    func managerCall(_ member: String) throws(BusError) -> Message {
        try bus.call(Self.service, Self.path, Self.interface, member)
    }

    private func job(_ member: String, _ unit: String, _ mode: String) throws(BusError) -> Job {
        let message = try managerCall(member)
        try message.append(unit)
        try message.append(mode)
        let job = try Job(bus, unit: unit, call: message)
        try job.confirm()
        return job
    }
}

/// `prefix/NAME` with what a path element cannot hold escaped (sd_bus_path_encode(3)).
func encodedPath(_ prefix: String, _ name: String) throws(BusError) -> String {
    let operation = "encode the name of an object"
    guard !name.utf8.contains(0) else {
        throw BusError(operation, errno: EINVAL, message: "a name contains a NUL byte")
    }
    var raw: UnsafeMutablePointer<CChar>?
    try check(unsafe sd_bus_path_encode(prefix, name, &raw), operation)
    guard let raw = unsafe raw else { throw BusError(operation, errno: ENOMEM) }
    defer { unsafe free(raw) }
    return unsafe String(cString: raw)
}
