public import SandboxModel

/// Something `gc` found and what it does about it.
public struct Finding: Sendable, Equatable {
    /// The sandbox it belongs to.
    public let sandbox: SandboxName
    /// What is wrong.
    public let problem: String
    /// What `gc --force` does.
    public let action: String
}

extension SandboxEngine {
    /// Finds what a crash left, and with `force` finishes or undoes it. A stopped sandbox is none of its business, nor
    /// is anything another command is at work on.
    public func collect(force: Bool) throws(SandboxError) -> [Finding] {
        var findings: [Finding] = []
        let residues = try host.residues()
        var candidates = Set(try store.names())
        // A namespace bears no mark but its name, which anybody may have chosen; ours is made after the record and the
        // uid range, and goes before them.
        candidates.formUnion(residues.filter { $0.kind == .unit }.map(\.sandbox))
        for text in try store.claimants() { if let name = try? SandboxName(text) { candidates.insert(name) } }

        for name in candidates.sorted() {
            guard let lock = try? store.lock(name, wait: false) else { continue }
            defer { withExtendedLifetime(lock) {} }
            guard let finding = examine(name, residues) else { continue }
            findings.append(finding)
            guard force else { continue }
            if finding.action == Self.clearing {
                try clear(name, grace: 0)
            } else {
                try host.stop(name, grace: 0)
                try host.removeNetwork(name)
                try store.removeRun(name)
            }
        }
        return findings
    }

    private static var clearing: String { "remove everything of it but the workspace" }
    private static var tidying: String { "remove what is left of the run; the sandbox stays, stopped" }

    private func examine(_ name: SandboxName, _ residues: [Residue]) -> Finding? {
        let present = residues.filter { $0.sandbox == name }.map(\.kind.rawValue)
        let record: SandboxRecord?
        do {
            record = try store.load(name)
        } catch {
            return nil  // a record that cannot be read is for a person to look at: 'remove' clears it
        }
        guard let record else {
            return Finding(sandbox: name, problem: "no record, but something is left", action: Self.clearing)
        }
        guard record.phase == .created else {
            return Finding(sandbox: name, problem: "\(record.phase.rawValue) was interrupted", action: Self.clearing)
        }
        if let owner = record.owner, !host.isAlive(owner) {
            return Finding(sandbox: name, problem: "the 'run' that made it is gone", action: Self.clearing)
        }
        if let run = try? store.loadRun(name), run.id == record.id, host.isAlive(run) { return nil }
        let leftovers = present + (((try? store.loadRun(name)) ?? nil) == nil ? [] : ["run record"])
        guard !leftovers.isEmpty else { return nil }
        return Finding(
            sandbox: name, problem: "not running, but left: \(leftovers.joined(separator: ", "))", action: Self.tidying)
    }
}
