internal import Glibc
public import SandboxModel

/// The pair of interfaces of a sandbox's link, their addresses and routes (rtnetlink(7), veth(4)).
///
/// Both sides know each other's hardware address from the start, so nobody ever asks or answers for it.
public struct UplinkDevices {
    private let host: NetlinkSocket
    private let sandbox: NetlinkSocket
    private let namespace: Int32

    /// Works between the caller's namespace and the one of a descriptor.
    public init(sandboxNamespace descriptor: Int32) throws(NetlinkError) {
        host = try NetlinkSocket.open(protocol: RouteMessage.protocolNumber, namespace: nil)
        sandbox = try NetlinkSocket.open(protocol: RouteMessage.protocolNumber, namespace: descriptor)
        namespace = descriptor
    }

    /// Makes the pair and its addresses, and switches it on. What is there already stays.
    /// - Parameters:
    ///   - owner: kept as the alias of the host's interface.
    ///   - hasV6: whether the sandbox gets an IPv6 address.
    public func make(_ link: Uplink, owner: String, hasV6: Bool) throws(NetlinkError) {
        if try Self.index(of: link.interface, host) == nil { try makePair(link) }
        guard let outer = try Self.index(of: link.interface, host),
            let inner = try Self.index(of: Uplink.inside, sandbox)
        else { throw NetlinkError(operation: "make a link", errno: ENODEV, detail: link.interface) }
        try name(outer, owner)
        try Self.keepUnnumbered(outer, host)
        try Self.keepUnnumbered(inner, sandbox)
        for ends in hasV6 ? [link.v4, link.v6] : [link.v4] {
            try Self.addAddress(ends.host, outer, host)
            try Self.addAddress(ends.sandbox, inner, sandbox)
        }
        try Self.switchOn(outer, host)
        try Self.switchOn(inner, sandbox)
        for ends in hasV6 ? [link.v4, link.v6] : [link.v4] {
            try Self.addNeighbour(ends.sandbox, link.sandboxHardware, outer, host)
            try Self.addNeighbour(ends.host, link.hostHardware, inner, sandbox)
            try Self.addDefaultRoute(through: ends.host, from: ends.sandbox, inner, sandbox)
        }
    }

    /// The kernel takes an alias for an interface that exists only.
    private func name(_ index: UInt32, _ owner: String) throws(NetlinkError) {
        var message = Self.request(RouteMessage.newLink, Self.linkHeader(index: index), host)
        message.add(LinkAttribute.alias, owner)
        try host.perform(message.bytes, "name a link", detail: owner)
    }

    private func makePair(_ link: Uplink) throws(NetlinkError) {
        var message = Self.request(
            RouteMessage.newLink, Self.linkHeader(index: 0), host, NetlinkConstant.create | NetlinkConstant.exclusive)
        message.add(LinkAttribute.name, link.interface)
        message.add(LinkAttribute.address, link.hostHardware)
        message.addNested(LinkAttribute.info) { info in
            info.add(LinkAttribute.infoKind, "veth")
            info.addNested(LinkAttribute.infoData) { data in
                data.addNested(LinkAttribute.peer) { peer in
                    peer.append(Self.linkHeader(index: 0))
                    peer.add(LinkAttribute.name, Uplink.inside)
                    peer.add(LinkAttribute.address, link.sandboxHardware)
                    peer.add(LinkAttribute.namespace, UInt32(bitPattern: namespace))
                }
            }
        }
        try host.perform(message.bytes, "make a link", detail: link.interface)
    }

    /// Takes away an interface of the caller's namespace, and its other half; a missing one is no error.
    public static func remove(_ interface: String) throws(NetlinkError) {
        let socket = try NetlinkSocket.open(protocol: RouteMessage.protocolNumber, namespace: nil)
        var message = request(RouteMessage.deleteLink, linkHeader(index: 0), socket)
        message.add(LinkAttribute.name, interface)
        do throws(NetlinkError) {
            try socket.perform(message.bytes, "remove a link", detail: interface)
        } catch {
            guard error.errno == ENODEV else { throw error }
        }
    }

    /// Switches an interface of the caller's namespace off; a missing one is no error. ``make(_:owner:hasV6:)`` switches it
    /// on again, with the addresses and neighbours that the kernel drops meanwhile.
    public static func switchOff(_ interface: String) throws(NetlinkError) {
        let socket = try NetlinkSocket.open(protocol: RouteMessage.protocolNumber, namespace: nil)
        guard let index = try index(of: interface, socket) else { return }
        try change(index, flags: 0, "switch a link off", socket)
    }

    // MARK: Requests

    /// Makes what is not there, or replaces it.
    private static let putting = NetlinkConstant.create | RouteMessage.replace

    /// A request that is acknowledged.
    private static func request(
        _ type: UInt16, _ header: [UInt8], _ socket: NetlinkSocket, _ flags: UInt16 = 0
    ) -> MessageBuilder {
        MessageBuilder(
            type: type, flags: NetlinkConstant.request | NetlinkConstant.acknowledge | flags,
            sequence: socket.nextSequence(), header: header)
    }

    /// `struct ifinfomsg`.
    private static func linkHeader(index: UInt32, flags: UInt32 = 0, change: UInt32 = 0) -> [UInt8] {
        [0, 0] + UInt16(0).hostBytes + index.hostBytes + flags.hostBytes + change.hostBytes
    }

    private static func index(of interface: String, _ socket: NetlinkSocket) throws(NetlinkError) -> UInt32? {
        var message = MessageBuilder(
            type: RouteMessage.getLink, flags: NetlinkConstant.request, sequence: socket.nextSequence(),
            header: linkHeader(index: 0))
        message.add(LinkAttribute.name, interface)
        do throws(NetlinkError) {
            let answer = try socket.ask(message.bytes, "look for a link").first { $0.type == RouteMessage.newLink }
            return answer?.payload.number(at: 4)
        } catch {
            guard error.errno == ENODEV else { throw error }
            return nil
        }
    }

    private static func change(
        _ index: UInt32, flags: UInt32, _ operation: String, _ socket: NetlinkSocket
    ) throws(NetlinkError) {
        let message = request(
            RouteMessage.newLink, linkHeader(index: index, flags: flags, change: LinkAttribute.up), socket)
        try socket.perform(message.bytes, operation, detail: nil)
    }

    private static func switchOn(_ index: UInt32, _ socket: NetlinkSocket) throws(NetlinkError) {
        try change(index, flags: LinkAttribute.up, "switch a link on", socket)
    }

    /// No IPv6 address of the kernel's own making: a link-local one would lead to the host's servers past all rules about
    /// its addresses.
    private static func keepUnnumbered(_ index: UInt32, _ socket: NetlinkSocket) throws(NetlinkError) {
        var message = request(RouteMessage.newLink, linkHeader(index: index), socket)
        message.addNested(LinkAttribute.families) { families in
            families.addNested(UInt16(AF_INET6)) { $0.add(LinkAttribute.generation, [LinkAttribute.noGeneration]) }
        }
        do throws(NetlinkError) {
            try socket.perform(message.bytes, "configure a link", detail: nil)
        } catch {
            // Without IPv6 there is nothing to keep away.
            guard [EAFNOSUPPORT, EOPNOTSUPP].contains(error.errno) else { throw error }
        }
    }

    private static func family(of address: IPAddress) -> UInt8 { UInt8(address.isV4 ? AF_INET : AF_INET6) }

    private static func addAddress(
        _ address: IPAddress, _ index: UInt32, _ socket: NetlinkSocket
    ) throws(NetlinkError) {
        // struct ifaddrmsg: family, prefix, flags, scope, interface.
        var message = request(
            RouteMessage.newAddress, [family(of: address), address.isV4 ? 31 : 127, 0, 0] + index.hostBytes,
            socket, NetlinkConstant.create | NetlinkConstant.exclusive)
        message.add(RouteAttribute.addressLocal, address.bytes)
        message.add(RouteAttribute.address, address.bytes)
        message.add(RouteAttribute.addressFlags, RouteAttribute.noDetection)
        do throws(NetlinkError) {
            try socket.perform(message.bytes, "add an address", detail: "\(address)")
        } catch {
            // Not replaced: that would be news of a changed address, to whoever came here because of such news.
            guard error.errno == EEXIST else { throw error }
        }
    }

    private static func addNeighbour(
        _ address: IPAddress, _ hardware: [UInt8], _ index: UInt32, _ socket: NetlinkSocket
    ) throws(NetlinkError) {
        // struct ndmsg: family, padding, interface, state, flags, type.
        var message = request(
            RouteMessage.newNeighbour,
            [family(of: address), 0, 0, 0] + index.hostBytes + RouteAttribute.permanent.hostBytes + [0, 0], socket,
            putting)
        message.add(RouteAttribute.neighbour, address.bytes)
        message.add(RouteAttribute.hardware, hardware)
        try socket.perform(message.bytes, "add a neighbour", detail: "\(address)")
    }

    private static func addDefaultRoute(
        through gateway: IPAddress, from source: IPAddress, _ index: UInt32, _ socket: NetlinkSocket
    ) throws(NetlinkError) {
        // struct rtmsg: everything, from everywhere.
        var message = request(
            RouteMessage.newRoute,
            [
                family(of: gateway), 0, 0, 0, RouteMessage.mainTable, RouteMessage.staticProtocol, 0,
                RouteMessage.unicast, 0, 0, 0, 0,
            ], socket, putting)
        message.add(RouteAttribute.outInterface, index)
        message.add(RouteAttribute.gateway, gateway.bytes)
        message.add(RouteAttribute.preferredSource, source.bytes)
        try socket.perform(message.bytes, "add the default route", detail: "\(gateway)")
    }
}
