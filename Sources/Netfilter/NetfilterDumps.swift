internal import CMnl
internal import CNftnl
internal import EgressPolicy
internal import Glibc

/// A rule as it was read, before it is understood.
struct RawRule {
    let chain: String
    let name: String
    let instructions: [Instruction]
    /// The kernel's number of it, one of its kind in the table.
    let handle: UInt64

    /// What it has counted; nil if it counts nothing.
    func count(at position: Int) -> RuleCount? {
        var traffic: Traffic?
        var used: UInt64?
        for instruction in instructions {
            switch instruction {
            case .counter(let packets, let bytes) where traffic == nil:
                traffic = Traffic(packets: packets, bytes: bytes)
            case .quota(_, _, let bytes) where used == nil: used = bytes
            default: break
            }
        }
        guard traffic != nil || used != nil else { return nil }
        return RuleCount(chain: chain, rule: name, position: position, traffic: traffic, quotaUsed: used)
    }
}

extension NetfilterSocket {
    /// A request of nf_tables (`struct nfgenmsg`, linux/netfilter/nfnetlink.h), with names as its attributes.
    func request(
        _ type: nf_tables_msg_types, _ flags: UInt16, _ operation: String, names: [(type: UInt32, name: String)] = []
    ) throws(NetlinkError) -> [UInt8] {
        // Family; version and resource 0.
        var message = MessageBuilder(
            type: UInt16(NFNL_SUBSYS_NFTABLES) << 8 | UInt16(truncatingIfNeeded: type.rawValue),
            flags: flags | NetlinkConstant.request, sequence: socket.nextSequence(),
            header: [UInt8(truncatingIfNeeded: family.rawValue), 0, 0, 0])
        for (type, name) in names {
            guard (1...255).contains(name.utf8.count), !name.utf8.contains(0) else {
                throw NetlinkError(operation: operation, errno: EINVAL, detail: "name")
            }
            message.add(UInt16(truncatingIfNeeded: type), name)
        }
        return message.bytes
    }

    // MARK: Tables, chains, rules

    func dumpTables(_ operation: String) throws(NetlinkError) -> [(name: String, isDormant: Bool)] {
        let request = try self.request(NFT_MSG_GETTABLE, NetlinkConstant.dump, operation)
        var tables: [(name: String, isDormant: Bool)] = []
        for message in try socket.dump(request, operation, detail: nil) {
            guard let object = unsafe nftnl_table_alloc() else { throw outOfMemory(operation) }
            defer { unsafe nftnl_table_free(object) }
            guard unsafe message.withHeader({ unsafe nftnl_table_nlmsg_parse($0, object) == 0 }),
                let name = unsafe nftnl_table_get_str(object, UInt16(NFTNL_TABLE_NAME.rawValue))
            else { throw unreadable(operation, "table") }
            let flags = unsafe nftnl_table_get_u32(object, UInt16(NFTNL_TABLE_FLAGS.rawValue))
            tables.append((unsafe String(cString: name), flags & NFT_TABLE_F_DORMANT.rawValue != 0))
        }
        return tables
    }

    func dumpChains(of table: String, _ operation: String) throws(NetlinkError) -> [RuleChain] {
        // The kernel has no filter for chains: all tables' come.
        try dumpChains(operation).filter { $0.table == table }.map(\.chain)
    }

    func dumpChains(_ operation: String) throws(NetlinkError) -> [(table: String, chain: RuleChain)] {
        let request = try self.request(NFT_MSG_GETCHAIN, NetlinkConstant.dump, operation)
        var chains: [(table: String, chain: RuleChain)] = []
        for message in try socket.dump(request, operation, detail: nil) {
            guard let object = unsafe nftnl_chain_alloc() else { throw outOfMemory(operation) }
            defer { unsafe nftnl_chain_free(object) }
            guard unsafe message.withHeader({ unsafe nftnl_chain_nlmsg_parse($0, object) == 0 }),
                let owner = unsafe nftnl_chain_get_str(object, UInt16(NFTNL_CHAIN_TABLE.rawValue)),
                let name = unsafe nftnl_chain_get_str(object, UInt16(NFTNL_CHAIN_NAME.rawValue))
            else { throw unreadable(operation, "chain") }
            let chain = unsafe RuleChain(name: String(cString: name), base: base(of: object))
            chains.append((unsafe String(cString: owner), chain))
        }
        return chains
    }

    private func base(of object: OpaquePointer) -> RuleChain.Base? {
        guard unsafe nftnl_chain_is_set(object, UInt16(NFTNL_CHAIN_HOOKNUM.rawValue)),
            let type = unsafe nftnl_chain_get_str(object, UInt16(NFTNL_CHAIN_TYPE.rawValue)),
            let kind = unsafe RuleChain.Base.Kind(rawValue: String(cString: type)),
            let hook = unsafe RuleChain.Base.Hook(
                rawValue: nftnl_chain_get_u32(object, UInt16(NFTNL_CHAIN_HOOKNUM.rawValue)))
        else { return nil }
        let policy = unsafe nftnl_chain_get_u32(object, UInt16(NFTNL_CHAIN_POLICY.rawValue))
        return unsafe RuleChain.Base(
            kind: kind, hook: hook, priority: nftnl_chain_get_s32(object, UInt16(NFTNL_CHAIN_PRIO.rawValue)),
            policy: policy == UInt32(bitPattern: Verdict.drop) ? .drop : .accept)
    }

    func dumpRules(of table: String, _ operation: String) throws(NetlinkError) -> [RawRule] {
        let request = try self.request(
            NFT_MSG_GETRULE, NetlinkConstant.dump, operation, names: [(NFTA_RULE_TABLE.rawValue, table)])
        var rules: [RawRule] = []
        for message in try socket.dump(request, operation, detail: "table '\(table)'") {
            guard let object = unsafe nftnl_rule_alloc() else { throw outOfMemory(operation) }
            defer { unsafe nftnl_rule_free(object) }
            let isRead = unsafe message.withHeader { unsafe nftnl_rule_nlmsg_parse($0, object) == 0 }
            guard let owner = unsafe nftnl_rule_get_str(object, UInt16(NFTNL_RULE_TABLE.rawValue)),
                let chain = unsafe nftnl_rule_get_str(object, UInt16(NFTNL_RULE_CHAIN.rawValue))
            else { throw unreadable(operation, "rule") }
            guard unsafe String(cString: owner) == table else { continue }
            rules.append(
                RawRule(
                    chain: unsafe String(cString: chain), name: unsafe comment(of: object) ?? "",
                    // A kind of expression this libnftnl does not know makes it give up.
                    instructions: unsafe isRead ? instructions(of: object) : [.other("a rule that cannot be read")],
                    handle: unsafe nftnl_rule_get_u64(object, UInt16(NFTNL_RULE_HANDLE.rawValue))))
        }
        return rules
    }

    private func comment(of rule: OpaquePointer) -> String? {
        var length: UInt32 = 0
        guard let data = unsafe nftnl_rule_get_data(rule, UInt16(NFTNL_RULE_USERDATA.rawValue), &length) else {
            return nil
        }
        return unsafe UserData.comment(in: Array(UnsafeRawBufferPointer(start: data, count: Int(length))))
    }

    private func instructions(of rule: OpaquePointer) -> [Instruction] {
        guard let iterator = unsafe nftnl_expr_iter_create(rule) else { return [] }
        defer { unsafe nftnl_expr_iter_destroy(iterator) }
        var instructions: [Instruction] = []
        while let expression = unsafe nftnl_expr_iter_next(iterator) {
            unsafe instructions.append(ExpressionView(handle: expression).instruction)
        }
        return instructions
    }

    // MARK: Sets

    /// The sets of a table without their elements. One whose keys or values are of another kind has an empty key.
    func dumpSets(of table: String, _ operation: String) throws(NetlinkError) -> [RuleSetDefinition] {
        let request = try self.request(
            NFT_MSG_GETSET, NetlinkConstant.dump, operation, names: [(NFTA_SET_TABLE.rawValue, table)])
        var sets: [RuleSetDefinition] = []
        for message in try socket.dump(request, operation, detail: "table '\(table)'") {
            guard let object = unsafe nftnl_set_alloc() else { throw outOfMemory(operation) }
            defer { unsafe nftnl_set_free(object) }
            guard unsafe message.withHeader({ unsafe nftnl_set_nlmsg_parse($0, object) == 0 }),
                let set = unsafe set(of: object)
            else { throw unreadable(operation, "set") }
            sets.append(set)
        }
        return sets
    }

    private func set(of object: OpaquePointer) -> RuleSetDefinition? {
        func number(_ attribute: nftnl_set_attr) -> UInt32 {
            unsafe nftnl_set_get_u32(object, UInt16(attribute.rawValue))
        }
        guard let name = unsafe nftnl_set_get_str(object, UInt16(NFTNL_SET_NAME.rawValue)) else { return nil }
        let flags = number(NFTNL_SET_FLAGS)
        var key = KeyCoding.fields(ofType: number(NFTNL_SET_KEY_TYPE))
        let others = NFT_SET_MAP.rawValue | NFT_SET_OBJECT.rawValue
        if key.isEmpty || KeyCoding.size(key) != Int(number(NFTNL_SET_KEY_LEN)) || flags & others != 0 { key = [] }
        var counts = false
        if let expression = unsafe nftnl_set_get(object, UInt16(NFTNL_SET_EXPR.rawValue)) {
            counts = unsafe ExpressionView(handle: OpaquePointer(expression)).name == "counter"
        }
        let size = number(NFTNL_SET_DESC_SIZE)
        let timeout = unsafe nftnl_set_get_u64(object, UInt16(NFTNL_SET_TIMEOUT.rawValue))
        return RuleSetDefinition(
            name: unsafe String(cString: name), key: key, isInterval: flags & NFT_SET_INTERVAL.rawValue != 0,
            hasTimeout: flags & NFT_SET_TIMEOUT.rawValue != 0, isDynamic: flags & NFT_SET_EVAL.rawValue != 0,
            size: size == 0 ? nil : size, defaultTimeout: timeout == 0 ? nil : timeout, countsElements: counts)
    }

    func dumpElements(
        of set: RuleSetDefinition, in table: String, _ operation: String
    ) throws(NetlinkError) -> [LiveElement] {
        let names = [(NFTA_SET_ELEM_LIST_TABLE.rawValue, table), (NFTA_SET_ELEM_LIST_SET.rawValue, set.name)]
        let request = try self.request(NFT_MSG_GETSETELEM, NetlinkConstant.dump, operation, names: names)
        let detail = "table '\(table)' set '\(set.name)'"
        var reader = ElementReader(set: set)
        for message in try socket.dump(request, operation, detail: detail) {
            guard let object = unsafe nftnl_set_alloc() else { throw outOfMemory(operation) }
            defer { unsafe nftnl_set_free(object) }
            guard unsafe message.withHeader({ unsafe nftnl_set_elems_nlmsg_parse($0, object) == 0 }) else {
                throw unreadable(operation, detail)
            }
            guard let iterator = unsafe nftnl_set_elems_iter_create(object) else { throw outOfMemory(operation) }
            defer { unsafe nftnl_set_elems_iter_destroy(iterator) }
            while let element = unsafe nftnl_set_elems_iter_next(iterator) {
                unsafe reader.take(element)
            }
        }
        return reader.elements()
    }

    private func outOfMemory(_ operation: String) -> NetlinkError { NetlinkError(operation: operation, errno: ENOMEM) }

    private func unreadable(_ operation: String, _ detail: String) -> NetlinkError {
        NetlinkError(operation: operation, errno: EBADMSG, detail: detail)
    }
}

extension Message {
    /// Hands the message to libnftnl, which only looks at it.
    func withHeader(_ body: (UnsafePointer<nlmsghdr>) -> Bool) -> Bool {
        unsafe bytes.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { return false }
            return unsafe body(start.assumingMemoryBound(to: nlmsghdr.self))
        }
    }
}
