@testable import EgressWire

/// Reads the bytes as the answer to the question that they repeat, and as the answer to others.
func checkDNSResponse(_ bytes: [UInt8]) throws(Violation) {
    var position = 12
    guard bytes.count >= 12, let name = DNSName.read(bytes, at: &position), position + 4 <= bytes.count else {
        let name = try present(DNSName(host: "a.example.org"), "a plain name is one")
        return try hold(refusal(bytes, 0x1234, name, .a) == .foreign, "what repeats no question is foreign")
    }
    func number(_ at: Int) -> UInt16 { UInt16(bytes[at]) << 8 | UInt16(bytes[at + 1]) }
    try check(name)
    let id = number(0)
    let type = DNSType(number(position))

    // Whoever does not know id, kind and letter case is not heard.
    try hold(refusal(bytes, id ^ 1, name, type) == .foreign, "an answer with another id is foreign")
    try hold(refusal(bytes, id, name, DNSType(type.number ^ 1)) == .foreign, "an answer of another kind is foreign")
    for other in [name.randomizingCase(0), name.randomizingCase(.max)] where other.bytes != name.bytes {
        try hold(refusal(bytes, id, other, type) == .foreign, "an answer in another letter case is foreign")
    }

    let reply: DNSReply
    do throws(DNSReplyError) {
        reply = try DNSReply.parse(bytes, id: id, name: name, type: type)
    } catch {
        return
    }
    try check(reply, type: type, in: bytes)
    if !reply.addresses.isEmpty { try checkWriting(reply, id: id, name: name, type: type) }
}

/// Why bytes are no answer to a question; nil where they are one.
private func refusal(_ bytes: [UInt8], _ id: UInt16, _ name: DNSName, _ type: DNSType) -> DNSReplyError? {
    do throws(DNSReplyError) {
        _ = try DNSReply.parse(bytes, id: id, name: name, type: type)
        return nil
    } catch {
        return error
    }
}

private func check(_ reply: DNSReply, type: DNSType, in bytes: [UInt8]) throws(Violation) {
    try hold(reply.code <= 15, "a code has four bits")
    try hold(reply.lifetime <= UInt32(Int32.max), "a lifetime is below 2^31")
    try hold(Set(reply.addresses).count == reply.addresses.count, "no address is there twice")
    if reply.isTruncated { try hold(reply.addresses.isEmpty, "of what was cut nothing is taken") }
    for address in reply.addresses {
        switch address {
        case .v4(let value):
            try hold(type == .a, "IPv4 addresses answer questions for them")
            let wanted = (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) }
            try hold(contains(bytes, wanted), "an address stands in the message")
        case .v6(let high, let low):
            try hold(type == .aaaa, "IPv6 addresses answer questions for them")
            let halves = [high, low]
            let wanted = (0..<16).map { UInt8(truncatingIfNeeded: halves[$0 / 8] >> (56 - 8 * ($0 % 8))) }
            try hold(contains(bytes, wanted), "an address stands in the message")
        }
    }
}

private func contains(_ bytes: [UInt8], _ wanted: [UInt8]) -> Bool {
    guard bytes.count >= wanted.count else { return false }
    return (0...(bytes.count - wanted.count)).contains { bytes[$0..<($0 + wanted.count)].elementsEqual(wanted) }
}

/// What was understood, written by our own encoder, is understood the same way again.
private func checkWriting(_ reply: DNSReply, id: UInt16, name: DNSName, type: DNSType) throws(Violation) {
    do {
        let query = try DNSQuery.parse(DNSQuery.encode(id: id, name: name, type: type, payloadSize: 1232))
        let answer = DNSResponse(code: reply.code, addresses: reply.addresses, lifetime: reply.lifetime)
            .encode(to: query, limit: 65535)
        let again = try DNSReply.parse(answer, id: id, name: name, type: type)
        try hold(again == reply, "an answer is the same when it is written again: \(again) is not \(reply)")
    } catch let violation as Violation {
        throw violation
    } catch {
        throw Violation(description: "an answer can be written again: \(reply)")
    }
}
