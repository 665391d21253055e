public import SandboxModel

/// What sandboxctl asks a running gateway, one JSON object on a line.
public enum ControlRequest: Codable, Sendable, Equatable {
    /// Carry out this policy from now on; relays that it does not allow are closed before the answer comes.
    case apply(GatewayPolicy)
    /// Tell what happened so far.
    case report
    /// Look these hosts up.
    case lookUp([HostName])
}

/// What the gateway found of a host.
public struct FoundHost: Codable, Sendable, Equatable {
    /// Its name.
    public var name: HostName
    /// Its addresses that may be reached.
    public var addresses: [IPAddress]
    /// Seconds for which they are true.
    public var lifetime: UInt32
    /// Why there are none; nil when there are.
    public var failure: String?

    /// What was found.
    public init(name: HostName, addresses: [IPAddress], lifetime: UInt32, failure: String? = nil) {
        self.name = name
        self.addresses = addresses
        self.lifetime = lifetime
        self.failure = failure
    }
}

/// What the gateway answers, one JSON object on a line.
public enum ControlReply: Codable, Sendable, Equatable {
    /// The policy of this generation is carried out; so many relays were closed because of it.
    case applied(generation: Int, closed: Int)
    /// What happened so far.
    case report(GatewayReport)
    /// What was found of the hosts, in their order.
    case found([FoundHost])
    /// The request was not understood.
    case failed(String)
}

/// What a gateway has done since it started.
public struct GatewayReport: Codable, Sendable, Equatable {
    /// Traffic of one host.
    public struct Host: Codable, Sendable, Equatable {
        /// Its name.
        public var name: HostName
        /// Connections relayed to it so far.
        public var connections: UInt64
        /// Connections open now.
        public var open: Int
        /// Bytes from the sandbox to it.
        public var sent: UInt64
        /// Bytes from it to the sandbox.
        public var received: UInt64

        /// No traffic.
        public init(name: HostName, connections: UInt64 = 0, open: Int = 0, sent: UInt64 = 0, received: UInt64 = 0) {
            self.name = name
            self.connections = connections
            self.open = open
            self.sent = sent
            self.received = received
        }
    }

    /// Something that was refused, and how often.
    public struct Denial: Codable, Sendable, Equatable {
        /// The name that was asked for, or the address, as text without control characters.
        public var target: String
        /// The port; nil for a question to the resolver.
        public var port: UInt16?
        /// Why.
        public var refusal: Decisions.Refusal
        /// How often.
        public var count: UInt64
        /// First time, microseconds since 1970.
        public var first: Int64
        /// Last time, microseconds since 1970.
        public var last: Int64

        /// A refusal.
        public init(
            target: String, port: UInt16?, refusal: Decisions.Refusal, count: UInt64, first: Int64, last: Int64
        ) {
            self.target = target
            self.port = port
            self.refusal = refusal
            self.count = count
            self.first = first
            self.last = last
        }
    }

    /// Generation of the policy it carries out.
    public var generation: Int
    /// When it started, microseconds since 1970.
    public var startedAt: Int64
    /// Questions answered by the resolver.
    public var queries: UInt64
    /// Hosts that were reached, by name; the least used are left out when there are many.
    public var hosts: [Host]
    /// What was refused, the newest last; the oldest are left out when there are many.
    public var denials: [Denial]
    /// Refusals that are no longer listed.
    public var forgottenDenials: UInt64

    /// A report with all its parts.
    public init(
        generation: Int, startedAt: Int64, queries: UInt64, hosts: [Host], denials: [Denial], forgottenDenials: UInt64
    ) {
        self.generation = generation
        self.startedAt = startedAt
        self.queries = queries
        self.hosts = hosts
        self.denials = denials
        self.forgottenDenials = forgottenDenials
    }
}
