internal import ArgumentParser
internal import SandboxModel

/// `sandboxctl stop`: ends sandboxes and everything in them.
struct StopCommand: Verb {
    static let endsInOrder = true
    static let configuration = CommandConfiguration(
        commandName: "stop", abstract: "Stop sandboxes and everything in them.")

    @OptionGroup var grace: GraceOption

    @OptionGroup var operands: BatchOptions

    func perform(_ context: Context) throws(SandboxError) -> Int32 {
        try operands.run(context) { (services, name) throws(SandboxError) in
            try services.stop(name, grace: grace.seconds)
        }
    }
}
