import SandboxModel
import Testing

@testable import SandboxEngine

@Suite("create") struct CreateTests {
    @Test("makes a sandbox step by step and commits last") func steps() throws {
        let world = try World()
        try world.engine.create(world.request())
        #expect(
            world.trace.calls == [
                "load", "check", "check network", "ensure unused", "claim range", "remove record",
                "remove network state", "save creating", "make network", "apply network", "launch",
                "verify", "release", "save run", "save created",
            ])
        #expect(world.store.records[world.demo]?.phase == .created)
        #expect(world.events.list == ["created demo", "started demo"])
    }

    @Test("undoes everything whichever call fails") func anyFailure() throws {
        let counting = try World()
        try counting.engine.create(counting.request(Template(agent: AgentSettings(setup: ["true"]))))
        let count = counting.trace.calls.count
        for number in 1...count {
            let world = try World()
            world.trace.failing = number
            let error = failure {
                try world.engine.create(world.request(Template(agent: AgentSettings(setup: ["true"]))))
            }
            #expect(error?.message == "\(world.trace.calls[number - 1]) fails", "call \(number)")
            #expect(world.leftovers == [], "call \(number): \(world.trace.calls[number - 1])")
            #expect(world.events.list == [])
        }
    }

    @Test("undoes everything whenever a signal arrives, and tells which") func interrupted() throws {
        for step in 1...7 {
            let world = try World()
            world.host.interruptionAfter = step
            let error = failure { try world.engine.create(world.request()) }
            #expect(error?.code == .temporary)
            #expect(error?.message.contains("signal 15") == true)
            #expect(world.leftovers == [], "step \(step)")
        }
    }

    @Test("tells both failures when the undo fails too") func undoFails() throws {
        let world = try World()
        world.trace.broken = ["verify", "remove network"]
        let error = failure { try world.engine.create(world.request()) }
        #expect(error?.message.contains("verify fails") == true)
        #expect(error?.message.contains("undoing network: remove network fails") == true)
        #expect(world.leftovers == ["network"])
    }

    @Test("refuses a name that exists and leaves it alone") func exists() throws {
        let world = try World()
        try world.create()
        let before = world.store.records
        let error = failure { try world.engine.create(world.request()) }
        #expect(error?.code == .cannotCreate)
        #expect(world.trace.calls == ["load"])
        #expect(world.store.records == before)
    }

    @Test("refuses a name that another command is at work on") func locked() throws {
        let world = try World()
        world.store.locked = [world.demo]
        #expect(failure { try world.engine.create(world.request()) }?.code == .cannotCreate)
        #expect(world.trace.calls == [])
    }

    @Test("makes only the definition when it is not to start") func noStart() throws {
        let world = try World()
        try world.engine.create(world.request(start: false))
        #expect(world.host.units.isEmpty && world.host.networks.isEmpty)
        #expect(try world.engine.status(world.demo).state == .stopped)
    }

    @Test("stops at the first setup line that fails and says what it wrote") func setupFails() throws {
        let world = try World()
        world.host.results = [
            EntryResult(status: 0), EntryResult(status: 3, output: Array("no \u{1b}[31mgood\n".utf8)),
        ]
        let template = Template(agent: AgentSettings(setup: ["one", "two", "three"]))
        let error = failure { try world.engine.create(world.request(template)) }
        #expect(error?.message == "setup line 2 'two' failed with status 3")
        #expect(error?.cause == "no \\u{1b}[31mgood")
        #expect(world.host.entered.count == 2)
        #expect(world.leftovers == [])
    }

    @Test("runs setup again after reset, not after stop and start") func setupOnce() throws {
        let world = try World()
        try world.create(Template(agent: AgentSettings(setup: ["line"])))
        try world.engine.stop(world.demo, grace: 1)
        try world.engine.start(world.demo)
        #expect(world.host.entered.isEmpty)
        try world.engine.reset(world.demo, grace: 1)
        #expect(world.host.entered.map(\.arguments) == [["/bin/sh", "-c", "line"]])
    }
}
