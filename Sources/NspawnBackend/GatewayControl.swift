internal import EgressPolicy
internal import FoundationEssentials
internal import LinuxKit
internal import SandboxModel

/// Talks to a running gateway on its control socket.
struct GatewayControl {
    let path: String
    private static let replyLimit = 8 << 20

    func ask(_ request: ControlRequest, seconds: Double = 5) throws(SandboxError) -> ControlReply {
        guard let line = try? JSONEncoder().encode(request) else {
            throw SandboxError(.internal, "a request to the gateway cannot be encoded")
        }
        let answer: [UInt8]
        do throws(SystemError) {
            let stream = try LocalStream.connect(to: path)
            answer = try stream.ask(Array(line), limit: Self.replyLimit, until: Deadline.in(seconds: seconds))
        } catch {
            throw error.as(.unavailable).prefixed("the gateway does not answer")
        }
        guard let reply = try? JSONDecoder().decode(ControlReply.self, from: Data(answer)) else {
            throw SandboxError(.internal, "the gateway's answer cannot be read")
        }
        if case .failed(let reason) = reply { throw SandboxError(.internal, "the gateway refused", cause: reason) }
        return reply
    }
}
