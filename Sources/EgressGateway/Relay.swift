internal import EgressPolicy
internal import EgressWire
internal import NIOCore
internal import NIOPosix
internal import SandboxModel

/// One connection of the payload and, once it is judged, the one to the host it is for. Lives on the gateway's loop.
final class Relay {
    private enum Phase {
        /// Nothing may leave yet: the client's first words are waited for.
        case judging
        /// The host is being connected to; what may leave is kept meanwhile.
        case connecting
        case relaying
        /// A refused client's first words are waited for, to answer in its protocol.
        case refusing(RefusedConnection)
        case ended
    }

    /// A client says what it wants within this time, and a host answers within it.
    private static let patience = TimeAmount.seconds(15)
    /// A refused client that says nothing is cut off after this.
    private static let refusalPatience = TimeAmount.milliseconds(40)
    /// Neither side says anything.
    static let idleLimit: Int64 = 3600 * 1_000_000

    let destination: Destination
    private let state: GatewayState
    private let client: any Channel
    private var upstream: (any Channel)?
    private(set) var upstreamAddress: IPAddress?
    private var phase = Phase.judging
    private var connection: AllowedConnection?
    private var inspector: Inspector?
    private var passesAll = false
    private var held: [ByteBuffer] = []
    private var awaitsAnswer: HTTPResponseHeadScanner?
    private var awaitsGreeting: ServerHelloWatch?
    private var clientEnded = false
    private var upstreamEnded = false
    private var deadline: Scheduled<Void>?
    private var headDeadline: Scheduled<Void>?
    private var sent: UInt64 = 0
    private var received: UInt64 = 0
    private var answeredSinceRequest = false
    private(set) var lastActivity = Clock.now

    init(client: any Channel, destination: Destination, state: GatewayState) {
        self.client = client
        self.destination = destination
        self.state = state
    }

    private var port: UInt16 { destination.port }
    private var host: HostName? { connection?.host }

    // MARK: Beginning

    /// Judges the connection and begins with it.
    func begin() {
        guard state.add(self) else { return cut() }
        switch state.judge(destination) {
        case .success(let allowed):
            connection = allowed
            let inspector = Inspector(host: allowed.host, port: port, sandbox: state.decisions.policy.sandbox)
            self.inspector = inspector
            if inspector.connectsAtOnce { connect() } else { expectSoon(Self.patience) }
        case .failure(let refused):
            state.denied(refused.host?.text ?? destination.address.description, port: port, refused.refusal)
            phase = .refusing(refused)
            expectSoon(Self.refusalPatience)
        }
        client.read()
    }

    private func expectSoon(_ time: TimeAmount) {
        let relay = NIOLoopBound(self, eventLoop: client.eventLoop)
        deadline?.cancel()
        deadline = client.eventLoop.scheduleTask(in: time) { relay.value.cut() }
    }

    // MARK: From the client

    /// Takes what the client said.
    func clientSaid(_ buffer: ByteBuffer) {
        lastActivity = Clock.now
        switch phase {
        case .relaying where passesAll:
            sent += UInt64(buffer.readableBytes)
            upstream?.write(buffer, promise: nil)
        case .judging, .connecting, .relaying:
            if passesAll {
                held.append(buffer)
            } else if let steps = inspector?.feed(Array(buffer.readableBytesView)) {
                carryOut(steps)
                watchHead()
            }
        case .refusing(let refused): answer(refused, Array(buffer.readableBytesView))
        case .ended: break
        }
    }

    /// A head that was begun is kept, so it must come to its end.
    private func watchHead() {
        guard case .relaying = phase, inspector?.isWithinHead ?? false else {
            headDeadline?.cancel()
            headDeadline = nil
            return
        }
        guard headDeadline == nil else { return }
        let relay = NIOLoopBound(self, eventLoop: client.eventLoop)
        headDeadline = client.eventLoop.scheduleTask(in: Self.patience) { relay.value.cut() }
    }

    /// The client has no more to say for now.
    func clientPaused() {
        upstream?.flush()
        switch phase {
        case .judging, .refusing: client.read()
        case .relaying where upstream?.isWritable ?? false: client.read()
        // Reading goes on when the host is there and takes what it is sent.
        case .connecting, .relaying, .ended: break
        }
    }

    private func carryOut(_ steps: [Inspector.Step]) {
        for step in steps {
            switch step {
            case .forward(let bytes):
                answeredSinceRequest = false
                forward(client.allocator.buffer(bytes: bytes))
            case .passAll: passesAll = true
            case .awaitAnswer, .awaitGreeting:
                // An answer that began before its question ended is not read from its beginning.
                guard received == 0 else {
                    state.denied(host?.text ?? "", port: port, .protocol)
                    return cut()
                }
                if step == .awaitAnswer {
                    awaitsAnswer = HTTPResponseHeadScanner()
                } else {
                    awaitsGreeting = ServerHelloWatch()
                }
            case .refuse(let refusal, let named, let reply):
                state.denied(named ?? host?.text ?? "", port: port, refusal)
                // Between the parts of another answer no answer of ours is written.
                let isFirst = upstream == nil || answeredSinceRequest
                return isFirst ? end(telling: reply) : cut()
            }
        }
    }

    private func forward(_ buffer: ByteBuffer) {
        if case .judging = phase { connect() }
        if case .relaying = phase {
            sent += UInt64(buffer.readableBytes)
            upstream?.write(buffer, promise: nil)
        } else {
            held.append(buffer)
        }
    }

    /// Answers a refused client in the protocol it speaks.
    private func answer(_ refused: RefusedConnection, _ bytes: [UInt8]) {
        if bytes.first == 0x16 {
            end(telling: Refusing.tls(refused.refusal))
        } else if Inspector.looksLikeHTTP(bytes) ?? false {
            end(
                telling: Refusing.http(
                    refused.refusal, host: refused.host?.text, port: port, sandbox: state.decisions.policy.sandbox))
        } else {
            cut()
        }
    }

    /// The client has said its last word.
    func clientFinished() {
        clientEnded = true
        switch phase {
        case .relaying: if let upstream { finishWriting(upstream) }
        case .connecting: break
        // Without a word nobody is asked to answer.
        case .judging, .refusing, .ended: cut()
        }
        finishIfBothEnded()
    }

    // MARK: The host

    private func connect() {
        guard let host else { return cut() }
        guard state.beginConnecting() else { return failed("too many connections wait for their hosts") }
        phase = .connecting
        expectSoon(Self.patience)
        let relay = NIOLoopBound(self, eventLoop: client.eventLoop)
        let loop = client.eventLoop
        ClientBootstrap(group: loop)
            .resolver(state.resolver.addresses { relay.value.state.isReachable($0) })
            .connectTimeout(.seconds(10))
            .channelOption(.autoRead, value: false)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    Listeners.tune(channel)
                    try channel.pipeline.syncOperations.addHandler(UpstreamHandler(relay.value))
                }
            }
            .connect(host: host.text, port: Int(port))
            .hop(to: loop)
            .whenComplete { result in relay.value.connected(result) }
    }

    private func connected(_ result: Result<any Channel, any Error>) {
        state.endConnecting()
        deadline?.cancel()
        switch result {
        case .success(let channel):
            guard case .connecting = phase else {
                channel.close(promise: nil)
                return
            }
            upstream = channel
            upstreamAddress = channel.remoteAddress.flatMap { IPAddress($0) }
            // The address was judged when it was looked up; that it is the one connected to is seen here.
            guard let address = upstreamAddress, state.isReachable(address),
                channel.localAddress.flatMap({ IPAddress($0) }) != address
            else { return refuseAddress() }
            phase = .relaying
            if let host { state.opened(host) }
            for buffer in held {
                sent += UInt64(buffer.readableBytes)
                channel.write(buffer, promise: nil)
            }
            held = []
            channel.flush()
            watchHead()
            if clientEnded { finishWriting(channel) }
            channel.read()
            if channel.isWritable { client.read() }
        case .failure(let error):
            guard case .connecting = phase else { return }
            if state.resolver.wasRefused(error) { refuseAddress() } else { failed("the host cannot be reached") }
        }
    }

    private func refuseAddress() {
        state.denied(host?.text ?? "", port: port, .address)
        let name = host?.text
        let sandbox = state.decisions.policy.sandbox
        end(
            telling: port == 80
                ? Refusing.http(.address, host: name, port: port, sandbox: sandbox)
                : port == 443 ? Refusing.tls(.address) : nil)
    }

    private func failed(_ why: String) {
        if let connection { state.failed(connection, port: port, why: why) }
        guard let host, port == 80 else { return end(telling: port == 443 ? TLSAlert.bytes(80) : nil) }
        end(telling: Refusing.unreachable(host: host, port: port, why: why))
    }

    /// Takes what the host said.
    func upstreamSaid(_ buffer: ByteBuffer) {
        lastActivity = Clock.now
        guard case .relaying = phase else { return }
        received += UInt64(buffer.readableBytes)
        answeredSinceRequest = true
        client.write(buffer, promise: nil)
        if var watch = awaitsGreeting {
            let verdict = watch.feed(buffer.readableBytesView)
            awaitsGreeting = verdict == .needMore ? watch : nil
            if verdict != .needMore, let steps = inspector?.greeted(wantsAnother: verdict == .retry) { carryOut(steps) }
        }
        guard var scanner = awaitsAnswer else { return }
        switch scanner.feed(buffer.readableBytesView) {
        case .needMore: awaitsAnswer = scanner
        case .status(let status):
            awaitsAnswer = nil
            if let steps = inspector?.answered(status: status) { carryOut(steps) }
        case .malformed: cut()
        }
    }

    /// The host has no more to say for now.
    func upstreamPaused() {
        client.flush()
        if case .relaying = phase, client.isWritable { upstream?.read() }
    }

    /// The host has said its last word.
    func upstreamFinished() {
        upstreamEnded = true
        if case .relaying = phase { finishWriting(client) }
        finishIfBothEnded()
    }

    /// Says the last word of one side to the other, after all before it.
    private func finishWriting(_ channel: any Channel) {
        channel.writeAndFlush(ByteBuffer()).whenComplete { _ in channel.close(mode: .output, promise: nil) }
    }

    /// The client's connection is over: its last word, if all was said to it before.
    func clientGone() {
        guard case .relaying = phase, upstreamEnded else { return broke() }
        clientFinished()
    }

    /// The same of the host's.
    func upstreamGone() {
        guard case .relaying = phase, clientEnded else { return broke() }
        upstreamFinished()
    }

    // MARK: Pressure

    /// The client takes bytes again.
    func clientWritable() { if case .relaying = phase, client.isWritable { upstream?.read() } }

    /// The host takes bytes again.
    func upstreamWritable() {
        if case .relaying = phase, upstream?.isWritable ?? false { client.read() }
    }

    // MARK: Ending

    private func finishIfBothEnded() {
        guard case .relaying = phase, clientEnded, upstreamEnded else { return }
        // What is still to be written is written first.
        let relay = NIOLoopBound(self, eventLoop: client.eventLoop)
        client.writeAndFlush(ByteBuffer()).whenComplete { _ in relay.value.stop() }
        upstream?.flush()
    }

    /// Tells the client why, and closes once it is told.
    private func end(telling reply: [UInt8]?) {
        guard let reply else { return cut() }
        finish()
        upstream?.close(promise: nil)
        let client = self.client
        client.writeAndFlush(client.allocator.buffer(bytes: reply)).whenComplete { _ in
            // Reading on a little keeps the kernel from answering unread bytes with a reset that overtakes the reply.
            client.close(mode: .output, promise: nil)
            client.read()
            client.eventLoop.scheduleTask(in: .milliseconds(500)) { client.close(promise: nil) }
        }
    }

    /// Ends both connections at once, with a reset.
    func cut() {
        finish()
        for channel in [client, upstream].compactMap({ $0 }) where channel.isActive {
            Listeners.resetOnClose(channel)
            channel.close(promise: nil)
        }
    }

    /// One side is gone.
    func broke() {
        if case .ended = phase { return }
        cut()
    }

    private func stop() {
        finish()
        client.close(promise: nil)
        upstream?.close(promise: nil)
    }

    private func finish() {
        if case .ended = phase { return }
        let wasOpen = if case .relaying = phase { true } else { false }
        phase = .ended
        deadline?.cancel()
        headDeadline?.cancel()
        held = []
        state.remove(self)
        if wasOpen, let connection { state.closed(connection, port: port, sent: sent, received: received) }
    }
}

/// Gives a relay what its client says.
final class ClientHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let relay: Relay

    init(_ relay: Relay) { self.relay = relay }

    func channelActive(context: ChannelHandlerContext) { relay.begin() }
    func channelRead(context: ChannelHandlerContext, data: NIOAny) { relay.clientSaid(unwrapInboundIn(data)) }
    func channelReadComplete(context: ChannelHandlerContext) { relay.clientPaused() }
    func channelWritabilityChanged(context: ChannelHandlerContext) { relay.clientWritable() }
    func channelInactive(context: ChannelHandlerContext) { relay.clientGone() }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { relay.broke() }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent { relay.clientFinished() }
    }
}

/// Gives a relay what its host says.
final class UpstreamHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let relay: Relay

    init(_ relay: Relay) { self.relay = relay }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { relay.upstreamSaid(unwrapInboundIn(data)) }
    func channelReadComplete(context: ChannelHandlerContext) { relay.upstreamPaused() }
    func channelWritabilityChanged(context: ChannelHandlerContext) { relay.upstreamWritable() }
    func channelInactive(context: ChannelHandlerContext) { relay.upstreamGone() }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { relay.broke() }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent { relay.upstreamFinished() }
    }
}
