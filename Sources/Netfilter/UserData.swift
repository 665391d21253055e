/// What the kernel keeps for others with a rule, an element or a set: type, length, value, one byte each of the first
/// two (libnftnl/udata.h).
enum UserData {
    /// `NFTNL_UDATA_RULE_COMMENT`, `NFTNL_UDATA_SET_ELEM_COMMENT`.
    static let comment: UInt8 = 0
    /// `NFTNL_UDATA_SET_KEYBYTEORDER`.
    static let keyByteOrder: UInt8 = 0
    /// nft's number for network order (include/datatype.h, `BYTEORDER_BIG_ENDIAN`).
    static let networkOrder: UInt32 = 2

    /// One entry.
    static func entry(_ type: UInt8, _ value: [UInt8]) -> [UInt8] {
        [type, UInt8(truncatingIfNeeded: value.count)] + value.prefix(255)
    }

    /// A comment, with its final NUL.
    static func comment(_ text: String) -> [UInt8] { entry(comment, Array(text.utf8) + [0]) }

    /// The value of the first entry of a type; nil if there is none.
    static func value(_ type: UInt8, in bytes: [UInt8]) -> ArraySlice<UInt8>? {
        var rest = bytes[...]
        while rest.count >= 2 {
            let size = Int(rest.number(at: 1) as UInt8)
            guard rest.count >= 2 + size else { return nil }
            if rest.first == type { return rest.dropFirst(2).prefix(size) }
            rest = rest.dropFirst(2 + size)
        }
        return nil
    }

    /// The comment among the entries; nil if there is none, or an empty one.
    static func comment(in bytes: [UInt8]) -> String? {
        guard let value = value(comment, in: bytes) else { return nil }
        let text = String(decoding: value.prefix { $0 != 0 }, as: UTF8.self)
        return text.isEmpty ? nil : text
    }
}
