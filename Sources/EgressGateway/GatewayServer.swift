internal import EgressPolicy
internal import FoundationEssentials
internal import Glibc
internal import LinuxKit
internal import NIOCore
internal import NIOPosix
internal import SandboxModel

/// The gateway of one sandbox: resolver and relay on sockets of the sandbox's network namespace, connections to the
/// world from the host's.
public enum GatewayServer {
    /// Runs until it is told to end.
    /// - Throws: when policy or sockets are missing: without them nothing is answered and nothing passes.
    public static func run() throws {
        _ = signal(SIGPIPE, SIG_IGN)
        // Blocked before there are other threads, so that only `waitForEnd` takes them.
        var ends = endSignals
        unsafe pthread_sigmask(SIG_BLOCK, &ends, nil)
        let policy = try readPolicy()
        let listeners = try Listeners()
        guard let kept = environment("STATE_DIRECTORY") else {
            throw GatewayError("STATE_DIRECTORY is not set: systemd starts this program")
        }
        // One thread: everything the gateway knows has one owner, and one sandbox is no more than one thread's work.
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        try loop.submit {
            let state = GatewayState(
                policy: policy, names: try NameKeeper(path: "\(kept)/names"),
                log: try DecisionLog(sandbox: policy.sandbox),
                resolver: UpstreamResolver(eventLoop: loop), eventLoop: loop)
            return serve(listeners, NIOLoopBound(state, eventLoop: loop), loop)
        }.flatMap { $0 }.wait()
        notifyReady()
        waitForEnd()
    }

    private static func environment(_ name: String) -> String? {
        unsafe getenv(name).map { unsafe String(cString: $0) }
    }

    /// The policy, which systemd hands over as a credential: read again at every start, and readable by nobody else.
    private static func readPolicy() throws -> GatewayPolicy {
        guard let directory = environment("CREDENTIALS_DIRECTORY") else {
            throw GatewayError("CREDENTIALS_DIRECTORY is not set: systemd starts this program")
        }
        let data = try Data(contentsOf: URL(filePath: "\(directory)/policy"))
        let policy = try JSONDecoder().decode(GatewayPolicy.self, from: data)
        guard policy.version == GatewayPolicy.formatVersion else {
            throw GatewayError("policies of version \(policy.version) are not known")
        }
        return policy
    }

    private static func serve(
        _ listeners: Listeners, _ state: NIOLoopBound<GatewayState>, _ loop: any EventLoop
    ) -> EventLoopFuture<Void> {
        let hasV6 = listeners.sockets.contains { $0.role == .relay && $0.isV6 }
        let service = NIOLoopBound(ResolverService(state.value, hasV6: hasV6), eventLoop: loop)
        let opened = listeners.sockets.map { socket -> EventLoopFuture<any Channel> in
            switch socket.role {
            case .datagramResolver:
                DatagramBootstrap(group: loop)
                    .channelOption(.datagramVectorReadMessageCount, value: 32)
                    .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 32 * 2048))
                    .channelInitializer { channel in
                        channel.eventLoop.makeCompletedFuture {
                            try channel.pipeline.syncOperations.addHandler(DatagramResolverHandler(service.value))
                        }
                    }
                    .withBoundSocket(socket.descriptor)
            case .streamResolver:
                server(loop) { StreamResolverHandler(service.value) }.withBoundSocket(socket.descriptor)
            case .control:
                server(loop) { ControlHandler(state.value) }.withBoundSocket(socket.descriptor)
            case .relay:
                relayServer(loop, state).withBoundSocket(socket.descriptor)
            }
        }
        return EventLoopFuture.andAllSucceed(opened, on: loop)
    }

    private static func server(
        _ loop: any EventLoop, _ handler: @escaping @Sendable () -> any ChannelHandler
    ) -> ServerBootstrap {
        ServerBootstrap(group: loop).childChannelInitializer { channel in
            channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(handler()) }
        }
    }

    private static func relayServer(_ loop: any EventLoop, _ state: NIOLoopBound<GatewayState>) -> ServerBootstrap {
        ServerBootstrap(group: loop)
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let destination = try Listeners.originalDestination(of: channel) else {
                        throw GatewayError("a connection without a destination")
                    }
                    Listeners.tune(channel)
                    let relay = Relay(client: channel, destination: destination, state: state.value)
                    try channel.pipeline.syncOperations.addHandler(ClientHandler(relay))
                }
            }
    }

    /// Tells systemd that the sockets are served (sd_notify(3)).
    private static func notifyReady() {
        guard let path = environment("NOTIFY_SOCKET"), path.hasPrefix("/") else { return }
        try? LocalDatagram(to: path).send(Array("READY=1".utf8))
    }

    private static var endSignals: sigset_t {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        unsafe sigaddset(&set, SIGTERM)
        unsafe sigaddset(&set, SIGINT)
        return set
    }

    /// Sleeps until SIGTERM or SIGINT. Connections end with the process, and the payload sees it: nothing passes
    /// without a gateway.
    private static func waitForEnd() {
        var set = endSignals
        var received: Int32 = 0
        unsafe sigwait(&set, &received)
    }
}
