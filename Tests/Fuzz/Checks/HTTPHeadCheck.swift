@testable import EgressWire

/// Follows the bytes as an HTTP/1 client's, cut in several ways, with a server that goes on with HTTP and one that takes
/// up other protocols; and reads them as a server's answer.
func checkHTTPHead(_ bytes: [UInt8]) throws(Violation) {
    let ways = cuts(bytes)
    for takesUp in [false, true] {
        let parts = follow(ways[0], takesUp: takesUp)
        for way in ways.dropFirst() {
            let other = follow(way, takesUp: takesUp)
            try hold(other == parts, "cuts make no difference: \(other) is not \(parts)")
        }
        try check(parts, from: bytes)
    }
    let statuses = ways.map(scan)
    for status in statuses {
        try hold(status == statuses[0], "cuts of an answer make no difference: \(status) is not \(statuses[0])")
    }
    if case .status(let status) = statuses[0] {
        try hold(status == 101 || !(100..<200).contains(status), "an interim answer is not the last: \(status)")
    }
}

/// What comes out of a connection, whatever pieces went in.
private enum Part: Equatable {
    case head(HTTPRequestHead, raw: [UInt8])
    /// Parts of one body, put together.
    case body([UInt8])
    case end
    case upgrade
    /// Another protocol.
    case opaque([UInt8])
    /// Why does not matter: of two mistakes either may be seen first.
    case malformed
}

/// - Parameter takesUp: whether the server takes up the first protocol that is asked for.
private func follow(_ pieces: [ArraySlice<UInt8>], takesUp: Bool) -> [Part] {
    var follower = HTTPRequestFollower()
    var parts: [Part] = []
    for piece in pieces {
        if case .opaque(let bytes)? = parts.last {
            parts[parts.count - 1] = .opaque(bytes + piece)
            continue
        }
        var events = follower.feed(piece)
        while !events.isEmpty {
            let asks = events.last == .awaitingUpgrade
            for event in events { append(event, to: &parts) }
            events = []
            if asks && takesUp { parts.append(.opaque(follower.becomeOpaque())) }
            if asks && !takesUp { events = follower.continueHTTP() }
        }
    }
    return parts
}

private func append(_ event: HTTPRequestFollower.Event, to parts: inout [Part]) {
    switch event {
    case .head(let head, let raw): parts.append(.head(head, raw: raw))
    case .body(let piece):
        if case .body(let bytes)? = parts.last {
            parts[parts.count - 1] = .body(bytes + piece)
        } else {
            parts.append(.body(Array(piece)))
        }
    case .end: parts.append(.end)
    case .awaitingUpgrade: parts.append(.upgrade)
    case .malformed: parts.append(.malformed)
    }
}

private func scan(_ pieces: [ArraySlice<UInt8>]) -> HTTPResponseHeadScanner.Progress {
    var scanner = HTTPResponseHeadScanner()
    for piece in pieces {
        let progress = scanner.feed(piece)
        if progress != .needMore { return progress }
    }
    return .needMore
}

// MARK: What comes out

/// Bytes come out as they went in, and bodies end where their heads say.
private func check(_ parts: [Part], from bytes: [UInt8]) throws(Violation) {
    var passed: [UInt8] = []
    var open: (head: HTTPRequestHead, body: [UInt8])?
    for (index, part) in parts.enumerated() {
        switch part {
        case .head(let head, let raw):
            try hold(open == nil, "a head comes after the end of a request")
            try check(head, raw: raw)
            passed += raw
            open = (head, [])
        case .body(let piece):
            try hold(open != nil, "a body comes after a head")
            passed += piece
            open?.body += piece
        case .end:
            let request = try present(open, "an end comes after a head")
            try hold(isWhole(request.body, request.head.body), "a body ends where its head says: \(request)")
            open = nil
        case .upgrade: try hold(parts[index - 1] == .end, "an upgrade is waited for after a request")
        case .opaque(let rest):
            try hold(index == parts.count - 1 && parts[index - 1] == .upgrade, "what is no HTTP comes last")
            passed += rest
            try hold(passed == bytes, "another protocol's bytes go on as they are")
        case .malformed: try hold(index == parts.count - 1, "nothing comes after what cannot be followed")
        }
    }
    try hold(bytes.starts(with: passed), "bytes come out as they went in")
}

/// Whether a body is complete and nothing else. Written apart from the follower, to be another opinion than its.
private func isWhole(_ body: [UInt8], _ framing: HTTPRequestHead.Body) -> Bool {
    if case .length(let length) = framing { return UInt64(body.count) == length }
    var rest = body[...]
    func line() -> [UInt8]? {
        guard let end = rest.firstIndex(of: 0x0a), end > rest.startIndex, rest[end - 1] == 0x0d else { return nil }
        defer { rest = rest[(end + 1)...] }
        return Array(rest[..<(end - 1)])
    }
    while let text = line() {
        let digits = String(decoding: text.prefix { $0 != UInt8(ascii: ";") }, as: UTF8.self)
        guard let size = UInt64(digits, radix: 16), size <= UInt64(rest.count) else { return false }
        if size == 0 { break }
        rest = rest.dropFirst(Int(size))
        guard line() == [] else { return false }
    }
    // Trailers, if there are any, and the empty line.
    while let text = line() { if text.isEmpty { return rest.isEmpty } }
    return false
}

private func check(_ head: HTTPRequestHead, raw: [UInt8]) throws(Violation) {
    let lines = try lines(of: raw)
    func values(_ name: String) -> [String] {
        lines.dropFirst().compactMap { line in
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, parts[0].lowercased() == name else { return nil }
            return String(parts[1].drop { $0 == " " || $0 == "\t" })
        }
    }
    try hold(head.method != "PRI" && (1...32).contains(head.method.utf8.count), "a method is a short token")
    try hold(head.target.allSatisfy { (0x21...0x7e).contains($0) }, "a target is of visible ASCII")
    let target = String(decoding: head.target, as: UTF8.self)
    let version = head.isVersion11 ? "HTTP/1.1" : "HTTP/1.0"
    try hold(lines[0] == "\(head.method) \(target) \(version)", "a request line is what its parts say")

    let hosts = values("host")
    try hold(hosts.count <= 1 && (hosts.count == 1 || !head.isVersion11), "a request names its host once: \(lines)")
    if let host = head.host {
        try check(host)
        if let named = hosts.first {
            let own = named.lowercased()
            try hold(
                own == host.name || own.hasPrefix("\(host.name):") || own.hasPrefix("\(host.name).")
                    || own.hasPrefix("\(host.name) ") || own.hasPrefix("\(host.name)\t"),
                "the host is what Host says: \(host) and \(named)")
        }
    } else {
        try hold(hosts.isEmpty, "a host that is named is kept")
    }
    let framings = values("content-length").count + values("transfer-encoding").count
    try hold(framings <= 1, "a request says once where it ends: \(lines)")
    try hold(framings == 1 || head.body == .length(0), "a request that says nothing else has no body")
    try hold(head.upgrades.isEmpty || !values("upgrade").isEmpty, "protocols are of the Upgrade field")
    try hold(
        head.upgrades.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy { (0x21...0x7e).contains($0) && $0 != 0x2c } },
        "a protocol is of visible ASCII: \(head.upgrades)")
    try checkWriting(head)
}

private func check(_ host: HTTPRequestHead.Authority) throws(Violation) {
    try hold(host.port != 0, "port 0 is none")
    if host.name.hasPrefix("[") {
        let inside = host.name.dropFirst().dropLast()
        try hold(
            host.name.hasSuffix("]") && inside.utf8.allSatisfy { "0123456789abcdef:.".utf8.contains($0) },
            "an address in brackets is of what addresses are of: \(host)")
    } else {
        try hold(isPlainHostText(host.name), "a host is plain: \(host)")
    }
}

/// The lines of a head that no reader can split in another way.
private func lines(of raw: [UInt8]) throws(Violation) -> [String] {
    try hold(raw.suffix(4).elementsEqual([13, 10, 13, 10]), "a head ends with an empty line")
    let lines = raw.dropLast(4).split(separator: 13, omittingEmptySubsequences: false)
    var result: [String] = []
    for (index, line) in lines.enumerated() {
        let isFirst = index == 0
        try hold(isFirst || line.first == 10, "after each CR comes LF")
        let text = isFirst ? line : line.dropFirst()
        try hold(!text.contains(10) && !text.contains(0), "a line has neither LF nor zero inside")
        try hold(!text.isEmpty, "a head has one empty line")
        try hold(isFirst || (text.first != 0x20 && text.first != 0x09), "no line goes on with another")
        // Each byte as a character of its own, so that none joins the one before it.
        result.append(String(String.UnicodeScalarView(text.map { Unicode.Scalar($0) })))
    }
    return result
}

/// What was understood, written without anything else, is understood the same way again.
private func checkWriting(_ head: HTTPRequestHead) throws(Violation) {
    var text = "\(head.method) \(String(decoding: head.target, as: UTF8.self)) "
    text += head.isVersion11 ? "HTTP/1.1\r\n" : "HTTP/1.0\r\n"
    if let host = head.host { text += "Host: \(host.name)\(host.port.map { ":\($0)" } ?? "")\r\n" }
    switch head.body {
    case .length(let length): text += "Content-Length: \(length)\r\n"
    case .chunked: text += "Transfer-Encoding: chunked\r\n"
    }
    if !head.upgrades.isEmpty { text += "Upgrade: \(head.upgrades.joined(separator: ","))\r\n" }
    let again: HTTPRequestHead
    do throws(HTTPProblem) {
        again = try HTTPRequestHead.parse(Array("\(text)\r\n".utf8)[...])
    } catch {
        throw Violation(description: "a head can be written again: \(error.text): \(text)")
    }
    try hold(again == head, "a head is the same when it is written again: \(again) is not \(head)")
}
