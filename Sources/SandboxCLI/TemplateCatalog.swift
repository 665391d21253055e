internal import LinuxKit
internal import SandboxModel
internal import SandboxTemplates

/// Where templates are found, and which of them may be used.
struct TemplateCatalog {
    /// A template with where it came from.
    struct Found {
        /// A name, or the path of a file: what records and listings show.
        var name: String
        var template: Template
    }

    /// A template that a name leads to.
    struct Entry {
        let name: String
        /// Where it is looked for.
        let source: String
        /// The file, or why it cannot be read.
        let file: Result<TemplateFile, SandboxError>
    }

    /// The file of a workspace.
    static let workspaceFile = ".sandbox.toml"
    private static let suffix = ".toml"

    /// Directories of named templates; the first that has a name wins.
    let directories: [String]
    let trust: TrustStore

    /// The lists of hosts that templates may name: in `presets` below each directory of templates.
    var presets: PresetLibrary { PresetFiles.library(directories.map { "\($0)/presets" }) }

    /// The template to create a sandbox from.
    /// - Parameters:
    ///   - wish: a name or path, or nil for the workspace's own template and, where it has none, `default`.
    ///   - workspace: the checked workspace; what lies in it is the agent's to change, so it must be trusted.
    func resolve(_ wish: String?, workspace: Workspace?) throws(SandboxError) -> Found {
        if let wish, Self.isPath(wish) {
            let file = try TemplateFile.read(typed: wish)
            if let workspace, WorkspaceCheck.isWithin(file.path, workspace.path) { try requireTrust(file) }
            return Found(name: file.path, template: try TemplateReading.template(file, shown: wish, presets: presets))
        }
        if let wish { return try named(wish) }
        if let workspace, let file = try own(workspace) {
            try requireTrust(file)
            return Found(
                name: file.path, template: try TemplateReading.template(file, shown: file.path, presets: presets))
        }
        return try named("default")
    }

    /// The template of this name.
    func named(_ name: String) throws(SandboxError) -> Found {
        let file = try find(name)
        return Found(name: name, template: try TemplateReading.template(file, shown: file.path, presets: presets))
    }

    /// The file that a name or a path leads to, trusted or not.
    func file(_ wish: String) throws(SandboxError) -> TemplateFile {
        Self.isPath(wish) ? try TemplateFile.read(typed: wish) : try find(wish)
    }

    /// Every named template, in order of name; one that cannot be read does not hide the others.
    func entries() -> [Entry] {
        var result: [String: Entry] = [:]
        for directory in directories {
            guard let open = try? Files.open(following: directory, .directory) else { continue }
            for file in (try? Files.list(open)) ?? [] where file.hasSuffix(Self.suffix) {
                let name = String(file.dropLast(Self.suffix.count))
                guard Self.isName(name), result[name] == nil else { continue }
                let source = "\(directory)/\(file)"
                do throws(SandboxError) {
                    guard let read = try Self.read(name, in: directory) else { continue }
                    result[name] = Entry(name: name, source: source, file: .success(read))
                } catch {
                    result[name] = Entry(name: name, source: source, file: .failure(error))
                }
            }
        }
        return result.values.sorted { $0.name < $1.name }
    }

    /// Whether a word means a file instead of a name.
    static func isPath(_ text: String) -> Bool { text.contains("/") || text.hasSuffix(suffix) }

    static func isName(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        func letterOrDigit(_ byte: UInt8) -> Bool {
            (0x61...0x7a).contains(byte) || (0x41...0x5a).contains(byte) || (0x30...0x39).contains(byte)
        }
        guard (1...64).contains(bytes.count), letterOrDigit(bytes[0]) else { return false }
        return bytes.allSatisfy { letterOrDigit($0) || $0 == 0x2d || $0 == 0x5f }
    }

    private func find(_ name: String) throws(SandboxError) -> TemplateFile {
        guard Self.isName(name) else {
            throw SandboxError(.usage, "'\(name)' is not the name of a template", hint: "write './\(name)' for a file")
        }
        for directory in directories {
            if let file = try Self.read(name, in: directory) { return file }
        }
        throw SandboxError(
            .notFound, "no template named '\(name)'", hint: "'sandboxctl template list' shows those that exist")
    }

    /// A named template; its directory is the administrator's, who may have put a link there.
    private static func read(_ name: String, in directory: String) throws(SandboxError) -> TemplateFile? {
        let path = "\(directory)/\(name)\(suffix)"
        let canonical: String
        do throws(SystemError) {
            canonical = try Files.path(of: try Files.open(following: path, .reference))
        } catch {
            guard !error.isNotFound else { return nil }
            throw SandboxError(.dataError, "template '\(path)' cannot be read", cause: error.reason)
        }
        return try TemplateFile.read(typed: canonical)
    }

    private func own(_ workspace: Workspace) throws(SandboxError) -> TemplateFile? {
        let directory: Descriptor
        do throws(SystemError) {
            directory = try Files.open(noLinks: workspace.path, .directory)
        } catch {
            throw SandboxError(.notFound, "workspace '\(workspace.path)' cannot be opened", cause: error.reason)
        }
        return try TemplateFile.read(
            Self.workspaceFile, in: directory, shown: "\(workspace.path)/\(Self.workspaceFile)")
    }

    private func requireTrust(_ file: TemplateFile) throws(SandboxError) {
        guard try !trust.accepts(file) else { return }
        throw SandboxError(
            .permission, "template '\(file.path)' is in the workspace and is not trusted as it is now",
            hint:
                "read it, then 'sandboxctl template trust \(Self.quoted(file.path))'; or name another with '--template'"
        )
    }

    /// A path as a word of sh(1).
    private static func quoted(_ path: String) -> String {
        let isPlain = path.utf8.allSatisfy {
            (0x61...0x7a).contains($0) || (0x41...0x5a).contains($0) || (0x2b...0x39).contains($0) || $0 == 0x5f
        }
        guard !isPlain else { return path }
        return "'" + path.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}

extension TemplateCatalog {
    /// The catalog of this installation: the administrator's directory, then `share` beside the program's own `bin`.
    ///
    /// Where the program lies is asked of the kernel; a variable could name any directory to a command run by sudo.
    static func installed(state: String) -> TemplateCatalog {
        var directories = ["/etc/sandboxctl/templates"]
        if let prefix = Installation.prefix { directories.append("\(prefix)/share/sandboxctl/templates") }
        return TemplateCatalog(directories: directories, trust: TrustStore(directory: state))
    }
}
