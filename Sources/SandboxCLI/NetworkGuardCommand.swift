internal import ArgumentParser
internal import SandboxModel

extension NetworkCommand {
    /// `network guard`: what the unit `sandboxctl-guard.service` runs while any sandbox has a link to the host's network.
    struct Guard: Verb {
        static let configuration = CommandConfiguration(
            commandName: "guard", abstract: "Put the host's rules for links back when they are thrown away.",
            shouldDisplay: false)

        func perform(_ context: Context) throws(SandboxError) -> Int32 {
            // A signal ends it wherever it is: what is half put back, the next guard finds.
            try context.makeServices().guardLinks { line in
                context.console.print(line)
                try? context.console.flush()
            }
        }
    }
}
