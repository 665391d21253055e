internal import EgressPolicy
internal import Netfilter
internal import SandboxModel

/// Routes to the loopback device of a sandbox's namespace, where the rules decide.
enum Loopback {
    /// Addresses of the gateway's own, questions to resolvers, and, unless a link has a route for them, all others.
    /// - Parameters:
    ///   - exceptV4, exceptV6: whether all others go through a link.
    /// - Returns: whether IPv6 has a route, too.
    static func makeRoutes(
        _ namespace: Int32, exceptV4: Bool = false, exceptV6: Bool = false
    ) throws(NetlinkError) -> Bool {
        let routes = try LoopbackRoutes(inNamespace: namespace)
        if exceptV4 { try routes.add(port: NamespaceRuleset.resolverPort, family: .ipv4) }
        try routes.add([SyntheticMap.poolV4] + (exceptV4 ? [] : [.everything(.ipv4)]))
        if exceptV6 { try routes.add(port: NamespaceRuleset.resolverPort, family: .ipv6) }
        return try routes.add(v6: [SyntheticMap.poolV6] + (exceptV6 ? [] : [.everything(.ipv6)]))
    }

    static func removeRoutes(_ namespace: Int32) throws(NetlinkError) {
        let routes = try LoopbackRoutes(inNamespace: namespace)
        for family in [AddressFamily.ipv4, .ipv6] {
            try routes.remove(port: NamespaceRuleset.resolverPort, family: family)
        }
        try routes.remove([SyntheticMap.poolV4, SyntheticMap.poolV6, .everything(.ipv4), .everything(.ipv6)])
    }
}
