public import EgressPolicy
public import SandboxModel

/// Where definitions are kept. Made real by files; by a dictionary in tests.
public protocol RecordStore {
    /// The names that have a record, readable or not, in order.
    func names() throws(SandboxError) -> [SandboxName]
    /// The definition, nil when there is none.
    /// - Throws: `dataError` when it cannot be read as one.
    func load(_ name: SandboxName) throws(SandboxError) -> SandboxRecord?
    /// Writes a definition in one step that survives a power cut.
    func save(_ record: SandboxRecord) throws(SandboxError)
    /// Removes everything kept for the name, persistent volumes too.
    func remove(_ name: SandboxName) throws(SandboxError)
    /// What is true of the running sandbox, nil when nothing is.
    func loadRun(_ name: SandboxName) throws(SandboxError) -> RunRecord?
    /// Writes it; it does not survive a reboot.
    func saveRun(_ run: RunRecord, _ name: SandboxName) throws(SandboxError)
    /// Removes everything below /run kept for the name.
    func removeRun(_ name: SandboxName) throws(SandboxError)
    /// Claims a uid range for `name`: its first uid. Atomic on this host.
    func claimRange(_ name: SandboxName) throws(SandboxError) -> UInt32
    /// Gives every range of `name` back.
    func releaseRange(_ name: SandboxName) throws(SandboxError)
    /// Names that own a range or have anything below /run.
    func claimants() throws(SandboxError) -> Set<String>
    /// Takes the lock of one sandbox; it is given back when the returned object goes away.
    /// - Throws: `temporary` when another command holds it and `wait` is false.
    func lock(_ name: SandboxName, wait: Bool) throws(SandboxError) -> any SandboxLock
    /// Whether another command holds the lock of the sandbox right now.
    func isLocked(_ name: SandboxName) -> Bool
}

/// A lock that is held while the object lives.
public protocol SandboxLock: AnyObject {}

/// A sandbox on its way up: its unit runs, its PID 1 is locked down and waits at the gate.
public protocol LaunchedMachine: AnyObject {
    /// Compares what the kernel says of the payload with what the record promises; also closes what only the
    /// outside can close.
    func verify() throws(SandboxError)
    /// Opens the gate and waits until systemd calls the unit active.
    func release() throws(SandboxError) -> RunRecord
}

/// What the engine needs of the machine it runs on. Made real by systemd and the kernel; by a fake in tests.
public protocol Backend {
    /// Checks everything that can be checked before anything is made.
    /// - Returns: layers that are weaker than they should be, which the administrator accepted.
    func check(_ record: SandboxRecord) throws(SandboxError) -> [Weakening]
    /// Makes sure that no unit, machine or namespace has the names a new sandbox will use: from then on, what has
    /// them is ours to undo.
    func ensureUnused(_ name: SandboxName) throws(SandboxError)
    /// Makes the network namespace.
    func makeNetwork(_ record: SandboxRecord) throws(SandboxError)
    /// Removes it, and what answers in it; a missing one is no error.
    func removeNetwork(_ name: SandboxName) throws(SandboxError)
    /// Carries a policy out in the namespace: rules, routes and the gateway's sockets. Before the payload runs, or live:
    /// what is no longer allowed has ended when this returns.
    /// - Parameter beforeLaunch: whether `launch` comes next, which waits for what need not be waited for here.
    /// - Returns: what it ended.
    @discardableResult
    func applyNetwork(
        _ record: SandboxRecord, _ policy: CompiledPolicy, beforeLaunch: Bool
    ) throws(SandboxError) -> EndedConnections
    /// Checks that this host can carry a policy out.
    func checkNetwork(_ record: SandboxRecord, _ policy: CompiledPolicy) throws(SandboxError)
    /// What differs between the rules of the kernel and those of the policy, a line each.
    func networkDifferences(_ record: SandboxRecord, _ policy: CompiledPolicy) throws(SandboxError) -> [String]
    /// Rules and routes that are in force.
    func liveRules(_ record: SandboxRecord) throws(SandboxError) -> Explanation.LiveRules
    /// What kernel and gateway counted.
    func networkReport(_ record: SandboxRecord) throws(SandboxError) -> NetworkReport
    /// Addresses of hosts, asked of the host's resolvers by the gateway of a sandbox that runs.
    func lookUp(_ names: [HostName], for name: SandboxName) -> [HostName: Result<FoundAddresses, SandboxError>]
    /// Puts the host's rules for links back where they are not as they should be; cuts the links when that fails.
    /// - Returns: what was not as it should be, a line each.
    func repairLinks() throws(SandboxError) -> [String]
    /// Arranges for the direct hosts of a sandbox to be looked up again when they are due, or not any more.
    func scheduleRefresh(_ name: SandboxName, isWanted: Bool) throws(SandboxError)
    /// Removes what the gateway of a sandbox keeps; a missing one is no error.
    func removeNetworkState(_ name: SandboxName) throws(SandboxError)
    /// Prepares root and mounts, starts the unit and waits until its PID 1 is locked down.
    func launch(_ record: SandboxRecord, _ weakenings: [Weakening]) throws(SandboxError) -> any LaunchedMachine
    /// Ends the unit: SIGTERM, `grace` seconds, then its whole cgroup. A unit that is not there is no error.
    func stop(_ name: SandboxName, grace: Double) throws(SandboxError)
    /// Whether the process that the run record names is still that sandbox's PID 1.
    func isAlive(_ run: RunRecord) -> Bool
    /// Whether a process is still there.
    func isAlive(_ process: ProcessMark) -> Bool
    /// The process that asks.
    func ownProcess() -> ProcessMark
    /// What it uses.
    func usage(_ run: RunRecord) -> Usage
    /// Runs a program inside with the payload's posture.
    func enter(_ record: SandboxRecord, _ run: RunRecord, _ entry: EntryRequest) throws(SandboxError) -> EntryResult
    /// The value of a secret that is exposed as a variable.
    func secretValue(_ secret: Secret, of record: SandboxRecord) throws(SandboxError) -> String
    /// Names of sandboxes that have a unit or a network namespace, ours by their marks only.
    func residues() throws(SandboxError) -> [Residue]
    /// Why the unit of the sandbox ended, if systemd still knows; for `status` of a failed sandbox.
    func failure(_ name: SandboxName) -> String?
    /// The present time, microseconds since 1970.
    func now() -> Int64
    /// A signal that asks this command to stop, if one has arrived.
    func interruption() -> Int32?
}

/// What looking a host up gave.
public struct FoundAddresses: Sendable, Equatable {
    /// Its addresses.
    public var addresses: [IPAddress]
    /// Seconds for which they are true.
    public var lifetime: Int

    /// Addresses, true for some seconds.
    public init(addresses: [IPAddress], lifetime: Int) {
        self.addresses = addresses
        self.lifetime = lifetime
    }
}

/// Something on the host that belongs to a sandbox.
public struct Residue: Hashable, Sendable {
    /// What kind of thing.
    public enum Kind: String, Sendable, Codable {
        /// A unit of systemd.
        case unit
        /// A network namespace pinned in /run/netns.
        case network
    }

    /// What kind of thing.
    public let kind: Kind
    /// The sandbox it is named after.
    public let sandbox: SandboxName

    /// A thing of that kind.
    public init(kind: Kind, sandbox: SandboxName) {
        self.kind = kind
        self.sandbox = sandbox
    }
}

/// A program to run inside.
public struct EntryRequest: Sendable {
    /// Where the program's streams lead.
    public enum Streams: Sendable, Equatable {
        /// To the caller's; standard input only when `input`.
        case caller(input: Bool)
        /// To a pty of the sandbox, joined with the caller's terminal on descriptor 0.
        case terminal
        /// Output is collected, up to so many bytes each.
        case collected(limit: Int)
    }

    /// Program and arguments.
    public var arguments: [String]
    /// Complete environment.
    public var environment: [String: String]
    /// Working directory inside.
    public var directory: String
    /// User inside.
    public var user: SandboxUsers.User
    /// Streams.
    public var streams: Streams
    /// Seconds until the program is ended.
    public var timeout: Double?

    /// A request with all its parts.
    public init(
        arguments: [String], environment: [String: String], directory: String, user: SandboxUsers.User,
        streams: Streams, timeout: Double?
    ) {
        self.arguments = arguments
        self.environment = environment
        self.directory = directory
        self.user = user
        self.streams = streams
        self.timeout = timeout
    }
}

/// A limit that was reached while a program ran.
public struct LimitHit: Hashable, Sendable, Codable {
    /// `memory` or `tasks`.
    public let resource: String
    /// The limit, as the template writes it.
    public let limit: String
    /// The highest use, for people.
    public let peak: String

    /// A limit that was reached.
    public init(resource: String, limit: String, peak: String) {
        self.resource = resource
        self.limit = limit
        self.peak = peak
    }

    /// `memory limit 64M reached (peak 64.0M)`.
    public var summary: String { "\(resource) limit \(limit) reached (peak \(peak))" }
}

/// How a program inside ended.
public struct EntryResult: Sendable, Equatable {
    /// What a shell would report: exit status, or 128 + signal.
    public let status: Int32
    /// Whether it was ended because its time was up.
    public let timedOut: Bool
    /// A signal that reached the caller meanwhile.
    public let interruptedBy: Int32?
    /// Limits that were reached meanwhile.
    public let limits: [LimitHit]
    /// What it wrote, when that was collected.
    public let output: [UInt8]
    /// Why the program could not be run at all (status 126 or 127), for people.
    public let problem: String?

    /// A result with all its parts.
    public init(
        status: Int32, timedOut: Bool = false, interruptedBy: Int32? = nil, limits: [LimitHit] = [],
        output: [UInt8] = [], problem: String? = nil
    ) {
        self.problem = problem
        self.status = status
        self.timedOut = timedOut
        self.interruptedBy = interruptedBy
        self.limits = limits
        self.output = output
    }
}
