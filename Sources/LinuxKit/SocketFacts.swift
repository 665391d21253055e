internal import Glibc

/// What a socket is, as the kernel tells it.
public struct SocketFacts: Sendable, Equatable {
    /// Its family.
    public enum Family: Sendable, Equatable {
        /// IPv4, bound to this port.
        case ipv4(port: UInt16)
        /// IPv6, bound to this port.
        case ipv6(port: UInt16)
        /// In the file system or the kernel's own name space (unix(7)).
        case local
    }

    /// Its family.
    public let family: Family
    /// Whether it is a stream; else it keeps message borders.
    public let isStream: Bool

    /// Reads what a socket is (getsockname(2), `SO_TYPE` of socket(7)).
    public init(of descriptor: Int32) throws(SystemError) {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let named = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe getsockname(descriptor, $0, &length)
            }
        }
        guard named == 0 else { throw SystemError("read the name of socket \(descriptor)", errno: errno) }
        // Both families keep the port behind the family.
        let port = unsafe withUnsafeBytes(of: storage) { unsafe UInt16($0[2]) << 8 | UInt16($0[3]) }
        switch Int32(storage.ss_family) {
        case AF_INET: family = .ipv4(port: port)
        case AF_INET6: family = .ipv6(port: port)
        case AF_UNIX: family = .local
        default: throw SystemError("use socket \(descriptor)", errno: EAFNOSUPPORT)
        }
        var kind: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        guard unsafe getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &kind, &size) == 0 else {
            throw SystemError("read the kind of socket \(descriptor)", errno: errno)
        }
        isStream = kind == SocketKind.stream
    }
}
