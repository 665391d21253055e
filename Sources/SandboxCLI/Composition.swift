internal import LinuxKit
internal import SandboxModel

/// Where everything is put together. The only file that knows the real backend.
enum Composition {
    /// Durable state of all sandboxes.
    static let state = "/var/lib/sandboxctl"

    /// The context of a command of this process.
    static func context(console: Console) -> Context {
        Context(
            console: console,
            makeServices: { () throws(SandboxError) in
                throw SandboxError(.unavailable, "no backend is part of this build")
            },
            catalog: .installed(state: state), isRoot: ThisProcess.isRoot, now: { Clock.realtime },
            environment: { ThisProcess.environment($0) }, interruption: { nil })
    }
}
