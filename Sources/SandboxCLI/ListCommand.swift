internal import ArgumentParser
internal import SandboxEngine
internal import SandboxModel

/// `sandboxctl list`: every sandbox in a line.
struct ListCommand: Verb {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List sandboxes.", aliases: ["ls"])

    @Flag(help: "Print JSON.")
    var json = false

    @Flag(name: .shortAndLong, help: "Print names only.")
    var quiet = false

    func perform(_ context: Context) throws(SandboxError) -> Int32 {
        guard !(json && quiet) else { throw SandboxError(.usage, "'--json' and '--quiet' exclude each other") }
        let sandboxes = try context.makeServices().list()
        let console = context.console
        if quiet {
            for sandbox in sandboxes { console.print("\(sandbox.name)") }
        } else if json {
            console.print(try JSON.text(sandboxes.map { SandboxView($0, now: context.now()) }))
        } else {
            for line in SandboxTable.lines(sandboxes, now: context.now(), colours: console.traits.colours) {
                console.print(line)
            }
        }
        return 0
    }
}
