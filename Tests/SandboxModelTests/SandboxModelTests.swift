import Foundation
import SandboxModel
import Testing

@Suite("Names of sandboxes") struct SandboxNameTests {
    @Test(
        "I01: what is no name is refused as a mistake of usage",
        arguments: [
            "", ".", "..", "-x", "x-", "--help", "a/b", "../evil", "a b", "a\tb", "a\nb", "a\0", "a.", "A", "ü", "😀",
            "*", ".host", "a_b", "a\\x2db", "%i", "@", "a:b", "٣", String(repeating: "a", count: 33), "host", "all",
        ])
    func refused(text: String) {
        let error = #expect(throws: SandboxError.self) { try SandboxName(text) }
        #expect(error?.code == .usage)
        #expect(error?.message.escapingControls == error?.message)
    }

    @Test("Plain names are names", arguments: ["a", "0", "a-b", "a--b", "fwd", String(repeating: "a", count: 32)])
    func accepted(text: String) throws {
        #expect(try SandboxName(text).description == text)
    }

    @Test(
        "A directory gives its name as far as it can",
        arguments: [
            ("project", "project"), ("My Project", "my-project"), ("..a__b..", "a-b"), ("Ünder", "nder"),
            ("x" + String(repeating: "-y", count: 40), "x" + String(repeating: "-y", count: 15)),
            ("host", nil), ("", nil), ("...", nil), ("日本", nil),
        ])
    func derived(base: String, name: String?) {
        #expect(SandboxName.derived(fromDirectory: base)?.description == name)
    }

    @Test("A record with a bad name is not decoded") func decoding() throws {
        #expect(throws: (any Error).self) {
            try JSONDecoder().decode([SandboxName].self, from: Data(#"["../x"]"#.utf8))
        }
        let names = [try SandboxName("a")]
        #expect(try JSONDecoder().decode([SandboxName].self, from: JSONEncoder().encode(names)) == names)
    }
}

@Suite("Sizes and shares") struct QuantityTests {
    @Test(
        "Sizes are read as systemd writes them",
        arguments: [
            ("1", 1), ("65536", 65536), ("1K", 1 << 10), ("512M", 512 << 20), ("1G", 1 << 30), ("2T", 2 << 40),
            ("9223372036854775807", UInt64(Int64.max)), ("8388607T", 8_388_607 << 40),
        ])
    func size(text: String, bytes: UInt64) {
        #expect(ByteSize(parsing: text)?.bytes == bytes)
    }

    @Test(
        "Nothing else is a size",
        arguments: [
            "", "0", "0G", "-1", "+1", " 1", "1 ", "01", "1.5G", "1k", "1GB", "1GiB", "G", "1GG", "٤", "1_000", "0x10",
            "9223372036854775808", "8388608T", "99999999999999999999", "1G\n", "infinity", "50%",
        ])
    func noSize(text: String) {
        #expect(ByteSize(parsing: text) == nil)
    }

    @Test(
        "A size is written in its shortest exact form, and reads back", arguments: [1, 1000, 1024, 1536 << 20, 3 << 40])
    func exactForm(bytes: UInt64) {
        let size = ByteSize(bytes: bytes)
        #expect(ByteSize(parsing: size.description) == size)
    }

    @Test(
        "For people a size is rounded down to tenths",
        arguments: [
            (0, "0B"), (1023, "1023B"), (1024, "1.0K"), (1_503_238_553, "1.3G"), (12 << 20, "12.0M"),
            (UInt64.max, "16777215.9T"),
        ])
    func rounded(bytes: UInt64, text: String) {
        #expect(ByteSize(bytes: bytes).rounded == text)
    }

    @Test("A share is a percentage of one processor", arguments: [("1%", 1), ("200%", 200), ("100000%", 100_000)])
    func share(text: String, percent: Int) throws {
        let quota = try #require(CPUQuota(parsing: text))
        #expect(quota.percent == percent)
        #expect(quota.description == text)
        #expect(quota.microsecondsPerSecond == UInt64(percent) * 10_000)
    }

    @Test(
        "Nothing else is a share",
        arguments: ["", "%", "0%", "100001%", "50", "-5%", "5.5%", "05%", "5%%", "5 %", "٥%"])
    func noShare(text: String) {
        #expect(CPUQuota(parsing: text) == nil)
    }
}

@Suite("Text on its way to a terminal") struct TextSafetyTests {
    @Test("Plain text stays as it is", arguments: ["", "plain", "café", "日本 🙂", "\u{200d}"])
    func plain(text: String) {
        #expect(text.escapingControls == text)
    }

    @Test(
        "What could steer a terminal or turn text around is written out",
        arguments: [
            ("\u{1b}[31m", "\\u{1b}[31m"), ("a\nb", "a\\u{a}b"), ("\r\n", "\\u{d}\\u{a}"), ("\0", "\\u{0}"),
            ("\u{7f}", "\\u{7f}"), ("\u{9b}2J", "\\u{9b}2J"), ("\u{202e}x", "\\u{202e}x"), ("\u{2066}", "\\u{2066}"),
            ("\u{200f}", "\\u{200f}"), ("\u{61c}", "\\u{61c}"), ("\u{2028}", "\\u{2028}"),
        ])
    func escaped(text: String, shown: String) {
        #expect(text.escapingControls == shown)
    }

    @Test("Errors are escaped in every part") func errors() {
        let error = SandboxError(.usage, "a\u{1b}", hint: "b\n", cause: "c\r").prefixed("d\u{7f}")
        #expect(error.description == "d\\u{7f}: a\\u{1b}: c\\u{d}\nhint: b\\u{a}")
    }
}

@Suite("Users inside") struct SandboxUserTests {
    private let settings = AgentSettings(user: "worker")

    @Test("No name means the agent", arguments: [nil, "worker", "1000"])
    func agent(text: String?) throws {
        let user = try SandboxUsers.resolve(text, in: settings)
        #expect((user.id, user.name, user.home) == (1000, "worker", "/home/worker"))
    }

    @Test("Root is for templates that allow it", arguments: ["root", "0"])
    func root(text: String) throws {
        let error = #expect(throws: SandboxError.self) { try SandboxUsers.resolve(text, in: settings) }
        #expect(error?.code == .permission)
        #expect(try SandboxUsers.resolve(text, in: AgentSettings(allowRoot: true)).id == 0)
    }

    @Test("Ids of the range are users, named or not") func ids() throws {
        #expect(try SandboxUsers.resolve("nobody", in: settings).id == 65534)
        #expect(try SandboxUsers.resolve("65535", in: settings).name == "65535")
    }

    @Test("Others are not found", arguments: ["", "agent", "65536", "-1", "+1", "01", "00", "1e3", "4294967296"])
    func unknown(text: String) {
        let error = #expect(throws: SandboxError.self) { try SandboxUsers.resolve(text, in: settings) }
        #expect(error?.code == .notFound)
    }

    @Test("Each user has one line in passwd and its group") func files() {
        let passwd = SandboxUsers.passwd(settings).split(separator: "\n").map {
            $0.split(separator: ":").map(String.init)
        }
        #expect(passwd.map { $0[0] } == ["root", "worker", "nobody"])
        #expect(passwd.map { $0[2] } == ["0", "1000", "65534"])
        #expect(SandboxUsers.group(settings).contains("worker:x:1000:\n"))
    }
}

@Suite("Names of variables and secrets") struct NameRuleTests {
    @Test(
        "I12: what no shell can set is no variable",
        arguments: ["", "=x", "A B", "1A", "A-B", "A\nB", "A\0", "Ä", "A.B", "A="])
    func noVariable(name: String) {
        #expect(!EnvironmentVariable.isValidName(name))
    }

    @Test("Others are", arguments: ["A", "_", "a1_B", "LD_PRELOAD"])
    func variable(name: String) {
        #expect(EnvironmentVariable.isValidName(name))
    }

    @Test(
        "A secret's name is a plain file name",
        arguments: ["", ".", "..", ".a", "-a", "a/b", "a b", "ä", "a\0", String(repeating: "a", count: 64)])
    func noSecret(name: String) {
        #expect(!Secret.isValidName(name))
    }

    @Test("Others are", arguments: ["a", "_", "a.b-c_D9", String(repeating: "a", count: 63)])
    func secret(name: String) {
        #expect(Secret.isValidName(name))
    }
}

@Suite("Templates as records") struct TemplateRecordTests {
    @Test("A template is the same after it was written and read") func roundTrip() throws {
        let template = Template(
            description: "x", store: .directory("/srv/tree"), storePaths: ["/opt/a"],
            root: RootLimits(size: ByteSize(bytes: 1 << 20), inodes: 64), workspaceMode: .readOnly,
            network: NetworkPolicy(mode: .restricted, rules: [EgressRule(.network(AddressBlock("192.0.2.0/24")!))]),
            limits: ResourceLimits(memory: ByteSize(bytes: 5), tasks: 2, cpu: CPUQuota(parsing: "5%")),
            agent: AgentSettings(environment: ["A": "b"], setup: ["c"], persist: ["d"], allowRoot: true),
            secrets: [
                Secret(name: "s", source: .credential("c"), exposure: .environment(variable: "V")),
                Secret(name: "t", source: .file("/f"), exposure: .file),
            ], mounts: [Mount(source: "/a", target: "/b", readOnly: false)])
        #expect(try JSONDecoder().decode(Template.self, from: JSONEncoder().encode(template)) == template)
    }

    @Test(
        "A store is host, nix or an absolute path",
        arguments: [("host", Store.host), ("nix", .nix), ("/t", .directory("/t"))])
    func store(text: String, store: Store) {
        #expect(Store(parsing: text) == store)
        #expect(store.description == text)
    }

    @Test("Nothing else is a store", arguments: ["", "Host", "tree", "./tree", "~/tree"])
    func noStore(text: String) {
        #expect(Store(parsing: text) == nil)
    }

    @Test("Without a word everything is closed") func defaults() {
        let template = Template()
        #expect(template.network == NetworkPolicy())
        #expect(!template.agent.allowRoot)
        #expect(template.mounts.isEmpty && template.secrets.isEmpty && template.storePaths.isEmpty)
    }
}
