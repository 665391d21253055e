import EgressPolicy
import SandboxModel
import Testing

@testable import EgressGateway

/// A ClientHello of TLS 1.2 with the given server names.
func clientHello(_ names: [String], extensions more: [(UInt16, [UInt8])] = []) -> [UInt8] {
    func sized(_ bytes: [UInt8], _ width: Int) -> [UInt8] {
        (0..<width).map { UInt8(truncatingIfNeeded: bytes.count >> (8 * (width - 1 - $0))) } + bytes
    }
    var extensions: [UInt8] = []
    if !names.isEmpty {
        let list: [UInt8] = names.flatMap { name -> [UInt8] in [0] + sized(Array(name.utf8), 2) }
        extensions += [0, 0] + sized(sized(list, 2), 2)
    }
    for (kind, body) in more { extensions += [UInt8(kind >> 8), UInt8(kind & 255)] + sized(body, 2) }
    let body = [3, 3] + [UInt8](repeating: 7, count: 32) + [0, 0, 2, 0x13, 1, 1, 0] + sized(extensions, 2)
    return [0x16, 3, 1] + sized([1] + sized(body, 3), 2)
}

@Suite("What a client says is held to the host it connected to") struct InspectorTests {
    private func inspector(_ port: UInt16) throws -> Inspector {
        Inspector(
            host: try #require(HostName(parsing: "a.example.org")), port: port, sandbox: try SandboxName("demo"))
    }

    /// Bytes that went on, and the refusal if there was one; fed whole and byte by byte, which must be the same.
    private func outcome(_ port: UInt16, _ bytes: [UInt8]) throws -> (passed: [UInt8], refusal: String?) {
        func run(_ pieces: [[UInt8]]) throws -> (passed: [UInt8], refusal: String?) {
            var inspector = try inspector(port)
            var passed: [UInt8] = []
            for piece in pieces {
                for step in inspector.feed(piece) {
                    switch step {
                    case .forward(let part): passed += part
                    case .passAll, .awaitAnswer, .awaitGreeting: break
                    case .refuse(let refusal, _, _): return (passed, refusal.rawValue)
                    }
                }
            }
            return (passed, nil)
        }
        let whole = try run([bytes])
        let split = try run(bytes.map { [$0] })
        #expect(whole.refusal == split.refusal)
        #expect(whole.refusal != nil || whole.passed == split.passed)
        return whole
    }

    @Test("TLS with the host's name goes on unchanged") func tls() throws {
        let hello = clientHello(["A.example.ORG"])
        let early: [UInt8] = [0x17, 3, 3, 0, 1, 9]
        #expect(try outcome(443, hello + early).passed == hello + early)
        #expect(try outcome(443, hello).passed == hello)
        #expect(try outcome(8443, hello).passed == hello)
    }

    @Test(
        "TLS with another name, two names, none, or an address does not, PRX-04",
        arguments: [
            ["b.example.org"], ["a.example.org.evil.tld"], ["a.example.org", "b.example.org"], [], ["203.0.113.10"],
            ["a.example.org\u{0}"], ["*.example.org"], [""],
        ])
    func otherNames(names: [String]) throws {
        for port in [443, 8443] as [UInt16] {
            let result = try outcome(port, clientHello(names))
            #expect(result.passed == [])
            #expect(result.refusal != nil)
        }
    }

    @Test("On 443 nothing but TLS goes on, PRX-06", arguments: ["SSH-2.0-x\r\n", "GET / HTTP/1.1\r\n\r\n", "\0\0\0"])
    func notTLS(text: String) throws {
        let result = try outcome(443, Array(text.utf8))
        #expect(result.passed == [])
        #expect(result.refusal == "protocol")
    }

    @Test("HTTP for the host goes on unchanged, request after request") func http() throws {
        let text =
            "GET / HTTP/1.1\r\nHost: a.example.org\r\n\r\n"
            + "POST /x HTTP/1.1\r\nHost: A.Example.Org:80\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: 1\r\n\r\n"
            + "GET http://a.example.org/y HTTP/1.1\r\nHost: a.example.org\r\nContent-Length: 2\r\n\r\nhi"
        let result = try outcome(80, Array(text.utf8))
        #expect(result.refusal == nil)
        #expect(String(decoding: result.passed, as: UTF8.self) == text)
    }

    @Test("A second request for another host does not, PRX-16") func secondHost() throws {
        let first = "GET / HTTP/1.1\r\nHost: a.example.org\r\n\r\n"
        let result = try outcome(80, Array((first + "GET / HTTP/1.1\r\nHost: b.example.org\r\n\r\n").utf8))
        #expect(String(decoding: result.passed, as: UTF8.self) == first)
        #expect(result.refusal == "other-host")
    }

    @Test(
        "HTTP that two programs might read in two ways is none, PRX-10, PRX-15, PRX-18",
        arguments: [
            "GET / HTTP/1.1\r\nHost: b.example.org\r\n\r\n",
            "GET http://b.example.org/ HTTP/1.1\r\nHost: a.example.org\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a.example.org\r\nHost: b.example.org\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a.example.org:81\r\n\r\n",
            "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.0\r\n\r\n", "GET /\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a.example.org\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a.example.org\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
            "POST / HTTP/1.1\r\nHost: a.example.org\r\nContent-Length: +5\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a.example.org\r\nTransfer-Encoding: chunked, identity\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a.example.org\r\nTransfer-Encoding: xchunked\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a.example.org\r\nTransfer-Encoding : chunked\r\n\r\n",
            "GET / HTTP/1.1\nHost: a.example.org\n\n", "GET / HTTP/1.1\r\nHost: a.example.org\r\n folded\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a.example.org\r\nX: a\rb\r\n\r\n",
            "GET / HTTP/1.1\r\n Host: a.example.org\r\n\r\n",
            "CONNECT a.example.org:443 HTTP/1.1\r\nHost: a.example.org\r\n\r\n",
            "TRACE / HTTP/1.1\r\nHost: a.example.org\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a.example.org\r\nUpgrade: h2c\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a.example.org@b.example.org\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: 203.0.113.10\r\n\r\n",
        ])
    func strange(text: String) throws {
        let result = try outcome(80, Array(text.utf8))
        #expect(result.passed == [])
        #expect(result.refusal != nil)
    }

    @Test(
        "A chunk that lies about itself goes no further than it is true",
        arguments: [
            "5\r\nabcdefg\r\n", "-1\r\n", "0x3\r\nabc\r\n", "ffffffffffffffffff\r\n", "3\nabc\r\n",
            "3;\u{1}\r\nabc\r\n",
        ])
    func chunks(text: String) throws {
        let head = "POST / HTTP/1.1\r\nHost: a.example.org\r\nTransfer-Encoding: chunked\r\n\r\n"
        let result = try outcome(80, Array((head + text).utf8))
        #expect(result.refusal == "protocol")
        #expect(result.passed.count < head.utf8.count + text.utf8.count)
    }

    @Test("Other protocols on other ports go on as they are") func others() throws {
        for text in ["SSH-2.0-x\r\n", "\0\0\0\u{8}\u{4}\u{d2}\u{16}\u{2f}", "EHLO x\r\n", "GETTING\r\n"] {
            #expect(try outcome(22, Array(text.utf8)).passed == Array(text.utf8))
        }
    }

    @Test(
        "HTTP is recognized on any port, whatever its method and the lines before it",
        arguments: [
            "PROPFIND", "FOO", "\r\nGET", "\n\nGET", "\r\n\r\nLOCK", "GETTING", " GET", "\tGET", "GET\t/\tHTTP/1.1\tx",
            "\0GET",
            String(repeating: "A", count: 33), String(repeating: "A", count: 20000),
        ])
    func otherMethods(method: String) throws {
        let head = "\(method) / HTTP/1.1\r\nHost: b.example.org\r\n\r\n"
        let result = try outcome(8080, Array(head.utf8))
        #expect(result.refusal != nil)
        // What went on ends before the line does, also where the line came in pieces.
        #expect(!String(decoding: result.passed, as: UTF8.self).contains("Host"))
        let own = Array("FOO / HTTP/1.1\r\nHost: a.example.org:8080\r\n\r\n".utf8)
        #expect(try outcome(8080, own).passed == own)
    }

    @Test("A first line without an end is not followed for ever") func endless() throws {
        #expect(try outcome(8080, Array(("FOO " + String(repeating: "a", count: 70000)).utf8)).refusal == "protocol")
        // The control: what holds bytes of no text, or begins with no method, is something else.
        for beginning in ["FOO \u{1}", "", "{\"a\": "] {
            let other = Array(beginning.utf8) + [UInt8](repeating: 0x61, count: 70000)
            #expect(try outcome(8080, other).passed == other)
        }
    }

    @Test("An upgrade is asked for first, or not at all") func lateUpgrade() throws {
        let plain = "GET / HTTP/1.1\r\nHost: a.example.org\r\n\r\n"
        let asking = "GET / HTTP/1.1\r\nHost: a.example.org\r\nUpgrade: foo\r\nConnection: upgrade\r\n\r\n"
        #expect(try outcome(80, Array((plain + plain).utf8)).refusal == nil)
        #expect(try outcome(80, Array((plain + asking).utf8)).refusal == "protocol")
    }

    @Test("The hello after a HelloRetryRequest is held to the same name, and none comes before it is asked for")
    func secondHello() throws {
        let hello = clientHello(["a.example.org"])
        let other = clientHello(["b.example.org"])
        let change: [UInt8] = [20, 3, 3, 0, 1, 1]
        var asked = try inspector(443)
        #expect(asked.feed(hello) == [.forward(hello), .awaitGreeting])
        #expect(asked.greeted(wantsAnother: true).isEmpty)
        #expect(asked.feed(change) == [.forward(change)])
        var wrong = asked
        #expect(asked.feed(hello) == [.forward(hello), .passAll])
        guard case .refuse(.otherHost, "b.example.org", _)? = wrong.feed(other).last else {
            Issue.record("a second hello for another host went on")
            return
        }
        #expect(try outcome(443, hello + change + other).refusal == "protocol")
        #expect(try outcome(443, hello + hello).refusal == "protocol")
        // The control: where none is asked for, what follows is the handshake's own, and secret.
        var plain = try inspector(443)
        _ = plain.feed(hello)
        #expect(plain.feed([23, 3]).isEmpty)
        #expect(plain.greeted(wantsAnother: false) == [.forward([23, 3]), .passAll])
        #expect(plain.feed(other) == [.forward(other)])
    }

    @Test("After an upgrade the server took, bytes go on unread; after one it did not, requests are judged")
    func upgrade() throws {
        let request = "GET / HTTP/1.1\r\nHost: a.example.org\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"
        var taken = try inspector(80)
        #expect(taken.feed(Array((request + "frames").utf8)).last == .awaitAnswer)
        #expect(taken.answered(status: 101) == [.forward(Array("frames".utf8)), .passAll])
        var refused = try inspector(80)
        _ = refused.feed(Array((request + "GET / HTTP/1.1\r\nHost: b.example.org\r\n\r\n").utf8))
        guard case .refuse(.otherHost, _, _)? = refused.answered(status: 200).last else {
            Issue.record("a request for another host went on")
            return
        }
    }
}
