/// Reads one table key by key; what nobody asked for by the end is an error.
///
/// Errors are collected, not thrown: a file is told everything that is wrong with it at once.
final class TableReader {
    let path: [String]
    private let entries: [String: TOMLNode]
    private let document: TOMLDocument
    private let report: Report
    private var known: [String] = []

    /// The most elements of a list and entries of a table whose keys are free: more is a mistake, and what is compared
    /// with each other stays cheap to compare.
    static let countLimit = 256
    /// The longest argument or variable the kernel passes to a program, with its terminating zero (`MAX_ARG_STRLEN`,
    /// execve(2)).
    static let argumentLimit = 131_072

    /// Where the readers of one file put what they find.
    final class Report {
        var diagnostics: [TemplateDiagnostic] = []
    }

    init(_ entries: [String: TOMLNode], path: [String], document: TOMLDocument, report: Report) {
        self.entries = entries
        self.path = path
        self.document = document
        self.report = report
    }

    // MARK: Reporting

    /// Reports something about the value of `key`, or about an element of it.
    func complain(_ key: String, _ element: Int? = nil, _ message: String, hint: String? = nil) {
        let place = path + [key] + (element.map { ["#\($0)"] } ?? [])
        report.diagnostics.append(TemplateDiagnostic(document.positions.value(place), message, hint: hint))
    }

    /// Reports something about the table itself.
    func complain(_ message: String, hint: String? = nil) {
        report.diagnostics.append(TemplateDiagnostic(document.positions.position(of: path), message, hint: hint))
    }

    /// Reports every key that was not asked for, with the nearest one that exists.
    func finish() {
        for key in entries.keys where !known.contains(key) {
            let place = document.positions.position(of: path + [key])
            let scope = path.isEmpty ? "" : " in [\(path.filter { !$0.hasPrefix("#") }.joined(separator: "."))]"
            report.diagnostics.append(
                TemplateDiagnostic(
                    place, "unknown key '\(key.shortened)'\(scope)",
                    hint: nearest(key, of: known).map { "did you mean '\($0)'?" }
                        ?? "keys are \(known.sorted().joined(separator: ", "))"))
        }
    }

    // MARK: Values

    private func entry(_ key: String) -> TOMLNode? {
        if !known.contains(key) { known.append(key) }
        return entries[key]
    }

    /// Whether the key is there, whatever its value.
    func has(_ key: String) -> Bool { entry(key) != nil }

    private func wrong(_ key: String, _ node: TOMLNode, element: Int? = nil, wanted: String) {
        let name = element == nil ? "'\(key)'" : "an element of '\(key)'"
        complain(key, element, "\(name) is \(node.kind), should be \(wanted)")
    }

    func string(_ key: String) -> String? {
        guard let node = entry(key) else { return nil }
        guard case .string(let text) = node else {
            wrong(key, node, wanted: "a string")
            return nil
        }
        return text
    }

    func integer(_ key: String, in range: ClosedRange<Int>) -> Int? {
        guard let node = entry(key) else { return nil }
        guard case .integer(let number) = node else {
            wrong(key, node, wanted: "a number")
            return nil
        }
        guard range.contains(number) else {
            complain(key, nil, "'\(key)' is \(number), should be \(range.lowerBound) to \(range.upperBound)")
            return nil
        }
        return number
    }

    func boolean(_ key: String) -> Bool? {
        guard let node = entry(key) else { return nil }
        guard case .boolean(let value) = node else {
            wrong(key, node, wanted: "true or false")
            return nil
        }
        return value
    }

    /// One of the raw values of an enumeration.
    func choice<Choice: RawRepresentable & CaseIterable>(_ key: String, _ type: Choice.Type) -> Choice?
    where Choice.RawValue == String {
        guard let text = string(key) else { return nil }
        if let choice = Choice(rawValue: text) { return choice }
        let all = Choice.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
        complain(
            key, nil, "'\(key)' is '\(text.shortened)', should be one of \(all)",
            hint: nearest(text.lowercased(), of: Choice.allCases.map(\.rawValue)).map { "did you mean \"\($0)\"?" })
        return nil
    }

    /// A value read from its text form.
    func parsed<Value>(_ key: String, _ form: String, _ parse: (String) -> Value?) -> Value? {
        guard let text = string(key) else { return nil }
        if let value = parse(text) { return value }
        complain(key, nil, "'\(key)' is '\(text.shortened)', should be \(form)")
        return nil
    }

    /// The strings of an array; elements of other kinds are reported and left out.
    func strings(_ key: String) -> [(offset: Int, text: String)]? {
        guard let node = entry(key) else { return nil }
        guard case .array(let nodes) = node else {
            wrong(key, node, wanted: "an array of strings")
            return nil
        }
        guard nodes.count <= Self.countLimit else {
            complainOfCount(key, nodes.count)
            return nil
        }
        var result: [(offset: Int, text: String)] = []
        for (offset, element) in nodes.enumerated() {
            guard case .string(let text) = element else {
                wrong(key, element, element: offset, wanted: "a string")
                continue
            }
            guard text.utf8.count < Self.argumentLimit else {
                complain(key, offset, "an element of '\(key)' has \(Self.argumentLimit) bytes or more")
                continue
            }
            result.append((offset, text))
        }
        return result
    }

    /// A table below this one.
    func table(_ key: String) -> TableReader? {
        guard let node = entry(key) else { return nil }
        guard case .table(let entries) = node else {
            wrong(key, node, wanted: "a table")
            return nil
        }
        return TableReader(entries, path: path + [key], document: document, report: report)
    }

    /// A table whose keys are free, such as names of variables.
    func freeTable(_ key: String) -> TableReader? {
        guard let table = table(key) else { return nil }
        guard table.entries.count <= Self.countLimit else {
            complainOfCount(key, table.entries.count)
            return nil
        }
        return table
    }

    private func complainOfCount(_ key: String, _ count: Int) {
        complain(key, nil, "'\(key)' has \(count) entries, at most \(Self.countLimit) are read")
    }

    /// The tables of an array of tables.
    func tables(_ key: String) -> [TableReader] {
        guard let node = entry(key) else { return [] }
        guard case .array(let nodes) = node else {
            wrong(key, node, wanted: "an array of tables ([[\(key)]])")
            return []
        }
        guard nodes.count <= Self.countLimit else {
            complainOfCount(key, nodes.count)
            return []
        }
        var result: [TableReader] = []
        for (offset, element) in nodes.enumerated() {
            guard case .table(let entries) = element else {
                wrong(key, element, element: offset, wanted: "a table")
                continue
            }
            result.append(TableReader(entries, path: path + [key, "#\(offset)"], document: document, report: report))
        }
        return result
    }

    /// The numbers and strings of an array, numbers in decimal; elements of other kinds are reported and left out.
    func numbersAndStrings(_ key: String) -> [(offset: Int, text: String)] {
        guard let node = entry(key) else { return [] }
        guard case .array(let nodes) = node else {
            wrong(key, node, wanted: "an array")
            return []
        }
        guard nodes.count <= Self.countLimit else {
            complainOfCount(key, nodes.count)
            return []
        }
        if nodes.isEmpty { complain(key, nil, "'\(key)' is empty") }
        var result: [(offset: Int, text: String)] = []
        for (offset, element) in nodes.enumerated() {
            switch element {
            case .string(let text): result.append((offset, text))
            case .integer(let number): result.append((offset, String(number)))
            default: wrong(key, element, element: offset, wanted: "a number or a string")
            }
        }
        return result
    }

    /// An element of an array that holds strings and tables.
    enum Element {
        case string(String)
        case table(TableReader)
    }

    /// The strings and tables of an array; elements of other kinds are reported and left out.
    func elements(_ key: String) -> [(offset: Int, element: Element)] {
        guard let node = entry(key) else { return [] }
        guard case .array(let nodes) = node else {
            wrong(key, node, wanted: "an array")
            return []
        }
        guard nodes.count <= Self.countLimit else {
            complainOfCount(key, nodes.count)
            return []
        }
        var result: [(offset: Int, element: Element)] = []
        for (offset, node) in nodes.enumerated() {
            switch node {
            case .string(let text): result.append((offset, .string(text)))
            case .table(let entries):
                let place = path + [key, "#\(offset)"]
                let table = TableReader(entries, path: place, document: document, report: report)
                result.append((offset, .table(table)))
            default: wrong(key, node, element: offset, wanted: "a string or a table")
            }
        }
        return result
    }

    /// Keys in the order they stand in the text.
    var orderedKeys: [String] {
        entries.keys.sorted {
            document.positions.position(of: path + [$0]) < document.positions.position(of: path + [$1])
        }
    }
}

/// The word that was probably meant by `text`; nil when none is near.
private func nearest(_ text: String, of words: [String]) -> String? {
    let limit = max(2, min(text.count, 64) / 3)
    let near = words.filter { abs($0.count - text.count) <= limit }.map { ($0, editDistance($0, text)) }
    guard let best = near.min(by: { $0.1 < $1.1 }), best.1 <= limit, best.1 < text.count else { return nil }
    return best.0
}

/// Levenshtein distance: single characters to insert, delete or replace.
func editDistance(_ left: String, _ right: String) -> Int {
    let left = Array(left.prefix(64))
    let right = Array(right.prefix(64))
    var row = Array(0...right.count)
    for (i, character) in left.enumerated() {
        var diagonal = row[0]
        row[0] = i + 1
        for (j, other) in right.enumerated() {
            let above = row[j + 1]
            row[j + 1] = min(above + 1, row[j] + 1, diagonal + (character == other ? 0 : 1))
            diagonal = above
        }
    }
    return row[right.count]
}

extension String {
    /// The beginning of a text that a message quotes.
    var shortened: String { count > 80 ? prefix(80) + "…" : self }
}
