internal import LinuxKit
internal import SandboxModel

/// The addresses of this host: what listens on them was not made for a sandbox to reach.
enum OwnAddresses {
    /// Whether an address is one of this host's. If they cannot be listed, every address is taken for one.
    static func contains(_ address: IPAddress) -> Bool {
        guard let own = try? InterfaceAddresses.list() else { return true }
        return own.contains { $0.bytes == address.bytes }
    }
}
