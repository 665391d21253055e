internal import EgressWire
internal import NIOCore
internal import NIOPosix
internal import SandboxModel

/// Looks names up with the host's own resolvers (RFC 1035). Lives on the gateway's loop.
///
/// Names come from the policy or, in mode `full`, from the payload; each is asked as it is, without search domains.
final class UpstreamResolver {
    /// Why a name has no addresses.
    enum Failure: Error, Equatable {
        /// There is no such name, or it has no address of the kind.
        case noAddress
        /// None of its addresses may be reached.
        case refused
        /// No resolver answered in time.
        case timeout
        /// A resolver answered with this code, or with nonsense (nil).
        case server(UInt8?)
    }

    private struct Key: Hashable {
        var name: HostName
        var type: DNSType
    }

    private struct Entry {
        var addresses: [IPAddress]
        var expires: NIODeadline
        var lifetime: UInt32
    }

    /// What was found, and for how many seconds it is true.
    struct Found {
        var addresses: [IPAddress]
        var lifetime: UInt32
    }

    private static let patience = TimeAmount.seconds(2)
    /// Seconds.
    private static let longestLifetime: UInt32 = 3600
    private static let negativeLifetime: UInt32 = 5
    private static let cacheLimit = 4096
    /// Addresses of one family that a connection tries.
    private static let triedAddresses = 4

    private let eventLoop: any EventLoop
    private let configuration: ResolverConfiguration
    private let port: Int
    private var cache: [Key: Entry] = [:]
    private var pending: [Key: EventLoopFuture<Found>] = [:]

    init(eventLoop: any EventLoop, configuration: ResolverConfiguration = ResolverConfiguration(), port: Int = 53) {
        self.eventLoop = eventLoop
        self.configuration = configuration
        self.port = port
    }

    /// The addresses of a name. An empty list: it has none of this kind.
    /// - Parameter anew: whether to ask although what was found before is still true.
    func find(_ name: HostName, _ type: DNSType, anew: Bool = false) -> EventLoopFuture<Found> {
        if let own = configuration.hosts(name) {
            let matching = own.filter { $0.isV4 == (type == .a) }
            return eventLoop.makeSucceededFuture(Found(addresses: matching, lifetime: Self.negativeLifetime))
        }
        let key = Key(name: name, type: type)
        let now = NIODeadline.now()
        if !anew, let entry = cache[key], entry.expires > now {
            let left = UInt32(clamping: (entry.expires - now).nanoseconds / 1_000_000_000)
            return eventLoop.makeSucceededFuture(Found(addresses: entry.addresses, lifetime: left))
        }
        if let running = pending[key] { return running }
        let resolver = NIOLoopBound(self, eventLoop: eventLoop)
        let servers = configuration.servers
        let future = ask(key, (servers + servers)[...])
        pending[key] = future
        future.whenComplete { result in
            resolver.value.pending[key] = nil
            if case .success(let found) = result { resolver.value.keep(key, found) }
        }
        return future
    }

    private func keep(_ key: Key, _ found: Found) {
        guard found.lifetime > 0 else {
            // An older answer is not truer than one that may not be kept.
            cache[key] = nil
            return
        }
        let now = NIODeadline.now()
        if cache.count >= Self.cacheLimit {
            cache = cache.filter { $0.value.expires > now }
            if cache.count >= Self.cacheLimit { cache = [:] }
        }
        cache[key] = Entry(
            addresses: found.addresses, expires: now + .seconds(Int64(found.lifetime)), lifetime: found.lifetime)
    }

    // MARK: Asking

    /// Asks one server after the other until one answers.
    private func ask(_ key: Key, _ servers: ArraySlice<IPAddress>) -> EventLoopFuture<Found> {
        guard let server = servers.first else { return eventLoop.makeFailedFuture(Failure.timeout) }
        let rest = servers.dropFirst()
        let resolver = NIOLoopBound(self, eventLoop: eventLoop)
        return ask(key, server).flatMapError { error in
            rest.isEmpty ? resolver.value.eventLoop.makeFailedFuture(error) : resolver.value.ask(key, rest)
        }
    }

    private func ask(_ key: Key, _ server: IPAddress) -> EventLoopFuture<Found> {
        guard let remote = server.socketAddress(port: UInt16(port)), let name = DNSName(host: key.name.text) else {
            return eventLoop.makeFailedFuture(Failure.server(nil))
        }
        let question = UpstreamQuestion(name: name, type: key.type)
        let resolver = NIOLoopBound(self, eventLoop: eventLoop)
        return exchange(question, over: .datagram, remote).flatMap { reply in
            reply.isTruncated
                ? resolver.value.exchange(question, over: .stream, remote)
                : resolver.value.eventLoop.makeSucceededFuture(reply)
        }.flatMapThrowing { reply in
            switch reply.code {
            case 0:
                let addresses = reply.addresses.map { IPAddress($0) }
                let lifetime = addresses.isEmpty ? min(reply.lifetime, Self.negativeLifetime) : reply.lifetime
                return Found(addresses: addresses, lifetime: min(lifetime, Self.longestLifetime))
            case 3: return Found(addresses: [], lifetime: min(reply.lifetime, Self.negativeLifetime))
            case let code: throw Failure.server(code)
            }
        }
    }

    private enum Wire {
        case datagram, stream
    }

    /// Sends one question from a port of its own and waits for its answer; what is not its answer is passed over.
    private func exchange(
        _ question: UpstreamQuestion, over wire: Wire, _ remote: SocketAddress
    ) -> EventLoopFuture<DNSReply> {
        let promise = eventLoop.makePromise(of: DNSReply.self)
        let exchange = NIOLoopBound(Exchange(question, promise), eventLoop: eventLoop)
        let opening: EventLoopFuture<any Channel>
        switch wire {
        case .datagram:
            // Connected, so that the kernel drops what comes from anybody else.
            opening = DatagramBootstrap(group: eventLoop).channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(DatagramExchange(exchange.value, remote))
                }
            }.connect(to: remote)
        case .stream:
            opening = ClientBootstrap(group: eventLoop).connectTimeout(Self.patience).channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(StreamExchange(exchange.value))
                }
            }.connect(to: remote)
        }
        opening.whenFailure { promise.fail($0) }
        let timer = eventLoop.scheduleTask(in: Self.patience) { promise.fail(Failure.timeout) }
        promise.futureResult.whenComplete { _ in
            timer.cancel()
            opening.whenSuccess { $0.close(promise: nil) }
        }
        return promise.futureResult
    }

    // MARK: For connections

    /// A resolver for one connection (NIO's happy eyeballs ask it, RFC 8305) that gives only addresses that may be
    /// reached.
    func addresses(where isReachable: @escaping (IPAddress) -> Bool) -> any Resolver & Sendable {
        let looking = NIOLoopBound((resolver: self, isReachable: isReachable), eventLoop: eventLoop)
        return ConnectionResolver(eventLoop: eventLoop) { name, type, port in
            looking.value.resolver.find(name, type).flatMapThrowing { found in
                let usable = found.addresses.filter(looking.value.isReachable)
                guard !usable.isEmpty || found.addresses.isEmpty else { throw Failure.refused }
                // Each may be tried while the others wait, with a descriptor of its own.
                return usable.prefix(Self.triedAddresses).compactMap { $0.socketAddress(port: port) }
            }
        }
    }

    /// Whether a connection failed because the name's addresses may not be reached.
    func wasRefused(_ error: any Error) -> Bool {
        if error as? Failure == .refused { return true }
        guard let failed = error as? NIOConnectionError else { return false }
        return [failed.dnsAError, failed.dnsAAAAError].contains { $0 as? Failure == .refused }
            && failed.connectionErrors.isEmpty
    }
}
