internal import SandboxModel

/// From the bytes of a template file to a template. The only place that knows how a template is written.
///
/// Understands a file that sets nothing but its version, so every default; refuses any other, rather than leave out
/// what it asks for.
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
        guard let problem = problems(file, shown: shown).first else { return Template() }
        throw SandboxError(.configuration, problem.line, hint: problem.hint)
    }

    /// Everything that is wrong with a file.
    static func problems(_ file: TemplateFile, shown: String) -> [Problem] {
        let lines = String(decoding: file.bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        return lines.enumerated().compactMap { number, line in
            if line.allSatisfy({ $0 == " " }) || line.hasPrefix("#") || line == "version = 1" { return nil }
            return Problem(line: "\(shown):\(number + 1):1: only 'version = 1' is understood by this build", hint: nil)
        }
    }
}
