internal import Glibc
internal import SandboxModel

/// The routes of a namespace whose every packet stays in it, for rules to decide about.
public struct LoopbackRoutes {
    private let socket: NetlinkSocket
    /// `RTM_NEWROUTE`, `RTM_DELROUTE` (linux/rtnetlink.h).
    private let newRoute: UInt16 = 24
    private let deleteRoute: UInt16 = 25

    /// Works on the namespace of a descriptor.
    public init(inNamespace descriptor: Int32) throws(NetlinkError) {
        socket = try NetlinkSocket.open(protocol: 0, namespace: descriptor)
    }

    /// Default routes to the loopback device, IPv4 and, where the kernel speaks it, IPv6.
    /// - Returns: whether IPv6 has one, too.
    public func add() throws(NetlinkError) -> Bool {
        try change(newRoute, .ipv4, [127, 0, 0, 1], flags: 0x400 | 0x100)
        do throws(NetlinkError) {
            try change(newRoute, .ipv6, Array(repeating: 0, count: 15) + [1], flags: 0x400 | 0x100)
            return true
        } catch {
            // No IPv6 in this kernel, or none on this device.
            guard [EAFNOSUPPORT, EOPNOTSUPP, EINVAL, EACCES, EPERM].contains(error.errno) else { throw error }
            return false
        }
    }

    /// Takes them away; missing ones are no error.
    public func remove() throws(NetlinkError) {
        for (family, source) in [
            (AddressFamily.ipv4, [127, 0, 0, 1]), (.ipv6, Array(repeating: 0, count: 15) + [1] as [UInt8]),
        ] {
            do throws(NetlinkError) {
                try change(deleteRoute, family, source, flags: 0)
            } catch {
                guard [ESRCH, ENOENT, EAFNOSUPPORT, EOPNOTSUPP].contains(error.errno) else { throw error }
            }
        }
    }

    private func change(
        _ type: UInt16, _ family: AddressFamily, _ source: [UInt8], flags: UInt16
    ) throws(NetlinkError) {
        let number = UInt8(family == .ipv4 ? AF_INET : AF_INET6)
        // struct rtmsg: destination and source of no bits, the main table, static, everywhere, unicast.
        var message = MessageBuilder(
            type: type, flags: NetlinkConstant.request | NetlinkConstant.acknowledge | flags,
            sequence: socket.nextSequence(), header: [number, 0, 0, 0, 254, 4, 0, 1, 0, 0, 0, 0])
        message.add(4, UInt32(1))
        message.add(7, source)
        try socket.perform(message.bytes, "change the default route", detail: family.rawValue)
    }
}
