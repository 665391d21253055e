internal import ArgumentParser
internal import EgressPolicy
internal import SandboxEngine
internal import SandboxModel

/// The flags of `create` and `run` that say what the sandbox is.
struct DefinitionOptions: ParsableArguments {
    @Option(
        name: .shortAndLong, help: ArgumentHelp("Template: a name, or the path of a file.", valueName: "template"),
        completion: .templates, transform: once(Convert.text))
    var template: String?

    @Option(
        name: .shortAndLong, help: ArgumentHelp("Project directory, /workspace inside.", valueName: "directory"),
        completion: .directory, transform: once(Convert.text))
    var workspace: String?

    @Option(
        help: ArgumentHelp("How the workspace appears: bind or read-only.", valueName: "mode"),
        completion: .list(["bind", "read-only"]), transform: once(Convert.workspaceMode))
    var workspaceMode: WorkspaceMode?

    @Option(
        help: ArgumentHelp("Software tree: host, nix, or a directory with usr/.", valueName: "store"),
        completion: .directory, transform: once(Convert.store))
    var store: Store?

    @Option(
        help: ArgumentHelp("Network mode: none, restricted or full.", valueName: "mode"),
        completion: .list(NetworkMode.allCases.map(\.rawValue)), transform: once(Convert.network))
    var network: NetworkMode?

    @Option(
        help: ArgumentHelp(
            "Host that may be reached, HOST or HOST:PORT, with '*.' before it for all below; repeatable.",
            valueName: "host"), completion: .default, transform: Convert.rule)
    var allow: [EgressRule] = []

    @Option(
        help: ArgumentHelp("Secret, shown as /run/secrets/NAME; repeatable.", valueName: "name=file"),
        completion: .default, transform: Convert.secret)
    var secret: [Variable] = []

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("Environment variable of the agent; repeatable.", valueName: "name=value"),
        completion: .default, transform: Convert.variable)
    var env: [Variable] = []

    @Option(
        help: ArgumentHelp("Memory, such as 4G.", valueName: "size"), completion: .default,
        transform: once(Convert.size))
    var memory: ByteSize?

    @Option(
        help: ArgumentHelp("Processes and threads.", valueName: "number"), completion: .default,
        transform: once(Convert.tasks))
    var tasks: UInt64?

    @Option(
        help: ArgumentHelp("Processor time, in percent of one processor: 200%.", valueName: "percent"),
        completion: .default, transform: once(Convert.quota))
    var cpu: CPUQuota?

    @Option(
        help: ArgumentHelp("Size of the root.", valueName: "size"), completion: .default,
        transform: once(Convert.size))
    var rootSize: ByteSize?

    @Option(
        help: ArgumentHelp("Files and directories of the root.", valueName: "number"), completion: .default,
        transform: once(Convert.inodes))
    var rootInodes: UInt64?
}

extension DefinitionOptions {
    /// What is asked for, with the template found and changed by the flags.
    /// - Parameter name: makes the sandbox's name from the checked workspace.
    func request(
        _ context: Context, start: Bool, name: (Workspace?) throws(SandboxError) -> SandboxName
    ) throws(SandboxError) -> CreateRequest {
        let variables = try Variable.dictionary(env, flag: "--env")
        let files = try Variable.dictionary(secret, flag: "--secret")
        var checked: Workspace?
        if let workspace { checked = try WorkspaceCheck.check(workspace) }
        let name = try name(checked)
        var found = try context.catalog.resolve(self.template, workspace: checked)

        if let store { found.template.store = store }
        found.template.network = try policy(found.template.network)
        if let workspaceMode { found.template.workspaceMode = workspaceMode }
        if let memory { found.template.limits.memory = memory }
        if let tasks { found.template.limits.tasks = tasks }
        if let cpu { found.template.limits.cpu = cpu }
        if let rootSize { found.template.root.size = rootSize }
        if let rootInodes { found.template.root.inodes = rootInodes }
        found.template.agent.environment.merge(variables) { _, flag in flag }
        for (name, file) in files {
            found.template.secrets.removeAll { $0.name == name }
            let path = try WorkspaceCheck.absolute(file, what: "secret '\(name)'")
            found.template.secrets.append(Secret(name: name, source: .file(path), exposure: .file))
        }
        found.template.secrets.sort { $0.name < $1.name }
        return CreateRequest(
            name: name, templateName: found.name, template: found.template, workspace: checked, start: start)
    }

    /// The template's policy with what the flags say.
    private func policy(_ template: NetworkPolicy) throws(SandboxError) -> NetworkPolicy {
        var policy = template
        if let network { policy.mode = network }
        guard allow.isEmpty || policy.mode != .none else {
            throw SandboxError(
                .usage, "'--allow' means nothing in network mode 'none'", hint: "add '--network restricted'")
        }
        policy = policy.allowing(allow)
        for rule in allow { try policy.checkDenial(of: rule) }
        if let problem = policy.problem { throw SandboxError(.configuration, problem) }
        return policy
    }
}
