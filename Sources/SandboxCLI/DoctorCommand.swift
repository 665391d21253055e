internal import ArgumentParser
internal import SandboxModel

/// `sandboxctl doctor`: whether this host can hold sandboxes.
struct DoctorCommand: Verb {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Check whether this host can hold sandboxes.",
        discussion: "The exit status is 69 when something is found that keeps sandboxes from working.")

    @Flag(help: "Print JSON.")
    var json = false

    func perform(_ context: Context) throws(SandboxError) -> Int32 {
        let findings = try context.makeServices().doctor()
        if json {
            context.console.print(try JSON.text(findings))
        } else {
            for line in DoctorText.lines(findings, colours: context.console.traits.colours) {
                context.console.print(line)
            }
        }
        return findings.contains { $0.level == .problem } ? SandboxError.Code.unavailable.rawValue : 0
    }
}
