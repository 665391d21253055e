/// The head of an HTTP/1 request (RFC 9112), read strictly: what two programs might read in two ways is no request.
public struct HTTPRequestHead: Sendable, Equatable {
    /// How the body is framed.
    public enum Body: Sendable, Equatable {
        /// So many bytes.
        case length(UInt64)
        /// In chunks.
        case chunked
    }

    /// Host and port of the `Host` field or of the target.
    public struct Authority: Sendable, Equatable {
        /// In lower case, without a final dot. What stands in brackets is of the characters of an IPv6 address; whether
        /// it is one does not matter where names only are let through.
        public var name: String
        /// The port, if it is there.
        public var port: UInt16?
    }

    /// The method as it stands; case counts.
    public let method: String
    /// The target as it stands.
    public let target: [UInt8]
    /// Whether the version is 1.1; else it is 1.0.
    public let isVersion11: Bool
    /// The host the request is for: of the target where it names one, and of `Host`, which says the same.
    public let host: Authority?
    /// How the body is framed.
    public let body: Body
    /// Protocols that `Upgrade` asks for.
    public let upgrades: [String]
}

/// Why bytes are no request; in words for a log, without any of the bytes.
public struct HTTPProblem: Error, Sendable, Equatable {
    /// The words.
    public let text: String

    init(_ text: String) { self.text = text }
}

extension HTTPRequestHead {
    /// The most bytes of a head.
    public static let limit = 65536
    private static let fieldLimit = 128
    private static let targetLimit = 16384

    /// Reads a head.
    /// - Parameter bytes: from the request line to the empty line, which is included.
    static func parse(_ bytes: ArraySlice<UInt8>) throws(HTTPProblem) -> HTTPRequestHead {
        let lines = try HTTPText.lines(bytes)
        guard let first = lines.first else { throw HTTPProblem("no request line") }
        let words = first.split(separator: 0x20, omittingEmptySubsequences: false)
        guard words.count == 3 else { throw HTTPProblem("a request line that is not of three parts") }
        guard HTTPText.isToken(words[0]), words[0].count <= 32 else { throw HTTPProblem("a method that is no token") }
        let method = String(decoding: words[0], as: UTF8.self)
        guard method != "PRI" else { throw HTTPProblem("HTTP/2") }
        let isVersion11: Bool
        switch String(decoding: words[2], as: UTF8.self) {
        case "HTTP/1.1": isVersion11 = true
        case "HTTP/1.0": isVersion11 = false
        default: throw HTTPProblem("a version that is neither HTTP/1.0 nor HTTP/1.1")
        }
        guard lines.count - 1 <= fieldLimit else { throw HTTPProblem("too many fields") }
        var fields = Fields()
        for line in lines.dropFirst() { try fields.add(line) }
        let host = try host(method, words[1], fields, isVersion11)
        return HTTPRequestHead(
            method: method, target: Array(words[1]), isVersion11: isVersion11, host: host,
            body: try fields.body(isVersion11), upgrades: fields.upgrades)
    }

    private static func host(
        _ method: String, _ target: ArraySlice<UInt8>, _ fields: Fields, _ isVersion11: Bool
    ) throws(HTTPProblem) -> Authority? {
        guard !target.isEmpty, target.count <= targetLimit,
            target.allSatisfy({ (0x21...0x7e).contains($0) && $0 != 0x23 })
        else { throw HTTPProblem("a target that is empty, too long or of bytes that no target has") }
        guard fields.host != nil || !isVersion11 else { throw HTTPProblem("no Host") }
        let own: Authority?
        if method == "CONNECT" {
            own = try Authority(target)
        } else if target.first == 0x2f || Array(target) == [0x2a] {
            own = nil
        } else {
            // The absolute form, of which a proxy takes the host, and others the Host field (RFC 9112, section 3.2.2).
            let scheme = Array("http://".utf8)
            guard target.prefix(7).map({ HTTPText.lower($0) }) == scheme else {
                throw HTTPProblem("a target of another scheme")
            }
            own = try Authority(target.dropFirst(7).prefix { $0 != 0x2f && $0 != 0x3f })
        }
        if let own, let named = fields.host, own != named { throw HTTPProblem("a target of another host than Host") }
        return own ?? fields.host
    }
}

extension HTTPRequestHead.Authority {
    init(_ bytes: ArraySlice<UInt8>) throws(HTTPProblem) {
        var rest = bytes
        var name: ArraySlice<UInt8>
        if rest.first == 0x5b {
            guard let end = rest.firstIndex(of: 0x5d) else { throw HTTPProblem("a host that cannot be read") }
            name = rest[...end]
            rest = rest[(end + 1)...]
            guard name.dropFirst().dropLast().allSatisfy({ HTTPText.isHex($0) || $0 == 0x3a || $0 == 0x2e }) else {
                throw HTTPProblem("a host that cannot be read")
            }
        } else {
            name = rest.prefix { $0 != 0x3a }
            rest = rest[name.endIndex...]
            if name.last == 0x2e { name = name.dropLast() }
            guard let text = DNSName(host: String(decoding: name, as: UTF8.self))?.hostText,
                text.utf8.count == name.count
            else { throw HTTPProblem("a host that cannot be read") }
        }
        self.name = String(decoding: name.map { HTTPText.lower($0) }, as: UTF8.self)
        guard !rest.isEmpty else {
            port = nil
            return
        }
        let digits = rest.dropFirst()
        guard rest.first == 0x3a, (1...5).contains(digits.count), let number = HTTPText.decimal(digits),
            let port = UInt16(exactly: number), port > 0
        else { throw HTTPProblem("a port that cannot be read") }
        self.port = port
    }
}

/// The fields of a head that say whom the request is for and where it ends.
private struct Fields {
    var host: HTTPRequestHead.Authority?
    var upgrades: [String] = []
    private var length: UInt64?
    private var isChunked = false

    mutating func add(_ line: ArraySlice<UInt8>) throws(HTTPProblem) {
        let (name, value) = try HTTPText.field(line)
        switch name {
        case "host":
            guard host == nil else { throw HTTPProblem("Host twice") }
            host = try HTTPRequestHead.Authority(value)
        case "content-length":
            guard length == nil else { throw HTTPProblem("Content-Length twice") }
            guard (1...18).contains(value.count), let number = HTTPText.decimal(value) else {
                throw HTTPProblem("a Content-Length that is no number")
            }
            length = number
        case "transfer-encoding":
            guard !isChunked else { throw HTTPProblem("Transfer-Encoding twice") }
            guard value.map({ HTTPText.lower($0) }) == Array("chunked".utf8) else {
                throw HTTPProblem("a Transfer-Encoding other than chunked")
            }
            isChunked = true
        case "upgrade":
            for part in value.split(separator: 0x2c) {
                let word = HTTPText.trimmed(part)
                guard !word.isEmpty else { continue }
                // A name and perhaps a version (RFC 9110, section 7.8). Of other bytes two programs may see two names.
                let names = word.split(separator: 0x2f, maxSplits: 1, omittingEmptySubsequences: false)
                guard names.allSatisfy(HTTPText.isToken) else { throw HTTPProblem("an Upgrade that names no protocol") }
                upgrades.append(String(decoding: word, as: UTF8.self))
            }
        default: break
        }
    }

    func body(_ isVersion11: Bool) throws(HTTPProblem) -> HTTPRequestHead.Body {
        guard isChunked else { return .length(length ?? 0) }
        guard length == nil else { throw HTTPProblem("Content-Length beside Transfer-Encoding") }
        guard isVersion11 else { throw HTTPProblem("Transfer-Encoding in HTTP/1.0") }
        return .chunked
    }
}
