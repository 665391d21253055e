public import SandboxModel

extension SandboxEngine {
    /// Starts a stopped sandbox; one that runs already is left alone.
    public func start(_ name: SandboxName) throws(SandboxError) {
        let lock = try store.lock(name, wait: true)
        defer { withExtendedLifetime(lock) {} }
        let record = try record(name)
        guard try run(record) == nil else { return }
        try bringUpAgain(record, verb: "start")
        events.record(.started, record)
    }

    /// Stops a sandbox and everything in it; a stopped one is left alone.
    /// - Parameter grace: seconds between SIGTERM and SIGKILL.
    public func stop(_ name: SandboxName, grace: Double) throws(SandboxError) {
        let lock = try store.lock(name, wait: true)
        defer { withExtendedLifetime(lock) {} }
        let record = try record(name)
        try bringDown(name, grace: grace, verb: "stop")
        events.record(.stopped, record)
    }

    /// Stops and starts.
    public func restart(_ name: SandboxName, grace: Double) throws(SandboxError) {
        let lock = try store.lock(name, wait: true)
        defer { withExtendedLifetime(lock) {} }
        let record = try record(name)
        try bringDown(name, grace: grace, verb: "restart")
        try bringUpAgain(record, verb: "restart")
        events.record(.started, record)
    }

    /// A new root, set up again; definition, workspace and persistent volumes stay.
    public func reset(_ name: SandboxName, grace: Double) throws(SandboxError) {
        let lock = try store.lock(name, wait: true)
        defer { withExtendedLifetime(lock) {} }
        var record = try record(name)
        try bringDown(name, grace: grace, verb: "reset")
        record.setUp = false
        try bringUpAgain(record, verb: "reset")
        events.record(.reset, record)
    }

    /// Removes a sandbox and all that belongs to it; the workspace is never touched.
    ///
    /// Also finishes what an interrupted create or remove left, and clears a record that cannot be read: by the
    /// name alone, never by what the record says.
    public func remove(_ name: SandboxName, grace: Double) throws(SandboxError) {
        let lock = try store.lock(name, wait: true)
        defer { withExtendedLifetime(lock) {} }
        var known: SandboxRecord?
        do throws(SandboxError) {
            known = try store.load(name)
        } catch {
            guard error.code == .dataError else { throw error }
        }
        guard try store.names().contains(name) else {
            throw SandboxError(
                .notFound, "no sandbox named '\(name)'", hint: "'sandboxctl list' shows those that exist")
        }
        if var record = known {
            record.phase = .removing
            try store.save(record)
            try Failpoint.reached("remove.record")
        }
        try clear(name, grace: grace)
        if let known { events.record(.removed, known) }
    }

    /// Stops and removes everything named after the sandbox, the record last: what is interrupted can be repeated.
    func clear(_ name: SandboxName, grace: Double) throws(SandboxError) {
        try bringDown(name, grace: grace, verb: "remove")
        try store.releaseRange(name)
        try Failpoint.reached("remove.range")
        try host.removeNetworkState(name)
        try store.remove(name)
        try Failpoint.reached("remove.files")
    }

    private func bringUpAgain(_ old: SandboxRecord, verb: String) throws(SandboxError) {
        var record = old
        let weakenings = try host.check(record)
        // What a crash of the payload or of an earlier command may have left.
        try bringDown(record.name, grace: 0, verb: verb)
        var steps = Steps(verb, on: host)
        try bringUp(&record, weakenings, &steps)
        if record != old {
            let finished = record
            _ = try steps.step("commit") { () throws(SandboxError) in try store.save(finished) }
        }
    }

    private func bringDown(_ name: SandboxName, grace: Double, verb: String) throws(SandboxError) {
        try host.stop(name, grace: grace)
        try Failpoint.reached("\(verb).unit")
        try host.removeNetwork(name)
        try Failpoint.reached("\(verb).network")
        try store.removeRun(name)
        try Failpoint.reached("\(verb).runtime")
    }
}
