internal import Glibc
public import SandboxModel

/// Routes to the loopback device of a namespace: for packets that stay in it, for rules to decide about.
public struct LoopbackRoutes {
    private let socket: NetlinkSocket

    /// Works on the namespace of a descriptor.
    public init(inNamespace descriptor: Int32) throws(NetlinkError) {
        socket = try NetlinkSocket.open(protocol: RouteMessage.protocolNumber, namespace: descriptor)
    }

    /// Routes of these destinations; one that there is to the same destination is replaced.
    public func add(_ destinations: [AddressBlock]) throws(NetlinkError) {
        for destination in destinations {
            try change(
                RouteMessage.newRoute, destination, flags: NetlinkConstant.create | RouteMessage.replace)
        }
    }

    /// Whether the namespace speaks IPv6 at all: whether such a route can be made.
    public func add(v6 destinations: [AddressBlock]) throws(NetlinkError) -> Bool {
        do throws(NetlinkError) {
            try add(destinations)
            return true
        } catch {
            // No IPv6 in this kernel, or none on this device.
            guard [EAFNOSUPPORT, EOPNOTSUPP, EINVAL, EACCES, EPERM].contains(error.errno) else { throw error }
            return false
        }
    }

    /// Takes them away; missing ones are no error.
    public func remove(_ destinations: [AddressBlock]) throws(NetlinkError) {
        for destination in destinations {
            do throws(NetlinkError) {
                try change(RouteMessage.deleteRoute, destination, flags: 0)
            } catch {
                guard [ESRCH, ENOENT, EAFNOSUPPORT, EOPNOTSUPP].contains(error.errno) else { throw error }
            }
        }
    }

    private func change(_ type: UInt16, _ destination: AddressBlock, flags: UInt16) throws(NetlinkError) {
        let isV4 = destination.family == .ipv4
        var message = MessageBuilder(
            type: type, flags: NetlinkConstant.request | NetlinkConstant.acknowledge | flags,
            sequence: socket.nextSequence(),
            header: [
                UInt8(isV4 ? AF_INET : AF_INET6), UInt8(destination.prefixLength), 0, 0, RouteMessage.mainTable,
                RouteMessage.staticProtocol, 0, RouteMessage.unicast, 0, 0, 0, 0,
            ])
        if destination.prefixLength > 0 { message.add(RouteAttribute.destination, destination.address.bytes) }
        message.add(RouteAttribute.outInterface, RouteMessage.loopback)
        message.add(
            RouteAttribute.preferredSource, isV4 ? [127, 0, 0, 1] : [UInt8](repeating: 0, count: 15) + [1])
        try socket.perform(message.bytes, "change the routes to loopback", detail: "\(destination)")
    }
}
