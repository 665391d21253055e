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
            try unlessMissing { () throws(NetlinkError) in
                try change(RouteMessage.deleteRoute, destination, flags: 0)
            }
        }
    }

    /// Routes everything to one port, over TCP and UDP, to loopback, whatever other routes there are; what is there
    /// already stays.
    ///
    /// A packet that a nat rule of the output hook redirects has its old interface in the rules after it: only a route
    /// that leads to loopback from the beginning shows them the right one.
    public func add(port: UInt16, family: AddressFamily) throws(NetlinkError) {
        let everything = AddressBlock.everything(family)
        try change(
            RouteMessage.newRoute, everything, flags: NetlinkConstant.create | RouteMessage.replace,
            table: Self.portTable)
        for transport in Self.transports {
            do throws(NetlinkError) {
                try changeRule(
                    RouteMessage.newRule, port, transport, family,
                    flags: NetlinkConstant.create | RouteMessage.exclusive)
            } catch {
                guard error.errno == EEXIST else { throw error }
            }
        }
    }

    /// Takes that back; what is missing is no error.
    public func remove(port: UInt16, family: AddressFamily) throws(NetlinkError) {
        for transport in Self.transports {
            try unlessMissing { () throws(NetlinkError) in
                try changeRule(RouteMessage.deleteRule, port, transport, family, flags: 0)
            }
        }
        try unlessMissing { () throws(NetlinkError) in
            try change(RouteMessage.deleteRoute, AddressBlock.everything(family), flags: 0, table: Self.portTable)
        }
    }

    /// Takes something away; that it is not there is no error.
    private func unlessMissing(_ action: () throws(NetlinkError) -> Void) throws(NetlinkError) {
        do throws(NetlinkError) {
            try action()
        } catch {
            guard [ESRCH, ENOENT, EAFNOSUPPORT, EOPNOTSUPP].contains(error.errno) else { throw error }
        }
    }

    /// The table of those routes, and where its rules stand: behind the one for local addresses, before all others.
    private static let portTable: UInt8 = 53
    private static let rulePriority: UInt32 = 53
    private static let transports = [UInt8(IPPROTO_TCP), UInt8(IPPROTO_UDP)]

    private func changeRule(
        _ type: UInt16, _ port: UInt16, _ transport: UInt8, _ family: AddressFamily, flags: UInt16
    ) throws(NetlinkError) {
        // struct fib_rule_hdr: family, lengths of destination and source, tos, table, 2 reserved, action, flags.
        var message = MessageBuilder(
            type: type, flags: NetlinkConstant.request | NetlinkConstant.acknowledge | flags,
            sequence: socket.nextSequence(),
            header: [
                UInt8(family == .ipv4 ? AF_INET : AF_INET6), 0, 0, 0, Self.portTable, 0, 0, RouteRuleAttribute.toTable,
                0, 0, 0, 0,
            ])
        message.add(RouteRuleAttribute.priority, Self.rulePriority)
        message.add(RouteRuleAttribute.transport, [transport])
        message.add(RouteRuleAttribute.destinationPorts, port.hostBytes + port.hostBytes)
        try socket.perform(message.bytes, "change the rules of routes to loopback", detail: "port \(port)")
    }

    private func change(
        _ type: UInt16, _ destination: AddressBlock, flags: UInt16, table: UInt8 = RouteMessage.mainTable
    ) throws(NetlinkError) {
        let isV4 = destination.family == .ipv4
        var message = MessageBuilder(
            type: type, flags: NetlinkConstant.request | NetlinkConstant.acknowledge | flags,
            sequence: socket.nextSequence(),
            header: [
                UInt8(isV4 ? AF_INET : AF_INET6), UInt8(destination.prefixLength), 0, 0, table,
                RouteMessage.staticProtocol, 0, RouteMessage.unicast, 0, 0, 0, 0,
            ])
        if destination.prefixLength > 0 { message.add(RouteAttribute.destination, destination.address.bytes) }
        message.add(RouteAttribute.outInterface, RouteMessage.loopback)
        message.add(
            RouteAttribute.preferredSource, isV4 ? [127, 0, 0, 1] : [UInt8](repeating: 0, count: 15) + [1])
        try socket.perform(message.bytes, "change the routes to loopback", detail: "\(destination)")
    }
}
