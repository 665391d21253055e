/// Follows what an HTTP/1 client says on one connection, request after request, so that each head is judged before it
/// goes on. Bytes are never changed: heads and bodies come out as they went in.
public struct HTTPRequestFollower: Sendable {
    /// What was found, in order.
    public enum Event: Sendable, Equatable {
        /// A whole head, and its bytes.
        case head(HTTPRequestHead, raw: [UInt8])
        /// A part of the body, with the lines that frame it.
        case body(ArraySlice<UInt8>)
        /// The request is complete.
        case end
        /// The request asks for another protocol. Nothing more comes out until `becomeOpaque` or `continueHTTP`.
        case awaitingUpgrade
        /// This is no HTTP that can be followed; nothing more comes out.
        case malformed(String)
    }

    private enum State: Equatable {
        case head
        case length(UInt64)
        case chunkSize
        case chunkData(UInt64)
        case chunkEnd
        case trailer
        case waiting
        case over
    }

    private static let chunkLineLimit = 1024
    private static let waitingLimit = 65536

    private var state = State.head
    private var unread: [UInt8] = []
    private var searched = 0
    private var asksForUpgrade = false
    private var trailerLength = 0

    /// At the beginning of a connection.
    public init() {}

    /// Whether a head is begun and not complete.
    public var isWithinHead: Bool { state == .head && !unread.isEmpty }

    /// Takes the client's next bytes.
    public mutating func feed(_ bytes: ArraySlice<UInt8>) -> [Event] {
        guard state != .over else { return [] }
        unread += bytes
        if state == .waiting {
            return unread.count > Self.waitingLimit ? fail("too much before the answer to an upgrade") : []
        }
        return advance()
    }

    /// The server took up the other protocol: what waits, and all that follows, is not HTTP.
    /// - Returns: the bytes that wait.
    public mutating func becomeOpaque() -> [UInt8] {
        state = .over
        defer { unread = [] }
        return unread
    }

    /// The server went on with HTTP.
    public mutating func continueHTTP() -> [Event] {
        guard state == .waiting else { return [] }
        state = .head
        return advance()
    }

    private mutating func advance() -> [Event] {
        var events: [Event] = []
        var position = 0
        while position < unread.count || state == .length(0) {
            do throws(HTTPProblem) {
                guard try step(&position, &events) else { break }
            } catch {
                return events + fail(error.text)
            }
            if state == .waiting { break }
        }
        unread.removeFirst(position)
        searched = max(0, searched - position)
        return events
    }

    private mutating func fail(_ text: String) -> [Event] {
        state = .over
        unread = []
        return [.malformed(text)]
    }

    /// Reads one part.
    /// - Returns: whether there may be more to read.
    private mutating func step(_ position: inout Int, _ events: inout [Event]) throws(HTTPProblem) -> Bool {
        switch state {
        case .head: return try readHead(&position, &events)
        case .length(0):
            finish(&events)
        case .length(let left):
            state = .length(left - pass(left, &position, &events))
        case .chunkData(let left):
            let rest = left - pass(left, &position, &events)
            state = rest == 0 ? .chunkEnd : .chunkData(rest)
        case .chunkEnd:
            guard let line = try line(position) else { return false }
            guard line.isEmpty else { throw HTTPProblem("a chunk that is longer than it says") }
            pass(line, &position, &events)
            state = .chunkSize
        case .chunkSize:
            guard let line = try line(position) else { return false }
            let size = try Self.chunkSize(line)
            pass(line, &position, &events)
            trailerLength = 0
            state = size == 0 ? .trailer : .chunkData(size)
        case .trailer:
            guard let line = try line(position) else { return false }
            if !line.isEmpty { try checkTrailer(line) }
            pass(line, &position, &events)
            if line.isEmpty { finish(&events) }
        case .waiting, .over: return false
        }
        return true
    }

    private mutating func readHead(_ position: inout Int, _ events: inout [Event]) throws(HTTPProblem) -> Bool {
        // Empty lines between requests are passed over by some servers and not by others.
        guard let end = HTTPText.endOfHead(unread, from: max(searched, position + 1)), end > position else {
            guard unread.count - position <= HTTPRequestHead.limit else { throw HTTPProblem("a head that is too long") }
            try Self.checkBeginning(unread[position...])
            searched = unread.count
            return false
        }
        guard end - position <= HTTPRequestHead.limit else { throw HTTPProblem("a head that is too long") }
        let head = try HTTPRequestHead.parse(unread[position..<end])
        events.append(.head(head, raw: Array(unread[position..<end])))
        position = end
        searched = end
        asksForUpgrade = !head.upgrades.isEmpty
        switch head.body {
        case .length(let length): state = .length(length)
        case .chunked: state = .chunkSize
        }
        return true
    }

    /// Refuses at once what can no longer become a head, instead of waiting for its end.
    private static func checkBeginning(_ bytes: ArraySlice<UInt8>) throws(HTTPProblem) {
        let method = bytes.prefix { $0 != 0x20 }
        guard method.count <= 32, method.isEmpty ? bytes.isEmpty : HTTPText.isToken(method) else {
            throw HTTPProblem("a method that is no token")
        }
    }

    private mutating func finish(_ events: inout [Event]) {
        events.append(.end)
        state = .head
        if asksForUpgrade {
            asksForUpgrade = false
            state = .waiting
            events.append(.awaitingUpgrade)
        }
    }

    private func pass(_ left: UInt64, _ position: inout Int, _ events: inout [Event]) -> UInt64 {
        let count = Int(min(left, UInt64(unread.count - position)))
        events.append(.body(unread[position..<(position + count)]))
        position += count
        return UInt64(count)
    }

    /// The next line of the framing, without its end; nil while it is not there.
    private func line(_ position: Int) throws(HTTPProblem) -> ArraySlice<UInt8>? {
        guard let end = unread[position...].firstIndex(of: 0x0a) else {
            guard unread.count - position <= Self.chunkLineLimit else { throw HTTPProblem("a line that is too long") }
            return nil
        }
        guard end - position <= Self.chunkLineLimit else { throw HTTPProblem("a line that is too long") }
        guard end > position, unread[end - 1] == 0x0d else { throw HTTPProblem("a line that ends without CR") }
        let line = unread[position..<(end - 1)]
        guard line.allSatisfy({ $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }) else {
            throw HTTPProblem("a control character in the framing of a body")
        }
        return line
    }

    /// Passes a line and its end on.
    private func pass(_ line: ArraySlice<UInt8>, _ position: inout Int, _ events: inout [Event]) {
        events.append(.body(unread[position..<(line.endIndex + 2)]))
        position = line.endIndex + 2
    }

    private static func chunkSize(_ line: ArraySlice<UInt8>) throws(HTTPProblem) -> UInt64 {
        let digits = line.prefix { HTTPText.isHex($0) }
        let rest = line[digits.endIndex...]
        guard rest.isEmpty || rest.first == 0x3b, let size = HTTPText.hexadecimal(digits) else {
            throw HTTPProblem("a chunk size that is no number")
        }
        return size
    }

    private mutating func checkTrailer(_ line: ArraySlice<UInt8>) throws(HTTPProblem) {
        trailerLength += line.count
        guard trailerLength <= 16384 else { throw HTTPProblem("trailers that are too long") }
        let name = try HTTPText.field(line).name
        // These say whom a message is for and where it ends, which is settled by now (RFC 9110, section 6.5.1).
        guard !["host", "content-length", "transfer-encoding", "upgrade", "connection", "te", "trailer"].contains(name)
        else { throw HTTPProblem("a trailer that is not allowed") }
    }
}
