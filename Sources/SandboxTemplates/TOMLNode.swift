internal import TOMLKit

/// A TOML value as an ordinary Swift value.
indirect enum TOMLNode {
    case table([String: TOMLNode])
    case array([TOMLNode])
    case string(String)
    case integer(Int)
    case boolean(Bool)
    /// A kind that no file of ours uses, by its name.
    case other(String)

    /// What it is, for messages.
    var kind: String {
        switch self {
        case .table: "a table"
        case .array: "an array"
        case .string: "a string"
        case .integer: "a number"
        case .boolean: "a boolean"
        case .other(let name): name
        }
    }

    /// Copies a tree, whose depth `PositionIndex` has bounded.
    init(_ value: any TOMLValueConvertible) {
        switch value.type {
        case .table:
            var entries: [String: TOMLNode] = [:]
            if let table = value.table {
                for key in table.keys { if let entry = table[key] { entries[key] = TOMLNode(entry) } }
            }
            self = .table(entries)
        case .array: self = .array((value.array ?? []).map { TOMLNode($0) })
        case .string: self = .string(value.string ?? "")
        case .int: self = .integer(value.int ?? 0)
        case .bool: self = .boolean(value.bool ?? false)
        case .double: self = .other("a fraction")
        case .date, .time, .dateTime: self = .other("a date or time")
        }
    }
}

/// A parsed file: its values and where they stand.
struct TOMLDocument {
    let root: [String: TOMLNode]
    let positions: PositionIndex

    /// Files larger than this are not templates.
    static let sizeLimit = 256 * 1024

    /// - Throws: the one thing that keeps the text from being TOML.
    init(_ bytes: [UInt8], file: String) throws(TemplateErrors) {
        func refuse(_ position: TextPosition, _ message: String) -> TemplateErrors {
            TemplateErrors(file: file, [TemplateDiagnostic(position, message)])
        }
        guard bytes.count <= Self.sizeLimit else {
            throw refuse(.start, "the file has \(bytes.count) bytes, more than \(Self.sizeLimit)")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw refuse(Self.position(of: Self.firstInvalid(bytes), in: bytes), "the file is not UTF-8")
        }
        if let zero = bytes.firstIndex(of: 0) {
            throw refuse(Self.position(of: zero, in: bytes), "the file holds a zero byte")
        }
        guard !text.unicodeScalars.starts(with: ["\u{feff}"]) else {
            throw refuse(.start, "the file begins with a byte order mark")
        }
        positions = PositionIndex(text)
        if let fault = positions.fault {
            _ = try Self.parse(
                String(String.UnicodeScalarView(text.unicodeScalars.prefix(fault.statement))), file: file)
            throw refuse(fault.position, fault.message)
        }
        root = try Self.parse(text, file: file)
        guard positions.zeroCharacters.isEmpty else {
            throw TemplateErrors(
                file: file, positions.zeroCharacters.map { TemplateDiagnostic($0, "the string holds a zero character") }
            )
        }
    }

    private static func parse(_ text: String, file: String) throws(TemplateErrors) -> [String: TOMLNode] {
        do {
            if case .table(let root) = TOMLNode(try TOMLTable(string: text)) { return root }
        } catch let error as TOMLParseError {
            let reported = TextPosition(line: error.source.begin.line, column: error.source.begin.column)
            throw TemplateErrors(
                file: file, [TemplateDiagnostic(place(reported, in: text), readable(error.description))])
        } catch {}
        throw TemplateErrors(file: file, [TemplateDiagnostic(.start, "the file is not TOML")])
    }

    /// A place that the parser reports, within the text: at the end of a line its column may be one too far.
    private static func place(_ reported: TextPosition, in text: String) -> TextPosition {
        let lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
        let line = max(1, min(reported.line, lines.count))
        let end = lines[line - 1].count + 1
        return TextPosition(line: line, column: reported.line > line ? end : max(1, min(reported.column, end)))
    }

    /// The offset of the first byte that is in no scalar (Unicode, table 3-7); the length where there is none.
    private static func firstInvalid(_ bytes: [UInt8]) -> Int {
        var source = bytes.makeIterator()
        var parser = Unicode.UTF8.ForwardParser()
        var offset = 0
        while case .valid(let scalar) = parser.parseScalar(from: &source) { offset += scalar.count }
        return offset
    }

    private static func position(of offset: Int, in bytes: [UInt8]) -> TextPosition {
        let before = bytes[..<offset]
        let line = before.count { $0 == 0x0a } + 1
        let start = before.lastIndex(of: 0x0a).map { $0 + 1 } ?? 0
        return TextPosition(
            line: line, column: String(decoding: before[start...], as: UTF8.self).unicodeScalars.count + 1)
    }

    /// The parser's message without its own quotation of the place.
    private static func readable(_ message: String) -> String {
        let line = message.split(separator: "\n").first.map(String.init) ?? "not TOML"
        return line.prefix(1).lowercased() + line.dropFirst()
    }
}
