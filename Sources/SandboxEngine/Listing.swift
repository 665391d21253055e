public import SandboxModel

/// One sandbox as `list` and `status` show it.
public struct SandboxSummary: Sendable {
    /// Name.
    public let name: SandboxName
    /// What it is doing.
    public let state: SandboxState
    /// Its definition, when it can be read.
    public let record: SandboxRecord?
    /// What is true while it runs.
    public let run: RunRecord?
    /// What it uses.
    public let usage: Usage?
    /// Why it failed or cannot be read.
    public let problem: String?
}

extension SandboxEngine {
    /// Every sandbox, in order of name; one that cannot be read does not hide the others.
    public func list() throws(SandboxError) -> [SandboxSummary] {
        try store.names().map { summary($0) }
    }

    /// One sandbox.
    public func status(_ name: SandboxName) throws(SandboxError) -> SandboxSummary {
        guard try store.names().contains(name) else {
            throw SandboxError(
                .notFound, "no sandbox named '\(name)'", hint: "'sandboxctl list' shows those that exist")
        }
        return summary(name)
    }

    private func summary(_ name: SandboxName) -> SandboxSummary {
        func known(_ state: SandboxState, _ record: SandboxRecord?, _ problem: String? = nil) -> SandboxSummary {
            SandboxSummary(name: name, state: state, record: record, run: nil, usage: nil, problem: problem)
        }
        do {
            guard let record = try store.load(name) else {
                return known(store.isLocked(name) ? .busy : .incomplete, nil)
            }
            guard record.phase == .created else {
                return known(store.isLocked(name) ? .busy : .incomplete, record, "\(record.phase.rawValue)")
            }
            guard let run = try store.loadRun(name), run.id == record.id else { return known(.stopped, record) }
            guard host.isAlive(run) else {
                if store.isLocked(name) { return known(.busy, record) }
                return known(.failed, record, host.failure(name) ?? "the payload ended by itself")
            }
            return SandboxSummary(
                name: name, state: .running, record: record, run: run, usage: host.usage(run), problem: nil)
        } catch {
            return known(.corrupt, nil, error.message)
        }
    }
}
