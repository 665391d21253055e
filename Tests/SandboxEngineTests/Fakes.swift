import EgressPolicy
import SandboxEngine
import SandboxModel

/// What happened, in order, and which call is to fail. Shared by the fake store and the fake machine, so that one
/// number names any call that a verb makes.
final class Trace {
    private(set) var calls: [String] = []
    /// Number of the call that fails; none when nil.
    var failing: Int?
    /// Names of calls that always fail.
    var broken: Set<String> = []

    /// Notes a call; fails when it is its turn. A call that fails has already done its work when `fail` is asked
    /// after it: both halves are of interest, so each call asks once before.
    func call(_ name: String) throws(SandboxError) {
        calls.append(name)
        if failing == calls.count || broken.contains(name) {
            throw SandboxError(.internal, "\(name) fails")
        }
    }

    func clear() { calls = [] }
}

/// Records in a dictionary.
final class FakeStore: RecordStore {
    let trace: Trace
    var records: [SandboxName: SandboxRecord] = [:]
    var corrupt: Set<SandboxName> = []
    var runs: [SandboxName: RunRecord] = [:]
    var ranges: [SandboxName: UInt32] = [:]
    /// Names another command holds.
    var locked: Set<SandboxName> = []
    private(set) var held: [SandboxName: Int] = [:]

    init(_ trace: Trace) { self.trace = trace }

    private final class Held: SandboxLock {
        let store: FakeStore
        let name: SandboxName
        init(_ store: FakeStore, _ name: SandboxName) {
            self.store = store
            self.name = name
            store.held[name, default: 0] += 1
        }
        deinit { store.held[name] = nil }
    }

    func names() throws(SandboxError) -> [SandboxName] {
        try trace.call("names")
        return Array(Set(records.keys).union(corrupt)).sorted()
    }

    func load(_ name: SandboxName) throws(SandboxError) -> SandboxRecord? {
        try trace.call("load")
        if corrupt.contains(name) { throw SandboxError(.dataError, "the record of '\(name)' cannot be read") }
        return records[name]
    }

    func save(_ record: SandboxRecord) throws(SandboxError) {
        try trace.call("save \(record.phase.rawValue)")
        records[record.name] = record
    }

    func remove(_ name: SandboxName) throws(SandboxError) {
        try trace.call("remove record")
        records[name] = nil
        corrupt.remove(name)
    }

    func loadRun(_ name: SandboxName) throws(SandboxError) -> RunRecord? {
        try trace.call("load run")
        return runs[name]
    }

    func saveRun(_ run: RunRecord, _ name: SandboxName) throws(SandboxError) {
        try trace.call("save run")
        runs[name] = run
    }

    func removeRun(_ name: SandboxName) throws(SandboxError) {
        try trace.call("remove run")
        runs[name] = nil
    }

    func claimRange(_ name: SandboxName) throws(SandboxError) -> UInt32 {
        try trace.call("claim range")
        let base = ranges[name] ?? UInt32(1 + ranges.count) * 65536
        ranges[name] = base
        return base
    }

    func releaseRange(_ name: SandboxName) throws(SandboxError) {
        try trace.call("release range")
        ranges[name] = nil
    }

    func claimants() throws(SandboxError) -> Set<String> {
        try trace.call("claimants")
        return Set(ranges.keys.map(\.description)).union(runs.keys.map(\.description))
    }

    func lock(_ name: SandboxName, wait: Bool) throws(SandboxError) -> any SandboxLock {
        if locked.contains(name) || held[name] != nil {
            throw SandboxError(.temporary, "another command is at work on '\(name)'")
        }
        return Held(self, name)
    }

    func isLocked(_ name: SandboxName) -> Bool { locked.contains(name) || held[name] != nil }
}

/// A machine without a kernel.
final class FakeHost: Backend {
    let trace: Trace
    var networks: Set<SandboxName> = []
    /// Policies that were carried out, in order.
    var applied: [CompiledPolicy] = []
    /// What a lookup finds.
    var addresses: [HostName: Result<[IPAddress], SandboxError>] = [:]
    var lifetime = 60
    var goneOwner: ProcessMark?
    var units: Set<SandboxName> = []
    /// Leaders that live.
    var alive: Set<Int32> = []
    /// Programs that were run inside, in order.
    var entered: [EntryRequest] = []
    /// How the next programs inside end; success when none is left.
    var results: [EntryResult] = []
    var weakenings: [Weakening] = []
    var reasons: [SandboxName: String] = [:]
    /// The signal that is pending from this call of `interruption` on.
    var interruptionAfter: Int?
    private(set) var interruptionsAsked = 0
    private(set) var graces: [Double] = []
    private var nextLeader: Int32 = 100

    init(_ trace: Trace) { self.trace = trace }

    private final class Machine: LaunchedMachine {
        let host: FakeHost
        let record: SandboxRecord
        let weakenings: [Weakening]
        init(_ host: FakeHost, _ record: SandboxRecord, _ weakenings: [Weakening]) {
            self.host = host
            self.record = record
            self.weakenings = weakenings
        }
        func verify() throws(SandboxError) { try host.trace.call("verify") }
        func release() throws(SandboxError) -> RunRecord {
            try host.trace.call("release")
            host.nextLeader += 1
            host.alive.insert(host.nextLeader)
            return RunRecord(
                id: record.id, leader: host.nextLeader, leaderStart: 7, cgroup: "/machine.slice/\(record.name)",
                startedAt: 42, weakenings: weakenings)
        }
    }

    func check(_ record: SandboxRecord) throws(SandboxError) -> [Weakening] {
        try trace.call("check")
        return weakenings
    }

    func ensureUnused(_ name: SandboxName) throws(SandboxError) { try trace.call("ensure unused") }

    func makeNetwork(_ record: SandboxRecord) throws(SandboxError) {
        // Half of it is done before it fails: the undo must cope.
        networks.insert(record.name)
        try trace.call("make network")
    }

    func removeNetwork(_ name: SandboxName) throws(SandboxError) {
        try trace.call("remove network")
        networks.remove(name)
    }

    func checkNetwork(_ record: SandboxRecord, _ policy: CompiledPolicy) throws(SandboxError) {
        try trace.call("check network")
    }

    func applyNetwork(
        _ record: SandboxRecord, _ policy: CompiledPolicy, beforeLaunch: Bool
    ) throws(SandboxError) -> EndedConnections {
        try trace.call("apply network")
        applied.append(policy)
        return EndedConnections()
    }

    func networkDifferences(
        _ record: SandboxRecord, _ policy: CompiledPolicy
    ) throws(SandboxError) -> [String] {
        applied.last == policy ? [] : ["not what was applied"]
    }

    func liveRules(_ record: SandboxRecord) throws(SandboxError) -> Explanation.LiveRules {
        let rules = applied.last.flatMap { NamespaceRuleset.make($0, record.template.network, at: 0) }
        return Explanation.LiveRules(ruleset: rules, counts: [], hasLinkV4: false, hasLinkV6: false)
    }

    func networkReport(_ record: SandboxRecord) throws(SandboxError) -> NetworkReport { NetworkReport() }

    func lookUp(
        _ names: [HostName], for name: SandboxName
    ) -> [HostName: Result<FoundAddresses, SandboxError>] {
        let found = names.map { ($0, addresses[$0] ?? .failure(SandboxError(.temporary, "no answer"))) }
        return Dictionary(found.map { ($0, $1.map { FoundAddresses(addresses: $0, lifetime: lifetime) }) }) { $1 }
    }

    func repairLinks() throws(SandboxError) -> [String] {
        try trace.call("repair links")
        return []
    }

    func scheduleRefresh(_ name: SandboxName, isWanted: Bool) throws(SandboxError) {
        try trace.call(isWanted ? "schedule refresh" : "cancel refresh")
    }

    func removeNetworkState(_ name: SandboxName) throws(SandboxError) { try trace.call("remove network state") }

    func launch(_ record: SandboxRecord, _ weakenings: [Weakening]) throws(SandboxError) -> any LaunchedMachine {
        units.insert(record.name)
        try trace.call("launch")
        return Machine(self, record, weakenings)
    }

    func stop(_ name: SandboxName, grace: Double) throws(SandboxError) {
        graces.append(grace)
        try trace.call("stop")
        units.remove(name)
        alive = []
    }

    func isAlive(_ run: RunRecord) -> Bool { alive.contains(run.leader) }

    func usage(_ run: RunRecord) -> Usage {
        var usage = Usage()
        usage.tasks = 3
        return usage
    }

    func enter(_ record: SandboxRecord, _ run: RunRecord, _ entry: EntryRequest) throws(SandboxError) -> EntryResult {
        try trace.call("enter")
        entered.append(entry)
        return results.isEmpty ? EntryResult(status: 0) : results.removeFirst()
    }

    func secretValue(_ secret: Secret, of record: SandboxRecord) throws(SandboxError) -> String {
        try trace.call("secret")
        return "value of \(secret.name)"
    }

    func isAlive(_ process: ProcessMark) -> Bool { process != goneOwner }

    func ownProcess() -> ProcessMark { ProcessMark(pid: 42, start: 7) }

    func residues() throws(SandboxError) -> [Residue] {
        try trace.call("residues")
        return units.map { Residue(kind: .unit, sandbox: $0) } + networks.map { Residue(kind: .network, sandbox: $0) }
    }

    func failure(_ name: SandboxName) -> String? { reasons[name] }

    /// Microseconds since 1970.
    var time: Int64 = 1_000_000
    func now() -> Int64 { time }

    func interruption() -> Int32? {
        interruptionsAsked += 1
        guard let after = interruptionAfter, interruptionsAsked >= after else { return nil }
        return 15
    }
}

/// Keeps events in a list.
final class FakeEvents: EventSink {
    private(set) var list: [String] = []
    func record(_ event: SandboxEvent, _ record: SandboxRecord) { list.append("\(event.rawValue) \(record.name)") }
}

/// Everything one test needs.
struct World {
    let trace = Trace()
    let store: FakeStore
    let host: FakeHost
    let events = FakeEvents()
    let engine: SandboxEngine<FakeStore, FakeHost>
    let demo: SandboxName

    init() throws {
        store = FakeStore(trace)
        host = FakeHost(trace)
        engine = SandboxEngine(store: store, host: host, events: events)
        demo = try SandboxName("demo")
    }

    func request(_ template: Template = Template(), start: Bool = true) -> CreateRequest {
        CreateRequest(name: demo, templateName: "default", template: template, workspace: nil, start: start)
    }

    /// Makes a sandbox and forgets how.
    func create(_ template: Template = Template(), start: Bool = true) throws {
        try engine.create(request(template, start: start))
        trace.clear()
        host.entered = []
    }

    /// What is left on host and in store, in words; empty when nothing is.
    var leftovers: [String] {
        var list: [String] = []
        if !store.records.isEmpty || !store.corrupt.isEmpty { list.append("record") }
        if !store.runs.isEmpty { list.append("run record") }
        if !store.ranges.isEmpty { list.append("range") }
        if !host.networks.isEmpty { list.append("network") }
        if !host.units.isEmpty { list.append("unit") }
        if !host.alive.isEmpty { list.append("payload") }
        if !store.held.isEmpty { list.append("lock") }
        return list
    }
}

/// The error a call throws, nil when it throws none.
func failure<Value>(of body: () throws -> Value) -> SandboxError? {
    do {
        _ = try body()
        return nil
    } catch {
        return error as? SandboxError
    }
}
