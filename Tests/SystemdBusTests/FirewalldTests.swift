import Testing

@testable import SystemdBus

@Suite("firewalld", .timeLimit(.minutes(1)))
struct FirewalldTests {
    private static let exception = "org.fedoraproject.FirewallD1.Exception"

    private func firewall(answer: @escaping Peer.Handler) throws -> (Firewalld, PrivateBus, Peer) {
        let daemon = try PrivateBus()
        let peer = try Peer(on: daemon, names: [Firewalld.service], answer)
        return (Firewalld(try daemon.connect()), daemon, peer)
    }

    @Test("a range is bound to the zone that is trusted, and taken back")
    func changes() throws {
        let record = Record()
        let (firewall, daemon, peer) = try firewall { call in
            record.add("\(call.member) \(try call.message.readString()) \(try call.message.readString())")
            try call.reply { try $0.append(Firewalld.zone) }
        }
        defer { withExtendedLifetime((daemon, peer)) {} }
        #expect(try firewall.trust("192.0.2.0/24"))
        #expect(try firewall.distrust("192.0.2.0/24"))
        #expect(record.lines == ["addSource trusted 192.0.2.0/24", "removeSource trusted 192.0.2.0/24"])
    }

    @Test(
        "what is as it should be is no error, anything else is",
        arguments: [("ZONE_ALREADY_SET: '192.0.2.0/24' already bound to 'trusted'", true), ("INVALID_ADDR: x", false)])
    func refusals(message: String, isFine: Bool) throws {
        let (firewall, daemon, peer) = try firewall { call in try call.fail(Self.exception, message) }
        defer { withExtendedLifetime((daemon, peer)) {} }
        if isFine {
            #expect(try !firewall.trust("192.0.2.0/24"))
        } else {
            #expect(failure { _ = try firewall.trust("192.0.2.0/24") }?.message == message)
        }
    }

    @Test("where no firewalld runs there is nothing to do")
    func absent() throws {
        let daemon = try PrivateBus()
        #expect(try !Firewalld(try daemon.connect()).trust("192.0.2.0/24"))
    }
}
