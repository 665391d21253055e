internal import EgressPolicy
internal import SandboxModel

/// Keys as the kernel keeps them: each field in network order, then zeros up to a whole register of 4 bytes.
enum KeyCoding {
    /// Appends a value; `isPadded` unless it is the only field of its key.
    static func append(_ value: KeyValue, isPadded: Bool, to key: inout [UInt8]) {
        switch value {
        case .ipv4(let address): key += address.value.networkBytes
        case .ipv6(let address): key += address.value.networkBytes
        case .transport(let transport): key.append(transport.rawValue)
        case .service(let port): key += port.networkBytes
        }
        if isPadded { while key.count % 4 != 0 { key.append(0) } }
    }

    /// Writes a key over what was in `bytes`.
    static func encode(_ values: [KeyValue], into bytes: inout [UInt8]) {
        bytes.removeAll(keepingCapacity: true)
        for value in values { append(value, isPadded: values.count > 1, to: &bytes) }
    }

    /// Bytes of a key of these fields.
    static func size(_ fields: [KeyField]) -> Int {
        fields.count == 1 ? fields[0].size : fields.reduce(0) { $0 + $1.paddedSize }
    }

    /// The values of a key; nil if it has another size.
    static func decode(_ bytes: [UInt8], _ fields: [KeyField]) -> [KeyValue]? {
        guard bytes.count == size(fields) else { return nil }
        var at = 0
        return fields.map { field in
            defer { at += field.paddedSize }
            let slice = bytes[at...]
            return switch field {
            case .ipv4: .ipv4(IPv4Address(value: UInt32(bigEndian: slice.number(at: 0))))
            case .ipv6: .ipv6(IPv6Address(value: UInt128(bigEndian: slice.number(at: 0))))
            case .transport: .transport(TransportProtocol(rawValue: slice.number(at: 0)))
            case .service: .service(UInt16(bigEndian: slice.number(at: 0)))
            }
        }
    }

    /// The kernel's number for a key of these fields (`NFTA_SET_KEY_TYPE`): nft's own types (include/datatype.h), 6 bits
    /// each. The kernel only hands it on, to whoever lists the set.
    static func type(_ fields: [KeyField]) -> UInt32 { fields.reduce(0) { $0 << 6 | $1.type } }

    /// The fields of a type; empty if one of them is unknown.
    static func fields(ofType type: UInt32) -> [KeyField] {
        var fields: [KeyField] = []
        var rest = type
        while rest != 0 {
            guard let field = KeyField.allCases.first(where: { $0.type == rest & 0x3f }) else { return [] }
            fields.append(field)
            rest >>= 6
        }
        return fields.reversed()
    }
}

extension KeyField {
    fileprivate var type: UInt32 {
        switch self {
        case .ipv4: 7
        case .ipv6: 8
        case .transport: 12
        case .service: 13
        }
    }
}

extension RuleSetDefinition {
    /// Whether ranges are written as two bounds of one element, rather than as two elements.
    var hasConcatenatedRanges: Bool { isInterval && key.count > 1 }
    /// Whether a range is written as two elements, the second the first key behind it.
    var hasRangeEnds: Bool { isInterval && key.count == 1 }
}

/// Ranges of a set with one field: the kernel keeps where each begins, and where what is no element begins again.
enum RangeEnd {
    /// The key after `key`; nil after the last there is, where a range needs no end.
    static func after(_ key: [UInt8]) -> [UInt8]? {
        var next = key
        for index in next.indices.reversed() {
            next[index] &+= 1
            if next[index] != 0 { return next }
        }
        return nil
    }

    /// The key before `key`, which is not the first.
    static func before(_ key: [UInt8]) -> [UInt8] {
        var previous = key
        for index in previous.indices.reversed() {
            previous[index] &-= 1
            if previous[index] != 0xff { break }
        }
        return previous
    }
}
