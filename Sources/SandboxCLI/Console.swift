internal import LinuxKit
internal import SandboxModel

/// The command's standard output and error. Nothing else in this target writes to a descriptor.
final class Console {
    /// What is known of the streams.
    struct Traits: Sendable {
        /// Whether standard input is a terminal.
        var inputIsTerminal = false
        /// Whether standard output may be coloured.
        var colours = false
        /// Whether a person watches standard error.
        var errorIsTerminal = false
    }

    /// Why standard output takes nothing more.
    enum Failure: Error {
        /// Its reader is gone.
        case brokenPipe
        /// Another reason, in words.
        case other(String)
    }

    let traits: Traits
    /// Whether the reader of standard output went away: no reason to complain, nothing left to say.
    private(set) var readerIsGone = false
    private var pending = ""
    private let writeOutput: (String) throws(Failure) -> Void
    private let writeError: (String) -> Void

    /// A console over any two sinks.
    init(
        traits: Traits, output: @escaping (String) throws(Failure) -> Void, error: @escaping (String) -> Void
    ) {
        self.traits = traits
        writeOutput = output
        writeError = error
    }

    /// Adds a line to standard output; it is written by `flush`.
    func print(_ line: String) { pending += line + "\n" }

    /// Writes what was printed.
    /// - Throws: `internal` when standard output does not take it.
    func flush() throws(SandboxError) {
        guard !pending.isEmpty else { return }
        let text = pending
        pending = ""
        do throws(Failure) {
            try writeOutput(text)
        } catch {
            switch error {
            case .brokenPipe:
                readerIsGone = true
                throw SandboxError(.internal, "write standard output: its reader is gone")
            case .other(let reason): throw SandboxError(.internal, "write standard output: \(reason)")
            }
        }
    }

    /// Writes one line to standard error, after our name.
    func complain(_ message: String) { writeError("sandboxctl: \(message.escapingControls)\n") }

    /// Writes an error: what failed and why, then what to do about it.
    func complain(_ error: SandboxError) {
        complain(error.cause.map { "\(error.message): \($0)" } ?? error.message)
        if let hint = error.hint { writeError("hint: \(hint)\n") }
    }

    /// Tells a watching person what takes its time.
    func progress(_ text: String) { if traits.errorIsTerminal { complain(text) } }
}

extension Console {
    /// The console of this process.
    /// - Parameter outputIsOpen: whether the caller gave us a standard output at all.
    static func standard(outputIsOpen: Bool) -> Console {
        let plain = ThisProcess.environment("NO_COLOR").map { !$0.isEmpty } ?? false
        let dumb = ThisProcess.environment("TERM").map { $0 == "dumb" } ?? true
        let traits = Traits(
            inputIsTerminal: ThisProcess.isTerminal(0), colours: !plain && !dumb && ThisProcess.isTerminal(1),
            errorIsTerminal: ThisProcess.isTerminal(2))
        return Console(traits: traits) { (text: String) throws(Failure) in
            guard outputIsOpen else { throw .other("it is closed") }
            if let error = write(text, to: 1) { throw error.errno == 32 ? .brokenPipe : .other(error.reason) }
        } error: { text in
            // Where standard error is closed or full there is nobody left to tell.
            _ = write(text, to: 2)
        }
    }

    /// Whether the caller gave us this descriptor.
    static func isOpen(_ number: Int32) -> Bool {
        let descriptor = Descriptor(owning: number)
        let isOpen = (try? descriptor.status()) != nil
        _ = descriptor.release()
        return isOpen
    }

    /// Writes to a descriptor that is not ours to close.
    private static func write(_ text: String, to number: Int32) -> SystemError? {
        let descriptor = Descriptor(owning: number)
        var failure: SystemError?
        do { try descriptor.write(Array(text.utf8)) } catch { failure = error }
        _ = descriptor.release()
        return failure
    }
}
