/// Finds the status of the answer to a request for another protocol.
public struct HTTPResponseHeadScanner: Sendable {
    /// How far it has come.
    public enum Progress: Sendable, Equatable {
        /// More bytes are needed.
        case needMore
        /// The status of the first head that is no interim answer (100, 102, 103 …), or 101.
        case status(Int)
        /// It is no HTTP/1 answer.
        case malformed
    }

    private var unread: [UInt8] = []
    private var searched = 0

    /// At the beginning of an answer.
    public init() {}

    /// Takes the server's next bytes.
    public mutating func feed(_ bytes: some Collection<UInt8>) -> Progress {
        unread += bytes
        while let end = HTTPText.endOfHead(unread, from: searched) {
            // As if it had come in pieces.
            guard end <= HTTPRequestHead.limit else { return .malformed }
            let line = unread.prefix { $0 != 0x0d && $0 != 0x0a }
            let words = line.split(separator: 0x20, maxSplits: 2, omittingEmptySubsequences: false)
            guard words.count >= 2, words[0].starts(with: "HTTP/1.".utf8), words[1].count == 3,
                let status = HTTPText.decimal(words[1])
            else { return .malformed }
            guard (100..<200).contains(status), status != 101 else { return .status(Int(status)) }
            unread.removeFirst(end)
            searched = 0
        }
        searched = unread.count
        return unread.count > HTTPRequestHead.limit ? .malformed : .needMore
    }
}

/// A whole HTTP/1 answer after which the connection ends.
public enum RefusalResponse {
    private static let reasons: [Int: String] = [400: "Bad Request", 403: "Forbidden", 502: "Bad Gateway"]

    /// The bytes of an answer with a JSON body.
    public static func encode(status: Int, body: [UInt8]) -> [UInt8] {
        let head = [
            "HTTP/1.1 \(status) \(reasons[status] ?? "Refused")", "Content-Type: application/json",
            "Content-Length: \(body.count)", "Cache-Control: no-store", "Connection: close", "", "",
        ]
        return Array(head.joined(separator: "\r\n").utf8) + body
    }
}
