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
        let verb = arguments.first.flatMap { word in
            RootCommand.configuration.subcommands.first {
                $0._commandName == word || $0.configuration.aliases.contains(word)
            }
        }
        let help = verb.map { "sandboxctl \($0._commandName) --help" } ?? "sandboxctl --help"
        console.complain(SandboxError(.usage, usage.line, hint: usage.hint ?? "'\(help)' shows what is accepted"))
        return SandboxError.Code.usage.rawValue
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
