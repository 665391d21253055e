internal import ArgumentParser
internal import SandboxModel

/// `sandboxctl status`: all that is known of one sandbox.
struct StatusCommand: Verb {
    static let configuration = CommandConfiguration(commandName: "status", abstract: "Show one sandbox.")

    @Flag(help: "Print JSON.")
    var json = false

    @Argument(help: "Name of the sandbox.", completion: .sandboxes)
    var name: String

    func perform(_ context: Context) throws(SandboxError) -> Int32 {
        let sandbox = try context.makeServices().status(try SandboxName(name))
        if json {
            context.console.print(try JSON.text(SandboxView(sandbox, now: context.now())))
        } else {
            for line in StatusText.lines(sandbox, now: context.now(), colours: context.console.traits.colours) {
                context.console.print(line)
            }
        }
        return 0
    }
}
