internal import EgressPolicy
internal import LinuxKit
internal import SandboxModel

/// Writes decisions to the journal in its native protocol (systemd's JOURNAL_NATIVE_PROTOCOL document), which needs no
/// library and no privilege. A journal that cannot take a record loses it: a full queue must not stop traffic.
final class DecisionLog {
    private let sandbox: SandboxName
    private let journal: LocalDatagram
    /// A payload that is refused as often as it likes does not hide what it was allowed.
    private var refusals = LogBudget(at: Clock.now)
    private var connections = LogBudget(at: Clock.now)

    init(sandbox: SandboxName) throws(SystemError) {
        self.sandbox = sandbox
        journal = try LocalDatagram(to: "/run/systemd/journal/socket")
    }

    /// A relay ended.
    func relayed(_ connection: AllowedConnection, port: UInt16, sent: UInt64, received: UInt64) {
        let host = connection.host
        send(
            [
                ("MESSAGE", "\(sandbox): relayed \(host):\(port), \(sent) bytes out, \(received) in"),
                ("PRIORITY", "6"),
                ("VERDICT", "allowed"), ("HOST", host.text), ("PORT", "\(port)"), ("RULE", "\(connection.rule)"),
                ("BYTES_SENT", "\(sent)"), ("BYTES_RECEIVED", "\(received)"),
            ], &connections)
    }

    /// A host that may be reached was not.
    func failed(_ connection: AllowedConnection, port: UInt16, why: String) {
        let host = connection.host
        send(
            [
                ("MESSAGE", "\(sandbox): not relayed \(host):\(port): \(why)"), ("PRIORITY", "5"),
                ("VERDICT", "allowed"),
                ("HOST", host.text), ("PORT", "\(port)"), ("RULE", "\(connection.rule)"), ("ERROR", why),
            ], &connections)
    }

    /// Something was refused for the first time.
    func refused(_ target: String, port: UInt16?, _ refusal: Decisions.Refusal) {
        let place = port.map { "\(target):\($0)" } ?? target
        var fields = [
            ("MESSAGE", "\(sandbox): refused \(place.escapingControls): \(refusal.sentence)"), ("PRIORITY", "5"),
            ("VERDICT", "refused"), ("HOST", target.escapingControls), ("REASON", refusal.rawValue),
        ]
        if let port { fields.append(("PORT", "\(port)")) }
        send(fields, &refusals)
    }

    private func send(_ fields: [(String, String)], _ budget: inout LogBudget) {
        guard let leftOut = budget.take(at: Clock.now) else { return }
        if leftOut > 0 {
            write([
                ("MESSAGE", "\(sandbox): \(leftOut) decisions were not written, there were too many"),
                ("PRIORITY", "4"), ("LEFT_OUT", "\(leftOut)"),
            ])
        }
        write(fields)
    }

    private func write(_ fields: [(String, String)]) {
        var bytes: [UInt8] = []
        for (name, value) in fields + [("SANDBOX", "\(sandbox)"), ("SYSLOG_IDENTIFIER", "sandbox-gateway")] {
            // Values hold no line feed: control characters are escaped before.
            bytes += Array("\(name)=\(value)\n".utf8)
        }
        try? journal.send(bytes)
    }
}
