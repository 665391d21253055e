internal import ArgumentParser
internal import SandboxModel

/// `sandboxctl restart`: stops and starts.
struct RestartCommand: Verb {
    static let endsInOrder = true
    static let configuration = CommandConfiguration(
        commandName: "restart", abstract: "Stop and start sandboxes.")

    @OptionGroup var grace: GraceOption

    @OptionGroup var operands: BatchOptions

    func perform(_ context: Context) throws(SandboxError) -> Int32 {
        try operands.run(context) { (services, name) throws(SandboxError) in
            try services.restart(name, grace: grace.seconds)
        }
    }
}
