internal import CNftnl
internal import EgressPolicy

/// Makes elements of a set out of what the kernel lists.
struct ElementReader {
    private let set: RuleSetDefinition
    private var raw: [Raw] = []

    /// An element as listed. In a set with range ends a range is two of them.
    private struct Raw {
        var key: [UInt8]
        var keyEnd: [UInt8]?
        var isEnd: Bool
        var timeout: UInt64?
        var expires: UInt64?
        var comment: String?
        var traffic: Traffic?
    }

    init(set: RuleSetDefinition) { self.set = set }

    /// Takes one element of libnftnl's.
    mutating func take(_ element: OpaquePointer) {
        func bytes(_ attribute: Int) -> [UInt8]? {
            var length: UInt32 = 0
            guard unsafe nftnl_set_elem_is_set(element, UInt16(truncatingIfNeeded: attribute)),
                let start = unsafe nftnl_set_elem_get(element, UInt16(truncatingIfNeeded: attribute), &length)
            else { return nil }
            return unsafe Array(UnsafeRawBufferPointer(start: start, count: Int(length)))
        }
        func time(_ attribute: Int) -> UInt64? {
            guard unsafe nftnl_set_elem_is_set(element, UInt16(truncatingIfNeeded: attribute)) else { return nil }
            return unsafe nftnl_set_elem_get_u64(element, UInt16(truncatingIfNeeded: attribute))
        }
        guard let key = bytes(NFTNL_SET_ELEM_KEY) else { return }
        let hasFlags = unsafe nftnl_set_elem_is_set(element, UInt16(NFTNL_SET_ELEM_FLAGS))
        let flags = unsafe hasFlags ? nftnl_set_elem_get_u32(element, UInt16(NFTNL_SET_ELEM_FLAGS)) : 0
        raw.append(
            Raw(
                key: key, keyEnd: bytes(NFTNL_SET_ELEM_KEY_END),
                isEnd: flags & NFT_SET_ELEM_INTERVAL_END.rawValue != 0, timeout: time(NFTNL_SET_ELEM_TIMEOUT),
                expires: time(NFTNL_SET_ELEM_EXPIRATION),
                comment: bytes(NFTNL_SET_ELEM_USERDATA).flatMap { UserData.comment(in: $0) },
                traffic: unsafe traffic(of: element)))
    }

    private func traffic(of element: OpaquePointer) -> Traffic? {
        var length: UInt32 = 0
        guard unsafe nftnl_set_elem_is_set(element, UInt16(NFTNL_SET_ELEM_EXPR)),
            let expression = unsafe nftnl_set_elem_get(element, UInt16(NFTNL_SET_ELEM_EXPR), &length),
            let counts = unsafe ExpressionView(handle: OpaquePointer(expression)).counts
        else { return nil }
        return Traffic(packets: counts.packets, bytes: counts.bytes)
    }

    /// The elements taken, in no particular order.
    consuming func elements() -> [LiveElement] {
        if set.hasRangeEnds { pairEnds() }
        return raw.compactMap { raw in
            guard let lower = KeyCoding.decode(raw.key, set.key) else { return nil }
            let upper = raw.keyEnd.flatMap { KeyCoding.decode($0, set.key) }
            let element = SetElement(
                from: lower, through: upper == lower ? nil : upper, timeout: raw.timeout ?? set.defaultTimeout,
                comment: raw.comment)
            return LiveElement(element: element, expires: raw.expires, traffic: raw.traffic)
        }
    }

    /// Gives each range the bound that the end after it says; without one it goes on to the last key.
    private mutating func pairEnds() {
        // Where one range ends the next may begin.
        raw.sort { left, right in
            left.key == right.key ? left.isEnd && !right.isEnd : left.key.lexicographicallyPrecedes(right.key)
        }
        var ranges: [Raw] = []
        for element in raw {
            if !element.isEnd {
                var range = element
                range.keyEnd = [UInt8](repeating: 0xff, count: element.key.count)
                ranges.append(range)
            } else if !ranges.isEmpty {
                ranges[ranges.count - 1].keyEnd = RangeEnd.before(element.key)
            }
        }
        raw = ranges
    }
}
