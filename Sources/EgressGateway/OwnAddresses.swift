internal import Glibc
internal import SandboxModel

/// The addresses of this host: what listens on them was not made for a sandbox to reach.
enum OwnAddresses {
    /// Whether an address is one of this host's. If they cannot be listed, every address is taken for one.
    static func contains(_ address: IPAddress) -> Bool {
        var head: UnsafeMutablePointer<ifaddrs>?
        guard unsafe getifaddrs(&head) == 0 else { return true }
        defer { unsafe freeifaddrs(head) }
        var entry = unsafe head
        while let current = unsafe entry {
            if let own = unsafe current.pointee.ifa_addr, unsafe read(own) == address { return true }
            unsafe entry = current.pointee.ifa_next
        }
        return false
    }

    private static func read(_ address: UnsafePointer<sockaddr>) -> IPAddress? {
        // getifaddrs(3) gives each family in its own structure.
        switch unsafe Int32(address.pointee.sa_family) {
        case AF_INET:
            return unsafe address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                IPAddress.v4(UInt32(bigEndian: unsafe $0.pointee.sin_addr.s_addr))
            }
        case AF_INET6:
            return unsafe address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { pointer in
                unsafe withUnsafeBytes(of: pointer.pointee.sin6_addr) { unsafe IPAddress(bytes: Array($0)) }
            }
        default: return nil
        }
    }
}
