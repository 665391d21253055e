internal import ArgumentParser
internal import SandboxModel

/// `sandboxctl logs`: what the sandbox's unit wrote to the journal.
struct LogsCommand: Verb {
    static let configuration = CommandConfiguration(commandName: "logs", abstract: "Show the log of a sandbox.")

    @Flag(name: .shortAndLong, help: "Wait for more.")
    var follow = false

    @Option(
        name: [.customShort("n"), .long], help: ArgumentHelp("Only the last lines.", valueName: "number"),
        completion: .default, transform: once(Convert.count))
    var lines: UInt64?

    @Flag(help: "Print each entry as a line of JSON.")
    var json = false

    @Argument(help: "Name of the sandbox.", completion: .sandboxes)
    var name: String

    func perform(_ context: Context) throws(SandboxError) -> Int32 {
        let request = LogRequest(lines: lines.map { Int($0) }, follow: follow, json: json)
        let console = context.console
        try context.makeServices().logs(try SandboxName(name), request) { (line) throws(SandboxError) in
            console.print(json ? JSON.printable(line) : line.escapingControls)
            try console.flush()
        }
        return 0
    }
}
