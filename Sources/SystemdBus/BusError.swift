internal import CSystemd
internal import Glibc

/// Why something on the bus failed: what was tried, the errno it amounts to, and the peer's own name for it.
public struct BusError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What a caller can act on, derived from the name and the errno.
    public enum Kind: Sendable, Equatable {
        /// The peer did not answer before the deadline.
        case timedOut
        /// The connection ended; the `Bus` is of no more use.
        case disconnected
        /// The peer, polkit or the bus policy says no.
        case accessDenied
        /// The bus or the service is not there: no socket, no owner, activation failed.
        case unavailable
        /// The named unit, machine, job or object does not exist.
        case notFound
        /// The unit exists already.
        case exists
        /// The reply is not what the interface documents.
        case malformedReply
        /// Anything else.
        case other
    }

    /// What was tried, as `Interface.Member` or a few words.
    public let operation: String
    /// The errno(3) value, positive.
    public let errno: Int32
    /// The D-Bus error name when a peer sent one, such as `org.freedesktop.systemd1.NoSuchUnit`.
    public let name: String?
    /// The peer's message, or the text of `errno`. It may quote untrusted text: escape it before printing.
    public let message: String

    init(_ operation: String, errno: Int32, name: String? = nil, message: String? = nil) {
        self.operation = operation
        self.errno = errno
        self.name = name
        self.message = message ?? BusError.text(of: errno)
    }

    /// The reply broke the interface's documentation.
    static func malformed(_ operation: String, _ message: String) -> BusError {
        BusError(operation, errno: EBADMSG, message: message)
    }

    /// The kind of failure.
    public var kind: Kind {
        if let name { return BusError.kinds[name] ?? .other }
        switch errno {
        case ETIMEDOUT: return .timedOut
        case ECONNRESET, ENOTCONN, EPIPE, ESHUTDOWN, ECONNABORTED: return .disconnected
        case EACCES, EPERM: return .accessDenied
        case ENOENT, ECONNREFUSED: return .unavailable
        case EBADMSG: return .malformedReply
        default: return .other
        }
    }

    /// `operation: message (name)`.
    public var description: String {
        if let name { return "\(operation): \(message) (\(name))" }
        return "\(operation): \(message)"
    }

    private static let kinds: [String: Kind] = [
        "org.freedesktop.DBus.Error.NoReply": .timedOut,
        "org.freedesktop.DBus.Error.Timeout": .timedOut,
        "org.freedesktop.DBus.Error.TimedOut": .timedOut,
        "org.freedesktop.DBus.Error.Disconnected": .disconnected,
        "org.freedesktop.DBus.Error.AccessDenied": .accessDenied,
        "org.freedesktop.DBus.Error.AuthFailed": .accessDenied,
        "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired": .accessDenied,
        "org.freedesktop.DBus.Error.ServiceUnknown": .unavailable,
        "org.freedesktop.DBus.Error.NameHasNoOwner": .unavailable,
        "org.freedesktop.DBus.Error.NoServer": .unavailable,
        "org.freedesktop.DBus.Error.Spawn.ChildExited": .unavailable,
        "org.freedesktop.DBus.Error.Spawn.Failed": .unavailable,
        "org.freedesktop.systemd1.ShuttingDown": .unavailable,
        "org.freedesktop.DBus.Error.UnknownObject": .notFound,
        "org.freedesktop.systemd1.NoSuchUnit": .notFound,
        "org.freedesktop.systemd1.NoSuchJob": .notFound,
        "org.freedesktop.machine1.NoSuchMachine": .notFound,
        "org.freedesktop.systemd1.UnitExists": .exists,
        "org.freedesktop.machine1.MachineExists": .exists,
        "org.freedesktop.DBus.Error.InconsistentMessage": .malformedReply,
    ]

    private static func text(of errno: Int32) -> String {
        // glibc returns a constant for every errno it knows (strerror(3), since 2.32 thread-safe).
        guard let text = unsafe strerror(errno) else { return "errno \(errno)" }
        return unsafe String(cString: text)
    }
}

/// Turns libsystemd's negative errno into an error.
@discardableResult
func check(_ result: Int32, _ operation: String) throws(BusError) -> Int32 {
    guard result >= 0 else { throw BusError(operation, errno: -result) }
    return result
}
