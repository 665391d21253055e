internal import ArgumentParser
internal import SandboxModel

/// `sandboxctl shell`: a program on a terminal, the template's own where none is given.
struct ShellCommand: ProgramVerb {
    static let configuration = CommandConfiguration(
        commandName: "shell", abstract: "Open a shell in a running sandbox.",
        usage: "sandboxctl shell [<options>] <name> [[--] <command> ...]",
        discussion: "Runs the template's command, or the one given, on a terminal when standard input is one.")

    @OptionGroup var options: EntryOptions

    @Argument(help: "Name of the sandbox.", completion: .sandboxes)
    var name: String

    @Argument(parsing: .captureForPassthrough, help: "Program and arguments.", completion: .default)
    var command: [String] = []

    func perform(_ context: Context) throws(SandboxError) -> Int32 {
        let name = try SandboxName(name)
        let command = try EntryGrammar.command(command)
        let terminal = options.tty || context.console.traits.inputIsTerminal
        let request = try options.request(command, context, terminal: terminal)
        let result = try context.makeServices().execute(name, request)
        return conclude(result, timeout: options.timeout, context)
    }
}
