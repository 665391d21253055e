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
            send(answer(line), context)
        }
        if collected.readableBytes > Self.lineLimit { context.close(promise: nil) }
        collected.discardReadBytes()
    }

    private func answer(_ line: [UInt8]) -> ControlReply {
        guard let request = try? JSONDecoder().decode(ControlRequest.self, from: Data(line)) else {
            return .failed("the request cannot be read")
        }
        switch request {
        case .report: return .report(state.report)
        case .apply(let policy):
            guard policy.version == GatewayPolicy.formatVersion else {
                return .failed("policies of version \(policy.version) are not known")
            }
            // A command that was overtaken by another does not bring its older policy back.
            guard policy.generation >= state.decisions.policy.generation else {
                return .failed("generation \(state.decisions.policy.generation) is carried out already")
            }
            let closed = state.apply(policy)
            return .applied(generation: policy.generation, closed: closed)
        }
    }

    private func send(_ reply: ControlReply, _ context: ChannelHandlerContext) {
        guard let data = try? JSONEncoder().encode(reply) else { return context.close(promise: nil) }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: Array(data) + [0x0a])), promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
