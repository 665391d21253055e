public import SandboxModel

/// Named lists of hosts that a template's `allow` may name: `templates/presets/NAME.toml`.
public struct PresetLibrary: Sendable {
    private let load: @Sendable (String) throws(PresetProblem) -> [EgressRule]

    /// A library.
    /// - Parameter load: the rules of the preset of a name.
    public init(_ load: @escaping @Sendable (String) throws(PresetProblem) -> [EgressRule]) { self.load = load }

    /// A library without presets.
    public static let empty = PresetLibrary { (name) throws(PresetProblem) in
        throw PresetProblem("there is no preset '\(name.shortened)'")
    }

    /// The rules of a preset, each marked with its name.
    public func rules(_ name: String) throws(PresetProblem) -> [EgressRule] {
        guard Self.isValidName(name) else {
            throw PresetProblem("'\(name.shortened)' cannot name a preset", hint: "names are of a-z, 0-9 and '-'")
        }
        return try load(name).map { rule in
            var marked = rule
            marked.preset = name
            return marked
        }
    }

    /// Whether `name` can name a preset; such a name is a safe file name.
    public static func isValidName(_ name: String) -> Bool {
        (1...32).contains(name.utf8.count)
            && name.utf8.allSatisfy { (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2d }
    }

    /// Reads the file of a preset.
    /// - Throws: everything that is wrong with it, at once.
    public static func parse(_ bytes: [UInt8], file: String) throws(TemplateErrors) -> (
        description: String, rules: [EgressRule]
    ) {
        let document = try TOMLDocument(bytes, file: file)
        let report = TableReader.Report()
        let root = TableReader(document.root, path: [], document: document, report: report)
        if root.integer("version", in: 1...1) == nil, !root.has("version") {
            root.complain("'version' is missing", hint: "write 'version = 1'")
        }
        let description = root.string("description") ?? ""
        if !root.has("allow") { root.complain("'allow' is missing") }
        let rules = NetworkTableReader(root, presets: .empty).rules("allow", allowsPrivate: false)
        root.finish()
        guard report.diagnostics.isEmpty else { throw TemplateErrors(file: file, report.diagnostics) }
        return (description, rules)
    }
}

/// Why a preset cannot be used.
public struct PresetProblem: Error, Sendable, Equatable {
    /// One line.
    public let text: String
    /// What to do about it.
    public let hint: String?

    /// A problem.
    public init(_ text: String, hint: String? = nil) {
        self.text = text
        self.hint = hint
    }
}
