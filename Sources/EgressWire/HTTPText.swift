/// The small grammar of HTTP/1 messages (RFC 9110, section 5; RFC 9112, section 2).
enum HTTPText {
    /// Lines that end with CR LF and nothing else, up to the empty one that ends the bytes.
    static func lines(_ bytes: ArraySlice<UInt8>) throws(HTTPProblem) -> [ArraySlice<UInt8>] {
        var lines: [ArraySlice<UInt8>] = []
        var start = bytes.startIndex
        for index in bytes.indices {
            let byte = bytes[index]
            if byte == 0x0a {
                guard index > start, bytes[index - 1] == 0x0d else { throw HTTPProblem("a line that ends without CR") }
                lines.append(bytes[start..<(index - 1)])
                start = index + 1
            } else if byte == 0x0d {
                guard index + 1 < bytes.endIndex, bytes[index + 1] == 0x0a else {
                    throw HTTPProblem("a CR inside a line")
                }
            } else if byte == 0 {
                throw HTTPProblem("a zero byte")
            }
        }
        guard start == bytes.endIndex, lines.last?.isEmpty ?? false else {
            throw HTTPProblem("no empty line at the end")
        }
        lines.removeLast()
        return lines
    }

    /// Name, in lower case, and value of a field.
    static func field(_ line: ArraySlice<UInt8>) throws(HTTPProblem) -> (name: String, value: ArraySlice<UInt8>) {
        guard let colon = line.firstIndex(of: 0x3a) else { throw HTTPProblem("a field without ':'") }
        // A space before the colon, or at the start of the line (a folded one), is no token.
        guard isToken(line[..<colon]) else { throw HTTPProblem("a field name that is no token") }
        let value = trimmed(line[(colon + 1)...])
        guard value.allSatisfy({ $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }) else {
            throw HTTPProblem("a control character in a field")
        }
        return (String(decoding: line[..<colon].map { lower($0) }, as: UTF8.self), value)
    }

    static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
        var result = bytes.drop(while: isSpace)
        while let last = result.last, isSpace(last) { result = result.dropLast() }
        return result
    }

    static func isToken(_ bytes: ArraySlice<UInt8>) -> Bool {
        !bytes.isEmpty
            && bytes.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
                case 0x21, 0x23, 0x24, 0x25, 0x26, 0x27, 0x2a, 0x2b, 0x2d, 0x2e, 0x5e, 0x5f, 0x60, 0x7c, 0x7e: true
                default: false
                }
            }
    }

    static func lower(_ byte: UInt8) -> UInt8 { (0x41...0x5a).contains(byte) ? byte | 0x20 : byte }

    static func isHex(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(lower(byte))
    }

    /// A number of at most 18 digits and nothing else.
    static func decimal(_ bytes: ArraySlice<UInt8>) -> UInt64? {
        guard (1...18).contains(bytes.count), bytes.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return bytes.reduce(0) { $0 * 10 + UInt64($1 - 0x30) }
    }

    /// A hexadecimal number of at most 15 digits and nothing else.
    static func hexadecimal(_ bytes: ArraySlice<UInt8>) -> UInt64? {
        guard (1...15).contains(bytes.count), bytes.allSatisfy(isHex) else { return nil }
        return UInt64(String(decoding: bytes, as: UTF8.self), radix: 16)
    }

    /// Where the head that begins the bytes ends, after its empty line; nil while it is not there.
    /// - Parameter from: bytes before this place were searched already.
    static func endOfHead(_ bytes: [UInt8], from: Int) -> Int? {
        // A bare LF ends the search, too: the head is refused then, not waited for.
        var index = max(from, 1)
        while index < bytes.count {
            if bytes[index] == 0x0a {
                if bytes[index - 1] == 0x0a { return index + 1 }
                if index >= 3, bytes[index - 1] == 0x0d, bytes[index - 2] == 0x0a { return index + 1 }
            }
            index += 1
        }
        return nil
    }
}
