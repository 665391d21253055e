internal import EgressPolicy
internal import Glibc
internal import SandboxModel

/// Writes decisions to the journal in its native protocol (systemd's JOURNAL_NATIVE_PROTOCOL document), which needs no
/// library and no privilege. A journal that cannot take a record loses it: a full queue must not stop traffic.
final class DecisionLog {
    private let sandbox: SandboxName
    private let socket: Int32

    init(sandbox: SandboxName) {
        self.sandbox = sandbox
        socket = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | 0o2000000 | 0o4000, 0)
    }

    deinit { close(socket) }

    /// A relay ended.
    func relayed(_ host: HostName, port: UInt16, sent: UInt64, received: UInt64) {
        send([
            ("MESSAGE", "\(sandbox): relayed \(host):\(port), \(sent) bytes out, \(received) in"), ("PRIORITY", "6"),
            ("VERDICT", "allowed"), ("HOST", host.text), ("PORT", "\(port)"), ("BYTES_SENT", "\(sent)"),
            ("BYTES_RECEIVED", "\(received)"),
        ])
    }

    /// Something was refused for the first time.
    func refused(_ target: String, port: UInt16?, _ refusal: Decisions.Refusal) {
        let place = port.map { "\(target):\($0)" } ?? target
        var fields = [
            ("MESSAGE", "\(sandbox): refused \(place.escapingControls): \(refusal.sentence)"), ("PRIORITY", "5"),
            ("VERDICT", "refused"), ("HOST", target.escapingControls), ("RULE", refusal.rawValue),
        ]
        if let port { fields.append(("PORT", "\(port)")) }
        send(fields)
    }

    private func send(_ fields: [(String, String)]) {
        var bytes: [UInt8] = []
        for (name, value) in fields + [("SANDBOX", "\(sandbox)"), ("SYSLOG_IDENTIFIER", "sandbox-gateway")] {
            // Values hold no line feed: control characters are escaped before.
            bytes += Array("\(name)=\(value)\n".utf8)
        }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let path = Array("/run/systemd/journal/socket".utf8)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path) }
        unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = unsafe sendto(
                    socket, bytes, bytes.count, Int32(MSG_NOSIGNAL), $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}
