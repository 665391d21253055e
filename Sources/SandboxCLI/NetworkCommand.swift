internal import ArgumentParser

/// `sandboxctl network`: what a sandbox reaches, seen and changed while it runs.
struct NetworkCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "network", abstract: "Show and change what a sandbox reaches.",
        subcommands: [
            Show.self, Allow.self, Deny.self, Set.self, Refresh.self, Explain.self, Verify.self, Denied.self,
            Guard.self,
        ])
}
