import Foundation
import SandboxModel
import SandboxTemplates
import Testing

@Suite("Templates that are right") struct AcceptedTemplateTests {
    private func parse(_ text: String) throws -> Template { try TemplateParser.parse(text, file: "t.toml") }

    @Test("A file that says only its version is the template of defaults") func defaults() throws {
        #expect(try parse("version = 1") == Template())
    }

    @Test("Every key arrives in the model") func everyKey() throws {
        let expected = Template(
            description: "Everything — at once", store: .directory("/srv/trees/bookworm"),
            storePaths: ["/opt/toolchain", "/home/build/tools"],
            root: RootLimits(size: ByteSize(bytes: 1 << 30), inodes: 200_000), workspaceMode: .bind,
            network: NetworkPolicy(),
            limits: ResourceLimits(
                memory: ByteSize(bytes: 4 << 30), tasks: 512, cpu: CPUQuota(parsing: "200%")),
            agent: AgentSettings(
                user: "worker", command: ["bash", "-l"],
                environment: ["LANG": "C.UTF-8", "LD_LIBRARY_PATH": "/opt/toolchain/lib"],
                setup: ["git config --global user.name worker"], persist: [".cache", ".config"], allowRoot: true),
            secrets: [
                Secret(name: "api-key", source: .credential("api"), exposure: .environment(variable: "API_KEY")),
                Secret(name: "token", source: .file("/etc/agent/token"), exposure: .file),
            ],
            mounts: [
                Mount(source: "/srv/data", target: "/data", readOnly: true),
                Mount(source: "/srv/out", target: "/out", readOnly: false),
            ])
        #expect(try TemplateParser.parse(try Corpus.bytes("every-key"), file: "t") == expected)
    }

    @Test("Dotted and quoted keys, inline tables and long strings mean what they mean in TOML") func spellings() throws
    {
        let template = try TemplateParser.parse(try Corpus.bytes("dotted-and-quoted"), file: "t")
        #expect(template.root == RootLimits(size: ByteSize(bytes: 2 << 30), inodes: 1000))
        #expect(template.agent.environment == ["LANG": "C.UTF-8"])
        #expect(
            template.mounts == [
                Mount(source: "/a", target: "/b"), Mount(source: "/c", target: "/d", readOnly: false),
            ])
    }

    @Test("Nothing in a value is expanded") func literal() throws {
        let template = try TemplateParser.parse(try Corpus.bytes("I24-literal"), file: "t")
        #expect(template.description == "${HOME} $(id) {{ .Env }} %h `id`")
        #expect(template.agent.command == ["${SHELL}", "$(id)"])
        #expect(template.agent.setup == ["echo ${HOME}"])
        #expect(template.agent.environment == ["A": "$B"])
    }

    @Test("Modes of the network are read as they are, for create to refuse", arguments: NetworkMode.allCases)
    func networkModes(mode: NetworkMode) throws {
        #expect(try parse("version = 1\nnetwork.mode = \"\(mode.rawValue)\"").network.mode == mode)
    }

    @Test("The home that no mount may cover is that of the template's own user") func homeFollowsTheUser() throws {
        let mounts = "[[mounts]]\nsource = \"/a\"\ntarget = \"/home/agent/a\"\n"
        #expect(throws: TemplateErrors.self) { try parse("version = 1\n" + mounts) }
        #expect(try parse("version = 1\nagent.user = \"bob\"\n" + mounts).mounts.count == 1)
    }

    @Test("A newer version gets one message, whatever else it holds") func newerVersion() {
        #expect(
            Corpus.verdict(Array("version = 2\nnew = 1\n[network]\nmode = 5".utf8))
                == "1:11: version 2 is newer than this program, which knows 1\n    a newer sandboxctl reads it\n")
    }
}

@Suite("Limits of template files") struct TemplateLimitTests {
    private func file(bytes count: Int) -> [UInt8] {
        Array("version = 1\n#".utf8) + [UInt8](repeating: 0x78, count: count - 13)
    }

    @Test("A file of 256 KiB is read, one byte more is refused") func size() {
        #expect(Corpus.verdict(file(bytes: 262_144)) == "ok\n")
        #expect(Corpus.verdict(file(bytes: 262_145)) == "1:1: the file has 262145 bytes, more than 262144\n")
    }

    @Test("A variable may fill what the kernel passes to a program, and no more") func longVariable() {
        func verdict(_ count: Int) -> String {
            Corpus.verdict(Array("version = 1\nagent.env.AB = \"\(String(repeating: "x", count: count))\"".utf8))
        }
        #expect(verdict(131_072 - 4) == "ok\n")
        #expect(verdict(131_072 - 3) == "2:16: 'AB' and its value have 131072 bytes or more\n")
    }

    @Test("An argument may fill what the kernel passes to a program, and no more", arguments: ["command", "setup"])
    func longArgument(key: String) {
        func verdict(_ count: Int) -> String {
            Corpus.verdict(
                Array("version = 1\n[agent]\n\(key) = [\"a\", \"\(String(repeating: "x", count: count))\"]".utf8))
        }
        #expect(verdict(131_071) == "ok\n")
        #expect(verdict(131_072) == "3:\(key.count + 10): an element of '\(key)' has 131072 bytes or more\n")
    }

    @Test("A part of a path is at most 255 bytes") func longPart() {
        func verdict(_ count: Int) -> String {
            Corpus.verdict(Array("version = 1\nstore_paths = [\"/opt/\(String(repeating: "x", count: count))\"]".utf8))
        }
        #expect(verdict(255) == "ok\n")
        #expect(verdict(256).hasSuffix("has a part of more than 255 bytes\n"))
    }

    @Test(
        "The worst that fits in a file is read in seconds",
        arguments: [
            "persist = [" + String(repeating: "\"a\",", count: 60_000) + "]",
            String(repeating: "x.", count: 130_000) + "x = 1",
            "[" + String(repeating: "x . ", count: 60_000) + "x]",
            String(repeating: "[[mounts]]\n", count: 23_000), String(repeating: "[a]\n", count: 60_000),
            (0..<20_000).map { "k\($0) = 1\n" }.joined(), "x = " + String(repeating: "[", count: 250_000),
            "x = \"" + String(repeating: "\\u0000", count: 40_000) + "\"",
            "x = '''" + String(repeating: "'' ", count: 80_000) + "'''",
        ])
    func worstCases(text: String) {
        let clock = ContinuousClock()
        let took = clock.measure { #expect(Corpus.verdict(Array("version = 1\n\(text)".utf8)) != "ok\n") }
        #expect(took < .seconds(30))
    }
}

@Suite("Errors of templates as errors of commands") struct TemplateErrorTests {
    private func error(_ text: String) -> SandboxError? {
        do throws(TemplateErrors) {
            _ = try TemplateParser.parse(text, file: "my.toml")
            return nil
        } catch {
            return error.asSandboxError()
        }
    }

    @Test("One error is told with its hint") func single() {
        #expect(
            error("version = 1\nnetwrok = 1")
                == SandboxError(
                    .configuration, "my.toml:2:1: unknown key 'netwrok'", hint: "did you mean 'network'?"))
    }

    @Test("Of several the first is told, and where to read the rest") func several() {
        #expect(
            error("a = 1\nb = 2")
                == SandboxError(
                    .configuration, "my.toml:1:1: 'version' is missing",
                    hint: "write 'version = 1'; 2 more: 'sandboxctl template check my.toml' lists all"))
    }

    @Test("The name of the file cannot steer a terminal") func hostileFileName() throws {
        do throws(TemplateErrors) {
            _ = try TemplateParser.parse("", file: "\u{1b}[2J.toml")
            Issue.record("an empty file is a template")
        } catch {
            #expect(error.lines == ["\\u{1b}[2J.toml:1:1: 'version' is missing"])
            #expect(error.asSandboxError().message == error.lines[0])
        }
    }
}

@Suite("The host's configuration") struct HostConfigurationTests {
    private func parse(_ text: String) throws(TemplateErrors) -> HostConfiguration {
        try HostConfigurationParser.parse(Array(text.utf8), file: "c")
    }

    @Test("An empty file holds the defaults, which refuse") func defaults() throws {
        #expect(try parse("") == HostConfiguration(unenforcedLimits: .refuse))
    }

    @Test("Limits without a controller may be a warning") func warn() throws {
        #expect(try parse("[limits]\nunenforced = \"warn\"").unenforcedLimits == .warn)
    }

    @Test(
        "What is not known is refused",
        arguments: [
            (
                "[limits]\nunenforced = \"ignore\"",
                "c:2:14: 'unenforced' is 'ignore', should be one of \"refuse\", \"warn\""
            ),
            ("[limits]\nunenforcd = \"warn\"", "c:2:1: unknown key 'unenforcd' in [limits]"),
            ("limits = 1", "c:1:10: 'limits' is a number, should be a table"),
        ])
    func unknown(text: String, line: String) {
        do throws(TemplateErrors) {
            _ = try parse(text)
            Issue.record("accepted")
        } catch {
            #expect(error.lines == [line])
        }
    }
}

@Suite("What is shipped") struct ShippedFileTests {
    private static let tree = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    private static let directory = tree.appending(path: "templates")

    private static let names: [String] = {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: directory.path())) ?? []
        return files.filter { $0.hasSuffix(".toml") }.sorted()
    }()

    private static let agents = ["aider", "claude", "codex", "gemini", "opencode"]

    private static let presets = PresetLibrary { (name) throws(PresetProblem) in
        guard let data = try? Data(contentsOf: directory.appending(path: "presets/\(name).toml")),
            let preset = try? PresetLibrary.parse(Array(data), file: name)
        else { throw PresetProblem("is no preset") }
        return preset.rules
    }

    @Test("The set is complete") func set() {
        let expected = [
            "aider", "claude", "codex", "default", "gemini", "node", "offline", "opencode", "python", "review", "swift",
        ]
        #expect(Self.names == expected.map { "\($0).toml" })
    }

    @Test("Each template is right, describes itself, and is bounded", arguments: names)
    func template(name: String) throws {
        let bytes = Array(try Data(contentsOf: Self.directory.appending(path: name)))
        let template = try TemplateParser.parse(bytes, file: name, presets: Self.presets)
        #expect(bytes.first == UInt8(ascii: "#"))
        #expect(!template.description.isEmpty)
        if Self.agents.contains(name.replacing(".toml", with: "")) {
            // An agent reaches its model, through the gateway, and nothing else.
            #expect(template.network.mode == .restricted && !template.network.rules.isEmpty)
            #expect(
                template.network.rules.allSatisfy {
                    $0.via == .gateway && $0.ports == [PortRange(tcp: 443)] || $0.ports == EgressRule.standardPorts
                })
            #expect(!template.network.allowsPrivate)
        } else {
            #expect(template.network == NetworkPolicy())
        }
        #expect(!template.agent.allowRoot)
        #expect(template.limits.memory != nil && template.limits.tasks != nil && template.limits.cpu != nil)
        #expect(template.agent.environment["LANG"] == "C.UTF-8")
        // A source that is missing would stop every create.
        #expect(template.secrets.isEmpty && template.mounts.isEmpty && template.storePaths.isEmpty)
        #expect(template.workspaceMode == (name == "review.toml" ? .readOnly : .bind))
    }

    @Test(
        "What agents' templates suggest in comments is right too",
        arguments: agents)
    func suggestion(name: String) throws {
        let text = String(
            decoding: try Data(contentsOf: Self.directory.appending(path: "\(name).toml")), as: UTF8.self)
        let start = try #require(text.range(of: "# [secrets.")).lowerBound
        let enabled = text[start...].split(separator: "\n").map { $0.dropFirst(2) }.joined(separator: "\n")
        let template = try TemplateParser.parse(text[..<start] + enabled, file: name, presets: Self.presets)
        #expect(template.secrets.count == 1)
    }

    @Test("The man page has every key that the parser knows, and every value of a choice") func manPage() throws {
        let page = String(
            decoding: try Data(contentsOf: Self.tree.appending(path: "man/sandbox-template.5")), as: UTF8.self)
        let strange = "q_q_q_q_q_q_q"
        let text = """
            \(strange) = 1
            version = 1
            [root]
            \(strange) = 1
            [workspace]
            \(strange) = 1
            [network]
            \(strange) = 1
            [limits]
            \(strange) = 1
            [agent]
            \(strange) = 1
            [secrets.a]
            \(strange) = 1
            file = "/a"
            [[mounts]]
            \(strange) = 1
            source = "/a"
            target = "/b"
            """
        let errors = try #require(throws: TemplateErrors.self) { try TemplateParser.parse(text, file: "t") }
        #expect(errors.diagnostics.count == 8)
        var keys: Set<String> = []
        for diagnostic in errors.diagnostics {
            let hint = try #require(diagnostic.hint)
            try #require(hint.hasPrefix("keys are "))
            keys.formUnion(hint.dropFirst(9).split(separator: ", ").map(String.init))
        }
        #expect(keys.count == 35)
        let headings = ["root", "workspace", "network", "limits", "agent", "secrets", "mounts"]
        for key in keys.sorted() {
            let items = page.split(separator: "\n").filter { $0.hasPrefix(".It Ic ") }
            let isThere =
                headings.contains(key)
                ? page.contains("\n.Ss [\(key)") || page.contains("\n.Ss [[\(key)")
                : items.contains { $0.split(separator: " ").contains(Substring(key)) }
            #expect(isThere, "'\(key)' is not in the man page")
        }
        let values =
            WorkspaceMode.allCases.map(\.rawValue) + NetworkMode.allCases.map(\.rawValue)
            + HostConfiguration.Unenforced.allCases.map(\.rawValue) + ["host", "nix", "file", "env"]
        for value in values { #expect(page.contains("Dq \(value)"), "\"\(value)\" is not in the man page") }
    }

    @Test("The example of the man page is a template") func example() throws {
        let page = String(
            decoding: try Data(contentsOf: Self.tree.appending(path: "man/sandbox-template.5")), as: UTF8.self)
        let start = try #require(page.range(of: ".Bd -literal\n")).upperBound
        let end = try #require(page.range(of: ".Ed", range: start..<page.endIndex)).lowerBound
        let template = try TemplateParser.parse(String(page[start..<end]), file: "example")
        #expect(template.mounts.count == 1 && template.secrets.count == 1)
    }
}
