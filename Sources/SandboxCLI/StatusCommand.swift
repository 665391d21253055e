internal import ArgumentParser
internal import SandboxEngine
internal import SandboxModel

/// `sandboxctl status`: all that is known of one sandbox.
struct StatusCommand: Verb {
    static let configuration = CommandConfiguration(commandName: "status", abstract: "Show one sandbox.")

    @Flag(help: "Print JSON.")
    var json = false

    @Argument(help: "Name of the sandbox.", completion: .sandboxes)
    var name: String

    func perform(_ context: Context) throws(SandboxError) -> Int32 {
        let services = try context.makeServices()
        let sandbox = try services.status(try SandboxName(name))
        var network: NetworkStatus?
        if sandbox.run != nil, sandbox.record?.template.network.egressBudget != nil {
            network = try services.networkStatus(sandbox.name)
        }
        let budget = BudgetView(network)
        if json {
            var view = SandboxView(sandbox, now: context.now())
            view.budget = budget
            context.console.print(try JSON.text(view))
        } else {
            let colours = context.console.traits.colours
            for line in StatusText.lines(sandbox, budget, now: context.now(), colours: colours) {
                context.console.print(line)
            }
        }
        return 0
    }
}
