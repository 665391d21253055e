import SandboxEngine
import SandboxModel
import Testing

@testable import SandboxCLI

@Suite("Command lines that are refused")
struct UsageTests {
    @Test(
        "A wrong command line is one clear line and status 64, and nothing is done",
        arguments: [
            (["list", "--bogus"], "unknown option '--bogus'"),
            (["creat"], "'creat' is no verb of 'sandboxctl'"),
            (["network", "alow", "x", "y"], "'alow' is no verb of 'sandboxctl network'"),
            (["help", "nope"], "'nope' is no verb of 'sandboxctl'"),
            (["create", "demo", "--mem", "1G"], "unknown option '--mem'"),
            (["list", "--js"], "unknown option '--js'"),
            (["create", "demo", "--memory"], "missing value for '--memory <size>'"),
            (["create", "demo", "--memory="], "missing value for '--memory <size>'"),
            (["create", "demo", "--template", ""], "the value '' is invalid for '--template': it must not be empty"),
            (["create", "demo", "--memory", "1G", "--memory", "2G"], "the flag is given more than once"),
            (["create", "demo", "-t", "a", "--template", "b"], "the flag is given more than once"),
            (["run", "--timeout", "5", "--timeout", "6", "--", "ls"], "the flag is given more than once"),
            (["create", "demo", "--memory", "much"], "the value 'much' is invalid for '--memory'"),
            (["create", "demo", "--memory", "-1"], "missing value for '--memory <size>'"),
            (["create", "demo", "--cpu", "2"], "use percent of one processor, such as 200%"),
            (["create", "demo", "--tasks", "٤٤"], "use a number from 1 to"),
            (["create", "demo", "--tasks", "0"], "use a number from 1 to"),
            (["create", "demo", "--network", "FULL"], "use none, restricted or full"),
            (["create", "demo", "--network", "fulll"], "use none, restricted or full"),
            (["create", "demo", "--network", "restricted "], "use none, restricted or full"),
            (["create", "demo", "--network", "0"], "use none, restricted or full"),
            (["create", "demo", "--network", "null"], "use none, restricted or full"),
            (["create", "demo", "--workspace-mode", "rw"], "use bind or read-only"),
            (["create", "demo", "--store", "usr"], "use host, nix or an absolute path"),
            (["create", "demo", "--store", "/srv/../etc"], "the path must not contain '..'"),
            (["create", "demo", "-e", "A"], "the value 'A' is invalid for '-e': use NAME=VALUE"),
            (["create", "demo", "-e", "=x"], "a variable's name"),
            (["create", "demo", "-e", "1A=x"], "a variable's name"),
            (["create", "demo", "-e", "A\nB=x"], "a variable's name"),
            (
                ["create", "demo", "--env=A\nhint: B"],
                "the value 'A\\u{a}hint: B' is invalid for '--env': use NAME=VALUE"
            ),
            (["create", "demo", "-e", "a <b>'=x"], "the value 'a <b>'=x' is invalid for '-e'"),
            (["list\nls"], "'list\\u{a}ls' is no verb of 'sandboxctl'"),
            (["create", "demo", "-e", "A=1", "-e", "A=2"], "'--env A=' is given more than once"),
            (["create", "demo", "--secret", "a=/x", "--secret", "a=/y"], "'--secret a=' is given more than once"),
            (["create", "demo", "--secret", "a"], "use NAME=FILE"),
            (["create", "demo", "--secret", "../a=/x"], "a secret's name"),
            (["create"], "neither a name nor a workspace is given"),
            (["create", "a", "b"], "unexpected argument 'b'"),
            (["create", "--", "--help"], "'--help' is not a sandbox name"),
            (["exec"], "missing expected argument '<name>'"),
            (["exec", "demo"], "no command is given"),
            (["exec", "demo", "--"], "no command is given"),
            (["exec", "demo", "--", ""], "the command's name is empty"),
            (["exec", "--bogus", "demo", "--", "ls"], "unknown option '--bogus'"),
            (["exec", "demo", "--bogus", "--", "ls"], "unknown option '--bogus'"),
            (["exec", "demo", "-u", "a", "-u", "b", "--", "ls"], "the flag is given more than once"),
            (["exec", "demo", "-t", "--", "ls"], "'--tty' needs a terminal on standard input"),
            (["exec", "demo", "--timeout", "0", "--", "ls"], "it must be more than zero"),
            (["exec", "demo", "--timeout", "1d", "--", "ls"], "use seconds, or a number with s, m or h"),
            (["exec", "demo", "--timeout", "1.5", "--", "ls"], "use seconds, or a number with s, m or h"),
            (["run"], "no command is given"),
            (["run", "--bogus", "--", "ls"], "unknown option '--bogus'"),
            (["run", "--tty", "ls"], "'--tty' needs a terminal on standard input"),
            (["stop"], "no sandbox is named"),
            (["stop", "a", "--all"], "'--all' and names exclude each other"),
            (["stop", "ok", "Not-ok"], "'Not-ok' is not a sandbox name"),
            (["list", "-q", "--json"], "'--json' and '--quiet' exclude each other"),
            (["cp", "a", "b"], "neither path is in a sandbox"),
            (["cp", "a:/x", "b:/y"], "both paths are in a sandbox"),
            (["cp", "a:", "b"], "no path is given after 'a:'"),
            (["template", "show", ".."], "'..' is not the name of a template"),
        ])
    func refused(_ arguments: [String], _ message: String) throws {
        let bench = try Bench()
        bench.services.sandboxes = [Sample.summary(Sample.name("demo"))]
        #expect(bench.run(list: arguments) == 64)
        let lines = bench.error.split(separator: "\n")
        #expect(lines.first?.hasPrefix("sandboxctl: ") == true)
        #expect(lines.first?.contains(message) == true, "\(bench.error)")
        #expect(lines.count == 1 || (lines.count == 2 && lines[1].hasPrefix("hint: ")), "\(bench.error)")
        #expect(bench.output.isEmpty)
        #expect(bench.services.calls.isEmpty)
    }

    @Test(
        "Only names of the grammar reach a service",
        arguments: [
            "", ".", "..", "a/b", "../evil", "a b", "a\tb", "a\n", "a.", "A", "ü", "🙂", "host", ".host", "all", "*",
            "a-",
            "-a", "a_b", "a\\x2db", "@", "%i", String(repeating: "a", count: 33),
        ])
    func names(_ name: String) throws {
        for verb in ["status", "stop", "remove", "create"] {
            let bench = try Bench()
            #expect(bench.run(verb, "--", name) == 64, "\(verb)")
            #expect(bench.services.calls.isEmpty)
            let shown = bench.error.dropLast().unicodeScalars.filter { $0 != "\n" }
            #expect(shown.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f })
        }
    }

    @Test(
        "A name of the grammar does reach it",
        arguments: ["a", "0", "a-b", "fwd", "ip", String(repeating: "a", count: 32)])
    func goodNames(_ name: String) throws {
        let bench = try Bench()
        #expect(bench.run("stop", "--", name) == 0)
        #expect(bench.services.calls == ["stop \(name) 10.0"])
    }

    @Test("A flag that is near an unknown one is suggested")
    func suggestion() throws {
        let bench = try Bench()
        #expect(bench.run("create", "demo", "--netwrok", "none") == 64)
        #expect(bench.error == "sandboxctl: unknown option '--netwrok'\nhint: did you mean '--network'?\n")
    }

    @Test("Without root, verbs that need it say so with status 77; the others work")
    func root() throws {
        let bench = try Bench()
        bench.isRoot = false
        #expect(bench.run("list") == 77)
        #expect(bench.error == "sandboxctl: this needs root\nhint: run it with sudo\n")
        #expect(bench.run("template", "list", "-q") == 0)
        #expect(bench.output == "default\n")
        #expect(bench.run("--version") == 0)
        #expect(bench.run("help", "create") == 0)
        bench.isRoot = true
        #expect(bench.run("list") == 0)
    }

    @Test("Mode and hosts come from the template and from flags, which never open what the mode keeps shut")
    func network() throws {
        let bench = try Bench()
        try bench.write(
            "share/open.toml", "version = 1\n[network]\nmode = \"restricted\"\nallow = [\"a.example.org\"]\n")
        #expect(bench.run("create", "demo", "-t", "open", "--allow", "b.example.org:22") == 0)
        let policy = try #require(bench.services.created?.template.network)
        #expect(policy.mode == .restricted)
        #expect(policy.rules.map(\.description) == ["a.example.org", "b.example.org:22"])
        #expect(bench.run("create", "two", "-t", "open", "--network", "none") == 0)
        #expect(bench.services.created?.template.network.mode == NetworkMode.none)
        #expect(bench.run("create", "three", "--allow", "b.example.org") == 64)
        for host in ["*.org", "b.example.org:0", "10.0.0.1", "b_-.example.org", "1.2.3.4:x", "169.254.169.254", ""] {
            #expect(
                [64, 78].contains(bench.run("create", "four", "--network", "restricted", "--allow", host)), "\(host)")
        }
    }

    @Test("Changes of the network are what the words say")
    func networkChanges() throws {
        let bench = try Bench()
        #expect(bench.run("network", "allow", "demo", "a.example.org:8000-8010", "--for", "10m") == 0)
        #expect(bench.run("network", "deny", "demo", "*.example.org") == 0)
        #expect(bench.run("network", "set", "demo", "none") == 0)
        guard case .allow(let rules) = bench.services.changes[0] else {
            Issue.record("no rules")
            return
        }
        #expect(rules.map(\.description) == ["a.example.org:8000-8010"])
        #expect(rules[0].expires != nil)
        #expect(bench.services.changes[2] == .mode(.none))
        #expect(bench.run("network", "set", "demo", "open") == 64)
        #expect(bench.run("network", "allow", "demo", "a.example.org:53/udp") == 64)
        #expect(bench.run("network", "deny", "demo", "a.example.org:many") == 64)
        #expect(bench.services.changes.count == 3)
        #expect(bench.run("network", "deny", "demo", "a.example.org:22", "b.example.org", "[2001:db8::/32]:443") == 0)
        guard case .deny(let denials) = bench.services.changes[3] else {
            Issue.record("no denials")
            return
        }
        #expect(denials.map(\.destination.description) == ["a.example.org", "b.example.org", "2001:db8::/32"])
        #expect(denials.map(\.ports) == [[PortRange(tcp: 22)], nil, [PortRange(tcp: 443)]])
    }
}
