internal import ArgumentParser
internal import EgressPolicy
internal import SandboxEngine
internal import SandboxModel

extension NetworkCommand {
    /// `network allow`: more hosts, for good or for a time.
    struct Allow: Verb {
        static let configuration = CommandConfiguration(
            commandName: "allow", abstract: "Let a sandbox reach more hosts.",
            discussion:
                "HOST is a name, '*.' and a name for all below it, or an address block; ':PORTS' after it names "
                + "ports other than 80 and 443. Takes effect at once.")

        @Option(
            name: .customLong("for"),
            help: ArgumentHelp("End by itself after this time: 90s, 10m, 2h.", valueName: "duration"),
            completion: .default, transform: once(Convert.duration))
        var time: Double?

        @Flag(help: "Through the kernel to the addresses of the name, instead of through the gateway.")
        var direct = false

        @Argument(help: "Name of the sandbox.", completion: .sandboxes)
        var name: String

        @Argument(help: "Hosts.", completion: .default, transform: Convert.text)
        var hosts: [String]

        func perform(_ context: Context) throws(SandboxError) -> Int32 {
            let end = time.map { context.now() + Int64($0 * 1_000_000) }
            var rules: [EgressRule] = []
            for text in hosts {
                do throws(EgressRuleProblem) {
                    var rule = try EgressRule(parsing: text, via: direct ? .direct : .gateway)
                    rule.expires = end
                    rules.append(rule)
                } catch {
                    throw SandboxError(
                        .usage, "'\(text.escapingControls)' \(error.text)",
                        hint: "'sandboxctl network allow --help' tells what a host is")
                }
            }
            return try NetworkCommand.change(context, name, .allow(rules))
        }
    }

    /// `network deny`: fewer hosts; what is open to them ends.
    struct Deny: Verb {
        static let configuration = CommandConfiguration(
            commandName: "deny", abstract: "Let a sandbox reach hosts no longer.",
            discussion:
                "HOST is as 'network show' writes it; ':PORTS' after it denies these ports alone. Connections to them "
                + "through the gateway end at once. A name that a wildcard allows is denied by name, with all its ports."
        )

        @Argument(help: "Name of the sandbox.", completion: .sandboxes)
        var name: String

        @Argument(help: "Hosts.", completion: .default, transform: Convert.denial)
        var hosts: [NetworkChange.Denial]

        func perform(_ context: Context) throws(SandboxError) -> Int32 {
            try NetworkCommand.change(context, name, .deny(hosts))
        }
    }

    /// `network set`: another mode.
    struct Set: Verb {
        static let configuration = CommandConfiguration(
            commandName: "set", abstract: "Change the network mode of a sandbox.",
            discussion: "Rules are kept in mode none, for the day the mode is changed back.")

        @Argument(help: "Name of the sandbox.", completion: .sandboxes)
        var name: String

        @Argument(
            help: "none, restricted or full.", completion: .list(NetworkMode.allCases.map(\.rawValue)),
            transform: Convert.network)
        var mode: NetworkMode

        func perform(_ context: Context) throws(SandboxError) -> Int32 {
            try NetworkCommand.change(context, name, .mode(mode))
        }
    }

    /// `network refresh`: addresses of direct hosts, looked up now.
    struct Refresh: Verb {
        static let configuration = CommandConfiguration(
            commandName: "refresh", abstract: "Look the addresses of direct hosts up again.")

        @Flag(help: "Only those that are due.")
        var due = false

        @OptionGroup
        var batch: BatchOptions

        func perform(_ context: Context) throws(SandboxError) -> Int32 {
            try batch.run(context, onlyRunning: true) { (services, name) throws(SandboxError) in
                let outcome = try services.refresh(name, onlyDue: due)
                // What the timer does all the time is worth a line when it does something.
                if outcome.changed || !due { context.console.print(NetworkCommand.line(name, outcome)) }
                for problem in outcome.problems { context.console.complain("\(name): \(problem)") }
            }
        }
    }

    /// Makes a change and tells what came of it.
    fileprivate static func change(
        _ context: Context, _ name: String, _ change: NetworkChange
    ) throws(SandboxError) -> Int32 {
        let name = try SandboxName(name)
        let outcome = try context.makeServices().change(name, change)
        context.console.print(line(name, outcome))
        for problem in outcome.problems { context.console.complain("\(name): \(problem)") }
        return 0
    }

    fileprivate static func line(_ name: SandboxName, _ outcome: NetworkOutcome) -> String {
        guard outcome.changed else { return "\(name): nothing to change" }
        guard outcome.isLive else { return "\(name): policy \(outcome.generation) kept for the next start" }
        let ended = outcome.closed == 0 ? "" : ", \(outcome.closed) connections ended"
        return "\(name): policy \(outcome.generation) in effect\(ended)"
    }
}
