internal import Glibc

/// The addresses of this network namespace's interfaces (getifaddrs(3)).
public enum InterfaceAddresses {
    /// One address.
    public struct Entry: Sendable, Equatable {
        /// Name of the interface.
        public let interface: String
        /// 4 or 16 bytes in network order.
        public let bytes: [UInt8]
    }

    /// All addresses of all interfaces.
    public static func list() throws(SystemError) -> [Entry] {
        var head: UnsafeMutablePointer<ifaddrs>?
        guard unsafe getifaddrs(&head) == 0 else { throw SystemError("list the interfaces' addresses", errno: errno) }
        defer { unsafe freeifaddrs(head) }
        var result: [Entry] = []
        var entry = unsafe head
        while let current = unsafe entry {
            if let address = unsafe current.pointee.ifa_addr, let bytes = unsafe read(address) {
                result.append(Entry(interface: unsafe String(cString: current.pointee.ifa_name), bytes: bytes))
            }
            unsafe entry = current.pointee.ifa_next
        }
        return result
    }

    /// The address in a `sockaddr_in` or `sockaddr_in6`: behind family and port, and in IPv6 behind the flow label.
    private static func read(_ address: UnsafePointer<sockaddr>) -> [UInt8]? {
        let bytes = unsafe UnsafeRawPointer(address)
        return switch unsafe Int32(address.pointee.sa_family) {
        case AF_INET: unsafe Array(UnsafeRawBufferPointer(start: bytes + 4, count: 4))
        case AF_INET6: unsafe Array(UnsafeRawBufferPointer(start: bytes + 8, count: 16))
        default: nil
        }
    }
}
