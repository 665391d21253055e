/// Where keys and values stand in a TOML text that a parser has already accepted.
///
/// The parser's tree carries no positions, so this reads the text once more, only as far as needed to know which
/// characters belong to which key. A path names a node: keys, and `#0`, `#1` … for elements of arrays.
struct PositionIndex {
    private(set) var keys: [[String]: TextPosition] = [:]
    private(set) var values: [[String]: TextPosition] = [:]

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

    private func sees(_ string: String) -> Bool {
        let scalars = Array(string.unicodeScalars)
        return index + scalars.count <= text.count && Array(text[index..<(index + scalars.count)]) == scalars
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

    private mutating func skipBlank(lines: Bool) {
        while let scalar = current {
            if scalar == "#" {
                while let inner = current, inner != "\n" { _ = inner; advance() }
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
                let isArray = sees("[[")
                advance(isArray ? 2 : 1)
                prefix = header(isArray: isArray)
                while let scalar = current, scalar != "\n" { _ = scalar; advance() }
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
                while let part = current,
                    part.properties.isAlphabetic || ("0"..."9").contains(part) || part == "_" || part == "-"
                {
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

    // MARK: Values

    private mutating func value(at path: [String]) {
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
            while let scalar = current, !",]}#\n".unicodeScalars.contains(scalar) { _ = scalar; advance() }
        }
    }

    /// Reads past a string of any of the four kinds; its content matters only for keys.
    private mutating func string() -> String {
        let quote = current == "\"" ? "\"" : "'"
        let triple = quote + quote + quote
        let isLong = sees(triple)
        let end = isLong ? triple : quote
        advance(end.unicodeScalars.count)
        var content = ""
        while let scalar = current {
            if sees(end) {
                advance(end.unicodeScalars.count)
                // Up to two quotes may stand before the closing three.
                while isLong, current == quote.unicodeScalars.first { advance() }
                return content
            }
            if scalar == "\n" && !isLong { return content }
            if scalar == "\\" && quote == "\"" { advance() }
            if let literal = current { content.unicodeScalars.append(literal) }
            advance()
        }
        return content
    }
}
