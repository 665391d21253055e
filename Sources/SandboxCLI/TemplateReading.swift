internal import SandboxModel

/// From the bytes of a template file to a template. The only place that knows the parser.
enum TemplateReading {
    /// One thing that is wrong with a file.
    struct Problem: Equatable {
        /// `file:line:column: message`.
        let line: String
        let hint: String?
    }

    /// Parses a file.
    /// - Parameter shown: the file's name in messages.
    /// - Throws: `configuration`, with the first problem as its message.
    static func template(_ file: TemplateFile, shown: String) throws(SandboxError) -> Template {
        Template()
    }

    /// Everything that is wrong with a file.
    static func problems(_ file: TemplateFile, shown: String) -> [Problem] {
        []
    }
}
