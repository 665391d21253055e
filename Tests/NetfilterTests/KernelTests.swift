import EgressPolicy
import LinuxKit
import Netfilter
import SandboxModel
import Testing

private func policy(_ hosts: [String], budget: String? = nil) throws -> (NetworkPolicy, CompiledPolicy) {
    var policy = NetworkPolicy(mode: .restricted, rules: try hosts.map { try EgressRule(parsing: $0) })
    policy.egressBudget = budget.flatMap { ByteSize(parsing: $0) }
    var synthetic = SyntheticMap()
    let compiled = try PolicyCompiler.compile(
        policy, for: try SandboxName("demo"), generation: 1, synthetic: &synthetic, at: 0)
    return (policy, compiled)
}

private func rules(_ hosts: [String], budget: String? = nil) throws -> Ruleset {
    let (policy, compiled) = try policy(hosts, budget: budget)
    return try #require(NamespaceRuleset.make(compiled, policy, at: 0))
}

@Suite("Rules in the kernel", .enabled(if: ThisProcess.isRoot, "needs root: a network namespace is made"))
struct KernelTests {
    private let namespace: Int32
    private let keeper: Keeper
    private let filter: NetfilterSocket

    private final class Keeper {
        let descriptor: Descriptor
        init() throws { descriptor = try Namespaces.network() }
    }

    init() throws {
        keeper = try Keeper()
        namespace = keeper.descriptor.number
        filter = try NetfilterSocket.open(inNamespace: namespace)
    }

    @Test("What is read back is what was applied") func readBack() throws {
        let meant = try rules(["a.example.org", "*.b.example.org:8000-8010", "c.example.org:22"], budget: "2G")
        #expect(meant.problems == [])
        try filter.apply(meant)
        #expect(try filter.read(table: "sandbox") == meant.normalized)
        #expect(Ruleset.differences(applied: meant, read: try filter.read(table: "sandbox")) == [])
    }

    @Test("A change of hosts changes elements only, and ends where a whole new table would") func elements() throws {
        try filter.apply(try rules(["a.example.org", "b.example.org"], budget: "1M"))
        let wanted = try rules(["a.example.org", "c.example.org:443"], budget: "1M")
        let changes = try #require(try filter.read(table: "sandbox")?.elementChanges(to: wanted))
        #expect(!changes.isEmpty)
        try filter.change(changes, in: wanted)
        #expect(Ruleset.differences(applied: wanted, read: try filter.read(table: "sandbox")) == [])
        // Another budget is more than elements.
        let other = try rules(["a.example.org"], budget: "2M")
        #expect(try filter.read(table: "sandbox")?.elementChanges(to: other) == nil)
    }

    @Test("A table that the kernel refuses leaves the old one in force") func refused() throws {
        let old = try rules(["a.example.org"])
        try filter.apply(old)
        var wrong = try rules(["b.example.org"])
        wrong.chains[0].rules.append(Rule("nowhere", [.jump("no-such-chain")]))
        #expect(throws: NetlinkError.self) { try filter.apply(wrong) }
        #expect(Ruleset.differences(applied: old, read: try filter.read(table: "sandbox")) == [])
    }

    @Test("A table that is gone, or has less in it, is noticed") func noticed() throws {
        let meant = try rules(["a.example.org"])
        #expect(Ruleset.differences(applied: meant, read: try filter.read(table: "sandbox")) != [])
        var less = meant
        less.chains[1].rules.removeLast()
        try filter.apply(less)
        #expect(Ruleset.differences(applied: meant, read: try filter.read(table: "sandbox")).count == 1)
        #expect(try filter.delete(table: "sandbox"))
        #expect(try filter.tables() == [])
    }
}
