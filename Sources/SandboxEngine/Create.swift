internal import EgressPolicy
public import SandboxModel

/// What `create` is asked for, checked as far as words can be.
public struct CreateRequest: Sendable {
    /// Name of the new sandbox.
    public var name: SandboxName
    /// Where the template came from.
    public var templateName: String
    /// The template with the command line's changes.
    public var template: Template
    /// The project directory.
    public var workspace: Workspace?
    /// Whether to start it.
    public var start: Bool
    /// Whether it is for this command alone, which removes it at its end.
    public var temporary: Bool

    /// A request with all its parts.
    public init(
        name: SandboxName, templateName: String, template: Template, workspace: Workspace?, start: Bool = true,
        temporary: Bool = false
    ) {
        self.name = name
        self.templateName = templateName
        self.template = template
        self.workspace = workspace
        self.start = start
        self.temporary = temporary
    }
}

extension SandboxEngine {
    /// Makes a sandbox and, unless told otherwise, starts it. All or nothing.
    /// - Throws: `cannotCreate` when the name is taken.
    public func create(_ request: CreateRequest) throws(SandboxError) {
        let name = request.name
        // Held to the end: whoever else wants the name is told that it is taken.
        let lock: any SandboxLock
        do throws(SandboxError) {
            lock = try store.lock(name, wait: false)
        } catch {
            guard error.code == .temporary else { throw error }
            throw SandboxError(.cannotCreate, "sandbox '\(name)' exists: another command is at work on it")
        }
        defer { withExtendedLifetime(lock) {} }
        if try store.load(name) != nil {
            throw SandboxError(
                .cannotCreate, "sandbox '\(name)' exists",
                hint: "choose another name, or remove it with 'sandboxctl remove \(name)'")
        }

        var record = SandboxRecord(
            id: newID(), name: name, phase: .creating, templateName: request.templateName, template: request.template,
            workspace: request.workspace, uidBase: 0, createdAt: host.now())
        if request.temporary { record.owner = host.ownProcess() }
        let weakenings = try host.check(record)
        try host.checkNetwork(record, try compile(&record))
        try host.ensureUnused(name)
        var steps = Steps("create", on: host)
        record.uidBase = try steps.step("range") { () throws(SandboxError) in
            try store.claimRange(name)
        } undo: { () throws(SandboxError) in
            try store.releaseRange(name)
        }
        try steps.step("record") { () throws(SandboxError) in
            // A directory without a record is what an interrupted create or remove left: not part of the new sandbox.
            try store.remove(name)
            try host.removeNetworkState(name)
            try store.save(record)
        } undo: { () throws(SandboxError) in
            try host.removeNetworkState(name)
            try store.remove(name)
        }
        if request.start { try bringUp(&record, weakenings, &steps) }
        record.phase = .created
        _ = try steps.step("commit") { () throws(SandboxError) in try store.save(record) }
        events.record(.created, record)
        if request.start { events.record(.started, record) }
    }

    /// The steps from a definition to a running, verified, set-up sandbox; shared by create, start and reset.
    func bringUp(
        _ record: inout SandboxRecord, _ weakenings: [Weakening], _ steps: inout Steps<Host>
    ) throws(SandboxError) {
        let name = record.name
        let before = record
        let policy = try compile(&record)
        let fixed = record
        // An address is never given out before it is written down whose it is.
        if fixed != before { try steps.step("policy") { () throws(SandboxError) in try store.save(fixed) } }
        let connected = try steps.step("network") { () throws(SandboxError) in
            try host.makeNetwork(fixed)
            _ = try host.applyNetwork(fixed, policy, beforeLaunch: true)
            var connected = fixed
            if !policy.lookups.isEmpty {
                _ = try refreshAddresses(&connected, of: policy.lookups)
            } else if fixed.template.network.hasDirectEnd {
                try host.scheduleRefresh(name, isWanted: true)
            }
            return connected
        } undo: { () throws(SandboxError) in
            // In this order: whether there is a gateway to end is among what ends with the run.
            try host.removeNetwork(name)
            try store.removeRun(name)
        }
        record = connected
        let machine = try steps.step("launch") { () throws(SandboxError) in
            try host.launch(connected, weakenings)
        } undo: { () throws(SandboxError) in
            try host.stop(name, grace: 0)
        }
        _ = try steps.step("verify") { () throws(SandboxError) in try machine.verify() }
        let run = try steps.step("release") { () throws(SandboxError) in try machine.release() }
        _ = try steps.step("run") { () throws(SandboxError) in try store.saveRun(run, name) }
        if !record.setUp {
            _ = try steps.step("setup") { () throws(SandboxError) in try setUp(connected, run) }
            record.setUp = true
        }
    }

    /// Runs the template's setup lines, each as the agent.
    private func setUp(_ record: SandboxRecord, _ run: RunRecord) throws(SandboxError) {
        for (index, line) in record.template.agent.setup.enumerated() {
            progress("setup \(index + 1)/\(record.template.agent.setup.count): \(line)")
            let user = try SandboxUsers.resolve(nil, in: record.template.agent)
            let request = EntryRequest(
                arguments: ["/bin/sh", "-c", line], environment: try environment(of: record, user, [:], terminal: nil),
                directory: workDirectory(of: record, user), user: user, streams: .collected(limit: 65536), timeout: nil)
            let result = try host.enter(record, run, request)
            if let signal = result.interruptedBy {
                throw SandboxError(.temporary, "setup was interrupted by signal \(signal)")
            }
            guard result.status == 0 else {
                let said = String(decoding: result.output.suffix(2000), as: UTF8.self)
                let tail = said.split(separator: "\n").suffix(3).joined(separator: " | ")
                throw SandboxError(
                    .configuration, "setup line \(index + 1) '\(line)' failed with status \(result.status)",
                    hint: result.limits.first?.summary, cause: tail.isEmpty ? nil : tail)
            }
        }
    }

    private func newID() -> String {
        let number = UInt64.random(in: 1...UInt64.max)
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
