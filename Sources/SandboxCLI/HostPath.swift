internal import LinuxKit
internal import SandboxModel

/// Paths of the host as a user types them.
enum HostPath {
    /// The path from the root on, without `.` and `..`. Links are not resolved: what follows refuses them.
    static func absolute(_ typed: String) throws(SandboxError) -> String {
        var names: [Substring] = []
        if !typed.hasPrefix("/") {
            do throws(SystemError) {
                let directory = try Files.path(of: try Files.open(following: ".", .directory))
                names = directory.split(separator: "/")
            } catch {
                throw SandboxError(.notFound, "the working directory is gone", cause: error.reason)
            }
        }
        for name in typed.split(separator: "/") where name != "." {
            if name == ".." { _ = names.popLast() } else { names.append(name) }
        }
        // A slash at the end says that it must be a directory.
        return "/" + names.joined(separator: "/") + (typed.hasSuffix("/") && !names.isEmpty ? "/" : "")
    }
}
