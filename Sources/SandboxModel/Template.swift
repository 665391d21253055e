/// Where the read-only software tree of a sandbox comes from.
public enum Store: Hashable, Sendable, CustomStringConvertible {
    /// The host's `/usr`.
    case host
    /// `/nix/store` and a profile.
    case nix
    /// A directory tree with `usr/` (absolute path on the host).
    case directory(String)

    /// The form a template writes: `host`, `nix`, or the path.
    public var description: String {
        switch self {
        case .host: "host"
        case .nix: "nix"
        case .directory(let path): path
        }
    }

    /// Reads the form a template writes.
    /// - Returns: `nil` unless it is `host`, `nix` or an absolute path.
    public init?(parsing text: String) {
        switch text {
        case "host": self = .host
        case "nix": self = .nix
        default:
            guard text.hasPrefix("/") else { return nil }
            self = .directory(text)
        }
    }
}

extension Store: Codable {
    /// Decodes the text form.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let store = Store(parsing: try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a store")
        }
        self = store
    }

    /// Encodes the text form.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// How the workspace appears inside.
public enum WorkspaceMode: String, Codable, Sendable, CaseIterable {
    /// The directory itself, writable; what the agent writes belongs to the directory's owner.
    case bind
    /// The directory itself, not writable.
    case readOnly = "read-only"
}

/// The size of the tmpfs that is the sandbox's root.
public struct RootLimits: Hashable, Codable, Sendable {
    /// Bytes of the tmpfs (`size=`, tmpfs(5)).
    public var size: ByteSize
    /// Inodes of the tmpfs (`nr_inodes=`, tmpfs(5)).
    public var inodes: UInt64

    /// Limits of `size` bytes and `inodes` inodes; the defaults are 1 GiB and 200,000.
    public init(size: ByteSize = ByteSize(bytes: 1 << 30), inodes: UInt64 = 200_000) {
        self.size = size
        self.inodes = inodes
    }
}

/// Limits on the unit that holds the payload; `nil` leaves the resource to the host.
public struct ResourceLimits: Hashable, Codable, Sendable {
    /// `MemoryMax=` of systemd.resource-control(5); swap is always 0.
    public var memory: ByteSize?
    /// `TasksMax=`: processes and threads.
    public var tasks: UInt64?
    /// `CPUQuota=`.
    public var cpu: CPUQuota?

    /// The given limits.
    public init(memory: ByteSize? = nil, tasks: UInt64? = nil, cpu: CPUQuota? = nil) {
        self.memory = memory
        self.tasks = tasks
        self.cpu = cpu
    }
}

/// Who runs inside, and what for.
public struct AgentSettings: Hashable, Codable, Sendable {
    /// Name of the unprivileged user inside; its uid and gid are always 1000.
    public var user: String
    /// What `shell` runs when no command is given.
    public var command: [String]
    /// Environment of everything that enters as the agent.
    public var environment: [String: String]
    /// Shell command lines run once after create and reset, as the agent, in `/workspace`.
    public var setup: [String]
    /// Directories below the agent's home that outlive reset; relative, no `..`.
    public var persist: [String]
    /// Whether `exec --user root` is permitted. Root inside still has no capability.
    public var allowRoot: Bool

    /// Settings with the defaults of an empty template.
    public init(
        user: String = "agent", command: [String] = ["bash", "-l"], environment: [String: String] = [:],
        setup: [String] = [], persist: [String] = [], allowRoot: Bool = false
    ) {
        self.user = user
        self.command = command
        self.environment = environment
        self.setup = setup
        self.persist = persist
        self.allowRoot = allowRoot
    }
}

/// A secret: where its value comes from and how the agent gets to see it. The value itself is never held here.
public struct Secret: Hashable, Codable, Sendable {
    /// Where the value comes from.
    public enum Source: Hashable, Codable, Sendable {
        /// A file on the host (absolute path), read at every start.
        case file(String)
        /// A systemd credential of this name (systemd.exec(5), `LoadCredential=`).
        case credential(String)
    }

    /// How the agent sees it.
    public enum Exposure: Hashable, Codable, Sendable {
        /// `/run/secrets/NAME`, mode 0400, owned by the agent.
        case file
        /// The environment variable of this name, in the agent's processes started by exec, shell, run and setup.
        case environment(variable: String)
    }

    /// `[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}`: a file name inside and a credential id outside.
    public var name: String
    /// Where the value comes from.
    public var source: Source
    /// How the agent sees it.
    public var exposure: Exposure

    /// A secret called `name`.
    public init(name: String, source: Source, exposure: Exposure) {
        self.name = name
        self.source = source
        self.exposure = exposure
    }

    /// Whether `name` can name a secret.
    public static func isValidName(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        guard (1...63).contains(bytes.count) else { return false }
        func word(_ byte: UInt8) -> Bool {
            (0x61...0x7a).contains(byte) || (0x41...0x5a).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x5f
        }
        return word(bytes[0]) && bytes.allSatisfy { word($0) || $0 == 0x2d || $0 == 0x2e }
    }
}

/// A further host directory or file shown inside.
public struct Mount: Hashable, Codable, Sendable {
    /// Absolute path on the host.
    public var source: String
    /// Absolute path inside; below no directory that the sandbox itself provides.
    public var target: String
    /// Whether writing is refused. Writable mounts give the agent the rights of the source's owner.
    public var readOnly: Bool

    /// A mount of `source` at `target`.
    public init(source: String, target: String, readOnly: Bool = true) {
        self.source = source
        self.target = target
        self.readOnly = readOnly
    }
}

/// A description of sandboxes, read from a file and complete: every default is filled in.
///
/// The same names stand in the TOML file (sandbox-template(5)), in `--json` output and in the state record.
public struct Template: Hashable, Codable, Sendable {
    /// The newest version of the template format that this program reads.
    public static let formatVersion = 1

    /// One line for `template list`.
    public var description: String
    /// The software tree.
    public var store: Store
    /// Further host paths, read-only, at the same place inside.
    public var storePaths: [String]
    /// Size of the root.
    public var root: RootLimits
    /// How the workspace appears.
    public var workspaceMode: WorkspaceMode
    /// What may be reached over the network.
    public var network: NetworkPolicy
    /// Resource limits.
    public var limits: ResourceLimits
    /// The agent user.
    public var agent: AgentSettings
    /// Secrets, ordered by name.
    public var secrets: [Secret]
    /// Further mounts, in the order written.
    public var mounts: [Mount]

    /// A template with the defaults of an empty file.
    public init(
        description: String = "", store: Store = .host, storePaths: [String] = [], root: RootLimits = RootLimits(),
        workspaceMode: WorkspaceMode = .bind, network: NetworkPolicy = NetworkPolicy(),
        limits: ResourceLimits = ResourceLimits(),
        agent: AgentSettings = AgentSettings(), secrets: [Secret] = [], mounts: [Mount] = []
    ) {
        self.description = description
        self.store = store
        self.storePaths = storePaths
        self.root = root
        self.workspaceMode = workspaceMode
        self.network = network
        self.limits = limits
        self.agent = agent
        self.secrets = secrets
        self.mounts = mounts
    }
}
