/// A list of rules: a base chain, which the kernel calls, or a regular one, which other chains jump to.
public struct RuleChain: Hashable, Codable, Sendable {
    /// How the kernel calls a base chain.
    public struct Base: Hashable, Codable, Sendable {
        /// What the chain is for.
        public enum Kind: String, Hashable, Codable, Sendable {
            /// Decides about packets.
            case filter
            /// Decides about addresses, with the first packet of a connection only.
            case nat
        }

        /// Where packets pass the chain; raw values are `enum nf_inet_hooks` (linux/netfilter.h).
        public enum Hook: UInt32, Hashable, Codable, Sendable, CaseIterable {
            /// Packets that came in, before routing.
            case prerouting = 0
            /// Packets for this network namespace.
            case input = 1
            /// Packets that pass through.
            case forward = 2
            /// Packets made in this network namespace.
            case output = 3
            /// Packets that go out, after routing.
            case postrouting = 4
        }

        /// What happens to packets that no rule decided about.
        public enum Policy: String, Hashable, Codable, Sendable {
            /// They pass.
            case accept
            /// They vanish. While a table is replaced the policy is in force some microseconds after the rules: where
            /// nothing may pass even then, the last rule must say so.
            case drop
        }

        /// What the chain is for.
        public var kind: Kind
        /// Where packets pass it.
        public var hook: Hook
        /// When, among the chains of a hook: the lowest first; `NF_IP_PRI_*` (linux/netfilter_ipv4.h).
        public var priority: Int32
        /// What happens to packets that no rule decided about.
        public var policy: Policy

        /// A place among the kernel's hooks.
        public init(kind: Kind, hook: Hook, priority: Int32, policy: Policy = .accept) {
            self.kind = kind
            self.hook = hook
            self.priority = priority
            self.policy = policy
        }
    }

    /// The chain's name, unique in its table; 1 to 255 bytes.
    public var name: String
    /// How the kernel calls it; nil for a regular chain.
    public var base: Base?
    /// The rules, in the order they are tried.
    public var rules: [Rule]

    /// A chain of these rules.
    public init(name: String, base: Base? = nil, rules: [Rule] = []) {
        self.name = name
        self.base = base
        self.rules = rules
    }
}
