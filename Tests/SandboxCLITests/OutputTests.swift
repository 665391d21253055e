import Foundation
import SandboxModel
import Testing

@testable import SandboxCLI
@testable import SandboxEngine

@Suite("What is printed")
struct OutputTests {
    /// Text that a record should never hold, and that must not reach a terminal if it does.
    static let hostile = "a\u{1b}[2J\nb\t\u{9b}31m\u{202e}\"\\\u{7f}"

    private func hostileBench() throws -> Bench {
        let bench = try Bench()
        var template = Template(description: Self.hostile)
        template.agent.environment = ["A": Self.hostile]
        template.limits.memory = ByteSize(bytes: 4 << 30)
        template.limits.tasks = 512
        let workspace = Workspace(path: "/srv/\(Self.hostile)", uid: 1000, gid: 1000, device: 1, inode: 2)
        var summary = Sample.summary(
            Sample.name("evil"), template: template, templateName: Self.hostile, workspace)
        summary = SandboxSummary(
            name: summary.name, state: .running, record: summary.record,
            run: RunRecord(
                id: "x", leader: 4242, leaderStart: 1, cgroup: Self.hostile, startedAt: Sample.now - 59_000_000,
                weakenings: [Weakening(layer: "limits", reason: Self.hostile)]),
            usage: summary.usage, problem: Self.hostile)
        bench.services.sandboxes = [
            summary, Sample.summary(Sample.name("idle"), state: .stopped),
            SandboxSummary(
                name: Sample.name("torn"), state: .corrupt, record: nil, run: nil, usage: nil, problem: "not JSON"),
        ]
        return bench
    }

    @Test("list is a table, also of hostile values")
    func list() throws {
        let bench = try hostileBench()
        #expect(bench.run("list") == 0)
        let shown = #"a\u{1b}[2J\u{a}b\u{9}\u{9b}31m\u{202e}"\\u{7f}"#
        let template = "TEMPLATE" + String(repeating: " ", count: shown.count - 8)
        let gap = String(repeating: " ", count: shown.count)
        #expect(
            bench.output == """
                NAME  STATE    \(template)  NETWORK  MEMORY    TASKS  CPU   ROOT     AGE  UPTIME  WORKSPACE
                evil  running  \(shown)  none     12.0M/4G  3/512  1.2s  3.0M/1G  3m   59s     /srv/\(shown)
                idle  stopped  default\(gap.dropLast(7))  none     -         -      -     -        3m   -       -
                torn  corrupt  -\(gap.dropLast(1))  -        -         -      -     -        -    -       -

                """)
    }

    @Test("status is a block, also of hostile values")
    func status() throws {
        let bench = try hostileBench()
        #expect(bench.run("status", "evil") == 0)
        let shown = #"a\u{1b}[2J\u{a}b\u{9}\u{9b}31m\u{202e}"\\u{7f}"#
        #expect(
            bench.output == """
                evil: running
                  problem    \(shown)
                  id         0123456789abcdef
                  template   \(shown)
                  workspace  /srv/\(shown) (bind, owner 1000:1000)
                  network    none
                  store      host
                  host ids   524288 to 589823
                  age        3m
                  leader     4242
                  cgroup     \(shown)
                  uptime     59s
                  memory     12.0M of 4G, peak 15.0M
                  tasks      3 of 512
                  cpu        1.2s
                  root       3.0M of 1G, 120 of 200000 inodes
                  weaker     limits: \(shown)

                """)
        #expect(bench.run("status", "torn") == 0)
        #expect(bench.output == "torn: corrupt\n  problem  not JSON\n")
        #expect(bench.run("status", "gone") == 66)
    }

    @Test("status names a limit that was reached, and none that was not")
    func limits() throws {
        let bench = try Bench()
        var template = Template()
        template.limits.memory = ByteSize(bytes: 64 << 20)
        template.limits.tasks = 16
        let calm = Sample.summary(Sample.name("demo"), template: template)
        bench.services.sandboxes = [calm]
        bench.run("status", "demo")
        #expect(!bench.output.contains("limit reached"))
        var usage = try #require(calm.usage)
        usage.outOfMemoryKills = 2
        usage.tasksPeak = 16
        usage.tasksRefused = 7
        bench.services.sandboxes = [
            SandboxSummary(
                name: calm.name, state: .running, record: calm.record, run: calm.run, usage: usage, problem: nil)
        ]
        bench.run("status", "demo")
        #expect(bench.output.contains("12.0M of 64M, peak 15.0M; limit reached, 2 processes killed\n"))
        #expect(bench.output.contains("3 of 16, peak 16; limit reached, 7 refused\n"))
    }

    @Test("JSON gives hostile values back as they are, with raw numbers, and holds no control character")
    func json() throws {
        let bench = try hostileBench()
        #expect(bench.run("list", "--json") == 0)
        let unsafe = bench.output.unicodeScalars.filter { $0 != "\n" && String($0).escapingControls != String($0) }
        #expect(unsafe.isEmpty)
        let list = try #require(try bench.json() as? [[String: Any]])
        #expect(list.map { $0["name"] as? String } == ["evil", "idle", "torn"])
        #expect(list[0]["template_name"] as? String == Self.hostile)
        #expect(list[0]["age"] as? Int == 200_000_000)
        let template = try #require(list[0]["template"] as? [String: Any])
        #expect(template["description"] as? String == Self.hostile)
        #expect(template["store_paths"] as? [String] == [])
        #expect((template["agent"] as? [String: Any])?["allow_root"] as? Bool == false)
        #expect((template["agent"] as? [String: Any])?["env"] as? [String: String] == ["A": Self.hostile])
        #expect((template["limits"] as? [String: Any])?["memory"] as? Int == 4 << 30)
        let network = try #require(template["network"] as? [String: Any])
        #expect(network["mode"] as? String == "none")
        #expect((network["allow"] as? [Any])?.isEmpty == true)
        let use = try #require(list[0]["use"] as? [String: Any])
        #expect(use["memory_peak"] as? Int == 15 << 20)
        #expect(use["cpu_usec"] as? Int == 1_234_567)
        #expect((list[0]["run"] as? [String: Any])?["leader"] as? Int == 4242)
        #expect((list[0]["workspace"] as? [String: Any])?["mode"] as? String == "bind")
        #expect(list[2]["template"] == nil && list[2]["problem"] as? String == "not JSON")

        #expect(bench.run("status", "evil", "--json") == 0)
        #expect((try bench.json() as? [String: Any])?["template_name"] as? String == Self.hostile)
    }

    @Test("A list of nothing is a header, an empty array, or nothing")
    func empty() throws {
        let bench = try Bench()
        bench.run("list")
        #expect(bench.output.hasPrefix("NAME  STATE") && bench.output.split(separator: "\n").count == 1)
        bench.run("list", "--json")
        #expect(try bench.json() as? [String] == [])
        bench.run("list", "-q")
        #expect(bench.output.isEmpty)
        bench.services.sandboxes = [Sample.summary(Sample.name("demo"))]
        bench.run("ls", "-q")
        #expect(bench.output == "demo\n")
    }

    @Test("Colours are for those who want them")
    func colours() throws {
        let bench = try Bench()
        bench.services.sandboxes = [Sample.summary(Sample.name("demo"))]
        bench.run("list")
        #expect(!bench.output.contains("\u{1b}"))
        let plain = bench.output
        bench.colours = true
        bench.run("list")
        #expect(bench.output == plain.replacing("running", with: "\u{1b}[32mrunning\u{1b}[0m"))
    }

    @Test("Logs are escaped as text, and stay JSON as JSON")
    func logs() throws {
        let bench = try Bench()
        bench.services.logLines = ["plain", "\u{1b}[2J"]
        #expect(bench.run("logs", "demo", "-f", "-n", "20") == 0)
        #expect(bench.output == "plain\n\\u{1b}[2J\n")
        #expect(bench.services.calls == ["logs demo \(LogRequest(lines: 20, follow: true, json: false))"])
        bench.services.logLines = ["{\"message\":\"\u{9b}31m\"}"]
        bench.run("logs", "demo", "--json")
        #expect(bench.output == "{\"message\":\"\\u009b31m\"}\n")
        #expect((try bench.json() as? [String: String]) == ["message": "\u{9b}31m"])
    }

    @Test("gc tells what it found and would do")
    func findings() throws {
        let bench = try Bench()
        bench.services.findings = [
            Finding(sandbox: Sample.name("demo"), problem: "creating was interrupted", action: "remove it")
        ]
        bench.run("gc")
        #expect(bench.output == "demo: creating was interrupted; would: remove it\n")
        bench.run("gc", "--force")
        #expect(bench.output == "demo: creating was interrupted; done: remove it\n")
        bench.run("gc", "--json")
        #expect((try bench.json() as? [[String: Any]])?.first?["done"] as? Bool == false)
    }

    @Test("A full standard output is an error; one whose reader left is a silent end")
    func brokenOutput() throws {
        let bench = try Bench()
        bench.outputFailure = .other("No space left on device")
        #expect(bench.run("list") == 70)
        #expect(bench.error == "sandboxctl: write standard output: No space left on device\n")
        #expect(bench.run("--version") == 70)
        bench.outputFailure = .brokenPipe
        #expect(bench.run("list") == 141)
        #expect(bench.error.isEmpty)
        #expect(bench.run("--help") == 141)
        #expect(bench.error.isEmpty)
        bench.services.logLines = ["a", "b"]
        #expect(bench.run("logs", "demo") == 141)
    }

    @Test("An error is a line with its cause, and a hint")
    func errors() throws {
        let bench = try Bench()
        bench.services.failures = [
            "start": SandboxError(.temporary, "sandbox 'demo' is busy", hint: "wait\u{1b}", cause: "a lock is held")
        ]
        #expect(bench.run("start", "demo") == 75)
        #expect(bench.error == "sandboxctl: sandbox 'demo' is busy: a lock is held\nhint: wait\\u{1b}\n")
    }
}
