internal import ArgumentParser
internal import SandboxModel

/// `sandboxctl reset`: a new root for the same sandbox.
struct ResetCommand: Verb {
    static let endsInOrder = true
    static let configuration = CommandConfiguration(
        commandName: "reset", abstract: "Give sandboxes a new root.",
        discussion: "Workspace, definition and persistent directories stay; all else that was written is gone.")

    @OptionGroup var grace: GraceOption

    @OptionGroup var operands: BatchOptions

    func perform(_ context: Context) throws(SandboxError) -> Int32 {
        try operands.run(context) { (services, name) throws(SandboxError) in
            try services.reset(name, grace: grace.seconds)
        }
    }
}
