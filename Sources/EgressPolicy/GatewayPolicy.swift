public import SandboxModel

/// What the gateway of one sandbox is told: which names there are, where they lead inside, and which ports are open.
public struct GatewayPolicy: Hashable, Codable, Sendable {
    /// Version of this format.
    public static let formatVersion = 1

    /// A host or a wildcard that the gateway relays to.
    public struct Host: Hashable, Codable, Sendable {
        /// The names.
        public var pattern: HostPattern
        /// First place in the pool of synthetic addresses.
        public var place: UInt32
        /// Open TCP ports, none twice.
        public var grants: [Grant]

        /// All its places.
        public var places: Range<UInt32> {
            switch pattern {
            case .exact: place..<place + 1
            case .below: place..<place + SyntheticMap.blockSize
            }
        }

        /// A host.
        public init(pattern: HostPattern, place: UInt32, grants: [Grant]) {
            self.pattern = pattern
            self.place = place
            self.grants = grants
        }
    }

    /// A host that is reached through the kernel: the resolver answers with its real addresses, as far as the kernel's
    /// sets hold them.
    public struct DirectHost: Hashable, Codable, Sendable {
        /// The name.
        public var name: HostName
        /// Addresses in the kernel's sets.
        public var addresses: [IPAddress]

        /// A host.
        public init(name: HostName, addresses: [IPAddress]) {
            self.name = name
            self.addresses = addresses
        }
    }

    /// Version of this format.
    public var version: Int
    /// Name of the sandbox, for messages.
    public var sandbox: SandboxName
    /// Counts changes of the policy.
    public var generation: Int
    /// Mode; in `full` every name is resolved that is not denied.
    public var mode: NetworkMode
    /// Relayed hosts, in order.
    public var hosts: [Host]
    /// Direct hosts, in order.
    public var direct: [DirectHost]
    /// Names that are refused whatever else is said.
    public var denied: [HostPattern]
    /// Whether names may lead to private addresses.
    public var allowsPrivate: Bool

    /// A policy that refuses everything, of the newest format.
    public init(
        sandbox: SandboxName, generation: Int, mode: NetworkMode, hosts: [Host] = [], direct: [DirectHost] = [],
        denied: [HostPattern] = [], allowsPrivate: Bool = false
    ) {
        version = Self.formatVersion
        self.sandbox = sandbox
        self.generation = generation
        self.mode = mode
        self.hosts = hosts
        self.direct = direct
        self.denied = denied
        self.allowsPrivate = allowsPrivate
    }
}
