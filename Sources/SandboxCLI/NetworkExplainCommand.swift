internal import ArgumentParser
internal import EgressPolicy
internal import SandboxModel

extension NetworkCommand {
    /// `network explain`: why a connection is let through or refused.
    struct Explain: Verb {
        static let configuration = CommandConfiguration(
            commandName: "explain", abstract: "Tell from the rules in force whether a connection is allowed, and why.",
            discussion: "Exit status 1 when it is refused.")

        @Flag(help: "Print JSON.")
        var json = false

        @Argument(help: "Name of the sandbox.", completion: .sandboxes)
        var name: String

        @Argument(help: "A host's name, or an address.", completion: .default)
        var host: String

        @Argument(help: "A port: 443, 123/udp.", completion: .default)
        var port = "443"

        func perform(_ context: Context) throws(SandboxError) -> Int32 {
            guard let range = PortRange(parsing: port), range.ports.count == 1 else {
                throw SandboxError(.usage, "'\(port)' is no port", hint: "write 443 or 123/udp")
            }
            let sandbox = try SandboxName(name)
            let explanation = try context.makeServices().explain(
                sandbox, try target(), range.transport, port: range.ports.lowerBound)
            let view = ExplanationView(sandbox, host, range, explanation)
            if json {
                context.console.print(try JSON.text(view))
            } else {
                for line in NetworkText.lines(view) { context.console.print(line.escapingControls) }
            }
            return explanation.isAllowed ? 0 : 1
        }

        private func target() throws(SandboxError) -> Explanation.Target {
            if let address = IPAddress(host) { return .address(address) }
            if let name = HostName(parsing: host) { return .name(name) }
            throw SandboxError(
                .usage, "'\(host.escapingControls)' \(HostName.problem(host) ?? "is no host's name")",
                hint: "write a name or an address, and the port after it: api.example.org 443")
        }
    }
}

/// What `network explain` says.
struct ExplanationView: Encodable {
    struct StepView: Encodable {
        var by: String
        var allowed: Bool
        var verdict: String
        var rules: [String]
    }

    var sandbox: SandboxName
    var host: String
    var port: String
    var allowed: Bool
    var steps: [StepView]

    init(_ sandbox: SandboxName, _ host: String, _ port: PortRange, _ explanation: Explanation) {
        self.sandbox = sandbox
        self.host = host
        self.port = port.description
        allowed = explanation.isAllowed
        steps = explanation.steps.map {
            StepView(by: $0.judge.rawValue, allowed: $0.isAllowed, verdict: $0.verdict, rules: $0.rules)
        }
    }
}
