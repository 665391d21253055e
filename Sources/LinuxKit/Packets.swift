internal import CSandboxShims

/// A pair of connected sockets that keep packet borders (unix(7), SOCK_SEQPACKET).
public struct PacketPair: ~Copyable {
    /// Our end.
    public let near: Descriptor
    /// The end to give away.
    public let far: Descriptor

    /// Makes a pair.
    public init() throws(SystemError) {
        var ends: (Int32, Int32) = (-1, -1)
        let result = unsafe withUnsafeMutableBytes(of: &ends) { raw in
            guard let base = raw.baseAddress else { return -22 as Int32 }
            return unsafe sbx_packet_pair(base.assumingMemoryBound(to: Int32.self))
        }
        try checked(result, "make a socket pair")
        near = Descriptor(owning: ends.0)
        far = Descriptor(owning: ends.1)
    }
}

extension Descriptor {
    /// Sends one packet with copies of the given descriptors.
    public func send(packet: [UInt8], descriptors: [Int32]) throws(SystemError) {
        try checked(
            unsafe sbx_send_packet(number, packet, packet.count, descriptors, Int32(descriptors.count)), "send packet")
    }

    /// Receives one packet and the pid of its sender in our pid namespace, without waiting.
    /// - Returns: nil when the other side has closed.
    public func receivePacket(limit: Int = 4096) throws(SystemError) -> (bytes: [UInt8], sender: Int32)? {
        var buffer = [UInt8](repeating: 0, count: limit)
        var sender: Int32 = 0
        let count = Int(try checked(unsafe sbx_receive_packet(number, &buffer, limit, &sender), "receive packet"))
        return count == 0 ? nil : (Array(buffer[..<count]), sender)
    }

    /// A sealed, anonymous file with these bytes (memfd_create(2)), positioned at its beginning.
    public static func sealed(_ name: String, _ bytes: [UInt8]) throws(SystemError) -> Descriptor {
        Descriptor(owning: try checked(unsafe sbx_sealed_memfd(name, bytes, bytes.count), "make a memory file"))
    }
}
