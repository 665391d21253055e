internal import ArgumentParser
internal import SandboxModel

/// `sandboxctl cp`: files into a sandbox and out of it.
struct CopyCommand: Verb {
    static let configuration = CommandConfiguration(
        commandName: "cp", abstract: "Copy a file or directory into or out of a sandbox.",
        discussion: "One of the two is NAME:PATH; write ./PATH for a path of the host with a colon in it.")

    @Argument(help: "Where from: PATH or NAME:PATH.", completion: .file())
    var source: String

    @Argument(help: "Where to: PATH or NAME:PATH.", completion: .file())
    var destination: String

    func perform(_ context: Context) throws(SandboxError) -> Int32 {
        let source = try Self.end(source)
        let destination = try Self.end(destination)
        switch (source, destination) {
        case (.host, .sandbox), (.sandbox, .host):
            // What is half made on the host is taken away; what is half made inside ends with the sandbox.
            if case .sandbox = source { context.watchSignals() }
            try context.makeServices().copy(from: source, to: destination)
            return 0
        case (.host, .host):
            throw SandboxError(.usage, "neither path is in a sandbox", hint: "write one of them as NAME:PATH")
        case (.sandbox, .sandbox):
            throw SandboxError(.usage, "both paths are in a sandbox", hint: "copy to the host first, then from there")
        }
    }

    /// What an operand means: a sandbox's where the text before the first colon holds no slash.
    static func end(_ text: String) throws(SandboxError) -> CopyEnd {
        guard !text.isEmpty else { throw SandboxError(.usage, "a path is empty") }
        guard let colon = text.firstIndex(of: ":"), !text[..<colon].contains("/") else { return .host(text) }
        let path = String(text[text.index(after: colon)...])
        let name = try SandboxName(String(text[..<colon]))
        guard !path.isEmpty else { throw SandboxError(.usage, "no path is given after '\(name):'") }
        return .sandbox(name, path)
    }
}
