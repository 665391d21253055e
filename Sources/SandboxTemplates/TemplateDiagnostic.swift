public import SandboxModel

/// A place in a text, both numbers from 1; columns count Unicode scalars, as TOML parsers do.
public struct TextPosition: Hashable, Sendable, Comparable {
    /// Line.
    public var line: Int
    /// Column.
    public var column: Int

    /// The first character.
    public static let start = TextPosition(line: 1, column: 1)

    /// In reading order.
    public static func < (left: TextPosition, right: TextPosition) -> Bool {
        (left.line, left.column) < (right.line, right.column)
    }
}

/// One thing that is wrong with a file.
public struct TemplateDiagnostic: Hashable, Sendable {
    /// Where.
    public let position: TextPosition
    /// What, in lower case, without control characters.
    public let message: String
    /// What to write instead.
    public let hint: String?

    init(_ position: TextPosition, _ message: String, hint: String? = nil) {
        self.position = position
        self.message = message.escapingControls
        self.hint = hint?.escapingControls
    }
}

/// Everything that is wrong with a file, in reading order.
public struct TemplateErrors: Error, Sendable, Equatable {
    /// The file as the user knows it.
    public let file: String
    /// At least one.
    public let diagnostics: [TemplateDiagnostic]

    init(file: String, _ diagnostics: [TemplateDiagnostic]) {
        self.file = file
        self.diagnostics = diagnostics.sorted { $0.position < $1.position }
    }

    /// `file:line:column: message` of each.
    public var lines: [String] {
        diagnostics.map { "\(file):\($0.position.line):\($0.position.column): \($0.message)".escapingControls }
    }

    /// The first one as the error of a command, and how many more there are.
    public func asSandboxError() -> SandboxError {
        guard let line = lines.first, let first = diagnostics.first else {
            return SandboxError(.configuration, "\(file) is not valid")
        }
        let more = diagnostics.count - 1
        let advice = more == 0 ? nil : "\(more) more: 'sandboxctl template check \(file)' lists all"
        return SandboxError(
            .configuration, line, hint: [first.hint, advice].compactMap { $0 }.joined(separator: "; ").nilIfEmpty)
    }
}

extension String {
    fileprivate var nilIfEmpty: String? { isEmpty ? nil : self }
}
