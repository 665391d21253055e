internal import EgressPolicy
internal import SandboxModel

/// `network show` and `network denied` for people.
enum NetworkText {
    static func lines(_ view: NetworkView) -> [String] {
        var lines = ["\(view.sandbox): \(view.mode.rawValue), policy \(view.generation)"]
        if !view.rules.isEmpty {
            let head: [Text.Cell] = ["  HOST", "PORTS", "VIA", "ADDRESSES", "ENDS", "PRESET"]
            lines += Text.table(
                [head]
                    + view.rules.map { rule in
                        [
                            Text.Cell("  \(rule.host)"), Text.Cell(rule.ports.joined(separator: ",")),
                            Text.Cell(rule.via.rawValue),
                            Text.Cell(rule.addresses.isEmpty ? "-" : rule.addresses.joined(separator: " ")),
                            Text.Cell(rule.expiresIn.map { "in \(Text.span(microseconds: $0))" } ?? "-"),
                            Text.Cell(rule.preset ?? "-"),
                        ]
                    })
        }
        for host in view.denied { lines.append("  denied: \(host)") }
        if let budget = view.egressBudget {
            lines.append("  egress budget: \(Text.bytes(view.egressSpent ?? 0)) of \(Text.bytes(budget))")
        }
        if let rate = view.connectionRate { lines.append("  connections: \(rate)") }
        if let bytes = view.linked, bytes > 0 { lines.append("  past the gateway: \(Text.bytes(bytes))") }
        for rule in view.rules {
            guard let failure = rule.failure else { continue }
            lines.append("  \(rule.host): \(failure)\(rule.addresses.isEmpty ? "" : "; its last addresses stay open")")
        }
        guard let hosts = view.hosts, !hosts.isEmpty else { return lines }
        let head: [Text.Cell] = ["  REACHED", "CONNECTIONS", "OPEN", "SENT", "RECEIVED"]
        return lines
            + Text.table(
                [head]
                    + hosts.map { host in
                        [
                            Text.Cell("  \(host.name)"), Text.Cell("\(host.connections)"), Text.Cell("\(host.open)"),
                            Text.Cell(Text.bytes(host.sent)), Text.Cell(Text.bytes(host.received)),
                        ]
                    })
    }

    static func lines(_ view: ExplanationView) -> [String] {
        ["\(view.host) port \(view.port): \(view.allowed ? "allowed" : "refused")"]
            + view.steps.flatMap { step in
                ["  \(step.by) \(step.verdict)"] + step.rules.map { "    \($0)" }
            }
    }

    /// One refusal, for `denied --follow`.
    static func line(_ denial: DeniedView.DenialView) -> String {
        let port = denial.port.map { " port \($0)" } ?? ""
        let transport = denial.protocol.map { " \($0)" } ?? ""
        let allow = denial.allow.map { "; to allow it: \($0)" } ?? ""
        return "\(denial.target)\(port)\(transport), \(times(denial.count)): \(denial.reason)\(allow)".escapingControls
    }

    private static func times(_ count: UInt64) -> String { count == 1 ? "once" : "\(count) times" }

    static func lines(_ view: DeniedView) -> [String] {
        var spent: [String] = []
        if let budget = view.budget, budget.isSpent { spent.append("\(view.sandbox): \(budget.text)") }
        if let count = view.overRate, count > 0 {
            spent.append("\(view.sandbox): \(times(count)) a new connection was refused for its rate")
        }
        if let count = view.overConnections, count > 0 {
            spent.append("\(view.sandbox): \(times(count)) a new connection was refused because there were too many")
        }
        if view.forgotten > 0 {
            spent.append(
                "\(view.sandbox): \(view.forgotten) more were refused than are kept here; the gateway's journal has more"
            )
        }
        guard !view.denials.isEmpty else { return spent.isEmpty ? ["\(view.sandbox): nothing was refused"] : spent }
        let head: [Text.Cell] = ["TARGET", "PORT", "COUNT", "LAST", "REASON", "TO ALLOW IT"]
        let rows = view.denials.map { denial in
            let port = denial.port.map { "\($0)" } ?? "-"
            return [
                Text.Cell(denial.target), Text.Cell(denial.protocol.map { "\(port)/\($0)" } ?? port),
                Text.Cell("\(denial.count)"), Text.Cell("\(Text.span(microseconds: denial.last)) ago"),
                Text.Cell(denial.reason), Text.Cell(denial.allow ?? "-"),
            ]
        }
        return spent + Text.table([head] + rows)
    }
}
