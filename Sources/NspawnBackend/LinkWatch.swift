internal import LinuxKit
internal import Netfilter
public import SandboxModel

/// Tells what happens to the host's rules and addresses while sandboxes have links.
public final class LinkWatch {
    private let changes: ChangeWatch

    /// Begins to listen.
    public init() throws(SandboxError) {
        do throws(NetlinkError) {
            changes = try ChangeWatch()
        } catch {
            throw SandboxError(.unavailable, "listen for changes of the host's rules", cause: "\(error)")
        }
    }

    /// Tells systemd that the guard is there (sd_notify(3)); nothing where systemd did not start it.
    public func notifyReady() {
        guard let path = ThisProcess.environment("NOTIFY_SOCKET"), path.hasPrefix("/") else { return }
        try? LocalDatagram(to: path).send(Array("READY=1".utf8))
    }

    /// What happened.
    public enum Event: Sendable {
        /// Rules changed, and no addresses.
        case rules
        /// Addresses changed, and maybe rules.
        case addresses
        /// Nothing, for as long as was waited.
        case nothing
    }

    /// Waits for a change.
    /// - Parameter seconds: how long; nil for as long as it takes.
    public func next(seconds: Int32?) throws(SandboxError) -> Event {
        do throws(NetlinkError) {
            let change = try changes.next(seconds: seconds)
            return change.contains(.addresses) ? .addresses : change.isEmpty ? .nothing : .rules
        } catch {
            throw SandboxError(.unavailable, "listen for changes of the host's rules", cause: "\(error)")
        }
    }
}
