import EgressPolicy
import SandboxModel
import Testing

@testable import SandboxEngine

@Suite("Direct hosts are looked up again") struct RefreshTests {
    private static let second: Int64 = 1_000_000

    private func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

    /// A running sandbox with one direct host, which has the address ending in 1.
    private func world(lifetime: Int = 60) throws -> (World, HostName) {
        let world = try World()
        let host = try #require(HostName(parsing: "db.example.org"))
        var template = Template()
        template.network.mode = .restricted
        template.network.rules = [EgressRule(.host(.exact(host)), ports: [PortRange(tcp: 5432)], via: .direct)]
        world.host.lifetime = lifetime
        world.host.addresses[host] = .success([try address("203.0.113.1")])
        try world.create(template)
        return (world, host)
    }

    private func open(_ world: World) throws -> [String] {
        try #require(world.host.applied.last).direct.map { "\($0.range)" }
    }

    @Test("create opens what is found, and arranges for the next look") func create() throws {
        let (world, _) = try world()
        #expect(try open(world) == ["203.0.113.1"])
        world.trace.clear()
        try world.engine.stop(world.demo, grace: 0)
        try world.engine.start(world.demo)
        #expect(world.trace.calls.contains("schedule refresh"))
    }

    @Test("a host that is not found at first is no reason not to start") func notFound() throws {
        let world = try World()
        let host = try #require(HostName(parsing: "db.example.org"))
        var template = Template()
        template.network.mode = .restricted
        template.network.rules = [EgressRule(.host(.exact(host)), via: .direct)]
        try world.create(template)
        #expect(try open(world).isEmpty)
        #expect(try world.engine.networkStatus(world.demo).record.network?.resolved.first?.failure == "no answer")
    }

    @Test("old addresses stay open as long as they were true, and close then") func grace() throws {
        let (world, host) = try world()
        world.host.addresses[host] = .success([try address("203.0.113.2")])
        #expect(try world.engine.refresh(world.demo).changed)
        #expect(try open(world) == ["203.0.113.2", "203.0.113.1"])
        let former = try #require(try world.engine.networkStatus(world.demo).policy.direct.last)
        #expect(former.grants.first?.expires == 61 * Self.second)
        world.host.time = 62 * Self.second
        #expect(try world.engine.refresh(world.demo).changed)
        #expect(try open(world) == ["203.0.113.2"])
        #expect(try !world.engine.refresh(world.demo).changed)
    }

    @Test("an address that comes back is not a former one") func back() throws {
        let (world, host) = try world()
        for last in [2, 1] {
            world.host.addresses[host] = .success([try address("203.0.113.\(last)")])
            _ = try world.engine.refresh(world.demo)
        }
        let known = try #require(try world.engine.networkStatus(world.demo).record.network?.resolved.first)
        #expect(known.addresses.map(\.description) == ["203.0.113.1"])
        #expect(known.former?.map(\.address.description) == ["203.0.113.2"])
    }

    @Test("a failed look keeps the last good addresses and says so; the next one is due at once") func failed() throws {
        let (world, host) = try world(lifetime: 3600)
        world.host.addresses[host] = .failure(SandboxError(.unavailable, "no resolver answered"))
        #expect(try !world.engine.refresh(world.demo, onlyDue: true).changed)
        #expect(try world.engine.networkStatus(world.demo).record.network?.resolved.first?.failure == nil)
        #expect(try !world.engine.refresh(world.demo).changed)
        #expect(
            try world.engine.networkStatus(world.demo).record.network?.resolved.first?.failure == "no resolver answered"
        )
        #expect(try open(world) == ["203.0.113.1"])
        world.host.addresses[host] = .success([try address("203.0.113.9")])
        #expect(try world.engine.refresh(world.demo, onlyDue: true).changed)
    }

    @Test(
        "what is due follows from the time to live, thirty seconds to an hour",
        arguments: [(0, 30), (90, 90), (90_000, 3600)])
    func due(lifetime: Int, period: Int64) throws {
        let (world, host) = try world(lifetime: lifetime)
        world.host.addresses[host] = .success([try address("203.0.113.2")])
        world.host.time += (period - 1) * Self.second
        #expect(try !world.engine.refresh(world.demo, onlyDue: true).changed)
        world.host.time += Self.second
        #expect(try world.engine.refresh(world.demo, onlyDue: true).changed)
    }

    @Test("without direct hosts nothing is looked up any more") func denied() throws {
        let (world, host) = try world()
        _ = try world.engine.change(world.demo, .deny([.init(.host(.exact(host)))]))
        #expect(world.trace.calls.contains("cancel refresh"))
        #expect(try open(world).isEmpty)
    }

    @Test("a direct host that comes back is looked up as if it were new") func again() throws {
        let (world, host) = try world()
        _ = try world.engine.change(world.demo, .deny([.init(.host(.exact(host)))]))
        world.host.addresses[host] = .success([try address("203.0.113.7")])
        world.trace.clear()
        let rule = EgressRule(.host(.exact(host)), ports: [PortRange(tcp: 5432)], via: .direct)
        _ = try world.engine.change(world.demo, .allow([rule]))
        #expect(world.trace.calls.contains("schedule refresh"))
        #expect(try open(world) == ["203.0.113.7"])
    }

    @Test("what has a link is carried out again, and one that is busy is told of") func reapplied() throws {
        let (world, _) = try world()
        world.trace.clear()
        #expect(try world.engine.reapplyLinked().isEmpty)
        #expect(world.trace.calls.filter { $0 == "apply network" }.count == 1)
        world.store.locked.insert(world.demo)
        #expect(try world.engine.reapplyLinked().map(\.code) == [.temporary])
        world.store.locked.remove(world.demo)
        _ = try world.engine.change(world.demo, .mode(.none))
        world.trace.clear()
        #expect(try world.engine.reapplyLinked().isEmpty)
        #expect(!world.trace.calls.contains("apply network"))
    }
}
