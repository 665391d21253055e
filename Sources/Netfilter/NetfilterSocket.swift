public import EgressPolicy
internal import CMnl
internal import Glibc

/// A connection to the packet filter of one network namespace (nf_tables over netlink(7)).
///
/// Everything it changes it changes in one transaction: all of it, or nothing. It needs CAP_NET_ADMIN over the
/// namespace. It belongs to one thread at a time.
public final class NetfilterSocket {
    let socket: NetlinkSocket
    let family: TableFamily

    /// The packets that a table sees; raw values are `NFPROTO_*` (linux/netfilter.h).
    enum TableFamily: UInt16, CaseIterable {
        /// IPv4 and IPv6.
        case inet = 1
        /// IPv4.
        case ipv4 = 2
        /// IPv6.
        case ipv6 = 10
    }

    private init(_ socket: NetlinkSocket, _ family: TableFamily = .inet) {
        self.socket = socket
        self.family = family
    }

    /// Connects to the tables of a family in the calling thread's network namespace.
    static func open(_ family: TableFamily) throws(NetlinkError) -> NetfilterSocket {
        NetfilterSocket(try NetlinkSocket.open(protocol: NETLINK_NETFILTER, namespace: nil), family)
    }

    /// Connects to the packet filter of the calling thread's network namespace.
    ///
    /// - Throws: ``NetlinkError``, whatever socket(2) and bind(2) report.
    public static func open() throws(NetlinkError) -> NetfilterSocket {
        NetfilterSocket(try NetlinkSocket.open(protocol: NETLINK_NETFILTER, namespace: nil))
    }

    /// Connects to the packet filter of another network namespace.
    ///
    /// The calling thread stays where it is. The connection keeps the namespace alive.
    /// - Parameter descriptor: of the namespace, for example of `/proc/<pid>/ns/net` (namespaces(7)). It is not kept.
    /// - Throws: ``NetlinkError``: `EINVAL` if the descriptor is of something else, `EPERM` without CAP_SYS_ADMIN over
    ///   the namespace, and whatever socket(2) and bind(2) report.
    public static func open(inNamespace descriptor: Int32) throws(NetlinkError) -> NetfilterSocket {
        NetfilterSocket(try NetlinkSocket.open(protocol: NETLINK_NETFILTER, namespace: descriptor))
    }

    /// Puts a table in force, in place of the one of its name if there is one, with nothing in between.
    ///
    /// Counters and the time elements had left are gone with the old table. When it fails, the old table stays in force as
    /// it was.
    ///
    /// - Parameter continuing: whether quotas of rules with the same name go on where they were, and dynamic sets with the
    ///   same key keep what rules put there. What passes between reading and applying is not counted.
    /// - Throws: ``NetlinkError``: `EINVAL` with the first of ``Ruleset/problems``; otherwise what the kernel says, and
    ///   the table, chain, set, element or rule it says it of: `ENOENT` for a set or chain that is not there, `EEXIST`
    ///   for ranges that overlap, `ENFILE` for more elements than the set's size, `EOPNOTSUPP` for a statement that
    ///   does not go with the chain, `EPERM` without CAP_NET_ADMIN.
    public func apply(_ ruleset: Ruleset, continuing: Bool = false) throws(NetlinkError) {
        let operation = "apply ruleset"
        if let problem = ruleset.problems.first {
            throw NetlinkError(operation: operation, errno: EINVAL, detail: "table '\(ruleset.table)': \(problem)")
        }
        let ruleset = ruleset.normalized
        var former = continuing ? try remains(of: ruleset.table, operation) : Remains()
        do {
            try replace(ruleset, former, operation)
        } catch {
            // What rules remembered is the payload's doing: it must not keep a policy from being applied.
            guard !former.sets.isEmpty else { throw error }
            former.sets = []
            try replace(ruleset, former, operation)
        }
    }

    private func replace(_ ruleset: Ruleset, _ former: Remains, _ operation: String) throws(NetlinkError) {
        var transaction = try Transaction(about: ruleset.table, for: socket, operation)
        // Deleting needs something to delete.
        try transaction.addTable(isDormant: false)
        try transaction.deleteTable()
        try transaction.addTable(isDormant: ruleset.isDormant)
        for (index, set) in ruleset.sets.enumerated() {
            try transaction.add(set, id: UInt32(index) + 1)
            try transaction.change(.add, set.elements, of: set)
            try transaction.restore(former.elements(of: set), of: set)
        }
        // Chains before rules: a rule may jump to any.
        for chain in ruleset.chains { try transaction.add(chain) }
        for chain in ruleset.chains {
            for (position, rule) in chain.rules.enumerated() {
                try transaction.append(
                    rule, at: position, of: chain.name, quotaUsed: former.quotas[rule.name] ?? 0)
            }
        }
        try transaction.commit()
    }

    /// What a table leaves to the one in its place.
    private struct Remains {
        /// Bytes that the quotas of rules have seen, by the names of the rules.
        var quotas: [String: UInt64] = [:]
        /// Dynamic sets, and what rules put there.
        var sets: [(set: RuleSetDefinition, elements: [LiveElement])] = []

        func elements(of wanted: RuleSetDefinition) -> [LiveElement] {
            guard wanted.isDynamic else { return [] }
            let same = sets.first { $0.set.name == wanted.name && $0.set.key == wanted.key }?.elements ?? []
            return Array(same.prefix(wanted.size.map(Int.init) ?? .max))
        }
    }

    private func remains(of table: String, _ operation: String) throws(NetlinkError) -> Remains {
        try consistently(operation) { () throws(NetlinkError) in
            var remains = Remains()
            guard try dumpTables(operation).contains(where: { $0.name == table }) else { return remains }
            for rule in try dumpRules(of: table, operation) {
                if let used = rule.count(at: 0)?.quotaUsed { remains.quotas[rule.name] = used }
            }
            for set in try dumpSets(of: table, operation) where set.isDynamic && !set.key.isEmpty {
                remains.sets.append((set, try dumpElements(of: set, in: table, operation)))
            }
            return remains
        }
    }

    /// Changes elements of sets, all at once.
    ///
    /// - Parameters:
    ///   - changes: carried out in this order.
    ///   - ruleset: what was applied to the table; says what the sets are.
    /// - Throws: ``NetlinkError``: `EINVAL` for a set the ruleset does not have, or an element that is none of its set;
    ///   otherwise what the kernel says, and the set or element it says it of. Nothing has changed then.
    public func change(_ changes: [ElementChange], in ruleset: Ruleset) throws(NetlinkError) {
        let operation = "change elements"
        var transaction = try Transaction(about: ruleset.table, for: socket, operation)
        for change in changes {
            guard let set = ruleset.sets.first(where: { $0.name == change.set }) else {
                throw NetlinkError(
                    operation: operation, errno: EINVAL,
                    detail: "table '\(ruleset.table)' set '\(change.set)' is not in the ruleset")
            }
            for element in change.elements {
                if let problem = element.problems(in: set).first {
                    throw NetlinkError(
                        operation: operation, errno: EINVAL,
                        detail: "table '\(ruleset.table)' set '\(set.name)' element '\(element.text)' \(problem)")
                }
            }
            // Deleting needs something to delete, and an element may have run out by itself: adding one that is
            // there changes nothing, and is no error.
            try transaction.change(.add, change.elements, of: set)
            if case .add = change { continue }
            try transaction.change(.delete, change.elements, of: set)
            if case .remove = change { continue }
            try transaction.change(.add, change.elements, of: set)
        }
        try transaction.commit()
    }

    /// Takes a table out of force, with all that is in it.
    ///
    /// - Returns: whether there was one.
    /// - Throws: ``NetlinkError``, what the kernel says.
    @discardableResult
    public func delete(table: String) throws(NetlinkError) -> Bool {
        var transaction = try Transaction(about: table, for: socket, "delete table")
        try transaction.deleteTable()
        do {
            try transaction.commit()
            return true
        } catch {
            guard error.errno == ENOENT else { throw error }
            return false
        }
    }
}
