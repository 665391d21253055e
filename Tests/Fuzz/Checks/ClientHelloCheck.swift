@testable import EgressWire
internal import SandboxModel

/// Reads the bytes as a TLS stream, cut in several ways; what can be read is written again, and in other records.
func checkClientHello(_ bytes: [UInt8]) throws(Violation) {
    let outcomes = cuts(bytes).map(read)
    for outcome in outcomes {
        try hold(outcome == outcomes[0], "cuts make no difference: \(outcome) is not \(outcomes[0])")
    }
    guard case .hello(let hello) = outcomes[0] else { return }
    let message = unwrapped(bytes)
    if let name = hello.serverName {
        try hold(isPlainHostText(name), "a server name is plain: \(name)")
        try hold(IPAddress(name) == nil, "a server name is no address: \(name)")
        let lower = message.map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 }
        try hold(String(decoding: lower, as: UTF8.self).contains(name), "a server name stands in the hello: \(name)")
    }
    try hold(hello.protocols.allSatisfy { $0.count <= 255 }, "a protocol's name has at most 255 bytes")
    // What a server sees must not depend on records, nor on what comes after the hello.
    for size in [1, 5, 100, 16384] {
        let again = read([wrapped(message, in: size)[...]])
        try hold(again == outcomes[0], "records of \(size) bytes make no difference: \(again)")
    }
    try hold(read([(bytes + [0x17, 3, 3, 0, 1, 0])[...]]) == outcomes[0], "what follows a hello changes nothing")
    let written = read([wrapped(encoded(hello), in: 16384)[...]])
    try hold(written == outcomes[0], "a hello is the same when it is written again: \(written) is not \(hello)")
}

/// Feeds pieces until the parser has come to an end.
private func read(_ pieces: [ArraySlice<UInt8>]) -> ClientHelloProgress {
    var parser = ClientHelloParser()
    for piece in pieces {
        let progress = parser.feed(piece)
        if progress != .needMore { return progress }
    }
    return .needMore
}

/// The handshake message that begins in these records, of which the parser has read one whole.
private func unwrapped(_ bytes: [UInt8]) -> [UInt8] {
    var message: [UInt8] = []
    var rest = bytes[...]
    while rest.count >= 5 {
        let length = Int(rest[rest.startIndex + 3]) << 8 | Int(rest[rest.startIndex + 4])
        message += rest.dropFirst(5).prefix(length)
        rest = rest.dropFirst(5 + length)
        if message.count >= 4, message.count >= 4 + (Int(message[1]) << 16 | Int(message[2]) << 8 | Int(message[3])) {
            break
        }
    }
    return message
}

/// Records of at most `size` bytes each.
private func wrapped(_ message: [UInt8], in size: Int) -> [UInt8] {
    stride(from: 0, to: message.count, by: size).flatMap { start in
        let part = message[start..<min(start + size, message.count)]
        return [0x16, 3, 1] + vector(2, Array(part))
    }
}

private func vector(_ width: Int, _ bytes: [UInt8]) -> [UInt8] {
    (0..<width).map { UInt8(truncatingIfNeeded: bytes.count >> (8 * (width - 1 - $0))) } + bytes
}

/// A hello that says the same and nothing else.
private func encoded(_ hello: ClientHello) -> [UInt8] {
    var extensions: [UInt8] = []
    if let name = hello.serverName {
        extensions += [0, 0] + vector(2, vector(2, [0] + vector(2, Array(name.utf8))))
    }
    // An empty list of protocols and none are read as the same.
    if !hello.protocols.isEmpty {
        extensions += [0, 16] + vector(2, vector(2, hello.protocols.flatMap { vector(1, $0) }))
    }
    if hello.hasEncryptedHello { extensions += [0xfe, 0x0d, 0, 1, 0] }
    let body = [3, 3] + Array(repeating: 0, count: 32) + [0] + vector(2, [0x13, 1]) + vector(1, [0])
    return [1] + vector(3, body + vector(2, extensions))
}
