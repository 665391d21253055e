internal import ArgumentParser
internal import SandboxEngine
internal import SandboxModel

/// `sandboxctl gc`: finishes or undoes what a crash left.
struct CollectCommand: Verb {
    static let endsInOrder = true
    static let configuration = CommandConfiguration(
        commandName: "gc", abstract: "Find what a crash left, and with --force clear it.",
        discussion: "Never touches a stopped sandbox, nor anything that is not ours.")

    @Flag(help: "Act; without it nothing is changed.")
    var force = false

    @Flag(help: "Print JSON.")
    var json = false

    func perform(_ context: Context) throws(SandboxError) -> Int32 {
        let findings = try context.makeServices().collect(force: force)
        if json {
            context.console.print(try JSON.text(findings.map { FindingView($0, done: force) }))
            return 0
        }
        for finding in findings {
            let text = "\(finding.sandbox): \(finding.problem); \(force ? "done" : "would"): \(finding.action)"
            context.console.print(text.escapingControls)
        }
        if !findings.isEmpty, !force { context.console.progress("'sandboxctl gc --force' does it") }
        return 0
    }
}
