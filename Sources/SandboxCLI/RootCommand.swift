internal import ArgumentParser

/// `sandboxctl` itself.
struct RootCommand: ParsableCommand {
    /// The version that `--version` prints.
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "sandboxctl",
        abstract: "Disposable machines for programs you do not trust.",
        version: "sandboxctl \(version)",
        groupedSubcommands: [
            CommandGroup(
                name: "Sandboxes",
                subcommands: [
                    CreateCommand.self, RunCommand.self, ExecCommand.self, ShellCommand.self, CopyCommand.self,
                    ResetCommand.self, StopCommand.self, StartCommand.self, RestartCommand.self, RemoveCommand.self,
                ]),
            CommandGroup(name: "Network", subcommands: [NetworkCommand.self]),
            CommandGroup(
                name: "Inspection", subcommands: [ListCommand.self, StatusCommand.self, LogsCommand.self]),
            CommandGroup(
                name: "Host", subcommands: [TemplateCommand.self, CollectCommand.self, DoctorCommand.self]),
        ])
}
