import SandboxModel
import Testing

@testable import SandboxEngine

@Suite("start, stop, remove, list, gc") struct LifecycleTests {
    @Test("start leaves a running sandbox alone") func startTwice() throws {
        let world = try World()
        try world.create()
        try world.engine.start(world.demo)
        #expect(!world.trace.calls.contains("launch"))
    }

    @Test("a start that fails at any call leaves a stopped sandbox that can be started") func startFails() throws {
        let counting = try World()
        try counting.create(start: false)
        try counting.engine.start(counting.demo)
        for number in 1...counting.trace.calls.count {
            let world = try World()
            try world.create(start: false)
            world.trace.failing = number
            #expect(failure { try world.engine.start(world.demo) } != nil)
            #expect(world.host.alive.isEmpty && world.store.runs.isEmpty, "call \(number)")
            world.trace.failing = nil
            try world.engine.start(world.demo)
            #expect(try world.engine.status(world.demo).state == .running)
        }
    }

    @Test("remove leaves nothing, and can be repeated after a failure at any call") func remove() throws {
        let counting = try World()
        try counting.create()
        try counting.engine.remove(counting.demo, grace: 1)
        #expect(counting.leftovers == [])
        for number in 1...counting.trace.calls.count {
            let world = try World()
            try world.create()
            world.trace.failing = number
            #expect(failure { try world.engine.remove(world.demo, grace: 1) } != nil)
            world.trace.failing = nil
            if try world.store.names().contains(world.demo) { try world.engine.remove(world.demo, grace: 1) }
            #expect(world.leftovers == [], "call \(number)")
        }
    }

    @Test("remove clears a record that cannot be read, by its name") func removeCorrupt() throws {
        let world = try World()
        world.store.corrupt = [world.demo]
        try world.engine.remove(world.demo, grace: 0)
        #expect(world.leftovers == [])
    }

    @Test("a name that is none is not found, by every verb") func notFound() throws {
        let world = try World()
        #expect(failure { try world.engine.start(world.demo) }?.code == .notFound)
        #expect(failure { try world.engine.stop(world.demo, grace: 0) }?.code == .notFound)
        #expect(failure { try world.engine.reset(world.demo, grace: 0) }?.code == .notFound)
        #expect(failure { try world.engine.remove(world.demo, grace: 0) }?.code == .notFound)
        #expect(failure { try world.engine.status(world.demo) }?.code == .notFound)
        #expect(
            failure { try world.engine.execute(world.demo, ExecuteRequest(arguments: ["true"])) }?.code == .notFound)
    }

    @Test("a record that cannot be read does not hide the others") func listCorrupt() throws {
        let world = try World()
        try world.create()
        world.store.corrupt = [try SandboxName("bad")]
        let states = try world.engine.list().map { "\($0.name) \($0.state.rawValue)" }
        #expect(states == ["bad corrupt", "demo running"])
    }

    @Test("a run record of another sandbox of the name does not count, one whose process is gone means failed")
    func states() throws {
        let world = try World()
        try world.create()
        let run = try #require(world.store.runs[world.demo])
        world.host.alive = []
        world.host.reasons[world.demo] = "unit is failed (signal)"
        #expect(try world.engine.status(world.demo).state == .failed)
        #expect(try world.engine.status(world.demo).problem == "unit is failed (signal)")
        world.store.runs[world.demo] = RunRecord(
            id: "another", leader: run.leader, leaderStart: 1, cgroup: "/", startedAt: 1, weakenings: [])
        world.host.alive = [run.leader]
        #expect(try world.engine.status(world.demo).state == .stopped)
        world.store.records[world.demo]?.phase = .creating
        #expect(try world.engine.status(world.demo).state == .incomplete)
        world.store.locked = [world.demo]
        #expect(try world.engine.status(world.demo).state == .busy)
    }

    @Test("gc tells first and acts only when forced") func dryRun() throws {
        let world = try World()
        try world.create()
        world.store.records[world.demo]?.phase = .creating
        #expect(try world.engine.collect(force: false).map(\.problem) == ["creating was interrupted"])
        #expect(world.leftovers.contains("record"))
        _ = try world.engine.collect(force: true)
        #expect(world.leftovers == [])
    }

    @Test("gc leaves running, stopped, locked and unreadable sandboxes alone") func innocent() throws {
        let world = try World()
        try world.create()
        #expect(try world.engine.collect(force: true) == [])
        try world.engine.stop(world.demo, grace: 0)
        #expect(try world.engine.collect(force: true) == [])
        world.store.records[world.demo]?.phase = .removing
        world.store.locked = [world.demo]
        #expect(try world.engine.collect(force: true) == [])
        world.store.corrupt = [try SandboxName("bad")]
        #expect(try world.engine.collect(force: true) == [])
        #expect(world.store.corrupt.count == 1)
    }

    @Test("gc tidies what a failed run left and keeps the sandbox") func failedRun() throws {
        let world = try World()
        try world.create()
        world.host.alive = []
        _ = try world.engine.collect(force: true)
        #expect(world.leftovers == ["record", "range"])
        #expect(try world.engine.status(world.demo).state == .stopped)
    }

    @Test("gc removes the sandbox of a 'run' that was killed, and no other") func killedRun() throws {
        let world = try World()
        try world.engine.create(
            CreateRequest(name: world.demo, templateName: "t", template: Template(), workspace: nil, temporary: true))
        #expect(try world.engine.collect(force: true) == [])
        world.host.goneOwner = ProcessMark(pid: 42, start: 7)
        _ = try world.engine.collect(force: true)
        #expect(world.leftovers == [])
        try world.create()
        #expect(try world.engine.collect(force: true) == [])
    }

    @Test("gc leaves a namespace alone that somebody else gave a name like ours") func foreignNetwork() throws {
        let world = try World()
        world.host.networks = [world.demo]
        #expect(try world.engine.collect(force: true) == [])
        #expect(world.host.networks == [world.demo])
    }

    @Test("gc removes what has no record") func noRecord() throws {
        let world = try World()
        world.host.networks = [world.demo]
        world.store.ranges[world.demo] = 65536
        _ = try world.engine.collect(force: true)
        #expect(world.leftovers == [])
    }
}

@Suite("exec") struct ExecuteTests {
    private func environment(_ request: ExecuteRequest, _ template: Template = Template()) throws -> [String: String] {
        let world = try World()
        try world.create(template)
        _ = try world.engine.execute(world.demo, request)
        return try #require(world.host.entered.first).environment
    }

    @Test("passes nothing of the caller's environment but what was named") func clean() throws {
        let got = try environment(ExecuteRequest(arguments: ["env"], environment: ["MINE": "1"]))
        #expect(Set(got.keys) == ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "SANDBOX", "MINE"])
    }

    @Test("lets the caller's variables win over the template's, and these over secrets") func precedence() throws {
        let template = Template(
            agent: AgentSettings(environment: ["A": "template", "B": "template"]),
            secrets: [Secret(name: "s", source: .file("/s"), exposure: .environment(variable: "TOKEN"))])
        let got = try environment(ExecuteRequest(arguments: ["env"], environment: ["B": "caller"]), template)
        #expect((got["A"], got["B"], got["TOKEN"]) == ("template", "caller", "value of s"))
    }

    @Test("keeps secrets from everybody but the agent") func secretsOfTheAgent() throws {
        let template = Template(
            secrets: [Secret(name: "s", source: .file("/s"), exposure: .environment(variable: "TOKEN"))])
        #expect(try environment(ExecuteRequest(arguments: ["env"], user: "nobody"), template)["TOKEN"] == nil)
    }

    @Test("refuses root unless the template allows it") func root() throws {
        let world = try World()
        try world.create()
        let request = ExecuteRequest(arguments: ["id"], user: "root")
        #expect(failure { try world.engine.execute(world.demo, request) }?.code == .permission)
        #expect(
            failure { try world.engine.execute(world.demo, ExecuteRequest(arguments: ["id"], user: "0")) }?.code
                == .permission)
        let open = try World()
        try open.create(Template(agent: AgentSettings(allowRoot: true)))
        #expect(try open.engine.execute(open.demo, request).status == 0)
    }

    @Test("runs the template's command when none is given, in the workspace or the home") func defaults() throws {
        let world = try World()
        try world.create()
        _ = try world.engine.execute(world.demo, ExecuteRequest(arguments: []))
        let entry = try #require(world.host.entered.first)
        #expect(entry.arguments == ["bash", "-l"])
        #expect(entry.directory == "/home/agent")
    }

    @Test("needs a running sandbox") func stopped() throws {
        let world = try World()
        try world.create(start: false)
        #expect(
            failure { try world.engine.execute(world.demo, ExecuteRequest(arguments: ["true"])) }?.code == .unavailable)
    }
}

#if FAILPOINTS
    import Glibc

    @Suite("failpoints") struct FailpointTests {
        // A step that no other test takes: the environment belongs to all of them.
        @Test("a step can be made to fail from outside, in test builds") func fails() throws {
            setenv("SANDBOXCTL_FAIL", "restart.unit:err", 1)
            defer { unsetenv("SANDBOXCTL_FAIL") }
            let world = try World()
            try world.create()
            let error = failure { try world.engine.restart(world.demo, grace: 0) }
            #expect(error?.message == "failpoint 'restart.unit' was reached")
        }
    }
#endif
