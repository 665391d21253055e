internal import CNftnl
internal import Glibc

/// An expression of libnftnl's, as long as nobody else owns it.
@safe
struct Expression: ~Copyable {
    private let handle: OpaquePointer

    private init(taking handle: OpaquePointer) { unsafe self.handle = handle }

    deinit { unsafe nftnl_expr_free(handle) }

    /// Gives it to someone who frees it.
    consuming func release() -> OpaquePointer {
        let handle = unsafe self.handle
        discard self
        return unsafe handle
    }

    /// An expression that runs an instruction; nil if there is none or no memory.
    static func running(_ instruction: Instruction) -> Expression? {
        guard let name = instruction.name, let handle = unsafe nftnl_expr_alloc(name) else { return nil }
        let expression = unsafe Expression(taking: handle)
        return expression.fill(instruction) ? consume expression : nil
    }

    private func set(_ attribute: Int, _ value: UInt32) {
        unsafe nftnl_expr_set_u32(handle, UInt16(truncatingIfNeeded: attribute), value)
    }

    private func set(_ attribute: Int, _ value: UInt64) {
        unsafe nftnl_expr_set_u64(handle, UInt16(truncatingIfNeeded: attribute), value)
    }

    private func set(_ attribute: Int, _ register: Register) { set(attribute, register.number) }

    private func set(_ attribute: Int, _ text: String) -> Bool {
        unsafe nftnl_expr_set_str(handle, UInt16(truncatingIfNeeded: attribute), text) == 0
    }

    private func set(_ attribute: Int, _ bytes: [UInt8]) -> Bool {
        unsafe nftnl_expr_set(
            handle, UInt16(truncatingIfNeeded: attribute), bytes, UInt32(truncatingIfNeeded: bytes.count)) == 0
    }

    /// Says what the instruction says; false when there is no memory.
    private func fill(_ instruction: Instruction) -> Bool {
        switch instruction {
        case .payload(let header, let offset, let length, let register):
            set(NFTNL_EXPR_PAYLOAD_DREG, register)
            set(NFTNL_EXPR_PAYLOAD_BASE, header.rawValue)
            set(NFTNL_EXPR_PAYLOAD_OFFSET, offset)
            set(NFTNL_EXPR_PAYLOAD_LEN, length)
        case .meta(let key, let register):
            set(NFTNL_EXPR_META_KEY, key)
            set(NFTNL_EXPR_META_DREG, register)
        case .setMeta(let key, let register):
            set(NFTNL_EXPR_META_KEY, key)
            set(NFTNL_EXPR_META_SREG, register)
        case .connection(let key, let register):
            set(NFTNL_EXPR_CT_KEY, key)
            set(NFTNL_EXPR_CT_DREG, register)
        case .route(let result, let flags, let register):
            set(NFTNL_EXPR_FIB_RESULT, result)
            set(NFTNL_EXPR_FIB_FLAGS, flags)
            set(NFTNL_EXPR_FIB_DREG, register)
        case .mask(let register, let mask):
            set(NFTNL_EXPR_BITWISE_SREG, register)
            set(NFTNL_EXPR_BITWISE_DREG, register)
            set(NFTNL_EXPR_BITWISE_LEN, UInt32(truncatingIfNeeded: mask.count))
            return set(NFTNL_EXPR_BITWISE_MASK, mask)
                && set(NFTNL_EXPR_BITWISE_XOR, [UInt8](repeating: 0, count: mask.count))
        case .compare(let register, let comparison, let bytes):
            set(NFTNL_EXPR_CMP_SREG, register)
            set(NFTNL_EXPR_CMP_OP, comparison.rawValue)
            return set(NFTNL_EXPR_CMP_DATA, bytes)
        case .range(let register, let negated, let first, let last):
            set(NFTNL_EXPR_RANGE_SREG, register)
            set(NFTNL_EXPR_RANGE_OP, negated ? 1 : 0 as UInt32)
            return set(NFTNL_EXPR_RANGE_FROM_DATA, first) && set(NFTNL_EXPR_RANGE_TO_DATA, last)
        case .lookup(let name, let register, let negated):
            set(NFTNL_EXPR_LOOKUP_SREG, register)
            if negated { set(NFTNL_EXPR_LOOKUP_FLAGS, 1 as UInt32) }
            return set(NFTNL_EXPR_LOOKUP_SET, name)
        case .update(let name, let register, let isUpdate, let timeout, let counter):
            set(NFTNL_EXPR_DYNSET_SREG_KEY, register)
            set(NFTNL_EXPR_DYNSET_OP, isUpdate ? 1 : 0 as UInt32)
            if timeout != 0 { set(NFTNL_EXPR_DYNSET_TIMEOUT, timeout) }
            if counter {
                guard let inner = Expression.running(.counter(packets: 0, bytes: 0)) else { return false }
                unsafe nftnl_expr_add_expr(handle, UInt32(NFTNL_EXPR_DYNSET_EXPR), inner.release())
            }
            return set(NFTNL_EXPR_DYNSET_SET_NAME, name)
        case .immediate(let bytes, let register):
            set(NFTNL_EXPR_IMM_DREG, register)
            return set(NFTNL_EXPR_IMM_DATA, bytes)
        case .verdict(let code, let chain):
            set(NFTNL_EXPR_IMM_DREG, 0 as UInt32)
            set(NFTNL_EXPR_IMM_VERDICT, UInt32(bitPattern: code))
            if let chain { return set(NFTNL_EXPR_IMM_CHAIN, chain) }
        case .counter(let packets, let bytes):
            set(NFTNL_EXPR_CTR_PACKETS, packets)
            set(NFTNL_EXPR_CTR_BYTES, bytes)
        case .quota(let bytes, let over, let used):
            set(NFTNL_EXPR_QUOTA_BYTES, bytes)
            if used > 0 { set(NFTNL_EXPR_QUOTA_CONSUMED, used) }
            set(NFTNL_EXPR_QUOTA_FLAGS, over ? 1 : 0 as UInt32)
        case .limit(let packets, let seconds, let burst, let over):
            set(NFTNL_EXPR_LIMIT_RATE, packets)
            set(NFTNL_EXPR_LIMIT_UNIT, seconds)
            set(NFTNL_EXPR_LIMIT_BURST, burst)
            set(NFTNL_EXPR_LIMIT_TYPE, 0 as UInt32)
            set(NFTNL_EXPR_LIMIT_FLAGS, over ? 1 : 0 as UInt32)
        case .connectionLimit(let count, let over):
            set(NFTNL_EXPR_CONNLIMIT_COUNT, count)
            set(NFTNL_EXPR_CONNLIMIT_FLAGS, over ? 1 : 0 as UInt32)
        case .reject(let type, let code):
            set(NFTNL_EXPR_REJECT_TYPE, type)
            unsafe nftnl_expr_set_u8(handle, UInt16(NFTNL_EXPR_REJECT_CODE), code)
        case .redirect(let register):
            guard let register else { break }
            set(NFTNL_EXPR_REDIR_REG_PROTO_MIN, register)
            // NF_NAT_RANGE_PROTO_SPECIFIED (linux/netfilter/nf_nat.h).
            set(NFTNL_EXPR_REDIR_FLAGS, 2 as UInt32)
        case .masquerade, .other:
            break
        }
        return true
    }
}

extension Instruction {
    /// The kernel's name of the kind of expression; nil for one there is no word for.
    fileprivate var name: String? {
        switch self {
        case .payload: "payload"
        case .meta, .setMeta: "meta"
        case .connection: "ct"
        case .route: "fib"
        case .mask: "bitwise"
        case .compare: "cmp"
        case .range: "range"
        case .lookup: "lookup"
        case .update: "dynset"
        case .immediate, .verdict: "immediate"
        case .counter: "counter"
        case .quota: "quota"
        case .limit: "limit"
        case .connectionLimit: "connlimit"
        case .reject: "reject"
        case .redirect: "redir"
        case .masquerade: "masq"
        case .other: nil
        }
    }
}
