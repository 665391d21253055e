internal import LinuxKit
internal import SandboxModel

/// From a path that a user typed to a directory that was checked.
enum WorkspaceCheck {
    /// Directories that are no workspace, nor anything below them: the kernel's, the system's and our own.
    private static let systemTrees = [
        "/proc", "/sys", "/dev", "/run", "/etc", "/usr", "/boot", "/nix/store", "/var/lib/sandboxctl",
        "/var/lib/private", "/var/lib/systemd", "/var/lib/dpkg", "/var/spool", "/var/log", "/var/cache", "/var/backups",
    ]

    /// The directory that `path` means: opened as the user wrote it, links followed, then named by the path the kernel
    /// knows the open directory by. What the typed path means later does not matter any more.
    /// - Throws: `usage` for a path that is none or no directory, `notFound`, `permission` for a refused directory.
    static func check(_ path: String) throws(SandboxError) -> Workspace {
        try requirePlain(path, what: "workspace")
        let canonical: String
        let status: FileStatus
        let again: FileStatus?
        do throws(SystemError) {
            let directory = try Files.open(following: path, .directory)
            canonical = try Files.path(of: directory)
            status = try directory.status()
            again = try? Files.open(noLinks: canonical, .reference).status()
        } catch {
            throw failure(error, path)
        }
        try requirePlain(canonical, what: "workspace")
        try requireAcceptable(canonical, typed: path)
        try requireProject(canonical, typed: path)
        // The path must lead back here: the directory could be gone by now, or have a name that is not UTF-8.
        guard let again, again.device == status.device, again.inode == status.inode else {
            throw SandboxError(
                .usage, "workspace '\(path)' has no usable path", hint: "its path must be valid UTF-8 and stay in place"
            )
        }
        return Workspace(path: canonical, uid: status.uid, gid: status.gid, device: status.device, inode: status.inode)
    }

    /// `path` as an absolute one, by words only.
    static func absolute(_ path: String, what: String) throws(SandboxError) -> String {
        try requirePlain(path, what: what)
        guard !path.hasPrefix("/") else { return path }
        do throws(SystemError) {
            let directory = try Files.path(of: try Files.open(following: ".", .directory))
            return directory == "/" ? "/\(path)" : "\(directory)/\(path)"
        } catch {
            throw SandboxError(.internal, "find the working directory", cause: error.reason)
        }
    }

    /// Whether `path` is `directory` or below it; both canonical.
    static func isWithin(_ path: String, _ directory: String) -> Bool {
        path == directory || directory == "/" || path.hasPrefix(directory + "/")
    }

    /// Refuses what could be shown wrongly or be read as something else later.
    static func requirePlain(_ path: String, what: String) throws(SandboxError) {
        guard !path.isEmpty else { throw SandboxError(.usage, "the path of \(what) is empty") }
        guard path.escapingControls == path, !path.unicodeScalars.contains("\u{fffd}") else {
            throw SandboxError(.usage, "the path of \(what) '\(path)' has control characters or is not valid UTF-8")
        }
    }

    private static func requireAcceptable(_ canonical: String, typed: String) throws(SandboxError) {
        for tree in systemTrees where isWithin(canonical, tree) {
            throw SandboxError(
                .permission, "'\(typed)' cannot be a workspace: it is in '\(tree)'",
                hint: "use a directory of a project")
        }
        for tree in systemTrees where isWithin(tree, canonical) {
            throw SandboxError(
                .permission, "'\(typed)' cannot be a workspace: '\(tree)' is in it",
                hint: "use a directory of a project")
        }
    }

    /// Where many things lie that are nobody's project: what is below them may be one.
    private static let gatherings = [
        "/root", "/home", "/tmp", "/var", "/var/tmp", "/opt", "/srv", "/mnt", "/media", "/lib", "/bin", "/sbin",
    ]

    /// Homes hold what shells and other programs run by themselves, and everybody's places hold what others left there.
    private static func requireProject(_ canonical: String, typed: String) throws(SandboxError) {
        let accounts = (try? Files.open(following: "/etc/passwd", .read).readAll(limit: 1 << 20)) ?? []
        let homes = String(decoding: accounts, as: UTF8.self).split(separator: "\n").compactMap { line -> String? in
            let fields = line.split(separator: ":", omittingEmptySubsequences: false)
            return fields.count == 7 ? String(fields[5]) : nil
        }
        // What is hidden in a home (.ssh, .config, .local) is read by programs that nobody starts for a project.
        let isHidden = homes.contains { $0.count > 1 && canonical.hasPrefix("\($0)/.") }
        guard isHidden || gatherings.contains(canonical) || homes.contains(canonical) else { return }
        throw SandboxError(
            .permission, "'\(typed)' cannot be a workspace: it is no project's own directory",
            hint: "use a directory in it, which a sandbox may write to")
    }

    private static func failure(_ error: SystemError, _ path: String) -> SandboxError {
        if error.errno == 20 {
            return SandboxError(.usage, "workspace '\(path)' is not a directory")
        }
        guard error.isNotFound else {
            return SandboxError(.permission, "workspace '\(path)' cannot be opened", cause: error.reason)
        }
        let hint = path.hasPrefix("~") ? "'~' is replaced by the shell, and only where it is not quoted" : nil
        return SandboxError(.notFound, "workspace '\(path)' does not exist", hint: hint)
    }
}
