internal import Crypto
internal import LinuxKit
internal import SandboxModel

/// A template file that was read once: what is checked, digested and parsed are the same bytes.
struct TemplateFile {
    /// More than a template needs; less than what hurts.
    static let maximumSize = 256 << 10

    /// Absolute path without links.
    let path: String
    /// Its contents.
    let bytes: [UInt8]

    /// SHA-256 of the contents, in hexadecimal digits.
    var digest: String {
        SHA256.hash(data: bytes).map { byte in
            let digits = String(byte, radix: 16)
            return digits.utf8.count == 1 ? "0\(digits)" : digits
        }
        .joined()
    }

    /// Reads `name` in an open directory, where it must be a regular file and no link.
    /// - Returns: `nil` when there is none.
    static func read(_ name: String, in directory: borrowing Descriptor, shown: String) throws(SandboxError)
        -> TemplateFile?
    {
        let status: FileStatus
        let path: String
        var bytes: [UInt8] = []
        do throws(SystemError) {
            let file = try Files.open(name, beneath: directory, .read)
            status = try file.status()
            path = try Files.path(of: file)
            if status.kind == .regular { bytes = try file.readAll(limit: maximumSize) }
        } catch {
            switch error.errno {
            case 2: return nil
            case 40: throw SandboxError(.dataError, "template '\(shown)' is a symbolic link")
            case 27: throw SandboxError(.dataError, "template '\(shown)' is larger than \(maximumSize >> 10) KiB")
            default: throw SandboxError(.dataError, "template '\(shown)' cannot be read", cause: error.reason)
            }
        }
        guard status.kind == .regular else {
            throw SandboxError(.dataError, "template '\(shown)' is not a regular file")
        }
        return TemplateFile(path: path, bytes: bytes)
    }

    /// Reads the file that a user named. Links on the way to its directory are followed, one in its place is not.
    static func read(typed path: String) throws(SandboxError) -> TemplateFile {
        try WorkspaceCheck.requirePlain(path, what: "template")
        guard let name = path.split(separator: "/").last.map(String.init), !path.hasSuffix("/"), name != "..",
            name != "."
        else { throw SandboxError(.usage, "'\(path)' does not name a file") }
        let parent = path.dropLast(name.count)
        let directory: Descriptor
        do throws(SystemError) {
            directory = try Files.open(following: parent.isEmpty ? "." : String(parent), .directory)
        } catch {
            guard error.isNotFound else {
                throw SandboxError(.permission, "template '\(path)' cannot be read", cause: error.reason)
            }
            throw SandboxError(.notFound, "template '\(path)' does not exist")
        }
        guard let file = try read(name, in: directory, shown: path) else {
            throw SandboxError(.notFound, "template '\(path)' does not exist")
        }
        return file
    }
}
