import Foundation
import SandboxEngine
import SandboxModel
import Testing

@testable import SandboxCLI

@Suite("What verbs ask for and answer")
struct VerbTests {
    @Test("Several names are all tried, each failure is a line, the status is the first failure's")
    func batch() throws {
        let bench = try Bench()
        bench.services.failures = [
            "stop b": SandboxError(.notFound, "no sandbox named 'b'"),
            "stop c": SandboxError(.temporary, "a lock is held"),
        ]
        #expect(bench.run("stop", "a", "b", "c", "d", "a", "--timeout", "1m") == 66)
        #expect(bench.services.calls == ["stop a 60.0", "stop b 60.0", "stop c 60.0", "stop d 60.0"])
        #expect(bench.error == "sandboxctl: no sandbox named 'b'\nsandboxctl: sandbox 'c': a lock is held\n")
        bench.services.failures = [:]
        #expect(bench.run("stop", "a", "b") == 0)
        #expect(bench.error.isEmpty)
    }

    @Test(
        "--all means every sandbox, and nothing where there is none",
        arguments: ["start", "stop", "restart", "reset", "remove"])
    func all(_ verb: String) throws {
        let bench = try Bench()
        #expect(bench.run(verb, "--all") == 0)
        #expect(bench.services.calls.isEmpty)
        bench.services.sandboxes = ["a", "b"].map { Sample.summary(Sample.name($0)) }
        #expect(bench.run(verb, "--all") == 0)
        let detail = verb == "start" ? "" : " 10.0"
        #expect(bench.services.calls == ["\(verb) a\(detail)", "\(verb) b\(detail)"])
    }

    @Test("A signal ends a batch after the sandbox it is at, with 128 + n")
    func interruptedBatch() throws {
        let bench = try Bench()
        bench.signal = 15
        #expect(bench.run("stop", "a", "b") == 143)
        #expect(bench.services.calls == ["stop a 10.0"])
        #expect(bench.watchesSignals)
    }

    @Test("A signal during create is 128 + n; without one the error's own status")
    func interruptedCreate() throws {
        let bench = try Bench()
        bench.services.failures = ["create": SandboxError(.temporary, "interrupted by signal 2")]
        #expect(bench.run("create", "demo") == 75)
        bench.signal = 2
        #expect(bench.run("create", "demo") == 130)
        #expect(bench.error == "sandboxctl: interrupted by signal 2\n")
    }

    @Test("A verb that only looks ends by a signal as any program does")
    func looking() throws {
        let bench = try Bench()
        bench.run("list")
        #expect(!bench.watchesSignals)
    }

    @Test("Flags override the template, value by value")
    func overrides() throws {
        let bench = try Bench()
        try bench.write(
            "etc/big.toml",
            "version = 1\n[limits]\nmemory = \"4G\"\ntasks = 512\n[agent]\nenv = { A = \"1\", B = \"2\" }\n")
        #expect(
            bench.run(
                "create", "demo", "-t", "big", "--memory", "1G", "--cpu=150%", "--root-size", "2G", "--root-inodes",
                "5000",
                "-e", "A=x=y", "-e", "C=", "--secret", "token=\(bench.path("t"))", "--store", "nix", "--workspace-mode",
                "read-only", "--no-start") == 0)
        let request = try #require(bench.services.created)
        #expect(request.templateName == "big")
        #expect(!request.start)
        #expect(
            request.template.limits
                == ResourceLimits(memory: ByteSize(bytes: 1 << 30), tasks: 512, cpu: CPUQuota(parsing: "150%")))
        #expect(request.template.root == RootLimits(size: ByteSize(bytes: 2 << 30), inodes: 5000))
        #expect(request.template.agent.environment == ["A": "x=y", "B": "2", "C": ""])
        #expect(request.template.secrets == [Secret(name: "token", source: .file(bench.path("t")), exposure: .file)])
        #expect(request.template.store == .nix)
        #expect(request.template.workspaceMode == .readOnly)
        #expect(bench.output == "demo\n")
    }

    @Test("Without a name the workspace's directory names the sandbox")
    func derivedName() throws {
        let bench = try Bench()
        try FileManager.default.createDirectory(
            atPath: bench.path("work/My Project_2"), withIntermediateDirectories: true)
        #expect(bench.run("create", "-w", bench.path("work/My Project_2")) == 0)
        #expect(bench.output == "my-project-2\n")
        try FileManager.default.createDirectory(atPath: bench.path("work/…"), withIntermediateDirectories: true)
        #expect(bench.run("create", "-w", bench.path("work/…")) == 64)
    }

    @Test("A dry run shows the plan and creates nothing")
    func dryRun() throws {
        let bench = try Bench()
        #expect(bench.run("create", "demo", "--dry-run") == 0)
        #expect(bench.services.calls == ["plan demo"])
        #expect(bench.output.contains("unit sandbox-demo.service\n  MemoryMax=1024\n"))
        #expect(bench.output.contains("  /usr/bin/systemd-nspawn\n  --quiet\n"))
        #expect(bench.run("create", "demo", "--dry-run", "--json") == 0)
        let plan = try #require(try bench.json() as? [String: Any])
        #expect(plan["unit"] as? String == "sandbox-demo.service")
        #expect(plan["template_name"] as? String == "default")
        #expect((plan["properties"] as? [[String: String]]) == [["name": "MemoryMax", "value": "1024"]])
    }

    // MARK: exec and shell

    @Test(
        "Flags stand before NAME or after it; from the command on, everything is the command's",
        arguments: [
            ["exec", "demo", "--", "ls", "-l", "--help"],
            ["exec", "demo", "ls", "-l", "--help"],
            ["exec", "-u", "root", "demo", "--", "ls", "-l", "--help"],
            ["exec", "demo", "-u", "root", "--", "ls", "-l", "--help"],
            ["exec", "-i", "demo", "-u", "root", "ls", "-l", "--help"],
            ["exec", "demo", "-iu", "root", "ls", "-l", "--help"],
            ["exec", "demo", "--user=root", "ls", "-l", "--help"],
            ["exec", "-e", "A=1", "demo", "-C", "/tmp", "--timeout", "5m", "ls", "-l", "--help"],
            ["shell", "demo", "--", "ls", "-l", "--help"],
            ["shell", "demo", "ls", "-l", "--help"],
        ])
    func grammar(_ arguments: [String]) throws {
        let bench = try Bench()
        #expect(bench.run(list: arguments) == 0, "\(bench.error)")
        let request = try #require(bench.services.executed)
        #expect(request.arguments == ["ls", "-l", "--help"])
        #expect(request.user == (arguments.contains { $0.contains("root") } ? "root" : nil))
        #expect(request.environment == (arguments.contains("A=1") ? ["A": "1"] : [:]))
        #expect(request.directory == (arguments.contains("/tmp") ? "/tmp" : nil))
        #expect(request.timeout == (arguments.contains("5m") ? 300 : nil))
        #expect(bench.services.calls == ["execute demo"])
    }

    @Test("Only the first -- ends the flags; a second one is the command's")
    func secondTerminator() throws {
        let bench = try Bench()
        #expect(bench.run("exec", "demo", "git", "log", "--", "file") == 0)
        #expect(bench.services.executed?.arguments == ["git", "log", "--", "file"])
        #expect(bench.run("exec", "demo", "--", "--", "x") == 0)
        #expect(bench.services.executed?.arguments == ["--", "x"])
        #expect(bench.run("run", "--", "git", "log", "--", "--json") == 0)
        #expect(bench.services.executed?.arguments == ["git", "log", "--", "--json"])
    }

    @Test("Standard input is forwarded when it is no terminal, or when asked for")
    func input() throws {
        let bench = try Bench()
        bench.run("exec", "demo", "cat")
        #expect(bench.services.executed?.streams == .caller(input: true))
        bench.inputIsTerminal = true
        bench.run("exec", "demo", "cat")
        #expect(bench.services.executed?.streams == .caller(input: false))
        bench.run("exec", "-i", "demo", "cat")
        #expect(bench.services.executed?.streams == .caller(input: true))
        bench.run("exec", "-it", "demo", "cat")
        #expect(bench.services.executed?.streams == .terminal)
    }

    @Test("shell takes a terminal when standard input is one, and the template's command without another")
    func shell() throws {
        let bench = try Bench()
        #expect(bench.run("shell", "demo") == 0)
        #expect(bench.services.executed?.arguments == [])
        #expect(bench.services.executed?.streams == .caller(input: true))
        bench.inputIsTerminal = true
        bench.run("shell", "demo")
        #expect(bench.services.executed?.streams == .terminal)
    }

    @Test(
        "A TERM that is no name of a terminal is not handed on",
        arguments: [
            ("xterm-256color", true), ("", false), ("a b", false), ("x\n", false),
            (String(repeating: "x", count: 4096), false),
        ])
    func terminalType(_ value: String, _ isGood: Bool) throws {
        let bench = try Bench()
        bench.inputIsTerminal = true
        bench.variables = ["TERM": value]
        bench.run("shell", "demo")
        #expect(bench.services.executed?.terminalType == (isGood ? value : nil))
    }

    @Test(
        "The program's status is ours; 124 when its time was up; a limit is named",
        arguments: [0, 1, 77, 137, 255] as [Int32])
    func status(_ status: Int32) throws {
        let bench = try Bench()
        bench.services.result = EntryResult(
            status: status, limits: [LimitHit(resource: "memory", limit: "64M", peak: "64.0M")])
        #expect(bench.run("exec", "demo", "x") == status)
        #expect(bench.error == "sandboxctl: memory limit 64M reached (peak 64.0M)\n")
        bench.services.result = EntryResult(status: 143, timedOut: true)
        #expect(bench.run("exec", "--timeout", "90", "demo", "x") == 124)
        #expect(bench.error == "sandboxctl: time limit of 90s reached\n")
    }

    @Test("A program that could not be run says why")
    func missingProgram() throws {
        let bench = try Bench()
        bench.services.result = EntryResult(status: 127, problem: "run 'x': No such file or directory")
        #expect(bench.run("exec", "demo", "x") == 127)
        #expect(bench.error == "sandboxctl: run 'x': No such file or directory\n")
    }

    @Test("A failure of ours is 125 for exec, and its own code for other verbs")
    func ours() throws {
        let bench = try Bench()
        bench.services.failures = [
            "execute": SandboxError(.notFound, "no sandbox named 'demo'"),
            "start": SandboxError(.notFound, "no sandbox named 'demo'"),
        ]
        #expect(bench.run("exec", "demo", "x") == 125)
        #expect(bench.run("start", "demo") == 66)
        bench.isRoot = false
        #expect(bench.run("exec", "demo", "x") == 125)
    }

    // MARK: run

    @Test("run creates, executes and removes, and ends with the program's status")
    func run() throws {
        let bench = try Bench()
        bench.services.result = EntryResult(status: 3)
        #expect(bench.run("run", "--memory", "1G", "--", "false") == 3)
        let name = try #require(bench.services.created?.name)
        #expect("\(name)".hasPrefix("run-") && "\(name)".count == 10)
        #expect(bench.services.calls == ["create \(name)", "execute \(name)", "remove \(name) 0.0"])
        #expect(bench.output.isEmpty && bench.error.isEmpty)
    }

    @Test("run removes the sandbox when the program could not be run, and not when it is to be kept")
    func runRemoves() throws {
        let bench = try Bench()
        bench.services.failures = ["execute": SandboxError(.unavailable, "it is not running")]
        #expect(bench.run("run", "--name", "job", "true") == 125)
        #expect(bench.services.calls == ["create job", "execute job", "remove job 0.0"])
        bench.services.calls = []
        #expect(bench.run("run", "--name", "job", "--keep", "true") == 125)
        #expect(bench.services.calls == ["create job", "execute job"])
        #expect(bench.error.contains("sandbox 'job' is kept"))
    }

    @Test("run that cannot remove its sandbox does not look like success, nor hide the program's failure")
    func runCannotRemove() throws {
        let bench = try Bench()
        bench.services.failures = ["remove": SandboxError(.internal, "unmount root")]
        #expect(bench.run("run", "--name", "job", "true") == 125)
        #expect(bench.error.contains("remove sandbox 'job': unmount root"))
        bench.services.result = EntryResult(status: 3)
        #expect(bench.run("run", "--name", "job", "true") == 3)
    }

    @Test("run takes another name of its own making when one is taken, but never another than the one given")
    func runNames() throws {
        let bench = try Bench()
        bench.services.failures = ["create": SandboxError(.cannotCreate, "it exists")]
        #expect(bench.run("run", "--name", "job", "true") == 125)
        #expect(bench.services.calls == ["create job"])
        bench.services.calls = []
        #expect(bench.run("run", "true") == 125)
        #expect(Set(bench.services.calls).count == 4)
    }

    // MARK: The rest

    @Test("cp tells a sandbox's path from one of the host by the text before the first colon")
    func copy() throws {
        let bench = try Bench()
        #expect(bench.run("cp", "demo:/tmp/a", "./b:c") == 0)
        #expect(bench.run("cp", "./demo:x", "demo:y:z") == 0)
        #expect(
            bench.services.calls == [
                "copy \(CopyEnd.sandbox(Sample.name("demo"), "/tmp/a")) \(CopyEnd.host("./b:c"))",
                "copy \(CopyEnd.host("./demo:x")) \(CopyEnd.sandbox(Sample.name("demo"), "y:z"))",
            ])
    }

    @Test("gc acts only when told to")
    func collect() throws {
        let bench = try Bench()
        #expect(bench.run("gc") == 0)
        #expect(bench.run("gc", "--force") == 0)
        #expect(bench.services.calls == ["collect false", "collect true"])
    }

    @Test("doctor is 69 with a problem, 0 with a warning")
    func doctor() throws {
        let bench = try Bench()
        bench.services.doctorFindings = [
            DoctorFinding(
                level: .warning, check: "nft", found: "missing", why: "restricted needs it",
                mend: "apt install nftables")
        ]
        #expect(bench.run("doctor") == 0)
        #expect(bench.output == "warning: nft: missing\n  why: restricted needs it\n  mend: apt install nftables\n")
        bench.services.doctorFindings[0].level = .problem
        #expect(bench.run("doctor") == 69)
        #expect(bench.run("doctor", "--json") == 69)
        #expect((try bench.json() as? [[String: String]])?.first?["level"] == "problem")
    }

    @Test("Durations", arguments: [("90", 90), ("90s", 90), ("5m", 300), ("1h", 3600)] as [(String, Double)])
    func durations(_ text: String, _ seconds: Double) throws { #expect(try Convert.duration(text) == seconds) }

    @Test(
        "What is no duration", arguments: ["", "s", "-1", "+1", "1d", "01", "1 m", "1e3", "99999999999999999999", "٣"])
    func noDurations(_ text: String) { #expect(throws: BadValue.self) { try Convert.duration(text) } }
}
