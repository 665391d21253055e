internal import ArgumentParser
internal import SandboxModel

extension NetworkCommand {
    /// `network guard`: what the unit `sandboxctl-guard.service` runs while any sandbox has a link to the host's network.
    struct Guard: Verb {
        static let configuration = CommandConfiguration(
            commandName: "guard", abstract: "Put the host's rules for links back when they are thrown away.",
            shouldDisplay: false)

        func perform(_ context: Context) throws(SandboxError) -> Int32 {
            context.watchSignals()
            try context.makeServices().guardLinks(until: { context.interruption() != nil }) { line in
                context.console.print(line)
            }
            return 0
        }
    }
}
