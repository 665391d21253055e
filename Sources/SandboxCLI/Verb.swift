internal import ArgumentParser
internal import SandboxModel

/// Everything a verb works with.
struct Context {
    let console: Console
    /// Makes the services when they are first needed: help and templates do without.
    let makeServices: () throws(SandboxError) -> any Services
    let catalog: TemplateCatalog
    /// Whether we run as root.
    let isRoot: Bool
    /// The present time, microseconds since 1970.
    let now: () -> Int64
    /// The value of an environment variable of the caller's.
    let environment: (String) -> String?
    /// Notes signals that ask this command to stop, instead of ending by them.
    let watchSignals: () -> Void
    /// Such a signal, if one has arrived.
    let interruption: () -> Int32?
    /// Lets so many seconds pass, between two looks at something that does not tell when it changes.
    let pause: (Double) -> Void
}

/// A command of sandboxctl: parsed by ArgumentParser, run with a context.
protocol Verb: ParsableCommand {
    /// Whether it can only work as root.
    static var needsRoot: Bool { get }
    /// Whether a signal is answered between its steps, with what was begun undone or finished.
    static var endsInOrder: Bool { get }
    /// The exit status for an error of ours.
    static func status(of error: SandboxError) -> Int32
    /// Does it.
    /// - Returns: the exit status.
    func perform(_ context: Context) throws(SandboxError) -> Int32
}

extension Verb {
    static var needsRoot: Bool { true }
    static var endsInOrder: Bool { false }
    static func status(of error: SandboxError) -> Int32 { error.code.rawValue }

    /// Does it, and turns whatever goes wrong into a message and an exit status.
    func execute(_ context: Context) -> Int32 {
        do throws(SandboxError) {
            if Self.needsRoot, !context.isRoot {
                throw SandboxError(.permission, "this needs root", hint: "run it with sudo")
            }
            if Self.endsInOrder { context.watchSignals() }
            let status = try perform(context)
            try context.console.flush()
            return status
        } catch {
            // 128 + SIGPIPE: what a shell sees of any program whose reader left.
            guard !context.console.readerIsGone else { return 141 }
            context.console.complain(error)
            return context.interruption().map { 128 + $0 } ?? Self.status(of: error)
        }
    }
}

/// A verb that runs a program: its exit status is the program's, so ours must be told apart from it.
protocol ProgramVerb: Verb {}

extension ProgramVerb {
    /// 125 for every failure of ours, except for a wrong command line.
    static func status(of error: SandboxError) -> Int32 { error.code == .usage ? error.code.rawValue : 125 }
}
