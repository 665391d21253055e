/// An IP version.
public enum AddressFamily: String, Hashable, Codable, Sendable, CaseIterable {
    /// IPv4.
    case ipv4
    /// IPv6.
    case ipv6
}
