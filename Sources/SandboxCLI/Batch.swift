internal import ArgumentParser
internal import SandboxEngine
internal import SandboxModel

/// The operands of a verb that takes several sandboxes.
struct BatchOptions: ParsableArguments {
    @Flag(help: "Every sandbox; of those that must run, all that do.")
    var all = false

    @Argument(help: "Names of sandboxes.", completion: .sandboxes)
    var names: [String] = []
}

extension BatchOptions {
    /// Tries every sandbox that is meant, and tells each failure in a line of its own.
    ///
    /// A name that cannot be one stops everything before anything is done.
    /// - Parameter onlyRunning: whether `--all` means those that run.
    /// - Returns: 0, or the exit status of the first failure.
    func run(
        _ context: Context, onlyRunning: Bool = false,
        _ action: (any Services, SandboxName) throws(SandboxError) -> Void
    ) throws(SandboxError) -> Int32 {
        guard all != !names.isEmpty else {
            throw SandboxError(
                .usage, all ? "'--all' and names exclude each other" : "no sandbox is named",
                hint: all ? nil : "give one name or more, or '--all'")
        }
        var targets: [SandboxName] = []
        for text in names {
            let name = try SandboxName(text)
            if !targets.contains(name) { targets.append(name) }
        }
        let services = try context.makeServices()
        if all { targets = try services.list().filter { !onlyRunning || $0.run != nil }.map(\.name) }

        var first: Int32 = 0
        for name in targets {
            do throws(SandboxError) {
                try action(services, name)
            } catch {
                let located = error.message.contains("'\(name)'") ? error : error.prefixed("sandbox '\(name)'")
                context.console.complain(located)
                if first == 0 { first = error.code.rawValue }
            }
            if let signal = context.interruption() { return 128 + signal }
        }
        return first
    }
}

/// How long a sandbox may take to end.
struct GraceOption: ParsableArguments {
    @Option(
        help: ArgumentHelp("Time to end before it is killed: 10, 10s, 1m; 0 kills at once.", valueName: "duration"),
        completion: .default, transform: once(Convert.grace))
    var timeout: Double?

    /// Seconds.
    var seconds: Double { timeout ?? 10 }
}
