import Testing

@testable import EgressWire

/// Bytes with the randomness of a seed, so that a failure can be had again.
struct Noise: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ state >> 29
    }
}

private func query(_ name: String, _ type: DNSType = .a) throws -> [UInt8] {
    DNSQuery.encode(id: 0x1234, name: try #require(DNSName(host: name)), type: type, payloadSize: 1232)
}

@Suite("Questions") struct QuestionTests {
    @Test("A question is read as it was written") func read() throws {
        let parsed = try DNSQuery.parse(try query("API.example.org", .aaaa))
        #expect(parsed.id == 0x1234)
        #expect(parsed.name.description == "API.example.org")
        #expect(parsed.name.hostText == "api.example.org")
        #expect(parsed.type == .aaaa)
        #expect(parsed.payloadSize == 1232)
    }

    @Test("What is no question is not answered; what is a wrong one is told so") func wrong() throws {
        let good = try query("a.example.org")
        #expect(throws: DNSQueryError.ignored) { try DNSQuery.parse(Array(good.prefix(11))) }
        var answer = good
        answer[2] |= 0x80
        #expect(throws: DNSQueryError.ignored) { try DNSQuery.parse(answer) }
        func code(_ change: (inout [UInt8]) -> Void) -> UInt8? {
            var bytes = good
            change(&bytes)
            do throws(DNSQueryError) {
                _ = try DNSQuery.parse(bytes)
                return nil
            } catch {
                if case .answered(let reply) = error { return reply[3] & 15 }
                return 255
            }
        }
        #expect(code { $0[2] |= 0x28 } == DNSResponse.notImplemented)
        #expect(code { $0[5] = 2 } == DNSResponse.formatError)
        #expect(code { $0[12] = 0xc0 } == DNSResponse.formatError)
        #expect(code { $0.removeLast(12) } == DNSResponse.formatError)
        #expect(code { _ in } == nil)
    }

    @Test(
        "Labels with other bytes than those of host names are no host name, DNS-12",
        arguments: [
            [UInt8]([3, 0x61, 0, 0x62, 0]), [3, 0x61, 0x2e, 0x62, 0], [3, 0x61, 0x20, 0x62, 0], [2, 0x2d, 0x61, 0],
            [2, 0x61, 0x2d, 0], [2, 0xc3, 0xa4, 0], [0],
        ])
    func labels(bytes: [UInt8]) throws {
        var position = 0
        let name = try #require(DNSName.read(bytes, at: &position))
        #expect(name.hostText == nil)
        #expect(name.description.unicodeScalars.allSatisfy { (0x20..<0x7f).contains($0.value) })
    }

    @Test("Pointers that lead forward, to themselves, or for ever are none") func pointers() {
        for bytes in [[0xc0, 0], [1, 0x61, 0xc0, 0], [0xc0, 2, 1, 0x61, 0], [0x40], [0x80], [63, 1]] as [[UInt8]] {
            var position = 0
            #expect(DNSName.read(bytes, at: &position) == nil)
        }
    }
}

@Suite("Answers") struct AnswerTests {
    @Test("An answer of ours is read back by our own client") func roundTrip() throws {
        let parsed = try DNSQuery.parse(try query("a.example.org"))
        let bytes = DNSResponse(addresses: [.v4(0xc612_0001)], lifetime: 60).encode(to: parsed, limit: 512)
        let reply = try DNSReply.parse(bytes, id: 0x1234, name: parsed.name, type: .a)
        #expect(reply.addresses == [.v4(0xc612_0001)])
        #expect(reply.lifetime == 60)
        let none = DNSResponse(negativeLifetime: 30).encode(to: parsed, limit: 512)
        let empty = try DNSReply.parse(none, id: 0x1234, name: parsed.name, type: .a)
        #expect(empty.addresses == [] && empty.lifetime == 30)
        let cut = DNSResponse(addresses: Array(repeating: .v4(1), count: 100), lifetime: 1).encode(
            to: parsed, limit: 512)
        #expect(cut.count <= 512)
        #expect(try DNSReply.parse(cut, id: 0x1234, name: parsed.name, type: .a).isTruncated)
    }

    @Test("Answers to somebody else, or forged ones, are passed over, DNS-09") func foreign() throws {
        let parsed = try DNSQuery.parse(try query("a.example.org"))
        let bytes = DNSResponse(addresses: [.v4(7)], lifetime: 60).encode(to: parsed, limit: 512)
        func error(_ change: (inout [UInt8]) -> Void) -> DNSReplyError? {
            var forged = bytes
            change(&forged)
            do throws(DNSReplyError) {
                _ = try DNSReply.parse(forged, id: 0x1234, name: parsed.name, type: .a)
                return nil
            } catch {
                return error
            }
        }
        #expect(error { $0[0] ^= 1 } == .foreign)
        #expect(error { $0[2] &= 0x7f } == .foreign)
        // The letter case of the question is part of the secret.
        #expect(error { $0[13] ^= 0x20 } == .foreign)
        #expect(error { $0[28] ^= 1 } == .foreign)
        #expect(error { $0.removeLast(14) } == .malformed)
        #expect(error { _ in } == nil)
    }

    @Test("A chain of names is followed from the name that was asked, and no further than eight") func chains() throws {
        func record(_ owner: String, _ type: DNSType, _ lifetime: UInt32, _ data: [UInt8]) throws -> [UInt8] {
            var writer = DNSWriter(capacity: 64)
            writer.bytes += try #require(DNSName(host: owner)).bytes
            writer.append(type.number)
            writer.append(UInt16(1))
            writer.append(lifetime)
            writer.append(UInt16(data.count))
            return writer.bytes + data
        }
        func reply(_ records: [[UInt8]]) throws -> DNSReply {
            let name = try #require(DNSName(host: "a.example.org"))
            var writer = DNSWriter(capacity: 64)
            writer.bytes = [0, 1, 0x81, 0x80, 0, 1, 0, UInt8(records.count), 0, 0, 0, 0] + name.bytes + [0, 1, 0, 1]
            return try DNSReply.parse(writer.bytes + records.flatMap { $0 }, id: 1, name: name, type: .a)
        }
        func alias(_ from: String, _ to: String) throws -> [UInt8] {
            try record(from, .cname, 50, try #require(DNSName(host: to)).bytes)
        }
        let address: [UInt8] = [203, 0, 113, 1]
        let found = try reply([
            try alias("a.example.org", "b.example.org"), try record("b.example.org", .a, 9, address),
        ])
        #expect(found.addresses == [.v4(0xcb00_7101)] && found.lifetime == 9)
        // An address of a name that nobody asked for counts for nothing.
        #expect(try reply([try record("evil.example.org", .a, 9, address)]).addresses == [])
        #expect(throws: DNSReplyError.malformed) {
            try reply([try alias("a.example.org", "b.example.org"), try alias("b.example.org", "a.example.org")])
        }
        // A lifetime past 2^31 is none (RFC 2181).
        #expect(try reply([try record("a.example.org", .a, 0x8000_0001, address)]).lifetime == 0)
    }
}

@Suite("Bounds") struct BoundTests {
    @Test("A hello is bounded with its records, whatever their size", arguments: [1, 100, 16384])
    func helloInRecords(size: Int) {
        let message: [UInt8] = [1, 0, 0xff, 0xfc] + Array(repeating: 0, count: 65532)
        let bytes = stride(from: 0, to: message.count, by: size).flatMap { start in
            let part = message[start..<min(start + size, message.count)]
            return [0x16, 3, 1, UInt8(part.count >> 8), UInt8(part.count & 0xff)] + part
        }
        var whole = ClientHelloParser()
        #expect(whole.feed(bytes[...]) == .malformed("the hello is too long"))
        var split = ClientHelloParser()
        #expect(split.feed(bytes.prefix(ClientHelloParser.limit)) == .needMore)
        #expect(split.feed(bytes.dropFirst(ClientHelloParser.limit).prefix(1)) == .malformed("the hello is too long"))
    }

    @Test("The head of an answer is bounded, whether it comes at once or in pieces") func answerHead() {
        let start = Array("HTTP/1.1 200 OK\r\nX: ".utf8)
        func status(_ length: Int, pieces: Int) -> HTTPResponseHeadScanner.Progress {
            let bytes = start + Array(repeating: 0x61, count: length - start.count - 4) + [13, 10, 13, 10]
            var scanner = HTTPResponseHeadScanner()
            for place in stride(from: 0, to: bytes.count, by: bytes.count / pieces + 1) {
                let progress = scanner.feed(bytes[place...].prefix(bytes.count / pieces + 1))
                if progress != .needMore { return progress }
            }
            return .needMore
        }
        for pieces in [1, 7] {
            #expect(status(HTTPRequestHead.limit, pieces: pieces) == .status(200))
            #expect(status(HTTPRequestHead.limit + 1, pieces: pieces) == .malformed)
        }
    }

    @Test("Protocols are named by tokens; gaps in their list name none") func upgrades() throws {
        func upgrades(_ value: String) throws -> [String] {
            try HTTPRequestHead.parse(Array("GET / HTTP/1.1\r\nHost: a.org\r\nUpgrade: \(value)\r\n\r\n".utf8)[...])
                .upgrades
        }
        #expect(try upgrades("websocket, ,TLS/1.0,") == ["websocket", "TLS/1.0"])
        #expect(try upgrades(" , ") == [])
        // Of these letters and marks Swift makes other characters than a program that compares bytes.
        for value in ["h2c\u{301}", "h2c/", "/1", "h2c x"] {
            #expect(throws: HTTPProblem("an Upgrade that names no protocol")) { try upgrades(value) }
        }
    }
}

@Suite("Damaged bytes") struct DamageTests {
    @Test("neither crash a parser nor make it read two things") func damage() throws {
        var noise = Noise(state: 0x5eed)
        let head = Array(
            "POST / HTTP/1.1\r\nHost: a.example.org\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n".utf8)
        let seeds = [try query("a.example.org"), head, [0x16, 3, 1, 0, 5, 1, 0, 0, 1, 3]]
        for round in 0..<30_000 {
            var bytes = seeds[round % seeds.count]
            for _ in 0...Int.random(in: 0..<4, using: &noise) {
                let place = Int.random(in: 0..<max(bytes.count, 1), using: &noise)
                switch Int.random(in: 0..<4, using: &noise) {
                case 0 where !bytes.isEmpty: bytes[place] = UInt8.random(in: 0...255, using: &noise)
                case 1 where !bytes.isEmpty: bytes.remove(at: place)
                case 2: bytes.insert(UInt8.random(in: 0...255, using: &noise), at: min(place, bytes.count))
                default: bytes = Array(bytes.prefix(place))
                }
            }
            _ = try? DNSQuery.parse(bytes)
            _ = try? DNSReply.parse(bytes, id: 0x1234, name: try #require(DNSName(host: "a.example.org")), type: .a)
            var hello = ClientHelloParser()
            _ = hello.feed(bytes[...])
            var whole = HTTPRequestFollower()
            var split = HTTPRequestFollower()
            let one = Self.flatten(whole.feed(bytes[...]))
            let other = Self.flatten(bytes.flatMap { split.feed([$0][...]) })
            #expect(one == other)
        }
    }

    /// What came out, whatever pieces it came in; what a refused request had let through before may differ.
    private static func flatten(_ events: [HTTPRequestFollower.Event]) -> String {
        var text = ""
        for event in events {
            switch event {
            case .head(_, let raw): text += "H\(raw)"
            case .body(let part): text += part.map { "b\($0)" }.joined()
            case .end: text += "E"
            case .awaitingUpgrade: text += "U"
            case .malformed: text += "M"
            }
        }
        return text
    }
}
