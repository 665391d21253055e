internal import SandboxModel

/// Which paths a template may name.
enum PathRules {
    /// What the sandbox itself provides inside.
    private static let provided = [
        "/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc", "/proc", "/sys", "/dev", "/run", "/tmp", "/workspace",
        "/root", "/var",
    ]
    /// What no part of a sandbox may come from: kernel interfaces, other programs' sockets, our own state.
    private static let forbiddenSources = ["/proc", "/sys", "/dev", "/run", "/var/run", "/var/lib/sandboxctl"]

    /// Why `path` is not an absolute, plain path; nil when it is.
    static func problem(absolute path: String) -> String? {
        if !path.hasPrefix("/") { return "is not an absolute path" }
        if path.utf8.count > 4095 { return "is too long" }
        if path.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7f }) {
            return "holds control characters"
        }
        if path == "/" { return "is the root directory" }
        let parts = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        if parts.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." }) {
            return "is not a plain path: no '.', '..', '//' or '/' at the end"
        }
        if parts.contains(where: { $0.utf8.count > 255 }) { return "has a part of more than 255 bytes" }
        return nil
    }

    /// Why `path` cannot be shown inside.
    static func problem(source path: String) -> String? {
        if let problem = problem(absolute: path) { return problem }
        if let tree = forbiddenSources.first(where: { overlap($0, path) }) {
            return "is or contains a part of '\(tree)'"
        }
        if path == "/etc" { return "is the host's whole configuration" }
        return nil
    }

    /// Why nothing can be mounted at `path` inside.
    static func problem(target path: String, in template: Template) -> String? {
        if let problem = problem(absolute: path) { return problem }
        let taken = provided + ["/home/\(template.agent.user)"] + (template.store == .nix ? ["/nix"] : [])
        if let tree = taken.first(where: { overlap($0, path) }) {
            return "is or contains a part of '\(tree)', which the sandbox provides"
        }
        return nil
    }

    /// Whether one of two paths is, or contains, the other.
    static func overlap(_ left: String, _ right: String) -> Bool {
        left == right || left.hasPrefix("\(right)/") || right.hasPrefix("\(left)/")
    }

    /// How `path` stands to an `other` that it overlaps with, after the path in a message.
    static func relation(of path: String, to other: String) -> String {
        path == other ? "is there twice" : path.count > other.count ? "is inside '\(other)'" : "contains '\(other)'"
    }

    /// Whether `path` is relative, plain and not empty.
    static func isCleanRelative(_ path: String) -> Bool {
        problem(absolute: "/\(path)") == nil
    }
}
