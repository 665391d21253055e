/// One nftables table, whole: what a packet filter shall be, or what the kernel says it is.
///
/// A pure value. Two rulesets that mean the same may be written differently; ``normalized`` is the one way of writing
/// that reading back from the kernel gives too. See nft(8).
public struct Ruleset: Hashable, Codable, Sendable {
    /// The packets a table sees.
    public enum Family: String, Hashable, Codable, Sendable {
        /// IPv4 and IPv6 (`NFPROTO_INET`, linux/netfilter.h).
        case inet
    }

    /// The packets the table sees.
    public var family: Family
    /// The table's name, unique per family in a network namespace; 1 to 255 bytes.
    public var table: String
    /// Whether the kernel keeps the table but calls none of its chains (`NFT_TABLE_F_DORMANT`).
    public var isDormant: Bool
    /// The named sets. Their order has no meaning.
    public var sets: [RuleSetDefinition]
    /// The chains. Their order has no meaning; which runs when is said by hook and priority.
    public var chains: [RuleChain]

    /// A table of these sets and chains.
    public init(
        family: Family = .inet, table: String, isDormant: Bool = false, sets: [RuleSetDefinition] = [],
        chains: [RuleChain] = []
    ) {
        self.family = family
        self.table = table
        self.isDormant = isDormant
        self.sets = sets
        self.chains = chains
    }
}
