internal import SandboxModel
internal import SandboxTemplates

/// From the bytes of a template file to a template. The only place that knows how a template is written.
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
    static func template(
        _ file: TemplateFile, shown: String, presets: PresetLibrary
    ) throws(SandboxError) -> Template {
        do throws(TemplateErrors) {
            return try TemplateParser.parse(file.bytes, file: shown, presets: presets)
        } catch {
            throw error.asSandboxError()
        }
    }

    /// Everything that is wrong with a file.
    static func problems(_ file: TemplateFile, shown: String, presets: PresetLibrary) -> [Problem] {
        do throws(TemplateErrors) {
            _ = try TemplateParser.parse(file.bytes, file: shown, presets: presets)
            return []
        } catch {
            return zip(error.lines, error.diagnostics).map { Problem(line: $0, hint: $1.hint) }
        }
    }
}
