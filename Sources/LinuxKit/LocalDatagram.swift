internal import Glibc

/// Sends messages to a datagram socket in the file system (unix(7)), such as the journal's or systemd's own.
public struct LocalDatagram: ~Copyable {
    private let descriptor: Descriptor
    private let path: String

    /// - Parameter path: at most 107 bytes.
    public init(to path: String) throws(SystemError) {
        let number = socket(AF_UNIX, SocketKind.datagram | SocketKind.closeOnExec | SocketKind.nonBlocking, 0)
        guard number >= 0 else { throw SystemError("make a socket", errno: errno) }
        descriptor = Descriptor(owning: number)
        self.path = path
    }

    /// Sends one message, without waiting: what cannot be taken now is refused with `EAGAIN`.
    public func send(_ bytes: [UInt8]) throws(SystemError) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let name = Array(path.utf8)
        guard name.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw SystemError("send to", path, errno: ENAMETOOLONG)
        }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: name) }
        let count = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe sendto(
                    descriptor.number, bytes, bytes.count, SocketKind.noSignal, $0,
                    socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard count == bytes.count else { throw SystemError("send to", path, errno: errno) }
    }
}
