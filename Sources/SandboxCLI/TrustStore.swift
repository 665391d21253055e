internal import FoundationEssentials
internal import LinuxKit
internal import SandboxModel

/// The template files in workspaces that the administrator has accepted, by path and contents.
struct TrustStore: Sendable {
    private static let file = ".trusted.json"
    private static let lockFile = ".trusted.lock"
    private static let maximumSize = 4 << 20

    /// What the file holds.
    private struct Contents: Codable {
        static let newest = 1
        var version = newest
        /// SHA-256 of the contents by absolute path.
        var templates: [String: String] = [:]
    }

    /// The directory of the file; only root can write there.
    let directory: String

    /// Whether these very contents were accepted at this very path.
    func accepts(_ file: TemplateFile) throws(SandboxError) -> Bool {
        try load().templates[file.path] == file.digest
    }

    /// Accepts a file, in place of what was accepted at its path before.
    func accept(_ file: TemplateFile) throws(SandboxError) {
        let lock: FileLock?
        do throws(SystemError) {
            try Files.makeDirectories(directory, mode: 0o700)
            lock = try FileLock.take("\(directory)/\(Self.lockFile)", wait: true)
        } catch {
            throw Self.failure("lock", error.description)
        }
        var contents = try load()
        contents.templates[file.path] = file.digest
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        do {
            let bytes = Array(try encoder.encode(contents))
            let parent = try Files.open(noLinks: directory, .directory)
            try Files.replace(Self.file, in: parent, with: bytes, mode: 0o600)
        } catch {
            throw Self.failure("write", "\(error)")
        }
        _ = consume lock
    }

    /// An unreadable list trusts nothing, and says so.
    private func load() throws(SandboxError) -> Contents {
        let bytes: [UInt8]
        do throws(SystemError) {
            let parent = try Files.open(noLinks: directory, .directory)
            bytes = try Files.open(Self.file, beneath: parent, .read).readAll(limit: Self.maximumSize)
        } catch {
            guard !error.isNotFound else { return Contents() }
            throw SandboxError(
                error.errno == 13 ? .permission : .dataError, "read the list of trusted templates", cause: error.reason)
        }
        guard let contents = try? JSONDecoder().decode(Contents.self, from: Data(bytes)),
            contents.version == Contents.newest
        else {
            throw SandboxError(
                .dataError, "the list of trusted templates '\(directory)/\(Self.file)' is not readable",
                hint: "remove it and trust the templates again")
        }
        return contents
    }

    private static func failure(_ step: String, _ cause: String) -> SandboxError {
        SandboxError(.internal, "\(step) the list of trusted templates", cause: cause)
    }
}
