internal import EgressWire
internal import NIOCore
internal import NIOPosix
internal import SandboxModel

/// A question on its way to a server.
struct UpstreamQuestion {
    let id = UInt16.random(in: 0...UInt16.max)
    let name: DNSName
    let type: DNSType
    let bytes: [UInt8]

    init(name: DNSName, type: DNSType) {
        // Letters in random case are one more thing that a forged answer would have to guess.
        self.name = name.randomizingCase(UInt64.random(in: 0...UInt64.max))
        self.type = type
        bytes = DNSQuery.encode(id: id, name: self.name, type: type, payloadSize: 1232)
    }
}

/// A question and the answer that is waited for.
final class Exchange {
    let question: UpstreamQuestion
    private let promise: EventLoopPromise<DNSReply>

    init(_ question: UpstreamQuestion, _ promise: EventLoopPromise<DNSReply>) {
        self.question = question
        self.promise = promise
    }

    /// Takes a message.
    /// - Returns: whether it is the answer.
    func take(_ bytes: [UInt8]) -> Bool {
        guard let reply = try? DNSReply.parse(bytes, id: question.id, name: question.name, type: question.type) else {
            return false
        }
        promise.succeed(reply)
        return true
    }

    func fail(_ error: any Error) { promise.fail(error) }
}

/// An exchange over UDP. What is not the answer is passed over: anybody may send anything, and the true answer may
/// still come.
final class DatagramExchange: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    typealias OutboundOut = AddressedEnvelope<ByteBuffer>
    private let exchange: Exchange
    private let remote: SocketAddress

    init(_ exchange: Exchange, _ remote: SocketAddress) {
        self.exchange = exchange
        self.remote = remote
    }

    func channelActive(context: ChannelHandlerContext) {
        let message = ByteBuffer(bytes: exchange.question.bytes)
        context.writeAndFlush(wrapOutboundOut(AddressedEnvelope(remoteAddress: remote, data: message)), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        _ = exchange.take(Array(unwrapInboundIn(data).data.readableBytesView))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { exchange.fail(error) }
}

/// An exchange over TCP: messages with their length before them (RFC 1035, section 4.2.2).
final class StreamExchange: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    private let exchange: Exchange
    private var collected = ByteBuffer()

    init(_ exchange: Exchange) { self.exchange = exchange }

    func channelActive(context: ChannelHandlerContext) {
        var message = ByteBuffer(integer: UInt16(exchange.question.bytes.count))
        message.writeBytes(exchange.question.bytes)
        context.writeAndFlush(wrapOutboundOut(message), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        collected.writeImmutableBuffer(unwrapInboundIn(data))
        guard let message = collected.readLengthPrefixedSlice(as: UInt16.self) else { return }
        if !exchange.take(Array(message.readableBytesView)) { exchange.fail(UpstreamResolver.Failure.server(nil)) }
    }

    func channelInactive(context: ChannelHandlerContext) { exchange.fail(UpstreamResolver.Failure.server(nil)) }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { exchange.fail(error) }
}

/// Looks up the addresses of one connection for NIO.
final class ConnectionResolver: Resolver, Sendable {
    private let eventLoop: any EventLoop
    private let find: @Sendable (HostName, DNSType, UInt16) -> EventLoopFuture<[SocketAddress]>

    init(
        eventLoop: any EventLoop,
        find: @escaping @Sendable (HostName, DNSType, UInt16) -> EventLoopFuture<[SocketAddress]>
    ) {
        self.eventLoop = eventLoop
        self.find = find
    }

    func initiateAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> { look(host, .a, port) }
    func initiateAAAAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> { look(host, .aaaa, port) }
    func cancelQueries() {}

    private func look(_ host: String, _ type: DNSType, _ port: Int) -> EventLoopFuture<[SocketAddress]> {
        guard let name = HostName(parsing: host) else {
            return eventLoop.makeFailedFuture(UpstreamResolver.Failure.noAddress)
        }
        return find(name, type, UInt16(clamping: port))
    }
}
