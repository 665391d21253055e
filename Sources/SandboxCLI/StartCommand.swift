internal import ArgumentParser
internal import SandboxModel

/// `sandboxctl start`: brings stopped sandboxes up again.
struct StartCommand: Verb {
    static let endsInOrder = true
    static let configuration = CommandConfiguration(
        commandName: "start", abstract: "Start sandboxes.")

    @OptionGroup var operands: BatchOptions

    func perform(_ context: Context) throws(SandboxError) -> Int32 {
        try operands.run(context) { (services, name) throws(SandboxError) in
            try services.start(name)
        }
    }
}
