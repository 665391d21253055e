internal import ArgumentParser
internal import SandboxEngine
internal import SandboxModel

/// `sandboxctl create`: a new sandbox, ready and verified when the command returns.
struct CreateCommand: Verb {
    static let endsInOrder = true
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Create a sandbox and start it.",
        usage: "sandboxctl create [<options>] [<name>]",
        discussion: "Without a name, the sandbox is named after the workspace's directory.")

    @OptionGroup var definition: DefinitionOptions

    @Flag(help: "Do not start it.")
    var noStart = false

    @Flag(help: "Show what would be done, and do nothing.")
    var dryRun = false

    @Flag(help: "Print JSON.")
    var json = false

    @Argument(help: "Name of the sandbox.", completion: .default)
    var name: String?

    func perform(_ context: Context) throws(SandboxError) -> Int32 {
        var given: SandboxName?
        if let name { given = try SandboxName(name) }
        if given == nil, definition.workspace == nil {
            throw SandboxError(
                .usage, "neither a name nor a workspace is given",
                hint: "'sandboxctl create NAME', or '--workspace DIRECTORY' to name it after a directory")
        }
        let request = try definition.request(context, start: !noStart) { (workspace) throws(SandboxError) in
            if let given { return given }
            return try Self.derivedName(workspace)
        }
        let services = try context.makeServices()
        if dryRun {
            let plan = try services.plan(request)
            context.console.print(
                json ? try JSON.text(PlanView(request, plan)) : PlanText.lines(request, plan).joined(separator: "\n"))
            return 0
        }
        try services.create(request)
        if json {
            context.console.print(try JSON.text(SandboxView(try services.status(request.name), now: context.now())))
        } else {
            context.console.print("\(request.name)")
        }
        return 0
    }

    private static func derivedName(_ workspace: Workspace?) throws(SandboxError) -> SandboxName {
        let base = workspace?.path.split(separator: "/").last.map(String.init) ?? ""
        guard let name = SandboxName.derived(fromDirectory: base) else {
            throw SandboxError(
                .usage, "no name can be made from the directory '\(base)'", hint: "give the sandbox a name")
        }
        return name
    }
}
