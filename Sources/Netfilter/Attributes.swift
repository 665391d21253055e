/// The attributes of a message (`struct nlattr`, linux/netlink.h): length and type, 16 bits each, then the value, then
/// zeros up to a multiple of 4.
struct Attributes: IteratorProtocol, Sequence {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    mutating func next() -> Attribute? {
        guard rest.count >= 4 else { return nil }
        let length = Int(rest.number(at: 0) as UInt16)
        guard (4...rest.count).contains(length) else { return nil }
        let attribute = Attribute(type: rest.number(at: 2) & 0x3fff, value: rest.prefix(length).dropFirst(4))
        rest = rest.dropFirst((length + 3) & ~3)
        return attribute
    }
}

/// One attribute.
struct Attribute {
    /// Its type, without the flags "nested" and "in network order".
    let type: UInt16
    /// Its value.
    let value: ArraySlice<UInt8>

    /// The value as text, with or without a final NUL.
    var text: String { String(decoding: value.prefix { $0 != 0 }, as: UTF8.self) }

    /// The value as a number of 32 bits in the machine's order; nil if it has another size.
    var number: UInt32? { value.count == 4 ? value.number(at: 0) : nil }

    /// The attributes it is made of.
    var nested: Attributes { Attributes(value) }
}

extension ArraySlice<UInt8> {
    /// The number in the machine's order that begins `offset` bytes after the start; 0 where there are too few bytes.
    func number<Number: FixedWidthInteger>(at offset: Int) -> Number {
        let size = Number.bitWidth / 8
        guard count >= offset + size else { return 0 }
        let start = startIndex + offset
        return unsafe withUnsafeBytes { bytes in
            unsafe bytes.loadUnaligned(fromByteOffset: start - startIndex, as: Number.self)
        }
    }
}

extension FixedWidthInteger {
    /// The bytes in the machine's order.
    var hostBytes: [UInt8] { unsafe withUnsafeBytes(of: self) { unsafe Array($0) } }
    /// The bytes in network order.
    var networkBytes: [UInt8] { bigEndian.hostBytes }
}
