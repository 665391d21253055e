internal import LinuxKit
internal import NIOCore
internal import SandboxModel

/// The addresses of this host: what listens on them was not made for a sandbox to reach. Lives on the gateway's loop.
final class OwnAddresses {
    /// How long a list is true. Connections are looked at again when they stand: one whose two ends have the same address
    /// leads to this host, whatever the list says.
    private static let age = TimeAmount.milliseconds(200)
    private var known: Set<[UInt8]>?
    private var expires = NIODeadline.uptimeNanoseconds(0)

    /// Whether an address is one of this host's. If they cannot be listed, every address is taken for one.
    func contains(_ address: IPAddress) -> Bool {
        let now = NIODeadline.now()
        if known == nil || expires <= now {
            known = (try? InterfaceAddresses.list()).map { Set($0.map(\.bytes)) }
            expires = now + Self.age
        }
        return known?.contains(address.bytes) ?? true
    }
}
