internal import ArgumentParser
internal import SandboxModel

/// `sandboxctl exec`: runs a program in a running sandbox.
struct ExecCommand: ProgramVerb {
    static let configuration = CommandConfiguration(
        commandName: "exec", abstract: "Run a program in a running sandbox.",
        usage: "sandboxctl exec [<options>] <name> [--] <command> ...",
        discussion: "The exit status is the program's; 124 when its time was up, 125 when it could not be run.")

    @OptionGroup var options: EntryOptions

    @Argument(help: "Name of the sandbox.", completion: .sandboxes)
    var name: String

    @Argument(parsing: .captureForPassthrough, help: "Program and arguments.", completion: .default)
    var command: [String] = []

    func perform(_ context: Context) throws(SandboxError) -> Int32 {
        let name = try SandboxName(name)
        let command = try EntryGrammar.command(command)
        guard !command.isEmpty else {
            throw SandboxError(
                .usage, "no command is given", hint: "'sandboxctl shell \(name)' runs the template's own command")
        }
        let request = try options.request(command, context, terminal: options.tty)
        let result = try context.makeServices().execute(name, request)
        return conclude(result, timeout: options.timeout, context)
    }
}
