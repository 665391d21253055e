internal import CMnl
internal import CNftnl
internal import EgressPolicy

/// Writes elements into messages, by the thousand: nothing is allocated per element but what a comment needs.
@safe
struct ElementEncoder {
    private let set: RuleSetDefinition
    private let isDeletion: Bool
    private var key: [UInt8] = []
    private var end: [UInt8] = []
    private var endKind = EndKind.none
    private var timeout: UInt64?
    private var comment: String?

    /// What the upper bound is written as.
    private enum EndKind {
        case none
        /// As a part of the element.
        case bound
        /// As an element of its own.
        case element
    }

    init(set: RuleSetDefinition, isDeletion: Bool) {
        self.set = set
        self.isDeletion = isDeletion
    }

    /// Takes up an element.
    mutating func encode(_ element: SetElement) {
        KeyCoding.encode(element.lower, into: &key)
        endKind = .none
        if set.isInterval {
            KeyCoding.encode(element.upper ?? element.lower, into: &end)
            if set.hasConcatenatedRanges {
                endKind = .bound
            } else if let after = RangeEnd.after(end) {
                end = after
                endKind = .element
            }
        }
        // An element is found by its key alone.
        timeout = isDeletion ? nil : element.timeout
        comment = isDeletion ? nil : element.comment
    }

    /// Writes the element into a message whose list of elements is open, by way of `object`, which is the encoder's
    /// alone. False when there is no memory.
    func put(into header: UnsafeMutablePointer<nlmsghdr>, with object: OpaquePointer) -> Bool {
        var isDone = unsafe set(NFTNL_SET_ELEM_KEY, key, object)
        if endKind == .bound { isDone = unsafe isDone && set(NFTNL_SET_ELEM_KEY_END, end, object) }
        if let timeout { unsafe nftnl_set_elem_set_u64(object, UInt16(NFTNL_SET_ELEM_TIMEOUT), timeout) }
        if let comment { isDone = unsafe isDone && set(NFTNL_SET_ELEM_USERDATA, UserData.comment(comment), object) }
        isDone = unsafe isDone && nftnl_set_elem_nlmsg_build(header, object, 1) != nil
        if timeout != nil { unsafe nftnl_set_elem_unset(object, UInt16(NFTNL_SET_ELEM_TIMEOUT)) }
        if comment != nil { unsafe nftnl_set_elem_unset(object, UInt16(NFTNL_SET_ELEM_USERDATA)) }

        guard endKind == .element else { return isDone }
        isDone = unsafe isDone && set(NFTNL_SET_ELEM_KEY, end, object)
        unsafe nftnl_set_elem_set_u32(object, UInt16(NFTNL_SET_ELEM_FLAGS), NFT_SET_ELEM_INTERVAL_END.rawValue)
        isDone = unsafe isDone && nftnl_set_elem_nlmsg_build(header, object, 1) != nil
        unsafe nftnl_set_elem_unset(object, UInt16(NFTNL_SET_ELEM_FLAGS))
        return isDone
    }

    /// Makes an element of libnftnl's that is what the kernel said of one.
    /// - Returns: false when there is no memory.
    static func fill(_ object: OpaquePointer, with live: LiveElement) -> Bool {
        var key: [UInt8] = []
        KeyCoding.encode(live.element.lower, into: &key)
        guard unsafe set(NFTNL_SET_ELEM_KEY, key, object) else { return false }
        if let timeout = live.element.timeout {
            unsafe nftnl_set_elem_set_u64(object, UInt16(NFTNL_SET_ELEM_TIMEOUT), timeout)
        }
        if let left = live.expires {
            unsafe nftnl_set_elem_set_u64(object, UInt16(NFTNL_SET_ELEM_EXPIRATION), max(1, left))
        }
        if let traffic = live.traffic {
            let counter = Expression.running(.counter(packets: traffic.packets, bytes: traffic.bytes))
            guard let counter else { return false }
            unsafe nftnl_set_elem_add_expr(object, counter.release())
        }
        return true
    }

    private func set(_ attribute: Int, _ bytes: [UInt8], _ object: OpaquePointer) -> Bool {
        unsafe Self.set(attribute, bytes, object)
    }

    private static func set(_ attribute: Int, _ bytes: [UInt8], _ object: OpaquePointer) -> Bool {
        unsafe nftnl_set_elem_set(
            object, UInt16(truncatingIfNeeded: attribute), bytes, UInt32(truncatingIfNeeded: bytes.count)) == 0
    }
}
