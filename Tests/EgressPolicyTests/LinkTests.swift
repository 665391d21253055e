import SandboxModel
import Testing

@testable import EgressPolicy

private func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }
private func block(_ text: String) throws -> AddressBlock { try #require(AddressBlock(text)) }

/// Rules and gateway of a policy in words, on a host that has 198.51.100.2.
private struct Compiled {
    let gateway: GatewayPolicy
    let rules: Ruleset?

    init(_ mode: NetworkMode, _ rules: [EgressRule], resolved: [ResolvedHost] = []) throws {
        let policy = NetworkPolicy(mode: mode, rules: rules, allowsPrivate: true)
        var synthetic = SyntheticMap()
        let compiled = try PolicyCompiler.compile(
            policy, for: try SandboxName("demo"), generation: 1, synthetic: &synthetic, resolved: resolved, at: 0)
        gateway = compiled.gateway
        self.rules = NamespaceRuleset.make(
            compiled, policy,
            surroundings: NamespaceRuleset.Surroundings(
                link: UplinkPool.standard.link(5), hostAddresses: [try address("198.51.100.2")]), at: 0)
    }

    func explain(_ target: Explanation.Target, _ port: UInt16 = 443, _ transport: Transport = .tcp) -> Explanation {
        Explanation.make(
            target, transport, port: port, policy: gateway,
            live: Explanation.LiveRules(ruleset: rules, counts: [], hasLinkV4: true, hasLinkV6: true),
            lookUp: { _ in [.ipv4(IPv4Address(203, 0, 113, 1))] }, at: 0)
    }

    func passes(_ text: String, _ port: UInt16 = 443, _ transport: Transport = .tcp) throws -> Bool {
        explain(.address(try address(text)), port, transport).isAllowed
    }
}

@Suite("Links") struct LinkTests {
    @Test("Every slot has addresses and a name of its own, in the pool") func slots() throws {
        let links = (0..<UplinkPool.count).map { UplinkPool.standard.link($0) }
        #expect(Set(links.flatMap { [$0.v4.host, $0.v4.sandbox, $0.v6.host, $0.v6.sandbox] }).count == links.count * 4)
        #expect(Set(links.map(\.interface)).count == links.count)
        #expect(Set(links.flatMap { [$0.hostHardware, $0.sandboxHardware] }).count == links.count * 2)
        for link in links {
            #expect(link.interface.utf8.count <= 15)
            #expect(UplinkPool.standard.v4.contains(link.v4.host) && UplinkPool.standard.v4.contains(link.v4.sandbox))
            #expect(UplinkPool.standard.v6.contains(link.v6.sandbox))
        }
        #expect(UplinkPool(v4: try block("10.0.0.0/20"), v6: try block("fd00::/64")) == nil)
        #expect(UplinkPool(v4: try block("fd00::/64"), v6: try block("10.0.0.0/8")) == nil)
    }

    @Test("Ranges of a union share nothing and touch nothing") func union() throws {
        let ranges = AddressRanges.union(
            try ["10.0.0.0/8", "10.1.0.0/16", "11.0.0.0/8", "240.0.0.0/4", "224.0.0.0/4", "::/96", "::1/128"].map(block)
        )
        #expect(
            ranges.map { "\($0.first)-\($0.last)" } == [
                "10.0.0.0-11.255.255.255", "224.0.0.0-255.255.255.255", "::-::ffff:ffff",
            ])
    }

    @Test("Ranges within ranges are cut into pieces with the ports of all") func pieces() throws {
        let rules = [
            EgressRule(.network(try block("192.0.2.0/24")), ports: [PortRange(tcp: 443)]),
            EgressRule(.network(try block("192.0.2.128/25")), ports: [PortRange(tcp: 80)]),
            EgressRule(.network(try block("192.0.2.255/32")), ports: [PortRange(.udp, 123...123)]),
        ]
        let compiled = try Compiled(.restricted, rules)
        let set = try #require(compiled.rules?.sets.first { $0.name == "direct4" })
        for (index, one) in set.elements.enumerated() {
            for other in set.elements.dropFirst(index + 1) {
                let apart = zip(zip(one.lower, one.upper ?? one.lower), zip(other.lower, other.upper ?? other.lower))
                    .contains { left, right in "\(left)" != "\(right)" }
                #expect(apart)
            }
        }
        #expect(try compiled.passes("192.0.2.1"))
        #expect(try !compiled.passes("192.0.2.1", 80))
        #expect(try compiled.passes("192.0.2.200", 80) && compiled.passes("192.0.2.200"))
        #expect(try compiled.passes("192.0.2.255", 123, .udp) && compiled.passes("192.0.2.255", 80))
        #expect(try !compiled.passes("192.0.2.254", 123, .udp))
        #expect(try !compiled.passes("192.0.3.0") && !compiled.passes("192.0.1.255"))
        #expect(compiled.rules?.problems == [])
    }

    @Test(
        "Mode full reaches the world, and none of what it must not",
        arguments: [
            ("203.0.113.1", true), ("2001:db8::1", true), ("8.8.8.8", true), ("10.0.0.1", false),
            ("169.254.169.254", false), ("192.168.1.1", false), ("100.64.0.1", false), ("198.51.100.2", false),
            ("198.51.100.3", true), ("10.213.32.10", false), ("127.0.0.2", true), ("fd00::1", false),
            ("fe80::1", false), ("64:ff9b::a00:1", false), ("::ffff:10.0.0.1", false), ("2002:a00:1::", false),
            ("fd00:ec2::254", false), ("168.63.129.16", false), ("0.0.0.0", false), ("255.255.255.255", false),
        ])
    func full(text: String, isOpen: Bool) throws {
        let compiled = try Compiled(.full, [])
        // Loopback is the sandbox's own: it has no link there.
        let own = text.hasPrefix("127.")
        #expect(try own || compiled.passes(text) == isOpen, "\(text)")
    }

    @Test("A rule opens in mode full what is refused otherwise, on its ports") func named() throws {
        let compiled = try Compiled(
            .full, [EgressRule(.network(try block("10.9.0.0/16")), ports: [PortRange(tcp: 80)])])
        #expect(try compiled.passes("10.9.1.1", 80))
        #expect(try !compiled.passes("10.9.1.1", 81) && !compiled.passes("10.8.1.1", 80))
        let steps = compiled.explain(.name(try #require(HostName(parsing: "x.example.org")))).steps
        #expect(steps.map(\.isAllowed) == [true, true] && steps.last?.rules.count == 2)
    }

    @Test("Without surroundings no rule opens a way past the gateway") func unlinked() throws {
        let policy = NetworkPolicy(mode: .full)
        var synthetic = SyntheticMap()
        let compiled = try PolicyCompiler.compile(
            policy, for: try SandboxName("demo"), generation: 1, synthetic: &synthetic, at: 0)
        let rules = try #require(NamespaceRuleset.make(compiled, policy, at: 0))
        let packet = ImaginedPacket(to: try address("8.8.8.8"), .tcp, port: 443, through: Uplink.inside)
        #expect(rules.verdict(on: packet, kind: .filter)?.outcome == .rejected(.tcpReset))
    }

    @Test("Former addresses of a direct host close by themselves") func former() throws {
        let host = try #require(HostName(parsing: "db.example.org"))
        let known = ResolvedHost(
            name: host, addresses: [try address("203.0.113.1")], at: 0,
            former: [
                FormerAddress(address: try address("203.0.113.2"), until: 60_000_000),
                FormerAddress(address: try address("203.0.113.3"), until: 0),
                FormerAddress(address: try address("169.254.169.254"), until: 60_000_000),
            ])
        let compiled = try Compiled(.restricted, [EgressRule(.host(.exact(host)), via: .direct)], resolved: [known])
        let elements = try #require(compiled.rules?.sets.first { $0.name == "direct4" }).elements
        #expect(Set(elements.compactMap(\.timeout)) == [60_020])
        #expect(try compiled.passes("203.0.113.1") && compiled.passes("203.0.113.2"))
        #expect(try !compiled.passes("203.0.113.3") && !compiled.passes("169.254.169.254"))
        // The resolver tells of those it has, and of none it had.
        #expect(compiled.gateway.direct.first?.addresses.map(\.description) == ["203.0.113.1"])
    }

    @Test("The host's rules have no problem, and let nothing in or through that no sandbox asked for") func host()
        throws
    {
        let rules = HostRuleset.make(.standard)
        #expect(rules.problems == [])
        #expect(rules.chains.count == 3)
    }
}
