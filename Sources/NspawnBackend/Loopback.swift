internal import Netfilter

/// Routes of a restricted sandbox's namespace: everything leads to the loopback device, where the rules decide.
enum Loopback {
    /// - Returns: whether IPv6 has a route, too.
    static func makeRoutes(_ namespace: Int32) throws(NetlinkError) -> Bool {
        try LoopbackRoutes(inNamespace: namespace).add()
    }

    static func removeRoutes(_ namespace: Int32) throws(NetlinkError) {
        try LoopbackRoutes(inNamespace: namespace).remove()
    }
}
