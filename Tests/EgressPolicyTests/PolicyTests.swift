import EgressPolicy
import SandboxEngine
import SandboxModel
import Testing

private func name(_ text: String) throws -> HostName { try #require(HostName(parsing: text)) }
private let demo = "demo"

private func decisions(
    _ rules: [String], denied: [String] = [], mode: NetworkMode = .restricted, at time: Int64 = 0,
    expires: Int64? = nil
) throws -> (Decisions, SyntheticMap) {
    var parsed: [EgressRule] = []
    for text in rules {
        var rule = try EgressRule(parsing: text)
        rule.expires = expires
        parsed.append(rule)
    }
    let policy = NetworkPolicy(mode: mode, rules: parsed, denied: denied.compactMap { HostPattern(parsing: $0) })
    var synthetic = SyntheticMap()
    let compiled = try PolicyCompiler.compile(
        policy, for: try SandboxName(demo), generation: 1, synthetic: &synthetic, at: time)
    return (Decisions(compiled.gateway), synthetic)
}

@Suite("Host names") struct HostNameTests {
    @Test(
        "Names that are none, DNS-12",
        arguments: [
            "", ".", "a..b", "-a.example", "a-.example", "a b.example", "a\u{0}b.example", "a%00b.example", "*",
            "127.0.0.1", "1.2.3", "0x7f.1", "0x7f000001", "2130706433", "localhost", "x.localhost", "bücher.example",
            String(repeating: "a", count: 64) + ".example", (0..<64).map { _ in "abc" }.joined(separator: "."), "a/b",
            "a:b",
        ])
    func none(text: String) { #expect(HostName(parsing: text) == nil) }

    @Test("Case and one final dot do not matter") func folded() throws {
        #expect(try name("API.GitHub.com.") == name("api.github.com"))
        #expect(HostName(parsing: "a.example..") == nil)
        #expect(HostName(parsing: "xn--bcher-kva.example") != nil)
        #expect(HostName(parsing: "_a.example") != nil)
    }

    @Test("A wildcard is about names below it and no others") func wildcard() throws {
        let pattern = try #require(HostPattern(parsing: "*.github.com"))
        for text in ["api.github.com", "a.b.github.com"] { #expect(pattern.matches(try name(text))) }
        for text in ["github.com", "evilgithub.com", "github.com.evil.tld", "api-github.com"] {
            #expect(!pattern.matches(try name(text)))
        }
        for text in ["*", "*.com", "a.*.com", "*a.com", "**.a.com", "*.1.2.3.4"] {
            #expect(HostPattern(parsing: text) == nil, "\(text)")
        }
    }
}

@Suite("Rules in words") struct RuleTextTests {
    @Test(
        "Rules are read and written the same",
        arguments: [
            "a.example.org", "*.example.org", "a.example.org:22", "a.example.org:22,8000-8010", "192.0.2.0/24:443",
            "192.0.2.7:443", "[2001:db8::/32]:443", "192.0.2.0/24",
        ])
    func roundTrip(text: String) throws { #expect(try EgressRule(parsing: text).description == text) }

    @Test(
        "What is no rule",
        arguments: [
            "", ":443", "a.example.org:", "a.example.org:0", "a.example.org:65536", "a.example.org:9-8",
            "a.example.org:x",
            "a.example.org:53/udp", "a.example.org:443,", "192.0.2.1/24:443", "0.0.0.0/0", "127.0.0.1:80",
            "169.254.169.254",
            "[::1]:80", "[fe80::1]:80", "[2001:db8::1", "224.0.0.1", "198.18.0.1", "http://a.example.org",
            "a.example.org/x",
            "10.0.0.0/7", "[64:ff9b::a9fe:a9fe]", "[64:ff9b::/96]", "[2002::/16]", "[2002:a9fe:a9fe::1]",
            "[::ffff:10.0.0.5]", "[64:ff9b:1::1]",
        ])
    func wrong(text: String) { #expect(throws: EgressRuleProblem.self) { try EgressRule(parsing: text) } }

    @Test(
        "Problems are named for what they are",
        arguments: [
            ("*", "every name"), (":443", "names no host"), ("203.0.113.5/24", "the range is 203.0.113.0/24"),
            ("1.2.3.4/33", "longer than the address"), ("a/b", "neither a host nor a range"),
        ])
    func named(text: String, words: String) {
        #expect { try EgressRule(parsing: text) } throws: { ($0 as? EgressRuleProblem)?.text.contains(words) == true }
    }

    @Test("A name is no address and has no port") func names() throws {
        #expect(HostName.problem("1.2.3.4")?.contains("is an address") == true)
        #expect(HostName.problem("a.example.org:443")?.contains("ports are given on their own") == true)
        #expect(HostName.problem("localhost") == "is the sandbox itself")
    }

    @Test(
        "Addresses that are never reached, in every disguise",
        arguments: [
            "127.0.0.1", "0.0.0.0", "169.254.169.254", "255.255.255.255", "224.0.0.251", "198.18.3.4", "::", "::1",
            "fe80::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2001:2::1", "100.100.100.200", "fd00:ec2::254",
        ])
    func never(text: String) throws {
        #expect(SpecialAddresses.kind(of: try #require(IPAddress(text))) == .never)
        #expect(!Reachability.isReachable(try #require(IPAddress(text)), allowsPrivate: true))
    }

    @Test("Private addresses, and ordinary ones") func kinds() throws {
        for text in [
            "10.1.2.3", "172.31.0.1", "192.168.1.1", "100.64.0.1", "fd12::1", "64:ff9b::a00:1", "2002:c0a8:1::",
        ] {
            #expect(SpecialAddresses.kind(of: try #require(IPAddress(text))) == .private, "\(text)")
        }
        for text in ["203.0.113.10", "8.8.8.8", "172.32.0.1", "2001:db8::1", "2606:4700::1", "64:ff9b::808:808"] {
            #expect(SpecialAddresses.kind(of: try #require(IPAddress(text))) == nil, "\(text)")
        }
    }
}

@Suite("Decisions") struct DecisionTests {
    @Test("An empty list allows nothing") func empty() throws {
        let (decisions, _) = try decisions([])
        #expect(decisions.verdict(name: try name("a.example.org"), at: 0) == .refused(.notAllowed))
        #expect(throws: RefusedConnection(.unknownAddress, host: nil)) {
            try decisions.verdict(place: 1, port: 443, name: { _ in nil }, at: 0).get()
        }
    }

    @Test("A host is reached on its ports, through its own address") func ports() throws {
        let (decisions, synthetic) = try decisions(["a.example.org:22", "*.example.org", "b.example.org:8000-8010"])
        let place = try #require(synthetic.places["a.example.org"])
        func reach(_ port: UInt16) -> Result<AllowedConnection, RefusedConnection> {
            decisions.verdict(place: place, port: port, name: { _ in nil }, at: 0)
        }
        // A name has the ports of every rule about it.
        for port in [22, 80, 443] as [UInt16] { #expect(try reach(port).get().host == name("a.example.org")) }
        #expect(throws: RefusedConnection(.port, host: try name("a.example.org"))) { try reach(8000).get() }
    }

    @Test("A denied name is refused though a wildcard allows it") func denied() throws {
        let (decisions, _) = try decisions(["*.example.org"], denied: ["*.bad.example.org", "x.example.org"])
        #expect(decisions.verdict(name: try name("x.example.org"), at: 0) == .refused(.denied))
        #expect(decisions.verdict(name: try name("a.bad.example.org"), at: 0) == .refused(.denied))
        #expect(decisions.verdict(name: try name("y.example.org"), at: 0) != .refused(.denied))
    }

    @Test("In mode full a rule only adds") func full() throws {
        var policy = NetworkPolicy(mode: .full, rules: [try EgressRule(parsing: "a.example.org:8443")])
        policy.denied = [.below(try name("bad.example.org"))]
        var synthetic = SyntheticMap()
        let compiled = try PolicyCompiler.compile(
            policy, for: try SandboxName("demo"), generation: 1, synthetic: &synthetic, at: 0)
        let decisions = Decisions(compiled.gateway)
        let place = try #require(synthetic.places["a.example.org"])
        #expect(decisions.verdict(name: try name("a.example.org"), at: 0) == .open(relayed: place..<place + 1))
        #expect(decisions.verdict(name: try name("b.example.org"), at: 0) == .open(relayed: nil))
        #expect(decisions.verdict(name: try name("x.bad.example.org"), at: 0) == .refused(.denied))
        #expect(synthetic.pattern(of: place) == .exact(try name("a.example.org")))
        #expect(throws: SandboxError.self) {
            try policy.checkDenial(of: try EgressRule(parsing: "x.bad.example.org"))
        }
    }

    @Test("The host's own addresses are opened as far as a rule names them") func openings() throws {
        let range = try #require(AddressBlock("192.0.2.0/24"))
        let own = try ["192.0.2.9", "198.51.100.7"].map { try #require(IPAddress($0)) }
        // A name that leads to the host opens nothing of it.
        let direct = [
            DirectAddress(range: range, grants: [Grant(PortRange(tcp: 80), expires: 5)], host: nil),
            DirectAddress(
                range: AddressBlock(own[1]), grants: [Grant(PortRange(tcp: 81))], host: try name("a.example.org")),
        ]
        let link = UplinkPool.standard.link(3)
        let openings = HostOpening.list(direct, link: link, hostAddresses: own)
        #expect(openings == [HostOpening(source: link.v4.sandbox, address: own[0], ports: [PortRange(tcp: 80)])])
        let rules = HostRuleset.make(.standard, opened: openings)
        #expect(rules.problems == [])
        #expect(rules.sets.first { $0.name == "opened4" }?.elements.count == 1)
        let shut = HostRuleset.make(.standard).sets.filter { $0.name.hasPrefix("opened") }
        #expect(shut.map(\.elements) == [[], []])
    }

    @Test("What elements have left may differ by a grace, not by more") func grace() throws {
        func rules(_ timeout: UInt64?) throws -> Ruleset {
            let key = [KeyValue.address(try #require(IPAddress("192.0.2.1")))]
            let elements = timeout == 0 ? [] : [SetElement(key, timeout: timeout)]
            return Ruleset(
                table: "t", sets: [RuleSetDefinition(name: "s", key: [.ipv4], hasTimeout: true, elements: elements)])
        }
        func differ(_ meant: UInt64?, _ there: UInt64?) throws -> Bool {
            !Ruleset.differences(applied: try rules(meant), read: try rules(there), grace: 2000).isEmpty
        }
        #expect(try !differ(60_000, 58_100))
        #expect(try differ(60_000, 3_600_000))
        #expect(try differ(60_000, nil))
        #expect(try differ(nil, 60_000))
        // One that is about to end may be there still, or gone already.
        #expect(try !differ(0, 500))
        #expect(try differ(0, 5000))
        #expect(try !differ(500, 0))
    }

    @Test("Grants end by themselves") func expiry() throws {
        let (decisions, synthetic) = try decisions(["a.example.org"], at: 5, expires: 10)
        let place = try #require(synthetic.places["a.example.org"])
        #expect(decisions.verdict(name: try name("a.example.org"), at: 9) == .relayed(places: place..<place + 1))
        #expect(decisions.verdict(name: try name("a.example.org"), at: 10) == .refused(.expired))
        #expect(throws: RefusedConnection(.expired, host: try name("a.example.org"))) {
            try decisions.verdict(place: place, port: 443, name: { _ in nil }, at: 10).get()
        }
    }

    @Test("Addresses stay with their hosts, DNS-16") func places() throws {
        var map = SyntheticMap()
        let a = try #require(HostPattern(parsing: "a.example.org"))
        let b = try #require(HostPattern(parsing: "b.example.org"))
        let first = map.take(a)
        let second = map.take(b)
        #expect(first != second)
        #expect(map.take(a) == first)
        for place in [1, 2, 0x10000, 0x1ffff] as [UInt32] {
            #expect(SyntheticMap.place(of: SyntheticMap.v4(place)) == place)
            #expect(SyntheticMap.place(of: SyntheticMap.v6(place)) == place)
        }
        #expect(SyntheticMap.place(of: try #require(IPAddress("198.20.0.1"))) == nil)
        #expect(SyntheticMap.place(of: try #require(IPAddress("2001:2::2:0"))) == nil)
    }

    @Test("Names of a wildcard keep their places over a restart, and the block is bounded, DNS-10") func block() throws
    {
        var names = BlockNames()
        let block: Range<UInt32> = 0x10000..<0x10400
        var lines = ""
        for number in 0..<1023 {
            let host = try name("n\(number).example.org")
            let taken = names.place(of: host, in: block)
            #expect(taken?.isNew == true)
            lines += BlockNames.line(taken?.place ?? 0, host)
        }
        let more = names.place(of: try name("more.example.org"), in: block)
        #expect(more == nil)
        var again = BlockNames(lines: lines + "65536 cut.off")
        let seventh = again.place(of: try name("n7.example.org"), in: block)
        #expect(seventh?.place == 0x10008)
        #expect(again.name(at: 0x10008) == (try name("n7.example.org")))
        // A second name for a place ends the reading.
        let forged = BlockNames(lines: "65537 a.example.org\n65537 b.example.org\n65538 c.example.org\n")
        #expect(forged.name(at: 65537) == (try name("a.example.org")))
        #expect(forged.name(at: 65538) == nil)
    }

    @Test("Overlapping grants become pieces that do not, each with its last end") func disjoint() throws {
        func grant(_ text: String, _ expires: Int64?) throws -> Grant {
            Grant(try #require(PortRange(parsing: text)), expires: expires)
        }
        let pieces = Grant.disjoint([
            try grant("10-20", 5), try grant("15-30", nil), try grant("18", 9), try grant("40", 1),
        ])
        #expect(pieces == [try grant("10-14", 5), try grant("15-30", nil), try grant("40", 1)])
    }

    @Test("What was refused is counted, and costs a bounded memory") func denials() {
        var table = DenialTable(limit: 8)
        for number in 0..<100 { table.add("n\(number)", port: nil, .notAllowed, at: Int64(number)) }
        let isNew = table.add("n99", port: nil, .notAllowed, at: 200)
        #expect(!isNew)
        #expect(table.denials.count <= 8)
        #expect(table.denials.last?.count == 2)
        #expect(table.denials.map(\.count).reduce(0, +) + table.forgotten == 101)
    }
}
