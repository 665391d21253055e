import EgressPolicy
import Foundation
import NIOCore
import NIOEmbedded
import SandboxModel
import Testing

@testable import EgressGateway

/// A gateway without a network: a loop whose time is ours, and connections that nobody is at the other end of.
private struct Bench {
    let loop = EmbeddedEventLoop()
    let state: GatewayState
    let place: UInt32

    init(mode: NetworkMode = .restricted, hosts: [String], expires: Int64? = nil) throws {
        var rules = try hosts.map { try EgressRule(parsing: $0) }
        for index in rules.indices { rules[index].expires = expires }
        var synthetic = SyntheticMap()
        let compiled = try PolicyCompiler.compile(
            NetworkPolicy(mode: mode, rules: rules), for: try SandboxName("demo"), generation: 1,
            synthetic: &synthetic, at: Clock.now)
        place = try #require(compiled.gateway.hosts.first?.place)
        let file = FileManager.default.temporaryDirectory.appending(path: "names-\(UUID())").path
        state = GatewayState(
            policy: compiled.gateway, names: try NameKeeper(path: file),
            log: try DecisionLog(sandbox: try SandboxName("demo")), resolver: UpstreamResolver(eventLoop: loop),
            eventLoop: loop)
        try FileManager.default.removeItem(atPath: file)
    }

    func relay(port: UInt16) throws -> (Relay, EmbeddedChannel) {
        let channel = EmbeddedChannel(loop: loop)
        try channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        let relay = Relay(
            client: channel, destination: Destination(address: SyntheticMap.v4(place), port: port), state: state)
        relay.begin()
        return (relay, channel)
    }
}

@Suite("Relays of a gateway") struct RelayTests {
    @Test("One on which neither side says anything for long is ended, and none before") func idle() throws {
        let bench = try Bench(hosts: ["a.example.org"])
        let (relay, channel) = try bench.relay(port: 443)
        bench.state.endIdle(at: relay.lastActivity + Relay.idleLimit - 1)
        #expect(channel.isActive)
        bench.state.endIdle(at: relay.lastActivity + Relay.idleLimit)
        #expect(!channel.isActive)
    }

    @Test("A client that never says what it wants is ended in time") func silent() throws {
        let bench = try Bench(hosts: ["a.example.org"])
        let (_, channel) = try bench.relay(port: 443)
        bench.loop.advanceTime(by: .seconds(14))
        #expect(channel.isActive)
        bench.loop.advanceTime(by: .seconds(2))
        #expect(!channel.isActive)
    }

    @Test("A refused client is told in its protocol, and a silent one ended within 50 ms") func refused() throws {
        let bench = try Bench(hosts: ["a.example.org:8443"])
        let (_, channel) = try bench.relay(port: 443)
        bench.loop.advanceTime(by: .milliseconds(50))
        #expect(!channel.isActive)
        let (relay, second) = try bench.relay(port: 80)
        relay.clientSaid(ByteBuffer(string: "GET / HTTP/1.1\r\nHost: a.example.org\r\n\r\n"))
        let answer = try #require(try second.readOutbound(as: ByteBuffer.self))
        #expect(String(buffer: answer).hasPrefix("HTTP/1.1 403 "))
        #expect(String(buffer: answer).contains("network allow demo a.example.org\""))
        #expect(bench.state.report.denials.map(\.refusal) == [.port, .port])
    }

    @Test("Those that wait for their host are bounded") func connecting() throws {
        let state = try Bench(hosts: ["a.example.org"]).state
        var count = 0
        while state.beginConnecting() { count += 1 }
        #expect(count == 512)
        state.endConnecting()
        #expect(state.beginConnecting())
        #expect(!state.beginConnecting())
    }

    @Test("A policy that allows a host no longer ends what is open to it") func tightened() throws {
        let bench = try Bench(hosts: ["a.example.org"])
        let (_, channel) = try bench.relay(port: 443)
        let shut = GatewayPolicy(sandbox: try SandboxName("demo"), generation: 2, mode: .restricted)
        #expect(bench.state.apply(shut) == 1)
        #expect(!channel.isActive)
    }
}

@Suite("What is written to the journal") struct LogBudgetTests {
    @Test("So much at once, then so much a second, and what was left out is told") func budget() {
        var budget = LogBudget(at: 0)
        #expect((0..<1500).map { _ in budget.take(at: 0) }.filter { $0 != nil }.count == Int(LogBudget.burst))
        #expect(budget.take(at: 9999) == nil)
        #expect(budget.take(at: 10_000) == 501)
        #expect(budget.take(at: 10_000) == nil)
        // A second later there is a second's worth, however often it was asked meanwhile.
        let later = (0..<1000).map { budget.take(at: 10_000 + Int64($0) * 1000) }
        #expect(later.filter { $0 != nil }.count == Int(LogBudget.rate) - 1)
    }

    @Test("A clock that is set back stops nothing for long") func clock() {
        var budget = LogBudget(at: 1_000_000_000)
        for _ in 0..<1000 { _ = budget.take(at: 1_000_000_000) }
        #expect(budget.take(at: 0) == nil)
        #expect(budget.take(at: 10_000) == 1)
    }
}
