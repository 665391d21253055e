internal import EgressPolicy
internal import FoundationEssentials
internal import NIOCore

/// Answers sandboxctl on the control socket, which only root of the host can open: one JSON object on a line, each way.
final class ControlHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    /// A policy of the most rules has about a tenth of this.
    private static let lineLimit = 4 << 20
    private let state: GatewayState
    private var collected = ByteBuffer()

    init(_ state: GatewayState) { self.state = state }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        collected.writeImmutableBuffer(unwrapInboundIn(data))
        while let end = collected.readableBytesView.firstIndex(of: 0x0a) {
            let line = collected.readBytes(length: end - collected.readerIndex) ?? []
            collected.moveReaderIndex(forwardBy: 1)
            answer(line, context)
        }
        if collected.readableBytes > Self.lineLimit { context.close(promise: nil) }
        collected.discardReadBytes()
    }

    private func answer(_ line: [UInt8], _ context: ChannelHandlerContext) {
        guard let request = try? JSONDecoder().decode(ControlRequest.self, from: Data(line)) else {
            return send(.failed("the request cannot be read"), context)
        }
        switch request {
        case .report: send(.report(state.report), context)
        case .lookUp(let names):
            let sender = NIOLoopBound((handler: self, context: context), eventLoop: context.eventLoop)
            state.lookUp(names).whenSuccess { found in
                guard sender.value.context.channel.isActive else { return }
                sender.value.handler.send(.found(found), sender.value.context)
            }
        case .apply(let policy):
            guard policy.version == GatewayPolicy.formatVersion else {
                return send(.failed("policies of version \(policy.version) are not known"), context)
            }
            // A command that was overtaken by another does not bring its older policy back.
            let generation = state.decisions.policy.generation
            guard policy.generation >= generation else {
                return send(.failed("generation \(generation) is carried out already"), context)
            }
            let closed = state.apply(policy)
            send(.applied(generation: policy.generation, closed: closed), context)
        }
    }

    private func send(_ reply: ControlReply, _ context: ChannelHandlerContext) {
        guard let data = try? JSONEncoder().encode(reply) else { return context.close(promise: nil) }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: Array(data) + [0x0a])), promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
