internal import LinuxKit
internal import NspawnBackend
internal import SandboxEngine
internal import SandboxModel

/// Where everything is put together. The only file that knows the real backend.
enum Composition {
    /// The context of a command of this process.
    static func context(console: Console) -> Context {
        var paths = HostPaths()
        if let prefix = Installation.prefix { paths.programs = "\(prefix)/libexec/sandboxctl" }
        return Context(
            console: console,
            makeServices: { () throws(SandboxError) in
                let host = NspawnBackend(
                    paths: paths, configuration: try Installation.configuration(), interruptions: Interruptions.last)
                let engine = SandboxEngine(
                    store: FileRecordStore(paths: paths), host: host, events: JournalEvents(),
                    progress: { console.progress($0) })
                return EngineServices(engine: engine, tools: NspawnTools(engine: engine, host: host, console: console))
            },
            catalog: .installed(state: paths.state), isRoot: ThisProcess.isRoot, now: { Clock.realtime },
            environment: { ThisProcess.environment($0) }, watchSignals: Interruptions.watch,
            interruption: Interruptions.last, pause: ThisProcess.pause)
    }
}

/// What the host offers besides sandboxes.
struct NspawnTools: HostTools {
    let engine: SandboxEngine<FileRecordStore, NspawnBackend>
    let host: NspawnBackend
    let console: Console

    func plan(_ request: CreateRequest) throws(SandboxError) -> DryRunPlan {
        let plan = try host.plan(request)
        return DryRunPlan(
            unit: plan.unit, properties: plan.properties.map { DryRunPlan.Property(name: $0.name, value: $0.value) },
            command: plan.command,
            mounts: plan.mounts.map {
                DryRunPlan.Mount(
                    source: $0.source, target: $0.target, readOnly: $0.readOnly, ownership: $0.ownership)
            },
            rules: plan.rules)
    }

    func copy(from source: CopyEnd, to destination: CopyEnd) throws(SandboxError) {
        let console = self.console
        let note = { (line: String) in console.complain(line.escapingControls) }
        switch (source, destination) {
        case (.sandbox(let name, let path), .host(let target)):
            let (record, run) = try engine.running(name)
            try host.copyOut(record, run, path, to: try HostPath.absolute(target), note: note)
        case (.host(let file), .sandbox(let name, let path)):
            let (record, run) = try engine.running(name)
            try host.copyIn(record, run, try HostPath.absolute(file), to: path, note: note)
        case (.host, .host), (.sandbox, .sandbox):
            throw SandboxError(.usage, "one of the two paths is in a sandbox, the other is not")
        }
    }

    func doctor() throws(SandboxError) -> [DoctorFinding] {
        // The working directory, too: a workspace is most often what one stands in.
        let known = try engine.list().compactMap { $0.record?.workspace?.path }
        let here = try? HostPath.absolute(".")
        return host.doctor(workspaces: known + (here.map { [$0] } ?? [])).map { finding in
            let level: DoctorFinding.Level =
                switch finding.level {
                case .ok: .ok
                case .warning: .warning
                case .problem: .problem
                }
            return DoctorFinding(
                level: level, check: finding.check, found: finding.found, why: finding.why, mend: finding.mend)
        }
    }

    func guardLinks(report: (String) -> Void) throws(SandboxError) -> Never {
        let watch = try LinkWatch()
        watch.notifyReady()
        var isBusy = false
        // Whatever happened while nobody looked is put back first.
        var change = LinkWatch.Event.rules
        while true {
            do throws(SandboxError) {
                let found = try host.repairLinks()
                for line in found { report("put back: \(line)") }
                // Rules of others alone concern no sandbox.
                if change != .rules || !found.isEmpty || isBusy {
                    let problems = try engine.reapplyLinked()
                    for problem in problems where problem.code != .temporary { report("\(problem)") }
                    isBusy = problems.contains { $0.code == .temporary }
                }
            } catch {
                report("\(error)")
            }
            // What others hold is tried again after a second; what fails, at the next change.
            change = try watch.next(seconds: isBusy ? 1 : nil)
        }
    }

    func logs(
        _ name: SandboxName, _ request: LogRequest, line: (String) throws(SandboxError) -> Void
    ) throws(SandboxError) {
        // A sandbox that was removed has a log still; a name that never was one has not. What was said of earlier
        // sandboxes of the name is left out while there is one.
        var summary: SandboxSummary?
        var missing: SandboxError?
        do throws(SandboxError) { summary = try engine.status(name) } catch { missing = error }
        var isEmpty = true
        try host.logs(
            name, lines: request.lines, since: summary?.record?.createdAt ?? 0, follow: request.follow && missing == nil
        ) { (entry) throws(SandboxError) in
            isEmpty = false
            try line(request.json ? try JSON.line(LogView(entry)) : LogText.line(entry))
            return true
        }
        if let missing, isEmpty { throw missing }
    }
}
