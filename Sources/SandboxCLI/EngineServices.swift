internal import EgressPolicy
internal import SandboxEngine
internal import SandboxModel

/// What verbs need of the host besides the engine.
protocol HostTools {
    func plan(_ request: CreateRequest) throws(SandboxError) -> DryRunPlan
    func logs(_ name: SandboxName, _ request: LogRequest, line: (String) throws(SandboxError) -> Void)
        throws(SandboxError)
    func copy(from source: CopyEnd, to destination: CopyEnd) throws(SandboxError)
    func doctor() throws(SandboxError) -> [DoctorFinding]
    func guardLinks(report: (String) -> Void) throws(SandboxError) -> Never
}

/// The services as an engine and the host's tools offer them.
struct EngineServices<Store: RecordStore, Host: Backend, Tools: HostTools>: Services {
    let engine: SandboxEngine<Store, Host>
    let tools: Tools

    func create(_ request: CreateRequest) throws(SandboxError) { try engine.create(request) }
    func start(_ name: SandboxName) throws(SandboxError) { try engine.start(name) }
    func stop(_ name: SandboxName, grace: Double) throws(SandboxError) { try engine.stop(name, grace: grace) }
    func restart(_ name: SandboxName, grace: Double) throws(SandboxError) { try engine.restart(name, grace: grace) }
    func reset(_ name: SandboxName, grace: Double) throws(SandboxError) { try engine.reset(name, grace: grace) }
    func remove(_ name: SandboxName, grace: Double) throws(SandboxError) { try engine.remove(name, grace: grace) }
    func list() throws(SandboxError) -> [SandboxSummary] { try engine.list() }
    func status(_ name: SandboxName) throws(SandboxError) -> SandboxSummary { try engine.status(name) }
    func change(_ name: SandboxName, _ change: NetworkChange) throws(SandboxError) -> NetworkOutcome {
        try engine.change(name, change)
    }
    func refresh(_ name: SandboxName, onlyDue: Bool) throws(SandboxError) -> NetworkOutcome {
        try engine.refresh(name, onlyDue: onlyDue)
    }
    func guardLinks(report: (String) -> Void) throws(SandboxError) -> Never {
        try tools.guardLinks(report: report)
    }
    func networkStatus(_ name: SandboxName) throws(SandboxError) -> NetworkStatus { try engine.networkStatus(name) }
    func explain(
        _ name: SandboxName, _ target: Explanation.Target, _ transport: Transport, port: UInt16
    ) throws(SandboxError) -> Explanation {
        try engine.explain(name, target, transport, port: port)
    }
    func verifyNetwork(_ name: SandboxName) throws(SandboxError) -> [String] { try engine.verifyNetwork(name) }
    func collect(force: Bool) throws(SandboxError) -> [Finding] { try engine.collect(force: force) }

    func execute(_ name: SandboxName, _ request: ExecuteRequest) throws(SandboxError) -> EntryResult {
        try engine.execute(name, request)
    }

    func plan(_ request: CreateRequest) throws(SandboxError) -> DryRunPlan { try tools.plan(request) }
    func copy(from source: CopyEnd, to destination: CopyEnd) throws(SandboxError) {
        try tools.copy(from: source, to: destination)
    }
    func doctor() throws(SandboxError) -> [DoctorFinding] { try tools.doctor() }

    func logs(
        _ name: SandboxName, _ request: LogRequest, line: (String) throws(SandboxError) -> Void
    ) throws(SandboxError) {
        try tools.logs(name, request, line: line)
    }
}
