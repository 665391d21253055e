/// Addresses that are not simply some host on the internet (IANA special-purpose registries, RFC 6890).
public enum SpecialAddresses {
    /// Why an address is special.
    public enum Kind: String, Sendable, CaseIterable {
        /// Loopback, unspecified, multicast, broadcast, link-local with the metadata services, reserved, and the
        /// benchmarking ranges that hold the gateway's own addresses: never reached.
        case never
        /// Private networks: reached only where the policy says so.
        case `private`
    }

    private static func ranges(_ texts: [String]) -> [AddressBlock] { texts.compactMap { AddressBlock($0) } }

    /// Never reached.
    public static let never = ranges([
        "0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4",
        "::/128", "::1/128", "fe80::/10", "fec0::/10", "ff00::/8", "100::/64", "2001::/23", "2001:2::/48",
        // Cloud metadata where it is not link-local already.
        "100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32", "fd00:ec2::254/128", "fd20:ce::254/128",
    ])

    /// Private networks.
    public static let privateNetworks = ranges([
        "10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7",
    ])

    /// IPv6 ranges whose addresses lead to an IPv4 address that stands in them, and at which bit it begins.
    private static let embeddings: [(range: AddressBlock, bit: Int)] = [
        ("::ffff:0:0/96", 96), ("::/96", 96), ("64:ff9b::/96", 96), ("2002::/16", 16),
    ].compactMap { (text: String, bit: Int) in AddressBlock(text).map { (range: $0, bit: bit) } }

    /// IPv6 addresses that another machine may turn into any IPv4 address: refused as a whole where nobody looks at the
    /// address within.
    public static let embedded = embeddings.map(\.range) + ranges(["64:ff9b:1::/48"])

    /// The IPv4 address that an IPv6 address leads to (mapped, compatible, NAT64, 6to4), if it is such a one.
    public static func embedded(in address: IPAddress) -> IPAddress? {
        guard let bit = embeddings.first(where: { $0.range.contains(address) })?.bit else { return nil }
        return IPAddress(bytes: address.bytes[(bit / 8)..<(bit / 8 + 4)])
    }

    /// What is special about an address; nil for an ordinary one.
    public static func kind(of address: IPAddress) -> Kind? {
        if never.contains(where: { $0.contains(address) }) { return .never }
        // NAT64's local prefix (RFC 8215) may hold any address at any place.
        if AddressBlock("64:ff9b:1::/48")?.contains(address) ?? true { return .never }
        if let inner = embedded(in: address) { return kind(of: inner) ?? (isMapped(address) ? .never : nil) }
        if privateNetworks.contains(where: { $0.contains(address) }) { return .private }
        return nil
    }

    /// A mapped or compatible address never comes over a wire.
    private static func isMapped(_ address: IPAddress) -> Bool {
        guard case .ipv6(let v6) = address else { return false }
        return v6.value >> 64 == 0
    }

    /// Why a rule cannot name a range; nil when it can. Reads on after "'…' ".
    public static func refusal(of range: AddressBlock) -> String? {
        // A range as wide as this is mode "full" under another name.
        if range.prefixLength < (range.family == .ipv4 ? 8 : 16) {
            return "is too wide; the mode \"full\" reaches everything"
        }
        if let never = never.first(where: { $0.overlaps(range) }) {
            return "reaches into \(never), which is never reached"
        }
        if let embedding = embedded.first(where: { $0.overlaps(range) }) {
            return "reaches into \(embedding), whose addresses lead to IPv4 addresses: those are what a rule names"
        }
        return nil
    }
}
