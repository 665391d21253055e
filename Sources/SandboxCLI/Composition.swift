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
                    store: FileRecordStore(paths: paths), host: host, progress: { console.progress($0) })
                return EngineServices(engine: engine, tools: NspawnTools(engine: engine, host: host, console: console))
            },
            catalog: .installed(state: paths.state), isRoot: ThisProcess.isRoot, now: { Clock.realtime },
            environment: { ThisProcess.environment($0) }, watchSignals: Interruptions.watch,
            interruption: Interruptions.last)
    }
}

/// What the host offers besides sandboxes.
struct NspawnTools: HostTools {
    let engine: SandboxEngine<FileRecordStore, NspawnBackend>
    let host: NspawnBackend
    let console: Console

    func plan(_ request: CreateRequest) throws(SandboxError) -> DryRunPlan { throw missing("--dry-run") }

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

    func doctor() throws(SandboxError) -> [DoctorFinding] { throw missing("doctor") }

    func logs(
        _ name: SandboxName, _ request: LogRequest, line: (String) throws(SandboxError) -> Void
    ) throws(SandboxError) {
        throw missing("logs")
    }

    private func missing(_ verb: String) -> SandboxError {
        SandboxError(.unavailable, "'\(verb)' is not available in this version")
    }
}
