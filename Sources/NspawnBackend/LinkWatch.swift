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

    /// Waits for a change.
    /// - Returns: whether addresses of the host changed, and not rules alone.
    public func next() throws(SandboxError) -> Bool {
        do throws(NetlinkError) {
            return try changes.next().contains(.addresses)
        } catch {
            throw SandboxError(.unavailable, "listen for changes of the host's rules", cause: "\(error)")
        }
    }
}
