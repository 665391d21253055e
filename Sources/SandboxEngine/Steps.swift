internal import SandboxModel

/// A sequence of steps, each with its undo. When one fails, the steps before it are undone in reverse order; when
/// an undo fails too, both failures are told.
struct Steps<Host: Backend> {
    private let verb: String
    private let host: Host
    private var undos: [(name: String, undo: () throws(SandboxError) -> Void)] = []

    init(_ verb: String, on host: Host) {
        self.verb = verb
        self.host = host
    }

    /// Does one step.
    ///
    /// The undo is registered before the step runs: a step that fails half-way is undone too, so undos accept
    /// what is not there.
    mutating func step<Value>(
        _ name: String, _ action: () throws(SandboxError) -> Value,
        undo: @escaping () throws(SandboxError) -> Void = {}
    ) throws(SandboxError) -> Value {
        undos.append((name, undo))
        do throws(SandboxError) {
            if let signal = host.interruption() {
                throw SandboxError(.temporary, "interrupted by signal \(signal)")
            }
            let value = try action()
            try Failpoint.reached("\(verb).\(name)")
            return value
        } catch {
            throw unwind(error)
        }
    }

    /// Undoes everything done so far because of `error`, and returns what to throw.
    mutating func unwind(_ error: SandboxError) -> SandboxError {
        var failures: [String] = []
        while let last = undos.popLast() {
            do throws(SandboxError) {
                try last.undo()
            } catch {
                failures.append("undoing \(last.name): \(error.message)")
            }
        }
        guard !failures.isEmpty else { return error }
        return SandboxError(
            error.code, "\(error.message); and \(failures.joined(separator: "; "))",
            hint: "'sandboxctl gc' shows and removes what is left", cause: error.cause)
    }
}
