/// Where keys and values stand in a TOML text.
///
/// The parser's tree carries no positions, so this reads the text on its own, only as far as needed to know which
/// characters belong to which key (TOML 1.0.0). A path names a node: keys, and `#0`, `#1` … for elements of arrays.
///
/// It is made before the text is known to be TOML, because it also guards the parser, which ends the program on some
/// texts instead of refusing them: its tables are built and freed by recursion, so that a key of a hundred thousand parts
/// overflows the stack, and it takes for granted how a header and a value begin and what stands behind a date. Up to the
/// first mistake in a text both read the same, so what lies before such a place is judged by the parser.
struct PositionIndex {
    /// Deeper than this nothing of ours goes.
    static let depthLimit = 16

    /// Something that the parser must not see.
    struct Fault {
        let position: TextPosition
        let message: String
        /// How many scalars stand before the statement it is in.
        let statement: Int
    }

    private(set) var keys: [[String]: TextPosition] = [:]
    private(set) var values: [[String]: TextPosition] = [:]
    /// The first place that the parser must not see; nothing behind it is indexed.
    private(set) var fault: Fault?
    /// Strings that hold a written zero character (`\u0000`). The parser hands strings over as C strings and would cut
    /// them there without a word.
    private(set) var zeroCharacters: [TextPosition] = []

    private let text: [Unicode.Scalar]
    private var index = 0
    private var statement = 0
    private var position = TextPosition.start
    /// How many `[[…]]` headers each array of tables has had.
    private var tables: [[String]: Int] = [:]

    init(_ source: String) {
        text = Array(source.unicodeScalars)
        scan()
    }

    /// The key's place, else its value's, else that of the nearest node around it.
    func position(of path: [String]) -> TextPosition {
        var path = path
        while true {
            if let found = keys[path] ?? values[path] { return found }
            guard !path.isEmpty else { return .start }
            path.removeLast()
        }
    }

    /// The value's place, else the key's.
    func value(_ path: [String]) -> TextPosition { values[path] ?? position(of: path) }

    // MARK: Characters

    private var current: Unicode.Scalar? { index < text.count ? text[index] : nil }

    /// Whether `count` times `scalar` come next.
    private func sees(_ scalar: Unicode.Scalar, times count: Int) -> Bool {
        guard index + count <= text.count else { return false }
        for offset in 0..<count where text[index + offset] != scalar { return false }
        return true
    }

    private mutating func advance(_ count: Int = 1) {
        for _ in 0..<count {
            guard let scalar = current else { return }
            index += 1
            position =
                scalar == "\n"
                ? TextPosition(line: position.line + 1, column: 1)
                : TextPosition(line: position.line, column: position.column + 1)
        }
    }

    private mutating func advance(while matches: (Unicode.Scalar) -> Bool) {
        while let scalar = current, matches(scalar) { advance() }
    }

    /// Ends the reading.
    private mutating func stop(at place: TextPosition, _ message: String) {
        if fault == nil { fault = Fault(position: place, message: message, statement: statement) }
        index = text.count
    }

    private mutating func refuseDepth(of path: [String], at place: TextPosition) -> Bool {
        guard path.count > Self.depthLimit else { return false }
        stop(at: place, "nested deeper than \(Self.depthLimit) levels")
        return true
    }

    private mutating func skipSpace() {
        advance { $0 == " " || $0 == "\t" }
    }

    /// Skips spaces, ends of lines and comments.
    private mutating func skipLines() {
        while let scalar = current {
            switch scalar {
            case " ", "\t", "\r", "\n": advance()
            case "#": advance { $0 != "\n" }
            default: return
            }
        }
    }

    // MARK: Statements

    private mutating func scan() {
        var prefix: [String] = []
        while true {
            skipLines()
            guard current != nil else { return }
            let before = index
            statement = index
            if current == "[" {
                let isArray = sees("[", times: 2)
                advance(isArray ? 2 : 1)
                skipSpace()
                guard let first = current, Self.isBare(first) || "\"'".unicodeScalars.contains(first) else {
                    stop(at: position, "expected the name of a table")
                    return
                }
                prefix = header(isArray: isArray)
                advance { $0 != "\n" }
            } else {
                pair(below: prefix)
            }
            if index == before { advance() }
        }
    }

    /// The key of a header, and the path of the table it opens.
    private mutating func header(isArray: Bool) -> [String] {
        var path: [String] = []
        let names = dottedKey()
        for (offset, (name, place)) in names.enumerated() {
            path.append(name)
            if refuseDepth(of: path, at: place) { return path }
            if keys[path] == nil { keys[path] = place }
            if isArray && offset == names.count - 1 {
                let number = tables[path, default: 0]
                tables[path] = number + 1
                path.append("#\(number)")
                keys[path] = place
            } else if let count = tables[path] {
                path.append("#\(count - 1)")
            }
        }
        return path
    }

    private mutating func pair(below prefix: [String]) {
        var path = prefix
        for (name, place) in dottedKey() {
            path.append(name)
            if refuseDepth(of: path, at: place) { return }
            if keys[path] == nil { keys[path] = place }
        }
        skipSpace()
        guard current == "=" else { return }
        advance()
        skipSpace()
        value(at: path)
    }

    private mutating func dottedKey() -> [(String, TextPosition)] {
        var names: [(String, TextPosition)] = []
        while true {
            skipSpace()
            let place = position
            guard let scalar = current else { return names }
            if scalar == "\"" || scalar == "'" {
                names.append((string(), place))
            } else {
                var name = ""
                while let part = current, Self.isBare(part) {
                    name.unicodeScalars.append(part)
                    advance()
                }
                guard !name.isEmpty else { return names }
                names.append((name, place))
            }
            skipSpace()
            guard current == "." else { return names }
            advance()
        }
    }

    private static func isBare(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "_", "-": true
        default: false
        }
    }

    // MARK: Values

    private mutating func value(at path: [String]) {
        if refuseDepth(of: path, at: position) { return }
        values[path] = position
        switch current {
        case "\"", "'": _ = string()
        case "[": list(until: "]", called: "array") { $0.value(at: path + ["#\($1)"]) }
        case "{": list(until: "}", called: "table") { index, _ in index.pair(below: path) }
        default:
            let place = position
            var token = ""
            while let scalar = current, !",]}#\n".unicodeScalars.contains(scalar) {
                token.unicodeScalars.append(scalar)
                advance()
            }
            while let last = token.unicodeScalars.last, " \t\r".unicodeScalars.contains(last) {
                token.unicodeScalars.removeLast()
            }
            if let problem = Self.problem(bare: token) { stop(at: place, problem) }
        }
    }

    /// Reads what stands between brackets, an element at a time.
    private mutating func list(
        until end: Unicode.Scalar, called kind: String, _ element: (inout PositionIndex, Int) -> Void
    ) {
        let start = position
        var count = 0
        var isSeparated = true
        advance()
        while true {
            skipLines()
            guard let scalar = current else {
                stop(at: start, "the \(kind) does not end")
                return
            }
            if scalar == end || scalar == "," {
                advance()
                if scalar == end { return }
                isSeparated = true
                continue
            }
            guard isSeparated else {
                stop(at: position, "expected ',' or '\(end)'")
                return
            }
            let before = index
            element(&self, count)
            count += 1
            isSeparated = false
            if index == before { advance() }
        }
    }

    /// Why something without quotes is not one of the values that files of ours have, or that are mistaken for them:
    /// booleans and numbers. Dates are none of them.
    private static func problem(bare token: String) -> String? {
        if token.isEmpty { return "expected a value" }
        if token == "true" || token == "false" { return nil }
        let first = token.utf8.first ?? 0
        let isNumeric =
            token.utf8.allSatisfy { isBare(Unicode.Scalar($0)) || $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: ".") }
            && ((0x30...0x39).contains(first) || token == "inf" || token == "nan" || "+-".utf8.contains(first))
        // A minus sign behind digits belongs to an exponent or to a date.
        let body = token.utf8.dropFirst()
        let date = body.firstIndex(of: UInt8(ascii: "-")).map {
            !"eE".utf8.contains(token.utf8[token.utf8.index(before: $0)])
        }
        if isNumeric && date != true { return nil }
        return (0x30...0x39).contains(first) && (date == true || token.contains(":"))
            ? "'\(token.shortened)' is a date or time, which no key takes"
            : "'\(token.shortened)' is not a value: a string needs quotes"
    }

    /// Reads past a string of any of the four kinds.
    /// - Returns: its content, which matters only for keys, and those are never of several lines.
    private mutating func string() -> String {
        guard let quote = current else { return "" }
        let start = position
        let isLong = sees(quote, times: 3)
        let length = isLong ? 3 : 1
        advance(length)
        var content = ""
        while let scalar = current {
            if sees(quote, times: length) {
                advance(length)
                // Up to two quotes may stand before the closing three.
                if isLong { for _ in 0..<2 where current == quote { advance() } }
                return content
            }
            if scalar == "\n" && !isLong { break }
            advance()
            guard scalar == "\\" && quote == "\"" else {
                content.unicodeScalars.append(scalar)
                continue
            }
            let meant = escaped()
            if meant == "\0" && zeroCharacters.last != start { zeroCharacters.append(start) }
            content.unicodeScalars.append(meant)
        }
        // The parser would name the place where it noticed.
        stop(at: start, isLong ? "the string does not end" : "the string does not end on its line")
        return content
    }

    /// The scalar that the rest of an escape sequence means, after its backslash.
    private mutating func escaped() -> Unicode.Scalar {
        guard let kind = current else { return "\u{fffd}" }
        advance()
        switch kind {
        case "b": return "\u{8}"
        case "t": return "\t"
        case "n": return "\n"
        case "f": return "\u{c}"
        case "r": return "\r"
        case "u", "U":
            var digits = ""
            while digits.utf8.count < (kind == "u" ? 4 : 8), let digit = current, digit.properties.isASCIIHexDigit {
                digits.unicodeScalars.append(digit)
                advance()
            }
            return UInt32(digits, radix: 16).flatMap(Unicode.Scalar.init) ?? "\u{fffd}"
        default: return kind
        }
    }
}
