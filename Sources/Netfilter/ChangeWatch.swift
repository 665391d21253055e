internal import CMnl
internal import Glibc

/// Tells that somebody changed the packet filter, forwarding, or addresses of the caller's network namespace.
public final class ChangeWatch {
    /// What was changed; more than it says may have been, never less.
    public struct Change: OptionSet, Sendable, Hashable {
        /// The bits.
        public let rawValue: Int
        /// Changes by their bits.
        public init(rawValue: Int) { self.rawValue = rawValue }

        /// Tables, chains, rules or sets, or whether packets are passed on.
        public static let rules = Change(rawValue: 1)
        /// Addresses of interfaces.
        public static let addresses = Change(rawValue: 2)
    }

    /// `NFNLGRP_NFTABLES` (linux/netfilter/nfnetlink.h); `RTNLGRP_IPV4_IFADDR`, `RTNLGRP_IPV6_IFADDR`,
    /// `RTNLGRP_IPV4_NETCONF`, `RTNLGRP_IPV6_NETCONF` (linux/rtnetlink.h).
    private enum Group {
        static let rules: Int32 = 7
        static let v4Addresses: Int32 = 5
        static let v6Addresses: Int32 = 9
        static let v4Switches: Int32 = 24
        static let v6Switches: Int32 = 25
    }

    private let filter: NetlinkSocket
    private let switches: NetlinkSocket
    private let addresses: NetlinkSocket

    /// Begins to listen.
    public init() throws(NetlinkError) {
        filter = try NetlinkSocket.open(protocol: NETLINK_NETFILTER, namespace: nil)
        try filter.join(Group.rules)
        switches = try NetlinkSocket.open(protocol: RouteMessage.protocolNumber, namespace: nil)
        try switches.join(Group.v4Switches)
        try switches.join(Group.v6Switches)
        addresses = try NetlinkSocket.open(protocol: RouteMessage.protocolNumber, namespace: nil)
        try addresses.join(Group.v4Addresses)
        try addresses.join(Group.v6Addresses)
    }

    /// Waits until something was changed since the last time.
    /// - Parameter seconds: how long; nil for as long as it takes.
    /// - Returns: nothing when the time is up.
    public func next(seconds: Int32?) throws(NetlinkError) -> Change {
        var waiting = [filter, switches, addresses].map { pollfd(fd: $0.number, events: Int16(POLLIN), revents: 0) }
        while true {
            let count = unsafe poll(&waiting, nfds_t(waiting.count), seconds.map { $0 * 1000 } ?? -1)
            if count < 0 {
                guard errno == EINTR else { throw NetlinkError(operation: "wait for changes", errno: errno) }
                continue
            }
            guard count > 0 else { return [] }
            var change: Change = []
            for socket in [filter, switches] where try drain(socket) { change.insert(.rules) }
            if try drain(addresses) { change.insert(.addresses) }
            if !change.isEmpty { return change }
        }
    }

    /// Takes what there is; whether there was anything. More than fitted is something too.
    private func drain(_ socket: NetlinkSocket) throws(NetlinkError) -> Bool {
        var found = false
        while true {
            do throws(NetlinkError) {
                guard try socket.receive("wait for changes") != nil else { return found }
                found = true
            } catch {
                guard error.errno == ENOBUFS else { throw error }
                found = true
            }
        }
    }
}
