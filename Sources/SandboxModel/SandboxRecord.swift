/// The project directory of a sandbox, as it was when it was checked.
public struct Workspace: Hashable, Codable, Sendable {
    /// Absolute path without links.
    public var path: String
    /// Owner on the host; what the agent writes belongs to this user.
    public var uid: UInt32
    /// Group on the host.
    public var gid: UInt32
    /// Device number of the directory, so that another directory at the same path is noticed.
    public var device: UInt64
    /// Inode number of the directory.
    public var inode: UInt64

    /// A checked directory.
    public init(path: String, uid: UInt32, gid: UInt32, device: UInt64, inode: UInt64) {
        self.path = path
        self.uid = uid
        self.gid = gid
        self.device = device
        self.inode = inode
    }
}

/// The durable definition of a sandbox: `/var/lib/sandboxctl/NAME/sandbox.json`.
public struct SandboxRecord: Codable, Sendable, Equatable {
    /// The newest version of the record that this program reads and the one it writes.
    public static let formatVersion = 1

    /// How far the sandbox has come.
    public enum Phase: String, Codable, Sendable {
        /// `create` has begun and not ended.
        case creating
        /// It exists; whether it runs is another question.
        case created
        /// `remove` has begun and not ended.
        case removing
    }

    /// Version of the record's format.
    public var version: Int
    /// Unique id, 16 hexadecimal digits; never used again for another sandbox.
    public var id: String
    /// Name.
    public var name: SandboxName
    /// How far it has come.
    public var phase: Phase
    /// Where the template came from: a name, or the path of a file.
    public var templateName: String
    /// The template, with what the command line changed.
    public var template: Template
    /// The project directory, if there is one.
    public var workspace: Workspace?
    /// First host uid (and gid) of the sandbox's range of 65,536.
    public var uidBase: UInt32
    /// When it was created: microseconds since 1970.
    public var createdAt: Int64
    /// Whether the template's setup ran since the last create or reset.
    public var setUp: Bool
    /// What belongs to the policy in `template.network`; nil until it first had a mode other than `none`.
    public var network: NetworkState?
    /// The command that made it for itself alone and removes it at its end; nil for a sandbox that stays.
    public var owner: ProcessMark?

    /// A record of the newest version.
    public init(
        id: String, name: SandboxName, phase: Phase, templateName: String, template: Template, workspace: Workspace?,
        uidBase: UInt32, createdAt: Int64, setUp: Bool = false
    ) {
        version = Self.formatVersion
        self.id = id
        self.name = name
        self.phase = phase
        self.templateName = templateName
        self.template = template
        self.workspace = workspace
        self.uidBase = uidBase
        self.createdAt = createdAt
        self.setUp = setUp
    }
}

/// What has been given out and found for a sandbox's network policy.
public struct NetworkState: Hashable, Codable, Sendable {
    /// Counts changes of the policy.
    public var generation: Int
    /// Synthetic addresses of hosts.
    public var synthetic: SyntheticMap
    /// Addresses of direct hosts, as last looked up.
    public var resolved: [ResolvedHost]

    /// Nothing yet.
    public init(generation: Int = 0, synthetic: SyntheticMap = SyntheticMap(), resolved: [ResolvedHost] = []) {
        self.generation = generation
        self.synthetic = synthetic
        self.resolved = resolved
    }
}

/// Addresses of a direct host.
public struct ResolvedHost: Hashable, Codable, Sendable {
    /// The host.
    public var name: HostName
    /// Its addresses when it was last looked up with success.
    public var addresses: [IPAddress]
    /// When that was: microseconds since 1970.
    public var at: Int64
    /// Why the newest try failed; nil when it did not.
    public var failure: String?
    /// Seconds for which its addresses are true.
    public var lifetime: Int?
    /// Addresses it had before, which stay open for a while: clients keep what they were told.
    public var former: [FormerAddress]?

    /// A host.
    public init(
        name: HostName, addresses: [IPAddress], at: Int64, failure: String? = nil, lifetime: Int? = nil,
        former: [FormerAddress]? = nil
    ) {
        self.name = name
        self.addresses = addresses
        self.at = at
        self.failure = failure
        self.lifetime = lifetime
        self.former = former
    }
}

/// An address that a direct host had.
public struct FormerAddress: Hashable, Codable, Sendable {
    /// The address.
    public var address: IPAddress
    /// Until when it stays open: microseconds since 1970.
    public var until: Int64

    /// An address that stays open until then.
    public init(address: IPAddress, until: Int64) {
        self.address = address
        self.until = until
    }
}

/// A process of the host, not to be mistaken for a later one with the same number.
public struct ProcessMark: Hashable, Codable, Sendable {
    /// Its number.
    public var pid: Int32
    /// Its start time in clock ticks since boot.
    public var start: UInt64

    /// A process.
    public init(pid: Int32, start: UInt64) {
        self.pid = pid
        self.start = start
    }
}

/// A layer that the host does not offer in full, accepted by its administrator and shown by `status`.
public struct Weakening: Hashable, Codable, Sendable {
    /// What is weaker: `limits`, `store-ownership`.
    public var layer: String
    /// One line for a person.
    public var reason: String

    /// A weakening of `layer`.
    public init(layer: String, reason: String) {
        self.layer = layer
        self.reason = reason
    }
}

/// What is true only while the sandbox runs: `/run/sandboxctl/NAME/run.json`. It does not survive a reboot.
public struct RunRecord: Codable, Sendable, Equatable {
    /// The sandbox's id; a record of another id is stale.
    public var id: String
    /// The payload's PID 1 in the host's pid namespace.
    public var leader: Int32
    /// Its start time in clock ticks since boot, so that a later process with the same number is not mistaken for it.
    public var leaderStart: UInt64
    /// cgroup of the unit, below /sys/fs/cgroup.
    public var cgroup: String
    /// When it was started: microseconds since 1970.
    public var startedAt: Int64
    /// Layers that are weaker than they should be.
    public var weakenings: [Weakening]

    /// A record of a running sandbox.
    public init(
        id: String, leader: Int32, leaderStart: UInt64, cgroup: String, startedAt: Int64, weakenings: [Weakening]
    ) {
        self.id = id
        self.leader = leader
        self.leaderStart = leaderStart
        self.cgroup = cgroup
        self.startedAt = startedAt
        self.weakenings = weakenings
    }
}

/// What a sandbox is doing.
public enum SandboxState: String, Codable, Sendable, CaseIterable {
    /// Being created, started, stopped or removed by another command right now.
    case busy
    /// The payload runs and its posture was verified.
    case running
    /// Defined, not running.
    case stopped
    /// It ran and ended without being asked to.
    case failed
    /// A create or remove ended in the middle; `gc` finishes or undoes it.
    case incomplete
    /// Its record cannot be read.
    case corrupt
}

/// What a running sandbox uses, as the kernel counts it; `nil` where the kernel does not.
public struct Usage: Hashable, Codable, Sendable {
    /// Bytes of memory (`memory.current`).
    public var memory: UInt64?
    /// Highest so far (`memory.peak`).
    public var memoryPeak: UInt64?
    /// How often a process was killed because memory ran out (`memory.events`, oom_kill).
    public var outOfMemoryKills: UInt64?
    /// Processes and threads (`pids.current`).
    public var tasks: UInt64?
    /// Highest so far (`pids.peak`).
    public var tasksPeak: UInt64?
    /// How often a fork was refused (`pids.events`, max).
    public var tasksRefused: UInt64?
    /// Processor time in microseconds (`cpu.stat`, usage_usec).
    public var cpu: UInt64?
    /// Bytes used of the root.
    public var root: UInt64?
    /// Inodes used of the root.
    public var rootInodes: UInt64?

    /// Nothing known.
    public init() {}
}
