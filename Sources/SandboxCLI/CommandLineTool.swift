internal import ArgumentParser
internal import LinuxKit
internal import SandboxModel

/// The command `sandboxctl` as a function from arguments to an exit status.
public enum CommandLineTool {
    /// Runs the command with this process's arguments and streams.
    /// - Returns: the exit status, as sandboxctl(1) lists them.
    public static func main() -> Int32 {
        let outputIsOpen = Console.isOpen(1)
        do {
            try ThisProcess.prepare()
        } catch {
            return SandboxError.Code.internal.rawValue
        }
        let console = Console.standard(outputIsOpen: outputIsOpen)
        do throws(SandboxError) {
            return run(try arguments(), Composition.context(console: console))
        } catch {
            console.complain(error)
            return error.code.rawValue
        }
    }

    /// Runs the command with given arguments, without its own name.
    static func run(_ arguments: [String], _ context: Context) -> Int32 {
        do {
            try checkHelp(arguments)
            var command = try RootCommand.parseAsRoot(EntryGrammar.nameLast(arguments))
            if let verb = command as? any Verb { return verb.execute(context) }
            try command.run()
            return 0
        } catch {
            return report(error, arguments, context.console)
        }
    }

    /// Help, version and completions are for standard output; what is left is a command line that cannot be read.
    private static func report(_ error: any Error, _ arguments: [String], _ console: Console) -> Int32 {
        if RootCommand.exitCode(for: error) == .success {
            console.print(RootCommand.fullMessage(for: error))
            do throws(SandboxError) {
                try console.flush()
                return 0
            } catch {
                guard !console.readerIsGone else { return 141 }
                console.complain(error)
                return error.code.rawValue
            }
        }
        let usage = UsageMessage(RootCommand.message(for: error), quoting: arguments)
        let verb = VerbPath(arguments[...])
        let help = "'\(verb.text) --help' shows what is accepted"
        if let word = verb.unknown {
            console.complain(SandboxError(.usage, "'\(word)' is no verb of '\(verb.text)'", hint: help))
        } else {
            console.complain(SandboxError(.usage, usage.line, hint: usage.hint ?? help))
        }
        return SandboxError.Code.usage.rawValue
    }

    /// The parser's own `help` shows something else for what is not there.
    private static func checkHelp(_ arguments: [String]) throws {
        guard arguments.first == "help" else { return }
        let asked = VerbPath(arguments.dropFirst())
        if let word = asked.unknown { throw ValidationError("'\(word)' is no verb of '\(asked.text)'") }
    }

    /// The arguments, refused where they are not UTF-8: a repaired argument would name another file.
    private static func arguments() throws(SandboxError) -> [String] {
        var result: [String] = []
        for index in 1..<max(1, Int(CommandLine.argc)) {
            guard let raw = CommandLine.unsafeArgv[index] else { break }
            guard let text = String(validatingCString: raw) else {
                throw SandboxError(.usage, "argument \(index) is not valid UTF-8")
            }
            result.append(text)
        }
        return result
    }
}

/// How far a command line names a verb.
struct VerbPath {
    /// The command and its verbs, as they are typed.
    private(set) var text = "sandboxctl"
    /// The word in the place of a verb that is none.
    private(set) var unknown: String?

    init(_ arguments: ArraySlice<String>) {
        var command: any ParsableCommand.Type = RootCommand.self
        var rest = arguments
        while let word = rest.first, !command.configuration.subcommands.isEmpty {
            let next = command.configuration.subcommands.first {
                $0._commandName == word || $0.configuration.aliases.contains(word)
            }
            guard let next else {
                if word != "help", !word.hasPrefix("-") { unknown = word.escapingControls }
                return
            }
            text += " \(next._commandName)"
            command = next
            rest = rest.dropFirst()
        }
    }
}

/// A message of ArgumentParser's in the form of ours: one line, lower case, no full stop.
struct UsageMessage {
    let line: String
    let hint: String?

    /// - Parameter arguments: the command line that the message quotes; its own line breaks are none of the message's.
    init(_ message: String, quoting arguments: [String]) {
        var message = message
        for argument in arguments where argument.escapingControls != argument {
            let value = argument.firstIndex(of: "=").map { argument[argument.index(after: $0)...] }
            for quoted in [argument, value.map(String.init) ?? argument] {
                message = message.replacing(quoted, with: quoted.escapingControls)
            }
        }
        var lines = message.split(separator: "\n").map(String.init)
        var advice = lines.first { $0.hasPrefix("hint: ") }.map { String($0.dropFirst(6)) }
        lines.removeAll { $0.hasPrefix("hint: ") }
        var text = lines.first ?? "the command line is not understood"
        if text.hasSuffix(".") { text.removeLast() }
        if let question = text.firstRange(of: ". Did you mean ") {
            advice = "did you mean " + text[question.upperBound...]
            text.removeSubrange(question.lowerBound...)
        }
        // The parser tells twice what a value is for; the flag is enough.
        if text.hasPrefix("The value "), let place = text.firstRange(of: " is invalid for '"),
            let name = text[place.upperBound...].firstRange(of: " <"),
            let end = text[name.upperBound...].firstRange(of: ">'")
        {
            text.removeSubrange(name.lowerBound..<text.index(before: end.upperBound))
        }
        hint = advice
        line = text.prefix(1).lowercased() + text.dropFirst()
    }
}
