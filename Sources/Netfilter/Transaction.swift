internal import CMnl
internal import CNftnl
internal import EgressPolicy
internal import Glibc

/// A batch of messages that the kernel carries out whole or not at all, built with libnftnl.
///
/// Each message is made in a place of its own, large enough for any, and then appended: libnftnl writes without asking
/// how much room there is.
@safe
struct Transaction: ~Copyable {
    /// The messages so far, as they will be sent.
    private(set) var bytes: [UInt8] = []
    /// What each message is about, by its number.
    private(set) var subjects: [(sequence: UInt32, subject: Subject)] = []
    let table: String

    private let socket: NetlinkSocket
    private let family: NetfilterSocket.TableFamily
    private let room: UnsafeMutableRawBufferPointer
    private let operation: String

    /// What a message is about, for an error.
    enum Subject {
        case transaction
        case table
        case chain(String)
        case set(String)
        /// Elements of a set; the first of them in the message.
        case elements(ArraySlice<SetElement>, RuleSetDefinition)
        case rule(String, chain: String, position: Int)
    }

    /// More than the longest message: 64 KiB of elements, or as many expressions as a rule may have.
    private static let roomSize = 192 << 10

    /// Begins a transaction about a table, whose messages are numbered by `socket`.
    init(
        about table: String, for socket: NetlinkSocket, _ operation: String,
        family: NetfilterSocket.TableFamily = .inet
    ) throws(NetlinkError) {
        self.table = table
        self.family = family
        self.socket = socket
        self.operation = operation
        unsafe room = .allocate(byteCount: Self.roomSize, alignment: 16)
        guard (1...255).contains(table.utf8.count), !table.utf8.contains(0) else {
            throw NetlinkError(operation: operation, errno: EINVAL, detail: "table name")
        }
        unsafe add(nftnl_batch_begin(chars, number(.transaction)))
    }

    deinit { unsafe room.deallocate() }

    private var chars: UnsafeMutablePointer<CChar>? { unsafe room.baseAddress?.assumingMemoryBound(to: CChar.self) }

    private mutating func number(_ subject: Subject) -> UInt32 {
        let sequence = socket.nextSequence()
        subjects.append((sequence, subject))
        return sequence
    }

    private mutating func add(_ header: UnsafeMutablePointer<nlmsghdr>?) {
        guard let header = unsafe header else { return }
        unsafe bytes.append(contentsOf: UnsafeRawBufferPointer(start: header, count: Int(header.pointee.nlmsg_len)))
    }

    /// Begins a message in the room.
    private mutating func begin(
        _ type: Int32, _ flags: UInt16, _ subject: Subject
    ) throws(NetlinkError) -> UnsafeMutablePointer<nlmsghdr> {
        let sequence = number(subject)
        let header = unsafe nftnl_nlmsg_build_hdr(
            chars, UInt16(truncatingIfNeeded: type), family.rawValue, flags, sequence)
        guard let header = unsafe header else { throw outOfMemory }
        return unsafe header
    }

    private var outOfMemory: NetlinkError { NetlinkError(operation: operation, errno: ENOMEM) }

    private func require(_ isDone: Bool) throws(NetlinkError) {
        guard isDone else { throw outOfMemory }
    }

    // MARK: Tables and chains

    /// Makes the table if it does not exist.
    mutating func addTable(isDormant: Bool) throws(NetlinkError) {
        try table(Int32(NFT_MSG_NEWTABLE.rawValue), NetlinkConstant.create, isDormant: isDormant)
    }

    /// Deletes the table and all in it; it must exist.
    mutating func deleteTable() throws(NetlinkError) {
        try table(Int32(NFT_MSG_DELTABLE.rawValue), 0, isDormant: false)
    }

    private mutating func table(_ type: Int32, _ flags: UInt16, isDormant: Bool) throws(NetlinkError) {
        guard let object = unsafe nftnl_table_alloc() else { throw outOfMemory }
        defer { unsafe nftnl_table_free(object) }
        try unsafe require(nftnl_table_set_str(object, UInt16(NFTNL_TABLE_NAME.rawValue), table) == 0)
        if isDormant {
            unsafe nftnl_table_set_u32(object, UInt16(NFTNL_TABLE_FLAGS.rawValue), NFT_TABLE_F_DORMANT.rawValue)
        }
        let header = try unsafe begin(type, flags, .table)
        unsafe nftnl_table_nlmsg_build_payload(header, object)
        unsafe add(header)
    }

    /// Makes a chain without rules.
    mutating func add(_ chain: RuleChain) throws(NetlinkError) {
        guard let object = unsafe nftnl_chain_alloc() else { throw outOfMemory }
        defer { unsafe nftnl_chain_free(object) }
        try unsafe require(nftnl_chain_set_str(object, UInt16(NFTNL_CHAIN_TABLE.rawValue), table) == 0)
        try unsafe require(nftnl_chain_set_str(object, UInt16(NFTNL_CHAIN_NAME.rawValue), chain.name) == 0)
        if let base = chain.base {
            try unsafe require(nftnl_chain_set_str(object, UInt16(NFTNL_CHAIN_TYPE.rawValue), base.kind.rawValue) == 0)
            unsafe nftnl_chain_set_u32(object, UInt16(NFTNL_CHAIN_HOOKNUM.rawValue), base.hook.rawValue)
            unsafe nftnl_chain_set_s32(object, UInt16(NFTNL_CHAIN_PRIO.rawValue), base.priority)
            let policy = base.policy == .accept ? Verdict.accept : Verdict.drop
            unsafe nftnl_chain_set_u32(object, UInt16(NFTNL_CHAIN_POLICY.rawValue), UInt32(bitPattern: policy))
        }
        let header = try unsafe begin(Int32(NFT_MSG_NEWCHAIN.rawValue), NetlinkConstant.create, .chain(chain.name))
        unsafe nftnl_chain_nlmsg_build_payload(header, object)
        unsafe add(header)
    }

    // MARK: Rules

    /// Takes a rule out of a chain.
    mutating func delete(ruleOf handle: UInt64, _ chain: String) throws(NetlinkError) {
        guard let object = unsafe nftnl_rule_alloc() else { throw outOfMemory }
        defer { unsafe nftnl_rule_free(object) }
        try unsafe require(nftnl_rule_set_str(object, UInt16(NFTNL_RULE_TABLE.rawValue), table) == 0)
        try unsafe require(nftnl_rule_set_str(object, UInt16(NFTNL_RULE_CHAIN.rawValue), chain) == 0)
        unsafe nftnl_rule_set_u64(object, UInt16(NFTNL_RULE_HANDLE.rawValue), handle)
        let header = try unsafe begin(
            Int32(NFT_MSG_DELRULE.rawValue), 0, .rule("", chain: chain, position: 0))
        unsafe nftnl_rule_nlmsg_build_payload(header, object)
        unsafe add(header)
    }

    /// Puts a rule at the end of a chain, or before all others.
    /// - Parameter quotaUsed: bytes that its quota has seen already.
    mutating func append(
        _ rule: Rule, at position: Int, of chain: String, first: Bool = false, quotaUsed: UInt64 = 0
    ) throws(NetlinkError) {
        guard let object = unsafe nftnl_rule_alloc() else { throw outOfMemory }
        defer { unsafe nftnl_rule_free(object) }
        let subject = Subject.rule(rule.name, chain: chain, position: position)
        try unsafe require(nftnl_rule_set_str(object, UInt16(NFTNL_RULE_TABLE.rawValue), table) == 0)
        try unsafe require(nftnl_rule_set_str(object, UInt16(NFTNL_RULE_CHAIN.rawValue), chain) == 0)
        if !rule.name.isEmpty {
            let data = UserData.comment(rule.name)
            try unsafe require(
                nftnl_rule_set_data(object, UInt16(NFTNL_RULE_USERDATA.rawValue), data, UInt32(data.count)) == 0)
        }
        let instructions = rule.instructions.map { $0.continuing(quotaUsed: quotaUsed) }
        guard instructions.count <= RuleConstant.most else {
            throw NetlinkError(operation: operation, errno: E2BIG, detail: subject.text(in: table))
        }
        for instruction in instructions {
            guard let expression = Expression.running(instruction) else {
                throw NetlinkError(operation: operation, errno: EOPNOTSUPP, detail: subject.text(in: table))
            }
            unsafe nftnl_rule_add_expr(object, expression.release())
        }
        let flags = NetlinkConstant.create | (first ? 0 : NetlinkConstant.append)
        let header = try unsafe begin(Int32(NFT_MSG_NEWRULE.rawValue), flags, subject)
        unsafe nftnl_rule_nlmsg_build_payload(header, object)
        unsafe add(header)
    }

    // MARK: Sets

    /// Makes a set without elements. `id` tells it from others of the transaction.
    mutating func add(_ set: RuleSetDefinition, id: UInt32) throws(NetlinkError) {
        guard let object = unsafe nftnl_set_alloc() else { throw outOfMemory }
        defer { unsafe nftnl_set_free(object) }
        try unsafe require(nftnl_set_set_str(object, UInt16(NFTNL_SET_TABLE.rawValue), table) == 0)
        try unsafe require(nftnl_set_set_str(object, UInt16(NFTNL_SET_NAME.rawValue), set.name) == 0)
        unsafe nftnl_set_set_u32(object, UInt16(NFTNL_SET_ID.rawValue), id)
        unsafe nftnl_set_set_u32(object, UInt16(NFTNL_SET_FLAGS.rawValue), set.flags)
        unsafe nftnl_set_set_u32(object, UInt16(NFTNL_SET_KEY_TYPE.rawValue), KeyCoding.type(set.key))
        unsafe nftnl_set_set_u32(object, UInt16(NFTNL_SET_KEY_LEN.rawValue), UInt32(KeyCoding.size(set.key)))
        if let size = set.size { unsafe nftnl_set_set_u32(object, UInt16(NFTNL_SET_DESC_SIZE.rawValue), size) }
        if set.hasConcatenatedRanges {
            let sizes = set.key.map { UInt8($0.size) }
            try unsafe require(
                nftnl_set_set_data(object, UInt16(NFTNL_SET_DESC_CONCAT.rawValue), sizes, UInt32(sizes.count)) == 0)
        }
        if let timeout = set.defaultTimeout {
            unsafe nftnl_set_set_u64(object, UInt16(NFTNL_SET_TIMEOUT.rawValue), timeout)
        }
        let data = UserData.entry(UserData.keyByteOrder, UserData.networkOrder.hostBytes)
        try unsafe require(
            nftnl_set_set_data(object, UInt16(NFTNL_SET_USERDATA.rawValue), data, UInt32(data.count)) == 0)
        if set.countsElements {
            guard let counter = Expression.running(.counter(packets: 0, bytes: 0)) else { throw outOfMemory }
            unsafe nftnl_set_add_expr(object, counter.release())
        }
        let header = try unsafe begin(Int32(NFT_MSG_NEWSET.rawValue), NetlinkConstant.create, .set(set.name))
        unsafe nftnl_set_nlmsg_build_payload(header, object)
        unsafe add(header)
    }

    /// How a message treats elements.
    enum ElementOperation {
        case add
        case delete
    }

    /// Adds or deletes elements of a set, in as many messages as it takes: an attribute, and so the list of elements
    /// in a message, is no longer than 64 KiB.
    mutating func change(
        _ operation: ElementOperation, _ elements: [SetElement], of set: RuleSetDefinition
    ) throws(NetlinkError) {
        guard let object = unsafe nftnl_set_elem_alloc() else { throw outOfMemory }
        defer { unsafe nftnl_set_elem_free(object) }
        let type = operation == .add ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM
        let flags = operation == .add ? NetlinkConstant.create : 0
        var encoder = ElementEncoder(set: set, isDeletion: operation == .delete)
        var rest = elements[...]
        while !rest.isEmpty {
            let header = try unsafe begin(Int32(type.rawValue), flags, .elements(rest, set))
            unsafe mnl_attr_put_strz(header, UInt16(NFTA_SET_ELEM_LIST_TABLE.rawValue), table)
            unsafe mnl_attr_put_strz(header, UInt16(NFTA_SET_ELEM_LIST_SET.rawValue), set.name)
            let list = unsafe mnl_attr_nest_start(header, UInt16(NFTA_SET_ELEM_LIST_ELEMENTS.rawValue))
            let start = unsafe header.pointee.nlmsg_len
            // Both elements of a range, with comment, are shorter than 1 KiB.
            while let element = rest.first, unsafe header.pointee.nlmsg_len - start < 63 << 10 {
                encoder.encode(element)
                try unsafe require(encoder.put(into: header, with: object))
                rest.removeFirst()
            }
            unsafe mnl_attr_nest_end(header, list)
            unsafe add(header)
        }
    }

    /// Adds elements as they were: with the time they have left, and what they counted.
    mutating func restore(_ elements: [LiveElement], of set: RuleSetDefinition) throws(NetlinkError) {
        // None of them has a range or a comment: far less than 256 bytes each, in messages of 64 KiB.
        var rest = elements[...]
        while !rest.isEmpty {
            guard let object = unsafe nftnl_set_alloc() else { throw outOfMemory }
            defer { unsafe nftnl_set_free(object) }
            try unsafe require(nftnl_set_set_str(object, UInt16(NFTNL_SET_TABLE.rawValue), table) == 0)
            try unsafe require(nftnl_set_set_str(object, UInt16(NFTNL_SET_NAME.rawValue), set.name) == 0)
            for element in rest.prefix(256) {
                guard let handle = unsafe nftnl_set_elem_alloc() else { throw outOfMemory }
                // The set frees it.
                unsafe nftnl_set_elem_add(object, handle)
                try unsafe require(ElementEncoder.fill(handle, with: element))
            }
            let part = rest.prefix(256).map(\.element)[...]
            let header = try unsafe begin(
                Int32(NFT_MSG_NEWSETELEM.rawValue), NetlinkConstant.create, .elements(part, set))
            unsafe nftnl_set_elems_nlmsg_build_payload(header, object)
            unsafe add(header)
            rest = rest.dropFirst(256)
        }
    }

    // MARK: The end

    /// Ends the transaction and has the kernel carry it out.
    ///
    /// - Throws: what the kernel refused first, by name; nothing has changed then.
    consuming func commit() throws(NetlinkError) {
        guard subjects.count > 1, let last = subjects.last?.sequence else { return }
        acknowledgeLast()
        unsafe add(nftnl_batch_end(chars, socket.nextSequence()))
        guard let refusal = try socket.commit(bytes, last: last, operation) else { return }
        let subject = subjects.first { $0.sequence == refusal.sequence }?.subject
        let detail = subject.map { subject in
            subject.text(in: table, at: refusal.answer.offset, of: message(refusal.sequence))
        }
        throw NetlinkError(operation: operation, answer: refusal.answer, detail: detail)
    }

    /// Asks for an answer to the last message: the kernel answers in order, and what it refuses without being asked.
    private mutating func acknowledgeLast() {
        var last = 0
        var at = 0
        while at < bytes.count {
            last = at
            at += (Int(bytes[at...].number(at: 0) as UInt32) + 3) & ~3
        }
        let flags: UInt16 = bytes[last...].number(at: 6)
        bytes.replaceSubrange(last + 6..<last + 8, with: (flags | NetlinkConstant.acknowledge).hostBytes)
    }

    private func message(_ sequence: UInt32) -> Message? { Message.split(bytes).first { $0.sequence == sequence } }
}

extension RuleSetDefinition {
    /// `NFT_SET_*`.
    fileprivate var flags: UInt32 {
        var flags: UInt32 = 0
        if isInterval { flags |= NFT_SET_INTERVAL.rawValue }
        if hasConcatenatedRanges { flags |= NFT_SET_CONCAT.rawValue }
        if hasTimeout { flags |= NFT_SET_TIMEOUT.rawValue }
        if isDynamic { flags |= NFT_SET_EVAL.rawValue }
        return flags
    }
}
