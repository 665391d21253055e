public import SandboxModel

/// The use cases: what each verb does, in terms of a store of records and a machine.
public struct SandboxEngine<Store: RecordStore, Host: Backend> {
    let store: Store
    let host: Host
    let events: any EventSink
    /// Called with a line for people when a long step begins.
    let progress: (String) -> Void

    /// An engine on a store and a machine.
    public init(
        store: Store, host: Host, events: any EventSink = NoEvents(), progress: @escaping (String) -> Void = { _ in }
    ) {
        self.events = events
        self.store = store
        self.host = host
        self.progress = progress
    }

    /// The record of a sandbox that must exist and be complete.
    func record(_ name: SandboxName) throws(SandboxError) -> SandboxRecord {
        guard let record = try store.load(name) else {
            throw SandboxError(
                .notFound, "no sandbox named '\(name)'", hint: "'sandboxctl list' shows those that exist")
        }
        guard record.phase == .created else {
            throw SandboxError(
                .temporary, "sandbox '\(name)' is \(record.phase.rawValue)",
                hint: "if no other command is at work, 'sandboxctl gc --force' finishes it")
        }
        return record
    }

    /// The run record when the sandbox really runs.
    func run(_ record: SandboxRecord) throws(SandboxError) -> RunRecord? {
        guard let run = try store.loadRun(record.name), run.id == record.id, host.isAlive(run) else { return nil }
        return run
    }

    /// The record and run record of a sandbox that must be running.
    /// - Throws: `notFound`, `unavailable` when it does not run.
    public func running(_ name: SandboxName) throws(SandboxError) -> (SandboxRecord, RunRecord) {
        let record = try record(name)
        guard let run = try run(record) else {
            throw SandboxError(
                .unavailable, "sandbox '\(name)' is not running", hint: "start it with 'sandboxctl start \(name)'")
        }
        return (record, run)
    }
}
