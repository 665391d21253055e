internal import CNftnl
internal import Glibc

/// An expression of libnftnl's that somebody else owns, to be read.
@unsafe
struct ExpressionView {
    let handle: OpaquePointer

    /// The instruction it runs.
    var instruction: Instruction {
        unsafe known ?? .other("\(name) \(text)")
    }

    /// The kernel's name of its kind.
    var name: String {
        unsafe nftnl_expr_get_str(handle, UInt16(NFTNL_EXPR_NAME)).map { unsafe String(cString: $0) } ?? ""
    }

    /// Packets and bytes, if it is a counter.
    var counts: (packets: UInt64, bytes: UInt64)? {
        guard case .counter(let packets, let bytes)? = unsafe known else { return nil }
        return (packets, bytes)
    }

    private func has(_ attribute: Int) -> Bool {
        unsafe nftnl_expr_is_set(handle, UInt16(truncatingIfNeeded: attribute))
    }

    private func number(_ attribute: Int) -> UInt32 {
        unsafe nftnl_expr_get_u32(handle, UInt16(truncatingIfNeeded: attribute))
    }

    private func long(_ attribute: Int) -> UInt64 {
        unsafe nftnl_expr_get_u64(handle, UInt16(truncatingIfNeeded: attribute))
    }

    private func register(_ attribute: Int) -> Register? {
        unsafe has(attribute) ? Register(number: number(attribute)) : nil
    }

    private func bytes(_ attribute: Int) -> [UInt8]? {
        var length: UInt32 = 0
        guard unsafe has(attribute),
            let start = unsafe nftnl_expr_get(handle, UInt16(truncatingIfNeeded: attribute), &length)
        else { return nil }
        return unsafe Array(UnsafeRawBufferPointer(start: start, count: Int(length)))
    }

    private func string(_ attribute: Int) -> String? {
        guard unsafe has(attribute), let text = unsafe nftnl_expr_get_str(handle, UInt16(truncatingIfNeeded: attribute))
        else { return nil }
        return unsafe String(cString: text)
    }

    private var known: Instruction? {
        switch unsafe name {
        case "payload": unsafe payload
        case "meta": unsafe meta
        case "ct": unsafe connection
        case "fib":
            unsafe register(NFTNL_EXPR_FIB_DREG).map { register in
                unsafe .route(
                    result: number(NFTNL_EXPR_FIB_RESULT), flags: number(NFTNL_EXPR_FIB_FLAGS), into: register)
            }
        case "bitwise": unsafe mask
        case "cmp": unsafe comparison
        case "range": unsafe range
        case "lookup": unsafe lookup
        case "dynset": unsafe update
        case "immediate": unsafe immediate
        case "counter": unsafe .counter(packets: long(NFTNL_EXPR_CTR_PACKETS), bytes: long(NFTNL_EXPR_CTR_BYTES))
        case "quota":
            unsafe .quota(
                bytes: long(NFTNL_EXPR_QUOTA_BYTES), over: number(NFTNL_EXPR_QUOTA_FLAGS) & 1 != 0,
                used: long(NFTNL_EXPR_QUOTA_CONSUMED))
        case "limit": unsafe limit
        case "connlimit":
            unsafe .connectionLimit(
                number(NFTNL_EXPR_CONNLIMIT_COUNT), over: number(NFTNL_EXPR_CONNLIMIT_FLAGS) & 1 != 0)
        case "reject":
            unsafe .reject(
                type: number(NFTNL_EXPR_REJECT_TYPE), code: nftnl_expr_get_u8(handle, UInt16(NFTNL_EXPR_REJECT_CODE)))
        case "redir": unsafe redirection
        case "masq": unsafe isPlainMasquerade ? .masquerade : nil
        default: nil
        }
    }

    private var payload: Instruction? {
        guard let register = unsafe register(NFTNL_EXPR_PAYLOAD_DREG),
            let header = unsafe Instruction.Header(rawValue: number(NFTNL_EXPR_PAYLOAD_BASE))
        else { return nil }
        return unsafe .payload(
            header, offset: number(NFTNL_EXPR_PAYLOAD_OFFSET), length: number(NFTNL_EXPR_PAYLOAD_LEN), into: register)
    }

    private var meta: Instruction? {
        let key = unsafe number(NFTNL_EXPR_META_KEY)
        if let register = unsafe register(NFTNL_EXPR_META_DREG) { return .meta(key, into: register) }
        return unsafe register(NFTNL_EXPR_META_SREG).map { .setMeta(key, from: $0) }
    }

    private var connection: Instruction? {
        guard unsafe !has(NFTNL_EXPR_CT_DIR), let register = unsafe register(NFTNL_EXPR_CT_DREG) else { return nil }
        return unsafe .connection(number(NFTNL_EXPR_CT_KEY), into: register)
    }

    private var mask: Instruction? {
        guard let register = unsafe register(NFTNL_EXPR_BITWISE_DREG),
            unsafe self.register(NFTNL_EXPR_BITWISE_SREG) == register, unsafe number(NFTNL_EXPR_BITWISE_OP) == 0,
            let mask = unsafe bytes(NFTNL_EXPR_BITWISE_MASK), let xor = unsafe bytes(NFTNL_EXPR_BITWISE_XOR),
            xor.allSatisfy({ $0 == 0 })
        else { return nil }
        return .mask(register, mask)
    }

    private var comparison: Instruction? {
        guard let register = unsafe register(NFTNL_EXPR_CMP_SREG),
            let comparison = unsafe Instruction.Comparison(rawValue: number(NFTNL_EXPR_CMP_OP)),
            let bytes = unsafe bytes(NFTNL_EXPR_CMP_DATA)
        else { return nil }
        return .compare(register, comparison, bytes)
    }

    private var range: Instruction? {
        guard let register = unsafe register(NFTNL_EXPR_RANGE_SREG),
            let first = unsafe bytes(NFTNL_EXPR_RANGE_FROM_DATA), let last = unsafe bytes(NFTNL_EXPR_RANGE_TO_DATA)
        else { return nil }
        return unsafe .range(register, negated: number(NFTNL_EXPR_RANGE_OP) == 1, first, last)
    }

    private var lookup: Instruction? {
        guard unsafe !has(NFTNL_EXPR_LOOKUP_DREG), let register = unsafe register(NFTNL_EXPR_LOOKUP_SREG),
            let set = unsafe string(NFTNL_EXPR_LOOKUP_SET)
        else { return nil }
        let isNegated = unsafe has(NFTNL_EXPR_LOOKUP_FLAGS) && number(NFTNL_EXPR_LOOKUP_FLAGS) & 1 != 0
        return .lookup(set, register, negated: isNegated)
    }

    private var update: Instruction? {
        guard unsafe !has(NFTNL_EXPR_DYNSET_SREG_DATA), unsafe !has(NFTNL_EXPR_DYNSET_EXPRESSIONS),
            let register = unsafe register(NFTNL_EXPR_DYNSET_SREG_KEY),
            let set = unsafe string(NFTNL_EXPR_DYNSET_SET_NAME)
        else { return nil }
        let operation = unsafe number(NFTNL_EXPR_DYNSET_OP)
        let isInverted = unsafe has(NFTNL_EXPR_DYNSET_FLAGS) && number(NFTNL_EXPR_DYNSET_FLAGS) & 1 != 0
        guard operation <= 1, !isInverted else { return nil }
        var isCounting = false
        if unsafe has(NFTNL_EXPR_DYNSET_EXPR) {
            var length: UInt32 = 0
            guard let inner = unsafe nftnl_expr_get(handle, UInt16(NFTNL_EXPR_DYNSET_EXPR), &length),
                unsafe ExpressionView(handle: OpaquePointer(inner)).name == "counter"
            else { return nil }
            isCounting = true
        }
        let timeout = unsafe has(NFTNL_EXPR_DYNSET_TIMEOUT) ? long(NFTNL_EXPR_DYNSET_TIMEOUT) : 0
        return .update(set, register, isUpdate: operation == 1, timeout: timeout, counter: isCounting)
    }

    private var immediate: Instruction? {
        if unsafe has(NFTNL_EXPR_IMM_VERDICT) {
            let code = unsafe Int32(bitPattern: number(NFTNL_EXPR_IMM_VERDICT))
            return unsafe .verdict(code, chain: string(NFTNL_EXPR_IMM_CHAIN))
        }
        guard let register = unsafe register(NFTNL_EXPR_IMM_DREG), let bytes = unsafe bytes(NFTNL_EXPR_IMM_DATA) else {
            return nil
        }
        return .immediate(bytes, into: register)
    }

    private var limit: Instruction? {
        guard unsafe number(NFTNL_EXPR_LIMIT_TYPE) == 0 else { return nil }
        return unsafe .limit(
            packets: long(NFTNL_EXPR_LIMIT_RATE), seconds: long(NFTNL_EXPR_LIMIT_UNIT),
            burst: number(NFTNL_EXPR_LIMIT_BURST), over: number(NFTNL_EXPR_LIMIT_FLAGS) & 1 != 0)
    }

    private var redirection: Instruction? {
        let first = unsafe register(NFTNL_EXPR_REDIR_REG_PROTO_MIN)
        let last = unsafe register(NFTNL_EXPR_REDIR_REG_PROTO_MAX)
        // A range of ports, or a port chosen at random, has no word.
        let flags = unsafe has(NFTNL_EXPR_REDIR_FLAGS) ? number(NFTNL_EXPR_REDIR_FLAGS) : 0
        guard last == nil || last == first, flags & ~2 == 0 else { return nil }
        return .redirect(first)
    }

    private var isPlainMasquerade: Bool {
        unsafe !has(NFTNL_EXPR_MASQ_REG_PROTO_MIN)
            && (!has(NFTNL_EXPR_MASQ_FLAGS) || number(NFTNL_EXPR_MASQ_FLAGS) == 0)
    }

    /// What libnftnl prints of it.
    private var text: String {
        var buffer = [CChar](repeating: 0, count: 512)
        let length = unsafe nftnl_expr_snprintf(&buffer, buffer.count, handle, 0, 0)
        let bytes = buffer.prefix(max(0, min(Int(length), buffer.count - 1))).map { UInt8(bitPattern: $0) }
        let text = String(decoding: bytes, as: UTF8.self)
        return String(text.drop { $0 == " " }.prefix { $0 != "\0" })
    }
}
