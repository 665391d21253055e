internal import ArgumentParser
internal import SandboxEngine
internal import SandboxModel

/// The flags of `exec` and `shell`.
struct EntryOptions: ParsableArguments {
    @Flag(name: .shortAndLong, help: "Run on a terminal of the sandbox.")
    var tty = false

    @Flag(name: .shortAndLong, help: "Forward standard input even when it is a terminal.")
    var interactive = false

    @Option(
        name: .shortAndLong, help: ArgumentHelp("User inside, by name or number.", valueName: "user"),
        completion: .default, transform: once(Convert.text))
    var user: String?

    @Option(
        name: .shortAndLong, help: ArgumentHelp("Environment variable; repeatable.", valueName: "name=value"),
        completion: .default, transform: Convert.variable)
    var env: [Variable] = []

    @Option(
        name: [.customShort("C"), .long], help: ArgumentHelp("Working directory inside.", valueName: "directory"),
        completion: .default, transform: once(Convert.text))
    var directory: String?

    @Option(
        help: ArgumentHelp("End the program after so long: 90, 90s, 5m, 1h.", valueName: "duration"),
        completion: .default, transform: once(Convert.duration))
    var timeout: Double?
}

extension EntryOptions {
    /// What is asked for.
    /// - Parameter terminal: whether the program runs on a terminal.
    func request(_ command: [String], _ context: Context, terminal: Bool) throws(SandboxError) -> ExecuteRequest {
        let variables = try Variable.dictionary(env, flag: "--env")
        if terminal, !context.console.traits.inputIsTerminal {
            throw SandboxError(
                .usage, "'--tty' needs a terminal on standard input", hint: "leave it out to run without a terminal")
        }
        let forwards = interactive || !context.console.traits.inputIsTerminal
        return ExecuteRequest(
            arguments: command, user: user, environment: variables, directory: directory, timeout: timeout,
            streams: terminal ? .terminal : .caller(input: forwards), terminalType: Self.terminalType(context))
    }

    /// The caller's TERM, as far as it is the name of a terminal.
    static func terminalType(_ context: Context) -> String? {
        guard let text = context.environment("TERM"), (1...64).contains(text.utf8.count) else { return nil }
        let isName = text.utf8.allSatisfy {
            (0x61...0x7a).contains($0) || (0x41...0x5a).contains($0) || (0x30...0x39).contains($0)
                || [0x2b, 0x2d, 0x2e, 0x5f].contains($0)
        }
        return isName ? text : nil
    }
}

/// Reading `NAME [flags] [--] COMMAND…`, where everything from the command on is the command's.
enum EntryGrammar {
    /// The flags of `exec` and `shell` whose value is the next word.
    static let flagsWithValue: Set<String> = [
        "-u", "--user", "-e", "--env", "-C", "--directory", "--timeout",
    ]

    /// The same command line with NAME after the flags that follow it, as `exec -u root demo` reads like
    /// `exec demo -u root`. ArgumentParser stops reading flags at the first word that is none.
    static func nameLast(_ arguments: [String]) -> [String] {
        // What 'run' captures begins with the first word that is no flag of its own, and help is the parser's own flag.
        if arguments.first == "run", arguments.count == 2, ["-h", "--help"].contains(arguments[1]) {
            return ["help", "run"]
        }
        guard let verb = arguments.first, ["exec", "shell"].contains(verb) else { return arguments }
        var flags: [String] = []
        var name: [String] = []
        var rest = arguments.dropFirst()
        while let word = rest.first, word != "--" {
            let isFlag = word.hasPrefix("-") && word != "-"
            guard isFlag || name.isEmpty else { break }
            rest.removeFirst()
            guard isFlag else {
                name.append(word)
                continue
            }
            flags.append(word)
            // In a group such as -iu only the last letter can take a value.
            let last = word.hasPrefix("--") ? word : "-" + word.suffix(1)
            if flagsWithValue.contains(last), let value = rest.popFirst() { flags.append(value) }
        }
        return [verb] + flags + name + rest
    }

    /// The command in what was captured behind the flags.
    static func command(_ captured: [String]) throws(SandboxError) -> [String] {
        var command = captured[...]
        if command.first == "--" {
            command.removeFirst()
        } else if let flag = command.first, flag.hasPrefix("-"), flag != "-" {
            throw SandboxError(
                .usage, "unknown option '\(flag)'",
                hint: "put '--' before the command; 'sandboxctl help VERB' shows the options")
        }
        if command.first == "" { throw SandboxError(.usage, "the command's name is empty") }
        return Array(command)
    }
}

extension ProgramVerb {
    /// Tells what ended the program besides itself, and gives the exit status.
    func conclude(_ result: EntryResult, timeout: Double?, _ context: Context) -> Int32 {
        if let problem = result.problem { context.console.complain(problem) }
        for limit in result.limits { context.console.complain(limit.summary) }
        guard result.timedOut else { return result.status }
        context.console.complain("time limit of \(Int(timeout ?? 0))s reached")
        return 124
    }
}
