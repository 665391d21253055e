public import SandboxModel

/// Reads template files (sandbox-template(5)).
public enum TemplateParser {
    /// Parses the bytes of a file.
    /// - Parameters:
    ///   - file: the file's name in messages.
    ///   - presets: where the lists of hosts are that `allow` may name.
    /// - Throws: everything that is wrong with it, at once.
    public static func parse(
        _ bytes: [UInt8], file: String, presets: PresetLibrary = .empty
    ) throws(TemplateErrors) -> Template {
        let document = try TOMLDocument(bytes, file: file)
        let report = TableReader.Report()
        let root = TableReader(document.root, path: [], document: document, report: report)
        let template = TemplateBuilder(root, presets: presets).build()
        guard report.diagnostics.isEmpty else { throw TemplateErrors(file: file, report.diagnostics) }
        return template
    }

    /// Parses a text.
    public static func parse(
        _ text: String, file: String, presets: PresetLibrary = .empty
    ) throws(TemplateErrors) -> Template {
        try parse(Array(text.utf8), file: file, presets: presets)
    }
}

/// One template on its way from tables to a value. Values that were reported keep their defaults: the template is
/// thrown away then.
private struct TemplateBuilder {
    private let root: TableReader
    private let presets: PresetLibrary
    private var template = Template()

    init(_ root: TableReader, presets: PresetLibrary) {
        self.root = root
        self.presets = presets
    }

    private mutating func read(_ name: String, _ body: (TableReader, inout Template) -> Void) {
        guard let table = root.table(name) else { return }
        body(table, &template)
        table.finish()
    }

    func build() -> Template {
        var reading = self
        guard reading.readVersion() else { return template }
        reading.readHead()
        reading.read("root") { table, template in
            let size = table.parsed("size", "a size like \"1G\", at least 1M") { text in
                ByteSize(parsing: text).flatMap { $0.bytes >= 1 << 20 ? $0 : nil }
            }
            if let size { template.root.size = size }
            if let inodes = table.integer("inodes", in: 64...(1 << 32)) { template.root.inodes = UInt64(inodes) }
        }
        reading.read("workspace") { table, template in
            if let mode = table.choice("mode", WorkspaceMode.self) { template.workspaceMode = mode }
        }
        reading.read("network") { table, template in
            template.network = NetworkTableReader(table, presets: presets).read()
        }
        reading.read("limits") { table, template in
            template.limits.memory = table.parsed("memory", "a size like \"4G\", at least 1M") { text in
                ByteSize(parsing: text).flatMap { $0.bytes >= 1 << 20 ? $0 : nil }
            }
            template.limits.tasks = table.integer("tasks", in: 2...4_194_304).map { UInt64($0) }
            template.limits.cpu = table.parsed("cpu", "a percentage like \"200%\"") { CPUQuota(parsing: $0) }
        }
        reading.readAgent()
        reading.readStorePaths()
        reading.readSecrets()
        reading.readMounts()
        root.finish()
        return reading.template
    }

    /// Whether the rest is in a format that this program knows; of a newer one nothing else can be said.
    private func readVersion() -> Bool {
        guard root.has("version") else {
            root.complain("'version' is missing", hint: "write 'version = \(Template.formatVersion)'")
            return true
        }
        let known = Template.formatVersion
        guard let version = root.integer("version", in: Int.min...Int.max), version != known else { return true }
        guard version > known else {
            root.complain("version", nil, "version \(version) does not exist", hint: "write 'version = \(known)'")
            return true
        }
        root.complain(
            "version", nil, "version \(version) is newer than this program, which knows \(known)",
            hint: "a newer sandboxctl reads it")
        return false
    }

    private mutating func readHead() {
        if let description = root.string("description") {
            if description.utf8.count > 256 || description != description.escapingControls {
                root.complain(
                    "description", nil, "'description' is not one line of at most 256 bytes without control characters")
            }
            template.description = description
        }
        if let store = root.parsed("store", "\"host\", \"nix\" or an absolute path", Store.init(parsing:)) {
            if case .directory(let path) = store, let problem = PathRules.problem(source: path) {
                root.complain("store", nil, "store '\(path.shortened)' \(problem)")
            }
            template.store = store
        }
    }

    /// After the agent, whose home no store path may cover.
    private mutating func readStorePaths() {
        for (offset, path) in root.strings("store_paths") ?? [] {
            if let problem = PathRules.problem(source: path) ?? PathRules.problem(target: path, in: template) {
                root.complain("store_paths", offset, "store path '\(path.shortened)' \(problem)")
            } else if let other = template.storePaths.first(where: { PathRules.overlap($0, path) }) {
                root.complain("store_paths", offset, "store path '\(path)' \(PathRules.relation(of: path, to: other))")
            } else {
                template.storePaths.append(path)
            }
        }
    }

    // MARK: Agent

    private mutating func readAgent() {
        read("agent") { table, template in
            if let user = table.string("user") {
                if !Self.isUserName(user) {
                    table.complain(
                        "user", nil, "'\(user.shortened)' cannot be the agent's name",
                        hint: "use 1 to 31 of a-z, 0-9, '_' and '-', beginning with a letter or '_'; not root or nobody"
                    )
                }
                template.agent.user = user
            }
            if let command = table.strings("command")?.map(\.text) {
                if command.first?.isEmpty ?? true { table.complain("command", nil, "'command' names no program") }
                template.agent.command = command
            }
            if let environment = table.freeTable("env") {
                for name in environment.orderedKeys {
                    guard let value = environment.string(name) else { continue }
                    if !EnvironmentVariable.isValidName(name) {
                        environment.complain(
                            name, nil, "'\(name.shortened)' cannot name a variable", hint: Self.variableForm)
                    } else if name.utf8.count + 1 + value.utf8.count >= TableReader.argumentLimit {
                        environment.complain(
                            name, nil,
                            "'\(name.shortened)' and its value have \(TableReader.argumentLimit) bytes or more")
                    }
                    template.agent.environment[name] = value
                }
            }
            for (offset, line) in table.strings("setup") ?? [] {
                if line.isEmpty { table.complain("setup", offset, "a setup line is empty") }
                template.agent.setup.append(line)
            }
            for (offset, directory) in table.strings("persist") ?? [] {
                if !PathRules.isCleanRelative(directory) {
                    table.complain(
                        "persist", offset, "'\(directory.shortened)' is not a directory below the home",
                        hint: "write it relative and plain, like \".cache\" or \".local/share\"")
                } else if let other = template.agent.persist.first(where: { PathRules.overlap($0, directory) }) {
                    table.complain("persist", offset, "'\(directory)' \(PathRules.relation(of: directory, to: other))")
                } else {
                    template.agent.persist.append(directory)
                }
            }
            if let allow = table.boolean("allow_root") { template.agent.allowRoot = allow }
        }
    }

    private static let variableForm = "use letters, digits and '_', not beginning with a digit"

    private static func isUserName(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        guard (1...31).contains(bytes.count), name != "root", name != "nobody" else { return false }
        func letter(_ byte: UInt8) -> Bool { (0x61...0x7a).contains(byte) || byte == 0x5f }
        return letter(bytes[0]) && bytes.allSatisfy { letter($0) || (0x30...0x39).contains($0) || $0 == 0x2d }
    }

    // MARK: Secrets

    private mutating func readSecrets() {
        guard let secrets = root.freeTable("secrets") else { return }
        var variables: Set<String> = []
        for name in secrets.orderedKeys {
            guard let table = secrets.table(name) else { continue }
            if !Secret.isValidName(name) {
                table.complain(
                    "'\(name.shortened)' cannot name a secret", hint: Self.secretForm)
            }
            let source = Self.source(table)
            let exposure = Self.exposure(table)
            if case .environment(let variable)? = exposure {
                if !variables.insert(variable).inserted {
                    table.complain("variable", nil, "another secret is in the variable '\(variable)' already")
                }
                if template.agent.environment[variable] != nil {
                    table.complain("variable", nil, "'\(variable)' is also set in [agent] env")
                }
            }
            table.finish()
            if let source, let exposure {
                template.secrets.append(Secret(name: name, source: source, exposure: exposure))
            }
        }
        template.secrets.sort { $0.name < $1.name }
    }

    private static let secretForm = "use 1 to 63 letters, digits, '_', '-' and '.', beginning with none of the last two"

    private static func source(_ table: TableReader) -> Secret.Source? {
        let file = table.string("file")
        let credential = table.string("credential")
        switch (file, credential) {
        case (let path?, nil):
            if let problem = PathRules.problem(absolute: path) {
                table.complain("file", nil, "'\(path.shortened)' \(problem)")
            }
            return .file(path)
        case (nil, let id?):
            if !Secret.isValidName(id) {
                table.complain(
                    "credential", nil, "'\(id.shortened)' cannot name a credential", hint: Self.secretForm)
            }
            return .credential(id)
        case (nil, nil):
            if !table.has("file") && !table.has("credential") {
                table.complain("the secret has no source", hint: "write 'file = \"/path\"' or 'credential = \"name\"'")
            }
        case (_?, _?):
            table.complain("the secret has two sources, 'file' and 'credential'", hint: "leave one")
        }
        return nil
    }

    private enum Expose: String, CaseIterable {
        case file, env
    }

    private static func exposure(_ table: TableReader) -> Secret.Exposure? {
        let variable = table.string("variable")
        let expose = table.has("expose") ? table.choice("expose", Expose.self) : .file
        switch (expose, variable) {
        case (.file?, nil): return .file
        case (.env?, let name?):
            if !EnvironmentVariable.isValidName(name) {
                table.complain("variable", nil, "'\(name.shortened)' cannot name a variable", hint: Self.variableForm)
            }
            return .environment(variable: name)
        case (.env?, nil):
            if !table.has("variable") {
                table.complain(
                    "expose", nil, "exposing as a variable needs its name", hint: "add 'variable = \"NAME\"'")
            }
        case (.file?, _?):
            table.complain("variable", nil, "'variable' goes with 'expose = \"env\"'")
        case (nil, _): break
        }
        return nil
    }

    // MARK: Mounts

    private mutating func readMounts() {
        for table in root.tables("mounts") {
            let source = table.string("source")
            let target = table.string("target")
            let readOnly = table.boolean("read_only") ?? true
            for key in ["source", "target"] where !table.has(key) {
                table.complain("'\(key)' is missing in [[mounts]]")
            }
            table.finish()
            if !readOnly && template.workspaceMode == .readOnly {
                table.complain(
                    "read_only", nil, "a writable mount beside a read-only workspace",
                    hint: "write 'read_only = true', or 'mode = \"bind\"' in [workspace]")
            }
            if let source, let problem = PathRules.problem(source: source) {
                table.complain("source", nil, "mount source '\(source.shortened)' \(problem)")
            }
            guard let source, let target else { continue }
            if let problem = PathRules.problem(target: target, in: template) {
                table.complain("target", nil, "mount target '\(target.shortened)' \(problem)")
            } else if let other = (template.mounts.map(\.target) + template.storePaths).first(where: {
                PathRules.overlap($0, target)
            }) {
                table.complain("target", nil, "mount target '\(target)' \(PathRules.relation(of: target, to: other))")
            } else {
                template.mounts.append(Mount(source: source, target: target, readOnly: readOnly))
            }
        }
    }
}
