internal import EgressPolicy
internal import EgressWire
internal import SandboxModel

/// Watches what a client says on a relayed connection, and holds it to the host it connected to.
///
/// Bytes go on unchanged, but not before they are judged: a ClientHello whose name is another host's, or an HTTP request
/// for another host, never leaves.
struct Inspector {
    /// What the relay does next, in this order.
    enum Step: Equatable {
        /// Pass these bytes on.
        case forward([UInt8])
        /// Pass everything on from here, unread.
        case passAll
        /// End the connection; the reply, if there is one, goes to the client first.
        case refuse(Decisions.Refusal, named: String?, reply: [UInt8]?)
        /// An HTTP request asks for another protocol: say how the server answers with `answered(status:)`.
        case awaitAnswer
        /// A TLS client said hello: say whether the server wants another with `greeted(wantsAnother:)`.
        case awaitGreeting
    }

    /// What a port is for.
    enum Expectation: Equatable {
        /// TLS with a name (443).
        case tls
        /// HTTP/1 with a name (80).
        case http
        /// Whatever the host speaks; TLS and HTTP are held to its name all the same.
        case any
    }

    private enum State {
        case undecided([UInt8])
        /// Bytes go on while they may become the request line of HTTP with another method.
        case watching(RequestLineWatch)
        case tls(ClientHelloParser, [UInt8])
        /// The hello went on; another may be asked for, and must be the next handshake message.
        case greeting(TLSRecordWatch, mayGreetAgain: Bool)
        case http(HTTPRequestFollower)
        case opaque
        case refused
    }

    private let host: HostName
    private let port: UInt16
    private let sandbox: SandboxName
    private let expectation: Expectation
    private var state = State.undecided([])
    private var hasGreeted = false
    /// Bytes of the first head that went on already.
    private var passedOn = 0
    /// HTTP requests that were passed on.
    private(set) var requests = 0

    init(host: HostName, port: UInt16, sandbox: SandboxName) {
        self.host = host
        self.port = port
        self.sandbox = sandbox
        expectation = port == 443 ? .tls : port == 80 ? .http : .any
    }

    /// Whether the server may be connected to before the client has said anything: it may be the one to speak first.
    var connectsAtOnce: Bool { expectation == .any }

    /// Takes the client's next bytes.
    mutating func feed(_ bytes: [UInt8]) -> [Step] {
        guard !bytes.isEmpty else { return [] }
        // Taken out until the next is known, so that what it holds is not copied for each piece that comes.
        let taken = state
        state = .refused
        switch consume taken {
        case .undecided(let held): return decide(held + bytes)
        case .watching(var watch): return watchLine(&watch, bytes)
        case .tls(var parser, let held): return followTLS(&parser, held, bytes)
        case .greeting(var watch, let mayGreetAgain): return followRecords(&watch, mayGreetAgain, bytes)
        case .http(var follower): return followHTTP(&follower, bytes)
        case .opaque:
            state = .opaque
            return [.forward(bytes)]
        case .refused: return []
        }
    }

    /// Says how the server answered a request for another protocol.
    mutating func answered(status: Int) -> [Step] {
        guard case .http(var follower) = state else { return [] }
        if status == 101 {
            let rest = follower.becomeOpaque()
            state = .opaque
            return (rest.isEmpty ? [] : [.forward(rest)]) + [.passAll]
        }
        let events = follower.continueHTTP()
        return judge(events, follower)
    }

    // MARK: What it is

    private mutating func decide(_ bytes: [UInt8]) -> [Step] {
        guard let first = bytes.first else { return [] }
        if expectation != .http, first == 0x16 { return beginTLS(bytes) }
        if expectation == .tls { return refuse(.protocol, named: nil, reply: nil) }
        if expectation == .http { return beginHTTP(bytes) }
        switch Self.looksLikeHTTP(bytes) {
        case true?: return beginHTTP(bytes)
        case false?:
            var watch = RequestLineWatch()
            return watchLine(&watch, bytes)
        case nil:
            state = .undecided(bytes)
            return []
        }
    }

    private mutating func watchLine(_ watch: inout RequestLineWatch, _ bytes: [UInt8]) -> [Step] {
        let before = watch.seen.count
        switch watch.feed(bytes) {
        case .needMore:
            state = .watching(watch)
            return [.forward(bytes)]
        case .other:
            state = .opaque
            return [.forward(bytes), .passAll]
        case .endless: return refuse(.protocol, named: nil, reply: nil)
        case .request:
            passedOn = before
            return beginHTTP(watch.seen.prefix(before) + bytes)
        }
    }

    /// Whether a head is begun and not complete.
    var isWithinHead: Bool { if case .http(let follower) = state { follower.isWithinHead } else { false } }

    private static let methods = [
        "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "PRI",
    ].map { Array("\($0) ".utf8) }

    /// Whether the bytes begin an HTTP request; nil while they are too few to tell.
    static func looksLikeHTTP(_ bytes: [UInt8]) -> Bool? {
        if methods.contains(where: { bytes.starts(with: $0) }) { return true }
        return methods.contains(where: { $0.starts(with: bytes) }) ? nil : false
    }

    // MARK: TLS

    private mutating func beginTLS(_ bytes: [UInt8]) -> [Step] {
        var parser = ClientHelloParser()
        return followTLS(&parser, [], bytes)
    }

    private mutating func followTLS(
        _ parser: inout ClientHelloParser, _ held: [UInt8], _ bytes: [UInt8]
    ) -> [Step] {
        switch parser.feed(bytes[...]) {
        case .needMore:
            state = .tls(parser, held + bytes)
            return []
        case .notTLS, .malformed: return refuse(.protocol, named: nil, reply: TLSAlert.bytes(50))
        case .hello(let hello):
            guard let name = hello.serverName else {
                return refuse(.protocol, named: nil, reply: Refusing.tls(.otherHost))
            }
            guard name == host.text else {
                return refuse(.otherHost, named: name, reply: Refusing.tls(.otherHost))
            }
            let all = held + bytes
            if hasGreeted {
                state = .opaque
                return [.forward(all), .passAll]
            }
            hasGreeted = true
            var records = TLSRecordWatch()
            let steps = followRecords(&records, false, Array(all.dropFirst(parser.length)))
            return [.forward(Array(all.prefix(parser.length))), .awaitGreeting] + steps
        }
    }

    /// Early data and the like go on; another hello is looked at, and none is said before it is asked for.
    private mutating func followRecords(
        _ watch: inout TLSRecordWatch, _ mayGreetAgain: Bool, _ bytes: [UInt8]
    ) -> [Step] {
        switch watch.feed(bytes) {
        case .malformed: return refuse(.protocol, named: nil, reply: TLSAlert.bytes(50))
        case .pass(let passed):
            state = .greeting(watch, mayGreetAgain: mayGreetAgain)
            return passed.isEmpty ? [] : [.forward(passed)]
        case .handshake(let before, let rest):
            guard mayGreetAgain else { return refuse(.protocol, named: nil, reply: TLSAlert.bytes(10)) }
            return (before.isEmpty ? [] : [.forward(before)]) + beginTLS(rest)
        }
    }

    /// Says how the server answered a hello.
    mutating func greeted(wantsAnother: Bool) -> [Step] {
        guard case .greeting(let watch, _) = state else { return [] }
        if wantsAnother {
            state = .greeting(watch, mayGreetAgain: true)
            return []
        }
        state = .opaque
        return (watch.held.isEmpty ? [] : [.forward(watch.held)]) + [.passAll]
    }

    // MARK: HTTP

    private mutating func beginHTTP(_ bytes: [UInt8]) -> [Step] {
        var follower = HTTPRequestFollower()
        return followHTTP(&follower, bytes)
    }

    private mutating func followHTTP(_ follower: inout HTTPRequestFollower, _ bytes: [UInt8]) -> [Step] {
        let events = follower.feed(bytes[...])
        return judge(events, follower)
    }

    private mutating func judge(_ events: [HTTPRequestFollower.Event], _ follower: HTTPRequestFollower) -> [Step] {
        state = .http(follower)
        var steps: [Step] = []
        for event in events {
            switch event {
            case .head(let head, let raw):
                if let refusal = refusal(of: head) { return steps + refusal }
                requests += 1
                steps.append(.forward(Array(raw.dropFirst(passedOn))))
                passedOn = 0
            case .body(let part): steps.append(.forward(Array(part)))
            case .end: break
            case .awaitingUpgrade:
                // Its answer could not be told from those that are still to come, or from their bodies.
                guard requests == 1 else { return steps + wrong("an upgrade that is not the first request") }
                steps.append(.awaitAnswer)
            case .malformed(let reason):
                return steps + wrong(reason)
            }
        }
        return steps
    }

    private mutating func wrong(_ reason: String) -> [Step] {
        let body = Array("{\"error\":\"\(reason)\"}\n".utf8)
        return refuse(.protocol, named: nil, reply: RefusalResponse.encode(status: 400, body: body))
    }

    private mutating func refusal(of head: HTTPRequestHead) -> [Step]? {
        func answer(_ refusal: Decisions.Refusal, _ named: String?) -> [Step] {
            refuse(refusal, named: named, reply: Refusing.http(refusal, host: named, port: port, sandbox: sandbox))
        }
        // A tunnel through the host, and a request that comes back with all its headers, are no requests to the host.
        if head.method == "CONNECT" || head.method == "TRACE" { return answer(.protocol, nil) }
        guard let named = head.host else { return answer(.protocol, nil) }
        guard named.name == host.text else { return answer(.otherHost, named.name) }
        guard named.port == nil || named.port == port else { return answer(.otherHost, named.name) }
        // HTTP/2 in clear text would hide every request after this one.
        if head.upgrades.contains(where: { $0.lowercased().hasPrefix("h2c") }) { return answer(.protocol, nil) }
        return nil
    }

    private mutating func refuse(_ refusal: Decisions.Refusal, named: String?, reply: [UInt8]?) -> [Step] {
        state = .refused
        return [.refuse(refusal, named: named, reply: reply)]
    }
}
