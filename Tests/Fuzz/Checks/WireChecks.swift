internal import EgressWire

/// Checks of what comes over a wire.
enum WireChecks {
    // MARK: DNS

    static func query(_ bytes: [UInt8]) -> String? {
        let query: DNSQuery
        do throws(DNSQueryError) {
            query = try DNSQuery.parse(bytes)
        } catch {
            guard case .answered(let answer) = error else { return nil }
            guard answer.count >= 12, answer.prefix(2).elementsEqual(bytes.prefix(2)), answer[2] & 0x80 != 0 else {
                return "a wrong question got an answer that is none"
            }
            return nil
        }
        if let text = query.name.hostText, !isHost(text) { return "'\(text)' was taken for a host's name" }
        if query.name.bytes.count > 255 { return "a name of \(query.name.bytes.count) bytes" }
        if query.payloadSize < 512 || query.payloadSize > 65535 { return "room for \(query.payloadSize) bytes" }
        let many = (0..<40).map { DNSAddress.v4($0) } + (0..<40).map { DNSAddress.v6($0, 1) }
        for addresses in [[], [DNSAddress.v4(0xc612_0001)], many] {
            let answer = DNSResponse(
                addresses: addresses, lifetime: 60, negativeLifetime: addresses.isEmpty ? 30 : nil,
                extendedError: (18, String(repeating: "no ", count: 40))
            ).encode(to: query, limit: query.payloadSize)
            if answer.count > query.payloadSize { return "an answer of \(answer.count) bytes" }
            // Whatever we say, we can read.
            guard query.class == 1, query.type == .a, addresses.count == 1 else { continue }
            let read = try? DNSReply.parse(answer, id: query.id, name: query.name, type: .a)
            guard let read, read.isTruncated || read.addresses == addresses else {
                return "our answer reads as \(String(describing: read))"
            }
        }
        return nil
    }

    /// The question that answers are for; asked as the resolver asks, with letters of both cases.
    static let asked = "aPi.ExampLe.org"
    static let askedID: UInt16 = 0x1234

    static func reply(_ bytes: [UInt8]) -> String? {
        guard let name = DNSName(host: asked) else { return "the question cannot be asked" }
        for type in [DNSType.a, .aaaa] {
            guard let reply = try? DNSReply.parse(bytes, id: askedID, name: name, type: type) else { continue }
            if Set(reply.addresses).count != reply.addresses.count { return "an address twice" }
            if reply.lifetime > UInt32(Int32.max) { return "a lifetime of \(reply.lifetime) seconds" }
            for address in reply.addresses {
                switch (address, type) {
                case (.v4, .a), (.v6, .aaaa): break
                default: return "an address of the other kind"
                }
            }
            // Another id, another name: the same bytes are nobody's answer.
            if (try? DNSReply.parse(bytes, id: askedID ^ 1, name: name, type: type)) != nil {
                return "an answer to another question was taken"
            }
        }
        return nil
    }

    private static func isHost(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 253
            && text.utf8.allSatisfy { byte in
                (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte) || [0x2d, 0x2e, 0x5f].contains(byte)
            }
    }

    // MARK: TLS

    static func clientHello(_ bytes: [UInt8]) -> String? {
        let whole = hello(bytes, pieces: Int.max)
        if case .hello(let hello) = whole, let name = hello.serverName {
            if name.utf8.contains(where: { $0 <= 0x20 || $0 >= 0x7f }) || name != name.lowercased() {
                return "the server's name is \(name.debugDescription)"
            }
        }
        for pieces in [1, 7, 300] {
            let cut = hello(bytes, pieces: pieces)
            // How far a broken one is read depends on how it comes; whether it is taken must not.
            if cut != whole, isHello(cut) || isHello(whole) { return "in pieces of \(pieces): \(cut), whole: \(whole)" }
        }
        return nil
    }

    private static func isHello(_ progress: ClientHelloProgress) -> Bool {
        if case .hello = progress { true } else { false }
    }

    private static func hello(_ bytes: [UInt8], pieces: Int) -> ClientHelloProgress {
        var parser = ClientHelloParser()
        var rest = bytes[...]
        while !rest.isEmpty {
            let progress = parser.feed(rest.prefix(pieces))
            guard progress == .needMore else { return progress }
            rest = rest.dropFirst(pieces)
        }
        return .needMore
    }

    // MARK: HTTP

    static func httpRequest(_ bytes: [UInt8]) -> String? {
        let whole = follow(bytes, pieces: Int.max)
        if !bytes.starts(with: whole.passed) { return "bytes came out that did not go in" }
        for head in whole.heads {
            if let host = head.host, host.name.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7f }) {
                return "the host is \(host.name.debugDescription)"
            }
        }
        for pieces in [1, 5] {
            let cut = follow(bytes, pieces: pieces)
            if cut.heads != whole.heads || cut.isBroken != whole.isBroken { return "in pieces of \(pieces) it differs" }
            if cut.passed != whole.passed, !whole.isBroken { return "in pieces of \(pieces) other bytes pass" }
        }
        return nil
    }

    private struct Followed {
        var heads: [HTTPRequestHead] = []
        var passed: [UInt8] = []
        var isBroken = false
    }

    private static func follow(_ bytes: [UInt8], pieces: Int) -> Followed {
        var follower = HTTPRequestFollower()
        var result = Followed()
        var rest = bytes[...]
        while !rest.isEmpty, !result.isBroken {
            var events = follower.feed(rest.prefix(pieces))
            rest = rest.dropFirst(pieces)
            while !events.isEmpty {
                let now = events
                events = []
                for event in now {
                    switch event {
                    case .head(let head, let raw):
                        result.heads.append(head)
                        result.passed += raw
                    case .body(let part): result.passed += part
                    case .end: break
                    case .awaitingUpgrade: events = follower.continueHTTP()
                    case .malformed: result.isBroken = true
                    }
                }
            }
        }
        return result
    }
}
