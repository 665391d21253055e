/// Numbers of socket(2), which are the same on every architecture this runs on but are not imported everywhere.
enum SocketKind {
    /// `SOCK_STREAM`.
    static let stream: Int32 = 1
    /// `SOCK_DGRAM`.
    static let datagram: Int32 = 2
    /// `SOCK_NONBLOCK`.
    static let nonBlocking: Int32 = 0o4000
    /// `SOCK_CLOEXEC`.
    static let closeOnExec: Int32 = 0o2000000
    /// `MSG_NOSIGNAL` of send(2).
    static let noSignal: Int32 = 0x4000
}
