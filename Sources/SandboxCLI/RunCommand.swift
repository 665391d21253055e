internal import ArgumentParser
internal import SandboxEngine
internal import SandboxModel

/// `sandboxctl run`: a sandbox for one program, removed with it.
struct RunCommand: ProgramVerb {
    static let endsInOrder = true
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Create a sandbox, run a program in it, remove it.",
        usage: "sandboxctl run [<options>] [--] <command> ...",
        discussion: "The exit status is the program's; 124 when its time was up, 125 when it could not be run.")

    @OptionGroup var definition: DefinitionOptions

    @Option(
        help: ArgumentHelp("Name of the sandbox; without it run- and six digits.", valueName: "name"),
        completion: .default, transform: once(Convert.name))
    var name: SandboxName?

    @Flag(help: "Run on a terminal of the sandbox.")
    var tty = false

    @Flag(name: .shortAndLong, help: "Forward standard input even when it is a terminal.")
    var interactive = false

    @Option(
        help: ArgumentHelp("End the program after so long: 90, 90s, 5m, 1h.", valueName: "duration"),
        completion: .default, transform: once(Convert.duration))
    var timeout: Double?

    @Flag(help: "Keep the sandbox.")
    var keep = false

    @Argument(parsing: .captureForPassthrough, help: "Program and arguments.", completion: .default)
    var command: [String] = []

    func perform(_ context: Context) throws(SandboxError) -> Int32 {
        let command = try EntryGrammar.command(command)
        guard !command.isEmpty else { throw SandboxError(.usage, "no command is given") }
        if tty, !context.console.traits.inputIsTerminal {
            throw SandboxError(
                .usage, "'--tty' needs a terminal on standard input", hint: "leave it out to run without a terminal")
        }
        let forwards = interactive || !context.console.traits.inputIsTerminal
        let execution = ExecuteRequest(
            arguments: command, timeout: timeout, streams: tty ? .terminal : .caller(input: forwards),
            terminalType: EntryOptions.terminalType(context))

        let services = try context.makeServices()
        let name = try create(services, context)
        let status: Int32
        do throws(SandboxError) {
            status = conclude(try services.execute(name, execution), timeout: timeout, context)
        } catch {
            context.console.complain(error)
            status = Self.status(of: error)
        }
        guard !keep else {
            context.console.complain("sandbox '\(name)' is kept")
            return status
        }
        do throws(SandboxError) {
            try services.remove(name, grace: 0)
        } catch {
            // A program that succeeded must not hide that its sandbox is still there.
            context.console.complain(error.prefixed("remove sandbox '\(name)'"))
            return status == 0 ? Self.status(of: error) : status
        }
        return status
    }

    /// Creates the sandbox; one with a name of our own making gets another name when that one is taken.
    private func create(_ services: any Services, _ context: Context) throws(SandboxError) -> SandboxName {
        let given = name
        var request = try definition.request(context, start: true) { (_) throws(SandboxError) in
            if let given { return given }
            return try Self.randomName()
        }
        request.temporary = !keep
        for _ in 0..<3 where given == nil {
            do throws(SandboxError) {
                try services.create(request)
                return request.name
            } catch {
                guard error.code == .cannotCreate else { throw error }
                request.name = try Self.randomName()
            }
        }
        try services.create(request)
        return request.name
    }

    /// `run-` and six hexadecimal digits.
    private static func randomName() throws(SandboxError) -> SandboxName {
        let digits = String(UInt32.random(in: 0..<0x100_0000), radix: 16)
        return try SandboxName("run-" + String(repeating: "0", count: 6 - digits.count) + digits)
    }
}
