internal import LinuxKit
internal import SandboxEngine
internal import SandboxModel

/// The file that systemd loads a secret from.
struct CredentialSource: Sendable, Equatable {
    var name: String
    var path: String
    var isEncrypted: Bool

    /// Directories that systemd.exec(5) searches for `LoadCredential=NAME`, and for its encrypted twin.
    private static let stores = ["/etc/credstore", "/run/credstore", "/usr/lib/credstore"]
    /// A value larger than this is a mistake; systemd's own limit for all credentials of a unit is 1 MiB.
    static let limit: UInt64 = 65536

    /// Finds and checks the source of a secret: a regular file, not a link, not empty, not too large.
    static func find(_ secret: Secret) throws(SandboxError) -> CredentialSource {
        switch secret.source {
        case .file(let path):
            return try check(CredentialSource(name: secret.name, path: path, isEncrypted: false), secret)
        case .credential(let id):
            let candidates =
                stores.map { CredentialSource(name: secret.name, path: "\($0)/\(id)", isEncrypted: false) }
                + stores.map { CredentialSource(name: secret.name, path: "\($0).encrypted/\(id)", isEncrypted: true) }
            for candidate in candidates where (try? Files.open(noLinks: candidate.path, .reference)) != nil {
                return try check(candidate, secret)
            }
            throw SandboxError(
                .configuration, "secret '\(secret.name)': no credential '\(id)' on this host",
                hint: "put it into /etc/credstore/\(id), or encrypted into /etc/credstore.encrypted/\(id)")
        }
    }

    private static func check(_ source: CredentialSource, _ secret: Secret) throws(SandboxError) -> CredentialSource {
        func refuse(_ reason: String) -> SandboxError {
            SandboxError(.configuration, "secret '\(secret.name)': '\(source.path)' \(reason)")
        }
        let status: FileStatus
        do {
            status = try Files.open(noLinks: source.path, .reference).status()
        } catch {
            throw error.isNotFound ? refuse("does not exist") : refuse("cannot be opened: \(error.reason)")
        }
        guard status.kind == .regular else { throw refuse("is not a regular file") }
        guard status.size > 0 else { throw refuse("is empty") }
        guard status.size <= limit else { throw refuse("has \(status.size) bytes; a secret has at most \(limit)") }
        return source
    }
}
