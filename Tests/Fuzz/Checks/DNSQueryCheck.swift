@testable import EgressWire

/// Reads the bytes as a question; what can be read is written again, and answered in all the ways the resolver does.
func checkDNSQuery(_ bytes: [UInt8]) throws(Violation) {
    let query: DNSQuery
    do throws(DNSQueryError) {
        query = try DNSQuery.parse(bytes)
    } catch {
        if case .answered(let answer) = error { try checkErrorAnswer(answer, to: bytes) }
        return
    }
    try check(query.name)
    try hold((512...4096).contains(query.payloadSize), "a client takes 512 to 4096 bytes")
    try hold(query.hasEDNS || query.payloadSize == 512, "without EDNS a client takes 512 bytes")
    try checkWriting(query)
    for response in responses(to: query) {
        for limit in [512, query.payloadSize, 65535] { try check(response, to: query, limit: limit) }
    }
}

/// What is sent back for a question that cannot be read.
private func checkErrorAnswer(_ answer: [UInt8], to question: [UInt8]) throws(Violation) {
    try hold(answer.count == 12, "an answer to what cannot be read is a header and nothing else")
    try hold(answer[0...1] == question[0...1], "an answer has the id of its question")
    let codes = [DNSResponse.formatError, DNSResponse.notImplemented]
    try hold(codes.contains(answer[3] & 0x0f), "an answer to what cannot be read says that")
    try checkIgnored(answer)
}

/// An answer taken for a question would let two resolvers talk for ever.
private func checkIgnored(_ answer: [UInt8]) throws(Violation) {
    do throws(DNSQueryError) {
        _ = try DNSQuery.parse(answer)
    } catch {
        return try hold(error == .ignored, "an answer is not answered")
    }
    throw Violation(description: "an answer is no question")
}

private func checkWriting(_ query: DNSQuery) throws(Violation) {
    let bytes = DNSQuery.encode(
        id: query.id, name: query.name, type: query.type, payloadSize: UInt16(query.payloadSize))
    let again: DNSQuery
    do throws(DNSQueryError) {
        again = try DNSQuery.parse(bytes)
    } catch {
        throw Violation(description: "a question of ours can be read: \(query)")
    }
    try hold(
        again.id == query.id && again.name.bytes == query.name.bytes && again.type == query.type
            && again.payloadSize == query.payloadSize && again.hasEDNS && again.class == 1 && again.wantsRecursion
            && !again.disablesChecking,
        "a question of ours is read as it was written: \(again) is not \(query)")
}

/// An address, many, none, and refusals with the longest words.
private func responses(to query: DNSQuery) -> [DNSResponse] {
    let address = query.type == .aaaa ? DNSAddress.v6(0xfd00, 1) : DNSAddress.v4(0xc612_0001)
    let many = (0..<40).map { query.type == .aaaa ? DNSAddress.v6(0x2001_0db8, $0) : .v4(0xc000_0200 | UInt32($0)) }
    return [
        DNSResponse(addresses: [address], lifetime: 60), DNSResponse(addresses: many, lifetime: 1),
        DNSResponse(negativeLifetime: 30),
        DNSResponse(code: DNSResponse.refused, extendedError: (18, String(repeating: "x", count: 300))),
    ]
}

private func check(_ response: DNSResponse, to query: DNSQuery, limit: Int) throws(Violation) {
    let answer = response.encode(to: query, limit: limit)
    try hold(answer.count <= limit, "an answer has at most \(limit) bytes, not \(answer.count): \(query)")
    try checkIgnored(answer)
    let reply: DNSReply
    do throws(DNSReplyError) {
        reply = try DNSReply.parse(answer, id: query.id, name: query.name, type: query.type)
    } catch {
        // Of other classes and kinds our own client asks for nothing.
        let isOurs = query.class == 1 && (response.addresses.isEmpty || query.type == .a || query.type == .aaaa)
        return try hold(!isOurs, "an answer of ours can be read: \(response) to \(query)")
    }
    try hold(reply.code == response.code, "an answer of ours keeps its code")
    guard !reply.isTruncated else {
        return try hold(limit < 65535, "an answer of ours is cut only where it has to be: \(response)")
    }
    if query.type == .a || query.type == .aaaa {
        try hold(reply.addresses == response.addresses, "an answer of ours keeps its addresses: \(reply)")
    }
    let lifetime = reply.addresses.isEmpty ? response.negativeLifetime ?? 0 : response.lifetime
    try hold(reply.lifetime == lifetime, "an answer of ours keeps its lifetime: \(reply)")
}
