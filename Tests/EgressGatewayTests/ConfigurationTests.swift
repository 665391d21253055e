import SandboxModel
import Testing

@testable import EgressGateway

@Suite("The host's resolvers and names") struct ConfigurationTests {
    @Test("resolv.conf gives at most three servers, in order") func servers() {
        let text =
            "# x\nsearch a.example\nnameserver 192.0.2.1\nnameserver\t2001:db8::1\nnameserver fe80::1%eth0\n"
            + "options edns0\nnameserver 192.0.2.3\nnameserver 192.0.2.4\n"
        #expect(
            ResolverConfiguration.parseServers(text).map(\.description) == ["192.0.2.1", "2001:db8::1", "192.0.2.3"])
        #expect(ResolverConfiguration.parseServers("nameserver x\nnonsense\n") == [])
    }

    @Test("hosts gives addresses of names, comments left out") func hosts() {
        let table = ResolverConfiguration.parseHosts(
            "127.0.0.1 localhost\n192.0.2.7\tGit.Example.ORG git # mine\n2001:db8::7 git.example.org\nx y\n")
        #expect(table["git.example.org"]?.map(\.description) == ["192.0.2.7", "2001:db8::7"])
        #expect(table["git"]?.count == 1)
        #expect(table["localhost"] == nil)
    }
}
