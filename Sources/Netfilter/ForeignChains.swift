public import EgressPolicy
internal import Glibc

/// Chains of others in which packets of some interfaces are let through: a verdict of ours is one of several, and a chain
/// that drops what it does not know (Docker's, ufw's, an administrator's) would drop them.
public struct ForeignChains {
    /// The name our rules have there.
    public static let mark = "sandboxctl"

    private let interfaces: InterfacePattern
    private let table: String

    /// - Parameters:
    ///   - interfaces: whose packets are let through, both ways.
    ///   - table: our own, which is left alone.
    public init(interfaces: InterfacePattern, except table: String) {
        self.interfaces = interfaces
        self.table = table
    }

    private var rules: [Rule] {
        [InterfaceSide.input, .output].map { side in
            // In the form that iptables-nft writes, so that it can read its table still.
            Rule(Self.mark, [.interface(side, interfaces), .counter, .accept])
        }
    }

    /// Puts our rules at the head of every chain that needs them and does not have them.
    /// - Returns: whether there is one that cannot be changed, because another program keeps its table for itself.
    public func letThrough() throws(NetlinkError) -> Bool {
        var isKept = false
        for family in NetfilterSocket.TableFamily.allCases {
            let socket = try NetfilterSocket.open(family)
            for (table, chain) in try refusingChains(socket) {
                var transaction = try Transaction(
                    about: table, for: socket.socket, "let links through", family: family)
                for rule in rules { try transaction.append(rule, at: 0, of: chain, first: true) }
                do throws(NetlinkError) {
                    try transaction.commit()
                } catch {
                    // Kept from us, or gone meanwhile.
                    guard [ENOENT, EPERM].contains(error.errno) else { throw error }
                    isKept = isKept || error.errno == EPERM
                }
            }
        }
        return isKept
    }

    /// Chains that packets to be passed on go through, that refuse what they do not know, and in which we have no rule.
    private func refusingChains(
        _ socket: NetfilterSocket
    ) throws(NetlinkError) -> [(table: String, chain: String)] {
        try socket.consistently("list chains") { () throws(NetlinkError) in
            var found: [(table: String, chain: String)] = []
            for (table, chain) in try socket.dumpChains("list chains") where table != self.table {
                guard let base = chain.base, base.hook == .forward, base.kind == .filter else { continue }
                let present = try socket.dumpRules(of: table, "list rules").filter { $0.chain == chain.name }
                guard base.policy == .drop || Self.endsWithRefusal(present.last),
                    !present.contains(where: { $0.name == Self.mark })
                else { continue }
                found.append((table, chain.name))
            }
            return found
        }
    }

    /// Takes our rules out of the chains of others.
    public func takeBack() throws(NetlinkError) {
        for family in NetfilterSocket.TableFamily.allCases {
            let socket = try NetfilterSocket.open(family)
            for (table, ours) in try ourRules(socket) {
                var transaction = try Transaction(about: table, for: socket.socket, "take rules back", family: family)
                for rule in ours { try transaction.delete(ruleOf: rule.handle, rule.chain) }
                do throws(NetlinkError) {
                    try transaction.commit()
                } catch {
                    // Its owner was faster.
                    guard [ENOENT, EPERM].contains(error.errno) else { throw error }
                }
            }
        }
    }

    /// Our rules, by the table of others they are in.
    private func ourRules(_ socket: NetfilterSocket) throws(NetlinkError) -> [(table: String, rules: [RawRule])] {
        try socket.consistently("list chains") { () throws(NetlinkError) in
            var found: [(table: String, rules: [RawRule])] = []
            for table in Set(try socket.dumpChains("list chains").map(\.table)).subtracting([table]).sorted() {
                let ours = try socket.dumpRules(of: table, "list rules").filter { $0.name == Self.mark }
                if !ours.isEmpty { found.append((table, ours)) }
            }
            return found
        }
    }

    /// Whether whatever comes to a rule ends there.
    private static func endsWithRefusal(_ rule: RawRule?) -> Bool {
        guard let rule else { return false }
        return rule.instructions.allSatisfy { instruction in
            switch instruction {
            case .counter, .reject, .verdict(Verdict.drop, _): true
            default: false
            }
        } && !rule.instructions.isEmpty
    }
}
