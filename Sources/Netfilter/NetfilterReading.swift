public import EgressPolicy
internal import CNftnl
internal import Glibc

/// A time that the kernel knows of an element.
public enum ElementTimeout: Sendable {
    /// The one it was added with.
    case given
    /// What is left of it.
    case left
}

extension NetfilterSocket {
    /// The tables of IPv4-and-IPv6 packets that are in force, whoever made them; sorted.
    ///
    /// - Throws: ``NetlinkError``, what the kernel says.
    public func tables() throws(NetlinkError) -> [String] {
        try consistently("list tables") { () throws(NetlinkError) in
            try dumpTables("list tables").map(\.name).sorted()
        }
    }

    /// A table as the kernel has it, in its normal form: equal to the ``Ruleset/normalized`` one that was applied, as
    /// long as nobody changed it and no element ran out.
    ///
    /// Elements of dynamic sets and counts are no part of it.
    /// - Parameter timeout: which of an element's times is read.
    /// - Returns: nil if there is no such table.
    /// - Throws: ``NetlinkError``: `EINTR` if the packet filter keeps changing; otherwise what the kernel says.
    public func read(table: String, timeout: ElementTimeout = .given) throws(NetlinkError) -> Ruleset? {
        let operation = "read table"
        return try consistently(operation) { () throws(NetlinkError) -> Ruleset? in
            guard let found = try dumpTables(operation).first(where: { $0.name == table }) else { return nil }
            var sets = try dumpSets(of: table, operation)
            let byName = Dictionary(sets.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
            let rules = try dumpRules(of: table, operation)
            let chains = try dumpChains(of: table, operation).map { chain in
                var chain = chain
                chain.rules = rules.filter { $0.chain == chain.name }.map { rule in
                    Rule(rule.name, RuleReader.statements(rule.instructions, sets: byName))
                }
                return chain
            }
            for index in sets.indices where !sets[index].isDynamic && !sets[index].key.isEmpty {
                sets[index].elements = try dumpElements(of: sets[index], in: table, operation).map { live in
                    var element = live.element
                    if timeout == .left, element.timeout != nil { element.timeout = live.expires }
                    return element
                }
            }
            return Ruleset(table: table, isDormant: found.isDormant, sets: sets, chains: chains).normalized
        }
    }

    /// What the rules of a table have counted, of those that count; in the order of chains and rules.
    ///
    /// - Throws: ``NetlinkError``: `EINTR` if the packet filter keeps changing; otherwise what the kernel says.
    public func counts(of table: String) throws(NetlinkError) -> [RuleCount] {
        let operation = "read counters"
        let rules = try consistently(operation) { () throws(NetlinkError) in try dumpRules(of: table, operation) }
        var positions: [String: Int] = [:]
        return rules.compactMap { rule in
            let position = positions[rule.chain, default: 0]
            positions[rule.chain] = position + 1
            return rule.count(at: position)
        }
    }

    /// The elements that a set of a table has now, with what the kernel knows of each; sorted by key.
    ///
    /// - Throws: ``NetlinkError``: `ENOENT` if there is no such set, `EOPNOTSUPP` if its key is of a kind that
    ///   ``KeyField`` has no word for, `EINTR` if it keeps changing; otherwise what the kernel says.
    public func elements(ofSet set: String, in table: String) throws(NetlinkError) -> [LiveElement] {
        let operation = "read elements"
        let detail = "table '\(table)' set '\(set)'"
        return try consistently(operation) { () throws(NetlinkError) in
            guard let found = try dumpSets(of: table, operation).first(where: { $0.name == set }) else {
                throw NetlinkError(operation: operation, errno: ENOENT, detail: detail)
            }
            if found.key.isEmpty { throw NetlinkError(operation: operation, errno: EOPNOTSUPP, detail: detail) }
            return try dumpElements(of: found, in: table, operation).sorted { $0.element < $1.element }
        }
    }

    /// The number of the packet filter's state: every transaction of anyone in the namespace makes it another.
    ///
    /// - Throws: ``NetlinkError``, what the kernel says.
    public func generation() throws(NetlinkError) -> UInt32 {
        let operation = "read generation"
        let request = try self.request(NFT_MSG_GETGEN, 0, operation)
        for message in try socket.ask(request, operation) {
            guard let object = unsafe nftnl_gen_alloc() else { break }
            defer { unsafe nftnl_gen_free(object) }
            let isRead = unsafe message.withHeader { header in unsafe nftnl_gen_nlmsg_parse(header, object) == 0 }
            if isRead { return unsafe nftnl_gen_get_u32(object, UInt16(NFTNL_GEN_ID)) }
        }
        throw NetlinkError(operation: operation, errno: EBADMSG)
    }

    /// Reads until nothing changes while it reads: a table is read in several questions, and the kernel answers each
    /// with what is in force then.
    func consistently<Value>(
        _ operation: String, _ read: () throws(NetlinkError) -> Value
    ) throws(NetlinkError) -> Value {
        for _ in 0..<16 {
            let before = try generation()
            do {
                let value = try read()
                if try generation() == before { return value }
            } catch {
                if error.errno != EINTR, try generation() == before { throw error }
            }
        }
        throw NetlinkError(operation: operation, errno: EINTR)
    }
}
