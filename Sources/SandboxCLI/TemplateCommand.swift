internal import ArgumentParser
internal import SandboxModel
internal import SandboxTemplates

/// `sandboxctl template`: the templates of this host.
struct TemplateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "template", abstract: "List, show, check and trust templates.",
        subcommands: [List.self, Show.self, Check.self, Trust.self])
}

extension TemplateCommand {
    /// `template list`: every named template in a line.
    struct List: Verb {
        static let needsRoot = false
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "List templates.", aliases: ["ls"])

        @Flag(help: "Print JSON.")
        var json = false

        @Flag(name: .shortAndLong, help: "Print names only.")
        var quiet = false

        func perform(_ context: Context) throws(SandboxError) -> Int32 {
            guard !(json && quiet) else { throw SandboxError(.usage, "'--json' and '--quiet' exclude each other") }
            let entries = context.catalog.entries()
            guard !quiet else {
                for entry in entries { context.console.print(entry.name) }
                return 0
            }
            let views = entries.map { Self.view($0, context.catalog.presets) }
            guard !json else {
                context.console.print(try JSON.text(views))
                return 0
            }
            let head: [Text.Cell] = ["NAME", "SOURCE", "DESCRIPTION"]
            let rows = views.map { view in
                let about = view.problem.map { "(\($0))" } ?? view.description ?? ""
                return [Text.Cell(view.name), Text.Cell(view.source), Text.Cell(about)]
            }
            for line in Text.table([head] + rows) { context.console.print(line) }
            return 0
        }

        /// A template that cannot be read does not hide the others.
        private static func view(
            _ entry: TemplateCatalog.Entry, _ presets: PresetLibrary
        ) -> TemplateEntryView {
            var view = TemplateEntryView(name: entry.name, source: entry.source)
            do throws(SandboxError) {
                view.description = try TemplateReading.template(
                    try entry.file.get(), shown: entry.source, presets: presets
                ).description
            } catch {
                view.problem = error.message
            }
            return view
        }
    }

    /// `template show`: a template with every default filled in.
    struct Show: Verb {
        static let needsRoot = false
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Show a template with every default filled in.")

        @Flag(help: "Print JSON.")
        var json = false

        @Argument(help: "Name or file of the template.", completion: .templates)
        var template: String

        func perform(_ context: Context) throws(SandboxError) -> Int32 {
            let file = try context.catalog.file(template)
            let template = try TemplateReading.template(file, shown: file.path, presets: context.catalog.presets)
            if json {
                context.console.print(try JSON.text(TemplateView(template)))
            } else {
                context.console.print(file.path.escapingControls)
                for line in TemplateText.lines(template) { context.console.print(line) }
            }
            return 0
        }
    }

    /// `template check`: everything that is wrong with a file.
    struct Check: Verb {
        static let needsRoot = false
        static let configuration = CommandConfiguration(
            commandName: "check", abstract: "Check a template file and tell everything that is wrong with it.")

        @Argument(help: "Template file.", completion: .file(extensions: ["toml"]))
        var file: String

        func perform(_ context: Context) throws(SandboxError) -> Int32 {
            let problems = TemplateReading.problems(
                try TemplateFile.read(typed: file), shown: file, presets: context.catalog.presets)
            guard !problems.isEmpty else {
                context.console.print("\(file): ok")
                return 0
            }
            for problem in problems {
                context.console.print(problem.line.escapingControls)
                if let hint = problem.hint { context.console.print("hint: \(hint.escapingControls)") }
            }
            return SandboxError.Code.configuration.rawValue
        }
    }

    /// `template trust`: accepts a file of a workspace as it is now.
    struct Trust: Verb {
        static let configuration = CommandConfiguration(
            commandName: "trust", abstract: "Accept a template file of a workspace as it is now.",
            discussion: "Shows what it grants. A file that changes later must be trusted again.")

        @Argument(help: "Template file.", completion: .file(extensions: ["toml"]))
        var file: String

        func perform(_ context: Context) throws(SandboxError) -> Int32 {
            let read = try TemplateFile.read(typed: file)
            let template = try TemplateReading.template(read, shown: file, presets: context.catalog.presets)
            context.console.print("\(read.path) grants:")
            for line in TemplateText.lines(template) { context.console.print(line) }
            // What is granted is seen before it is recorded.
            try context.console.flush()
            try context.catalog.trust.accept(read)
            context.console.print("trusted, sha256 \(read.digest)")
            return 0
        }
    }
}
