internal import EgressPolicy
internal import SandboxEngine
internal import SandboxModel

/// What the verbs need of the world below them. `Composition` makes it real; tests put a fake in its place.
protocol Services {
    func create(_ request: CreateRequest) throws(SandboxError)
    func start(_ name: SandboxName) throws(SandboxError)
    func stop(_ name: SandboxName, grace: Double) throws(SandboxError)
    func restart(_ name: SandboxName, grace: Double) throws(SandboxError)
    func reset(_ name: SandboxName, grace: Double) throws(SandboxError)
    func remove(_ name: SandboxName, grace: Double) throws(SandboxError)
    func list() throws(SandboxError) -> [SandboxSummary]
    func status(_ name: SandboxName) throws(SandboxError) -> SandboxSummary
    func execute(_ name: SandboxName, _ request: ExecuteRequest) throws(SandboxError) -> EntryResult
    func change(_ name: SandboxName, _ change: NetworkChange) throws(SandboxError) -> NetworkOutcome
    func refresh(_ name: SandboxName, onlyDue: Bool) throws(SandboxError) -> NetworkOutcome
    func networkStatus(_ name: SandboxName) throws(SandboxError) -> NetworkStatus
    func explain(
        _ name: SandboxName, _ target: Explanation.Target, _ transport: Transport, port: UInt16
    ) throws(SandboxError) -> Explanation
    func verifyNetwork(_ name: SandboxName) throws(SandboxError) -> [String]
    /// Watches the host's rules for links until it is killed; each thing it does is a line for `report`.
    func guardLinks(report: (String) -> Void) throws(SandboxError) -> Never
    func collect(force: Bool) throws(SandboxError) -> [Finding]
    /// What `create` would do, without doing it.
    func plan(_ request: CreateRequest) throws(SandboxError) -> DryRunPlan
    /// Gives each line of a sandbox's log to `line`, oldest first, until it throws or the log ends.
    func logs(_ name: SandboxName, _ request: LogRequest, line: (String) throws(SandboxError) -> Void)
        throws(SandboxError)
    func copy(from source: CopyEnd, to destination: CopyEnd) throws(SandboxError)
    func doctor() throws(SandboxError) -> [DoctorFinding]
}

/// What `create --dry-run` shows besides the definition: everything systemd and nspawn would be told.
struct DryRunPlan: Sendable, Equatable {
    /// A property of the transient unit, its value as systemctl(1) writes it.
    struct Property: Sendable, Equatable, Encodable {
        var name: String
        var value: String
    }

    /// Name of the unit.
    var unit: String
    /// Its properties, in the order they are set.
    var properties: [Property]
    /// What the unit runs.
    var command: [String]
    /// A mount below the sandbox's root.
    struct Mount: Sendable, Equatable, Encodable {
        var source: String
        var target: String
        var readOnly: Bool
        /// How ids appear: `store`, `owner` or `plain`.
        var ownership: String
    }

    /// Mounts, in the order they are attached.
    var mounts: [Mount]
    /// Rules of the sandbox's network namespace, one a line; none for network mode `none`.
    var rules: [String]
}

/// Which part of a log is wanted, and how.
struct LogRequest: Sendable, Equatable {
    /// How many of the last lines; nil is all.
    var lines: Int?
    /// Whether to wait for more until the command is interrupted.
    var follow: Bool
    /// Whether each line is a JSON object instead of text.
    var json: Bool
}

/// One end of `cp`.
enum CopyEnd: Sendable, Equatable {
    /// A path of the host.
    case host(String)
    /// A path in a sandbox.
    case sandbox(SandboxName, String)
}

/// One thing `doctor` looked at.
struct DoctorFinding: Sendable, Equatable, Encodable {
    /// How bad it is.
    enum Level: String, Sendable, Encodable {
        /// As it should be.
        case ok
        /// Sandboxes work, with something less.
        case warning
        /// Sandboxes do not work.
        case problem
    }

    /// How bad it is.
    var level: Level
    /// What was looked at.
    var check: String
    /// What was found.
    var found: String
    /// Why it matters.
    var why: String
    /// How to mend it, when there is something to mend.
    var mend: String?
}
