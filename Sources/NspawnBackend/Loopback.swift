internal import Netfilter
internal import SandboxModel

/// Routes to the loopback device of a sandbox's namespace, where the rules decide.
enum Loopback {
    private static let everything = (v4: blocks(["0.0.0.0/0"]), v6: blocks(["::/0"]))
    private static func blocks(_ texts: [String]) -> [AddressBlock] { texts.compactMap { AddressBlock($0) } }

    /// Addresses of the gateway's own, and, unless a link has a route for them, all others.
    /// - Parameters:
    ///   - exceptV4, exceptV6: whether all others go through a link.
    /// - Returns: whether IPv6 has a route, too.
    static func makeRoutes(
        _ namespace: Int32, exceptV4: Bool = false, exceptV6: Bool = false
    ) throws(NetlinkError) -> Bool {
        let routes = try LoopbackRoutes(inNamespace: namespace)
        try routes.add([SyntheticMap.poolV4] + (exceptV4 ? [] : everything.v4))
        return try routes.add(v6: [SyntheticMap.poolV6] + (exceptV6 ? [] : everything.v6))
    }

    static func removeRoutes(_ namespace: Int32) throws(NetlinkError) {
        try LoopbackRoutes(inNamespace: namespace).remove(
            [SyntheticMap.poolV4, SyntheticMap.poolV6] + everything.v4 + everything.v6)
    }
}
