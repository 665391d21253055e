internal import ArgumentParser
internal import SandboxModel

/// `sandboxctl remove`: removes sandboxes and all that belongs to them.
struct RemoveCommand: Verb {
    static let endsInOrder = true
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Remove sandboxes.",
        discussion: "The workspace is never touched.", aliases: ["rm"])

    @OptionGroup var grace: GraceOption

    @OptionGroup var operands: BatchOptions

    func perform(_ context: Context) throws(SandboxError) -> Int32 {
        try operands.run(context) { (services, name) throws(SandboxError) in
            try services.remove(name, grace: grace.seconds)
        }
    }
}
