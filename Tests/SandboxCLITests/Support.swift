import EgressPolicy
import Foundation
import SandboxModel

@testable import SandboxCLI
@testable import SandboxEngine

/// Sandboxes in memory; remembers what was asked of it.
final class FakeServices: Services {
    var sandboxes: [SandboxSummary] = []
    var calls: [String] = []
    var changes: [NetworkChange] = []
    var created: CreateRequest?
    var executed: ExecuteRequest?
    var result = EntryResult(status: 0, timedOut: false, interruptedBy: nil, limits: [], output: [])
    var findings: [Finding] = []
    var doctorFindings: [DoctorFinding] = []
    var logLines: [String] = []
    /// What a verb throws, by `verb name`, or by `verb` for every name.
    var failures: [String: SandboxError] = [:]

    private func call(_ verb: String, _ name: SandboxName, _ detail: String = "") throws(SandboxError) {
        calls.append("\(verb) \(name)\(detail)")
        if let failure = failures["\(verb) \(name)"] ?? failures[verb] { throw failure }
    }

    func create(_ request: CreateRequest) throws(SandboxError) {
        try call("create", request.name)
        created = request
        sandboxes.append(
            Sample.summary(
                request.name, template: request.template, templateName: request.templateName, request.workspace))
    }
    func start(_ name: SandboxName) throws(SandboxError) { try call("start", name) }
    func stop(_ name: SandboxName, grace: Double) throws(SandboxError) { try call("stop", name, " \(grace)") }
    func restart(_ name: SandboxName, grace: Double) throws(SandboxError) { try call("restart", name, " \(grace)") }
    func reset(_ name: SandboxName, grace: Double) throws(SandboxError) { try call("reset", name, " \(grace)") }
    func remove(_ name: SandboxName, grace: Double) throws(SandboxError) { try call("remove", name, " \(grace)") }
    func list() throws(SandboxError) -> [SandboxSummary] { sandboxes }
    func status(_ name: SandboxName) throws(SandboxError) -> SandboxSummary {
        guard let found = sandboxes.first(where: { $0.name == name }) else {
            throw SandboxError(.notFound, "no sandbox named '\(name)'")
        }
        return found
    }
    func execute(_ name: SandboxName, _ request: ExecuteRequest) throws(SandboxError) -> EntryResult {
        try call("execute", name)
        executed = request
        return result
    }
    func change(_ name: SandboxName, _ change: NetworkChange) throws(SandboxError) -> NetworkOutcome {
        try call("network", name)
        changes.append(change)
        return NetworkOutcome(generation: 1, closed: 0, changed: true)
    }

    func explain(
        _ name: SandboxName, _ target: Explanation.Target, _ transport: Transport, port: UInt16
    ) throws(SandboxError) -> Explanation {
        calls.append("explain \(name) \(target) \(transport.rawValue) \(port)")
        return Explanation(steps: [
            Explanation.Step(judge: .resolver, isAllowed: false, verdict: "refuses the name: no rule allows this host")
        ])
    }
    func guardLinks(report: (String) -> Void) throws(SandboxError) -> Never {
        throw SandboxError(.internal, "no guard")
    }
    func refresh(_ name: SandboxName, onlyDue: Bool) throws(SandboxError) -> NetworkOutcome {
        try call("refresh", name)
        return NetworkOutcome(generation: 0, closed: 0, changed: false)
    }

    func networkStatus(_ name: SandboxName) throws(SandboxError) -> NetworkStatus {
        throw SandboxError(.notFound, "no sandbox named '\(name)'")
    }

    func verifyNetwork(_ name: SandboxName) throws(SandboxError) -> [String] { [] }

    func collect(force: Bool) throws(SandboxError) -> [Finding] {
        calls.append("collect \(force)")
        return findings
    }
    func plan(_ request: CreateRequest) throws(SandboxError) -> DryRunPlan {
        try call("plan", request.name)
        return DryRunPlan(
            unit: "sandbox-\(request.name).service", properties: [.init(name: "MemoryMax", value: "1024")],
            command: ["/usr/bin/systemd-nspawn", "--quiet"], mounts: [], rules: [])
    }
    func logs(
        _ name: SandboxName, _ request: LogRequest, line: (String) throws(SandboxError) -> Void
    ) throws(SandboxError) {
        try call("logs", name, " \(request)")
        for text in logLines { try line(text) }
    }
    func copy(from source: CopyEnd, to destination: CopyEnd) throws(SandboxError) {
        calls.append("copy \(source) \(destination)")
    }
    func doctor() throws(SandboxError) -> [DoctorFinding] { doctorFindings }
}

/// Values to show.
enum Sample {
    static let now: Int64 = 1_800_000_000_000_000

    static func name(_ text: String) -> SandboxName {
        do { return try SandboxName(text) } catch { preconditionFailure("'\(text)' is a name") }
    }

    static func summary(
        _ name: SandboxName, state: SandboxState = .running, template: Template = Template(),
        templateName: String = "default", _ workspace: Workspace? = nil
    ) -> SandboxSummary {
        let record = SandboxRecord(
            id: "0123456789abcdef", name: name, phase: .created, templateName: templateName, template: template,
            workspace: workspace, uidBase: 524_288, createdAt: now - 200_000_000)
        guard state == .running else {
            return SandboxSummary(name: name, state: state, record: record, run: nil, usage: nil, problem: nil)
        }
        let run = RunRecord(
            id: record.id, leader: 4242, leaderStart: 1, cgroup: "machine.slice/sandbox-\(name).service",
            startedAt: now - 59_000_000, weakenings: [])
        var usage = Usage()
        usage.memory = 12 << 20
        usage.memoryPeak = 15 << 20
        usage.tasks = 3
        usage.cpu = 1_234_567
        usage.root = 3 << 20
        usage.rootInodes = 120
        return SandboxSummary(name: name, state: .running, record: record, run: run, usage: usage, problem: nil)
    }
}

/// Runs command lines in this process, against fakes and directories of its own.
final class Bench {
    let services = FakeServices()
    let directory: String
    var isRoot = true
    var inputIsTerminal = false
    var colours = false
    var signal: Int32?
    private(set) var watchesSignals = false
    var variables: [String: String] = [:]
    var outputFailure: Console.Failure?
    private(set) var output = ""
    private(set) var error = ""

    init() throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("sandboxctl-\(UUID().uuidString)")
        for part in ["etc", "share", "state", "work"] {
            try FileManager.default.createDirectory(
                at: url.appendingPathComponent(part), withIntermediateDirectories: true)
        }
        directory = url.resolvingSymlinksInPath().path
        try write("share/default.toml", "version = 1\n")
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    /// An absolute path in the directory.
    func path(_ relative: String) -> String { "\(directory)/\(relative)" }

    func write(_ relative: String, _ text: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path(relative)))
    }

    /// Runs one command line; output and error are what this one wrote.
    @discardableResult
    func run(_ arguments: String...) -> Int32 { run(list: arguments) }

    @discardableResult
    func run(list arguments: [String]) -> Int32 {
        output = ""
        error = ""
        let console = Console(
            traits: .init(inputIsTerminal: inputIsTerminal, colours: colours, errorIsTerminal: false)
        ) { [self] (text: String) throws(Console.Failure) in
            if let outputFailure { throw outputFailure }
            output += text
        } error: { [self] in
            error += $0
        }
        let services = services
        let context = Context(
            console: console, makeServices: { () throws(SandboxError) in services },
            catalog: TemplateCatalog(
                directories: [path("etc"), path("share")], trust: TrustStore(directory: path("state"))),
            isRoot: isRoot, now: { Sample.now }, environment: { [variables] in variables[$0] },
            watchSignals: { [self] in watchesSignals = true }, interruption: { [signal] in signal },
            pause: { _ in })
        return CommandLineTool.run(arguments, context)
    }

    /// What was written, as JSON.
    func json() throws -> Any { try JSONSerialization.jsonObject(with: Data(output.utf8), options: .fragmentsAllowed) }
}
