/// Where keys and values stand in a TOML text.
///
/// The parser's tree carries no positions, so this reads the text on its own, only as far as needed to know which
/// characters belong to which key (TOML 1.0.0). A path names a node: keys, and `#0`, `#1` … for elements of arrays.
///
/// It is made before the text is known to be TOML, because it also bounds what the parser is given: the parser's tables
/// are built and freed by recursion, and a key of a hundred thousand parts would end in a stack overflow.
struct PositionIndex {
    /// Deeper than this nothing of ours goes.
    static let depthLimit = 16

    private(set) var keys: [[String]: TextPosition] = [:]
    private(set) var values: [[String]: TextPosition] = [:]
    /// The first place that lies deeper than the limit; nothing behind it is indexed.
    private(set) var tooDeep: TextPosition?
    /// Strings that hold a written zero character (`\u0000`). The parser hands strings over as C strings and would cut
    /// them there without a word.
    private(set) var zeroCharacters: [TextPosition] = []

    private let text: [Unicode.Scalar]
    private var index = 0
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
        index + count <= text.count && text[index..<(index + count)].allSatisfy { $0 == scalar }
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

    /// Ends the reading at a node that lies too deep.
    private mutating func refuseDepth(of path: [String], at place: TextPosition) -> Bool {
        guard path.count > Self.depthLimit else { return false }
        if tooDeep == nil { tooDeep = place }
        index = text.count
        return true
    }

    private mutating func skipBlank(lines: Bool) {
        while let scalar = current {
            if scalar == "#" {
                advance { $0 != "\n" }
            } else if scalar == " " || scalar == "\t" || scalar == "\r" || (lines && scalar == "\n") {
                advance()
            } else {
                return
            }
        }
    }

    // MARK: Statements

    private mutating func scan() {
        var prefix: [String] = []
        while true {
            skipBlank(lines: true)
            guard current != nil else { return }
            let before = index
            if current == "[" {
                let isArray = sees("[", times: 2)
                advance(isArray ? 2 : 1)
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
        skipBlank(lines: false)
        guard current == "=" else { return }
        advance()
        skipBlank(lines: false)
        value(at: path)
    }

    private mutating func dottedKey() -> [(String, TextPosition)] {
        var names: [(String, TextPosition)] = []
        while true {
            skipBlank(lines: false)
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
            skipBlank(lines: false)
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
        case "[":
            advance()
            var number = 0
            while true {
                skipBlank(lines: true)
                guard let scalar = current, scalar != "]" else { break }
                if scalar == "," {
                    advance()
                    continue
                }
                let before = index
                value(at: path + ["#\(number)"])
                number += 1
                if index == before { advance() }
            }
            advance()
        case "{":
            advance()
            while true {
                skipBlank(lines: true)
                guard let scalar = current, scalar != "}" else { break }
                if scalar == "," {
                    advance()
                    continue
                }
                let before = index
                pair(below: path)
                if index == before { advance() }
            }
            advance()
        default:
            advance { !",]}#\n".unicodeScalars.contains($0) }
        }
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
            if scalar == "\n" && !isLong { return content }
            advance()
            guard scalar == "\\" && quote == "\"" else {
                content.unicodeScalars.append(scalar)
                continue
            }
            let meant = escaped()
            if meant == "\0" && zeroCharacters.last != start { zeroCharacters.append(start) }
            content.unicodeScalars.append(meant)
        }
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
