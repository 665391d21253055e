internal import EgressPolicy
internal import LinuxKit
internal import NIOCore
internal import SandboxModel

/// Everything the gateway of one sandbox knows. Lives on one event loop and is used there only.
final class GatewayState {
    /// More connections than this at once are refused. Each has two descriptors.
    private let relayLimit: Int
    /// More than this that wait for their host are refused. Each has one descriptor more, for the host's other family, and
    /// two for the questions about its name.
    private static let connectLimit = 512
    /// Descriptors for these, for questions of the payload, and for whoever tells of another policy.
    private static let reserve = 3 * connectLimit + 444
    /// Hosts that the report lists.
    private static let hostLimit = 256

    let eventLoop: any EventLoop
    let resolver: UpstreamResolver
    private(set) var decisions: Decisions
    private let names: NameKeeper
    private let ownAddresses = OwnAddresses()
    private let log: DecisionLog
    private let startedAt = Clock.now
    private var queries: UInt64 = 0
    private var denials = DenialTable()
    private var hosts: [HostName: GatewayReport.Host] = [:]
    private var relays: [ObjectIdentifier: Relay] = [:]
    private var connecting = 0
    private var expiry: Scheduled<Void>?

    init(
        policy: GatewayPolicy, names: NameKeeper, log: DecisionLog, resolver: UpstreamResolver,
        eventLoop: any EventLoop
    ) {
        decisions = Decisions(policy)
        self.names = names
        self.log = log
        self.resolver = resolver
        self.eventLoop = eventLoop
        relayLimit = max(16, (ThisProcess.descriptorLimit - Self.reserve) / 2)
        scheduleExpiry()
        let state = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.scheduleRepeatedTask(initialDelay: .minutes(1), delay: .minutes(1)) { _ in
            state.value.endIdle(at: Clock.now)
        }
    }

    /// Ends relays on which neither side has said anything for long: a client that is gone without a word keeps none.
    func endIdle(at time: Int64) {
        let idle = relays.values.filter { $0.lastActivity + Relay.idleLimit <= time }
        for relay in idle { relay.cut() }
    }

    // MARK: Policy

    /// Carries out another policy; relays that it does not allow are closed.
    /// - Returns: how many were closed.
    func apply(_ policy: GatewayPolicy) -> Int {
        decisions = Decisions(policy)
        scheduleExpiry()
        return sweep()
    }

    /// Closes what is not allowed any more.
    private func sweep() -> Int {
        let over = relays.values.filter { relay in
            if case .failure = judge(relay.destination) { return true }
            guard let address = relay.upstreamAddress else { return false }
            return !isReachable(address)
        }
        for relay in over { relay.cut() }
        return over.count
    }

    /// Grants end by themselves, relays under them too.
    private func scheduleExpiry() {
        expiry?.cancel()
        let now = Clock.now
        let ends = decisions.policy.hosts.flatMap(\.grants).compactMap(\.expires).filter { $0 > now }
        guard let next = ends.min() else { return }
        let state = NIOLoopBound(self, eventLoop: eventLoop)
        expiry = eventLoop.scheduleTask(in: .microseconds(next - now + 1000)) {
            _ = state.value.sweep()
            state.value.scheduleExpiry()
        }
    }

    // MARK: Names

    /// What the resolver answers for a name.
    func resolve(_ name: HostName) -> NameAnswer {
        queries += 1
        switch decisions.verdict(name: name, at: Clock.now) {
        case .relayed(let places): return relayed(name, places)
        case .direct(let addresses): return .addresses(addresses)
        case .open(let places): return .lookUp(relayed: places)
        case .refused(let refusal): return .refused(refusal)
        }
    }

    /// What the resolver answers for a name that is relayed: one of these places is its own.
    func relayed(_ name: HostName, _ places: Range<UInt32>) -> NameAnswer {
        let place = places.count == 1 ? places.lowerBound : names.place(of: name, in: places)
        return place.map { .place($0, lifetime: lifetime) } ?? .refused(.tooManyNames)
    }

    /// Seconds for which an answer may be kept: an address never changes its name, so only new rules are waited for.
    private var lifetime: UInt32 { 60 }

    /// Whether a connection of the payload may be relayed, and to whom.
    func judge(_ destination: Destination) -> Result<AllowedConnection, RefusedConnection> {
        guard let place = SyntheticMap.place(of: destination.address) else {
            return .failure(RefusedConnection(.unknownAddress, host: nil))
        }
        return decisions.verdict(
            place: place, port: destination.port, name: { names.name(at: $0) }, at: Clock.now)
    }

    /// Whether an address that a name led to may be connected to.
    func isReachable(_ address: IPAddress) -> Bool {
        isReachable(address, allowsPrivate: decisions.policy.allowsPrivate)
    }

    /// Whether an address may be connected to, by a policy that opens private ranges or does not.
    func isReachable(_ address: IPAddress, allowsPrivate: Bool) -> Bool {
        Reachability.isReachable(address, allowsPrivate: allowsPrivate) && !ownAddresses.contains(address)
    }

    // MARK: Accounts

    /// Whether one more relay may begin.
    func add(_ relay: Relay) -> Bool {
        guard relays.count < relayLimit else { return false }
        relays[ObjectIdentifier(relay)] = relay
        return true
    }

    func remove(_ relay: Relay) { relays[ObjectIdentifier(relay)] = nil }

    /// Whether one more relay may connect to its host; each that may says when that has ended.
    func beginConnecting() -> Bool {
        guard connecting < Self.connectLimit else { return false }
        connecting += 1
        return true
    }

    /// One of them is connected, or failed.
    func endConnecting() { connecting -= 1 }

    /// A relay to a host was opened.
    func opened(_ host: HostName) {
        if hosts[host] == nil, hosts.count >= Self.hostLimit { forgetHost() }
        hosts[host, default: GatewayReport.Host(name: host)].connections += 1
        hosts[host]?.open += 1
    }

    private func forgetHost() {
        guard let least = hosts.values.filter({ $0.open == 0 }).min(by: { $0.connections < $1.connections }) else {
            return
        }
        hosts[least.name] = nil
    }

    /// A relay to a host ended.
    func closed(_ connection: AllowedConnection, port: UInt16, sent: UInt64, received: UInt64) {
        let host = connection.host
        hosts[host]?.open -= 1
        hosts[host]?.sent += sent
        hosts[host]?.received += received
        log.relayed(connection, port: port, sent: sent, received: received)
    }

    /// A host that may be reached was not.
    func failed(_ connection: AllowedConnection, port: UInt16, why: String) {
        log.failed(connection, port: port, why: why)
    }

    /// Something was refused.
    func denied(_ target: String, port: UInt16?, _ refusal: Decisions.Refusal) {
        // The payload chooses names and how often it asks: only what is new is written.
        if denials.add(target.escapingControls, port: port, refusal, at: Clock.now) {
            log.refused(target, port: port, refusal)
        }
    }

    /// What `network show` and `network denied` print.
    var report: GatewayReport {
        GatewayReport(
            generation: decisions.policy.generation, startedAt: startedAt, queries: queries,
            hosts: hosts.values.sorted { $0.name < $1.name }, denials: denials.denials,
            forgottenDenials: denials.forgotten)
    }
}

/// What the resolver answers for a name.
enum NameAnswer {
    /// The synthetic address of a place, to be kept so many seconds.
    case place(UInt32, lifetime: UInt32)
    /// Real addresses.
    case addresses([IPAddress])
    /// Whatever the host's resolver finds; private addresses are relayed to, where there are places for the name.
    case lookUp(relayed: Range<UInt32>?)
    /// Nothing.
    case refused(Decisions.Refusal)
}

/// Where the payload wanted to connect to.
struct Destination: Hashable {
    var address: IPAddress
    var port: UInt16
}
