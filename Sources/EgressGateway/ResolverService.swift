internal import EgressPolicy
internal import EgressWire
internal import NIOCore
internal import SandboxModel

/// Answers the payload's questions (RFC 1035). Names of the policy lead to synthetic addresses without anybody being
/// asked; all others are refused here, so that a question is no way to tell the world something.
final class ResolverService {
    /// Extended errors (RFC 8914): "Prohibited", and "Network Error".
    private static let prohibited: UInt16 = 18
    private static let networkError: UInt16 = 23
    private static let negativeLifetime: UInt32 = 30
    /// Lookups for the payload at a time; more are refused.
    private static let lookupLimit = 256

    /// Connections at a time; descriptors are for relays, and for being told of another policy.
    private static let streamLimit = 128

    private let state: GatewayState
    private let hasV6: Bool
    private var lookups = 0
    private var streams = 0

    /// - Parameter hasV6: whether connections over IPv6 can be taken at all.
    init(_ state: GatewayState, hasV6: Bool) {
        self.state = state
        self.hasV6 = hasV6
    }

    /// Whether one more connection may ask; each that may says when it ends.
    func beginStream() -> Bool {
        guard streams < Self.streamLimit else { return false }
        streams += 1
        return true
    }

    /// One of them has ended.
    func endStream() { streams -= 1 }

    /// Answers one message.
    /// - Parameters:
    ///   - limit: bytes an answer may have; nil for what the question allows over UDP.
    ///   - reply: called with the answer, now or later; not called for what is no question.
    func answer(_ bytes: [UInt8], limit: Int?, reply: @escaping ([UInt8]) -> Void) {
        let query: DNSQuery
        do throws(DNSQueryError) {
            query = try DNSQuery.parse(bytes)
        } catch {
            if case .answered(let answer) = error { reply(answer) }
            return
        }
        let room = limit ?? query.payloadSize
        guard let text = query.name.hostText else {
            return refuse(query, .notAllowed, "\(query.name)", room, reply)
        }
        if text == "localhost" || text.hasSuffix(".localhost") {
            return reply(positive(query, .ipv4(IPv4Address(127, 0, 0, 1)), .ipv6(IPv6Address(value: 1)), 3600, room))
        }
        guard query.class == 1, let name = HostName(parsing: text) else {
            return refuse(query, .notAllowed, text, room, reply)
        }
        answer(query, name, state.resolve(name), room, reply)
    }

    private func answer(
        _ query: DNSQuery, _ name: HostName, _ answer: NameAnswer, _ room: Int, _ reply: @escaping ([UInt8]) -> Void
    ) {
        switch answer {
        case .place(let place, let lifetime):
            reply(positive(query, SyntheticMap.v4(place), hasV6 ? SyntheticMap.v6(place) : nil, lifetime, room))
        case .addresses(let addresses):
            reply(encode(query, matching(addresses, query), 30, room))
        case .lookUp(let places): lookUp(query, name, places, room, reply)
        case .refused(let refusal): refuse(query, refusal, name.text, room, reply)
        }
    }

    private func positive(
        _ query: DNSQuery, _ v4: IPAddress, _ v6: IPAddress?, _ lifetime: UInt32, _ room: Int
    ) -> [UInt8] {
        encode(query, matching([v4] + (v6.map { [$0] } ?? []), query), lifetime, room)
    }

    private func matching(_ addresses: [IPAddress], _ query: DNSQuery) -> [IPAddress] {
        switch query.type {
        case .a: addresses.filter(\.isV4)
        case .aaaa: addresses.filter { !$0.isV4 }
        // The name is there and has nothing of this kind: clients go on with its addresses.
        default: []
        }
    }

    private func encode(_ query: DNSQuery, _ addresses: [IPAddress], _ lifetime: UInt32, _ room: Int) -> [UInt8] {
        DNSResponse(
            addresses: addresses.map(\.wire), lifetime: lifetime,
            negativeLifetime: addresses.isEmpty ? Self.negativeLifetime : nil
        ).encode(to: query, limit: room)
    }

    private func refuse(
        _ query: DNSQuery, _ refusal: Decisions.Refusal, _ target: String, _ room: Int, _ reply: ([UInt8]) -> Void
    ) {
        state.denied(target, port: nil, refusal)
        reply(
            DNSResponse(code: DNSResponse.refused, extendedError: (Self.prohibited, refusal.sentence))
                .encode(to: query, limit: room))
    }

    /// Mode `full`: the host's resolver is asked, for addresses only.
    private func lookUp(
        _ query: DNSQuery, _ name: HostName, _ places: Range<UInt32>?, _ room: Int,
        _ reply: @escaping ([UInt8]) -> Void
    ) {
        guard query.type == .a || query.type == .aaaa else { return reply(encode(query, [], 0, room)) }
        guard lookups < Self.lookupLimit else {
            return reply(DNSResponse(code: DNSResponse.refused).encode(to: query, limit: room))
        }
        lookups += 1
        let answering = NIOLoopBound((service: self, query: query, reply: reply), eventLoop: state.eventLoop)
        let other: DNSType = query.type == .a ? .aaaa : .a
        state.resolver.find(name, query.type).flatMap { found in
            let service = answering.value.service
            guard !found.addresses.isEmpty, service.usable(found).isEmpty else {
                return service.state.eventLoop.makeSucceededFuture((found, false))
            }
            // Whether the name leads anywhere is a matter of both families.
            return service.state.resolver.find(name, other).map { (found, !answering.value.service.usable($0).isEmpty) }
                .flatMapErrorThrowing { _ in (found, false) }
        }.whenComplete { result in
            let (service, query, reply) = answering.value
            service.lookups -= 1
            switch result {
            case .success(let (found, hasOther)):
                let usable = service.usable(found)
                guard usable.isEmpty, !found.addresses.isEmpty, !hasOther else {
                    return reply(service.encode(query, usable, found.lifetime, room))
                }
                if let places, found.addresses.contains(where: { service.state.isReachable($0) }) {
                    return service.answer(query, name, service.state.relayed(name, places), room, reply)
                }
                service.refuse(query, .address, name.text, room, reply)
            case .failure:
                reply(
                    DNSResponse(
                        code: DNSResponse.serverFailure, extendedError: (Self.networkError, "no resolver answered")
                    )
                    .encode(to: query, limit: room))
            }
        }
    }

    /// What no rule names is not reached, so a private address would lead nowhere.
    private func usable(_ found: UpstreamResolver.Found) -> [IPAddress] {
        found.addresses.filter { state.isReachable($0, allowsPrivate: false) }
    }
}

/// Questions over UDP.
final class DatagramResolverHandler: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    typealias OutboundOut = AddressedEnvelope<ByteBuffer>
    private let service: ResolverService
    /// Answers that are made while questions are read leave together.
    private var isReading = false

    init(_ service: ResolverService) { self.service = service }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        isReading = true
        let message = unwrapInboundIn(data)
        service.answer(Array(message.data.readableBytesView), limit: nil) { answer in
            let buffer = context.channel.allocator.buffer(bytes: answer)
            context.write(
                self.wrapOutboundOut(AddressedEnvelope(remoteAddress: message.remoteAddress, data: buffer)),
                promise: nil)
            if !self.isReading { context.flush() }
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        context.flush()
    }
    /// A client that is gone is no reason to stop.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {}
}

/// Questions over TCP: each with its length before it (RFC 7766).
final class StreamResolverHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    private static let patience = TimeAmount.seconds(10)
    private let service: ResolverService
    private var collected = ByteBuffer()
    private var deadline: Scheduled<Void>?
    private var isCounted = false

    init(_ service: ResolverService) { self.service = service }

    func channelActive(context: ChannelHandlerContext) {
        isCounted = service.beginStream()
        guard isCounted else { return context.close(promise: nil) }
        restart(context)
    }

    private func restart(_ context: ChannelHandlerContext) {
        deadline?.cancel()
        let channel = context.channel
        deadline = context.eventLoop.scheduleTask(in: Self.patience) { channel.close(promise: nil) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        collected.writeImmutableBuffer(unwrapInboundIn(data))
        let channel = context.channel
        while let message = collected.readLengthPrefixedSlice(as: UInt16.self) {
            restart(context)
            service.answer(Array(message.readableBytesView), limit: 65535) { answer in
                var buffer = channel.allocator.buffer(capacity: answer.count + 2)
                buffer.writeInteger(UInt16(answer.count))
                buffer.writeBytes(answer)
                channel.writeAndFlush(buffer, promise: nil)
                // Who asks and does not read has nothing kept for it.
                if !channel.isWritable { channel.close(promise: nil) }
            }
        }
        collected.discardReadBytes()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent { context.close(promise: nil) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        deadline?.cancel()
        if isCounted { service.endStream() }
        isCounted = false
    }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
