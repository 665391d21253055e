public import SandboxModel

/// Answers, for one policy, what a name or a connection may do. The gateway asks it for each query and connection.
public struct Decisions: Sendable {
    /// What the resolver does with a name.
    public enum NameVerdict: Hashable, Sendable {
        /// Answer with the address of one of these places, the same for the same name.
        case relayed(places: Range<UInt32>)
        /// Answer with these real addresses.
        case direct([IPAddress])
        /// Resolve it and answer with what is found, as far as mode `full` opens it; a name that leads to private
        /// addresses alone is relayed, where a rule is about it.
        case open(relayed: Range<UInt32>?)
        /// Refuse it.
        case refused(Refusal)
    }

    /// Why something is refused.
    public enum Refusal: String, Codable, Sendable, CaseIterable {
        /// No rule names the host.
        case notAllowed = "not-allowed"
        /// A rule denies the host.
        case denied
        /// The host is allowed, on other ports.
        case port
        /// It was allowed for a time that is over.
        case expired
        /// The address stands for no host.
        case unknownAddress = "unknown-address"
        /// What the client asks the host for is another host's.
        case otherHost = "other-host"
        /// The client does not speak what the port is for.
        case `protocol`
        /// The host has no address that may be reached.
        case address
        /// More names than the wildcard has places for.
        case tooManyNames = "too-many-names"

        /// Whether a rule about the host and port would open what is refused.
        public var isForWantOfRule: Bool {
            switch self {
            case .notAllowed, .port, .expired, .otherHost: true
            case .denied, .unknownAddress, .protocol, .address, .tooManyNames: false
            }
        }

        /// One sentence for people.
        public var sentence: String {
            switch self {
            case .notAllowed: "no rule allows this host"
            case .denied: "a rule denies this host"
            case .port: "the host is allowed, but not this port"
            case .expired: "the time for which the host was allowed is over"
            case .unknownAddress: "the address was not given out for any host"
            case .otherHost: "the request names another host than the connection was made to"
            case .protocol: "this port takes TLS or HTTP with a readable host name only"
            case .address: "the host leads to addresses that the policy does not reach"
            case .tooManyNames: "the wildcard has been used for too many different names"
            }
        }
    }

    /// The policy.
    public let policy: GatewayPolicy
    private var exact: [String: Int] = [:]
    private var below: [String: Int] = [:]
    private var direct: [String: Int] = [:]
    private var singles: [UInt32: Int] = [:]
    private var blocks: [UInt32: Int] = [:]

    /// Prepares a policy for questions.
    public init(_ policy: GatewayPolicy) {
        self.policy = policy
        for (index, host) in policy.hosts.enumerated() {
            switch host.pattern {
            case .exact(let name):
                exact[name.text] = index
                singles[host.place] = index
            case .below(let name):
                below[name.text] = index
                blocks[host.place] = index
            }
        }
        for (index, host) in policy.direct.enumerated() { direct[host.name.text] = index }
    }

    /// What the resolver does with a name at `time` (microseconds since 1970).
    public func verdict(name: HostName, at time: Int64) -> NameVerdict {
        if isDenied(name) { return .refused(.denied) }
        if let index = direct[name.text] { return .direct(policy.direct[index].addresses) }
        let host = exact[name.text].map { policy.hosts[$0] } ?? wildcard(name)
        let places = host.flatMap { isOpen($0, at: time) ? $0.places : nil }
        // Everything is open: a rule only adds.
        if policy.mode == .full { return .open(relayed: places) }
        guard host != nil else { return .refused(.notAllowed) }
        return places.map { .relayed(places: $0) } ?? .refused(.expired)
    }

    /// Whether a connection to a port of a host may be relayed at `time`.
    /// - Parameter place: where the client connected to.
    /// - Parameter name: the name that was given out for the place, when it is of a wildcard's block.
    /// - Returns: the host's name and the rule about it, or why not.
    public func verdict(
        place: UInt32, port: UInt16, name: (UInt32) -> HostName?, at time: Int64
    ) -> Result<AllowedConnection, RefusedConnection> {
        let host: GatewayPolicy.Host
        let asked: HostName
        if let index = singles[place], case .exact(let own) = policy.hosts[index].pattern {
            host = policy.hosts[index]
            asked = own
        } else if place >= SyntheticMap.firstBlock, let given = name(place) {
            asked = given
            // The most specific wildcard today; the name keeps its address when rules come and go.
            guard let found = wildcard(given) else { return .failure(RefusedConnection(.notAllowed, host: given)) }
            host = found
        } else {
            return .failure(RefusedConnection(.unknownAddress, host: nil))
        }
        if isDenied(asked) { return .failure(RefusedConnection(.denied, host: asked)) }
        let matching = host.grants.filter { $0.ports.contains(.tcp, port) }
        guard !matching.isEmpty else { return .failure(RefusedConnection(.port, host: asked)) }
        guard matching.contains(where: { $0.opens(.tcp, port, at: time) }) else {
            return .failure(RefusedConnection(.expired, host: asked))
        }
        return .success(AllowedConnection(host: asked, rule: host.pattern))
    }

    /// The wildcard that is about a name, the longest of several.
    private func wildcard(_ name: HostName) -> GatewayPolicy.Host? {
        var rest = name.text[...]
        while let dot = rest.firstIndex(of: ".") {
            rest = rest[rest.index(after: dot)...]
            if let index = below[String(rest)] { return policy.hosts[index] }
        }
        return nil
    }

    private func isDenied(_ name: HostName) -> Bool { policy.denied.contains { $0.matches(name) } }

    private func isOpen(_ host: GatewayPolicy.Host, at time: Int64) -> Bool {
        host.grants.contains { $0.expires.map { $0 > time } ?? true }
    }
}

/// A connection that is relayed.
public struct AllowedConnection: Hashable, Sendable {
    /// The host it is for.
    public let host: HostName
    /// What the rule that allows it names.
    public let rule: HostPattern

    /// A connection to a host that a rule is about.
    public init(host: HostName, rule: HostPattern) {
        self.host = host
        self.rule = rule
    }
}

/// A connection that is not relayed.
public struct RefusedConnection: Error, Hashable, Sendable {
    /// Why.
    public let refusal: Decisions.Refusal
    /// The host it was for, if that is known.
    public let host: HostName?

    /// A refused connection.
    public init(_ refusal: Decisions.Refusal, host: HostName?) {
        self.refusal = refusal
        self.host = host
    }
}
