/// An IPv6 address, without a zone.
public struct IPv6Address: Hashable, Sendable {
    /// The address as a number: the first byte of the written form is the highest.
    public let value: UInt128

    /// An address by its number.
    public init(value: UInt128) { self.value = value }

    /// An address by its 16 bytes in network order; nil if they are more or less.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 16 else { return nil }
        value = bytes.reduce(0) { $0 << 8 | UInt128($1) }
    }

    /// Reads the written form of RFC 4291, section 2.2, as inet_pton(3) takes it. nil otherwise.
    public init?(_ text: some StringProtocol) {
        // A "::" stands for as many zeros as are missing; without one nothing may be missing.
        let halves = Self.split(text)
        guard let front = Self.groups(halves.front, mayEndDotted: halves.back == nil) else { return nil }
        guard let back = halves.back else {
            guard front.count == 8 else { return nil }
            value = Self.number(front)
            return
        }
        guard let end = Self.groups(back, mayEndDotted: true), front.count + end.count <= 7 else { return nil }
        value = Self.number(front + Array(repeating: 0, count: 8 - front.count - end.count) + end)
    }

    /// The 16 bytes in network order.
    public var bytes: [UInt8] { (0..<16).map { UInt8(truncatingIfNeeded: value >> (120 - 8 * $0)) } }

    /// The IPv4 address in an IPv4-mapped one (`::ffff:0:0/96`); nil for any other.
    public var mapped: IPv4Address? {
        value >> 32 == 0xffff ? IPv4Address(value: UInt32(truncatingIfNeeded: value)) : nil
    }

    private static func split<Text: StringProtocol>(_ text: Text) -> (front: Substring, back: Substring?) {
        let text = Substring(text)
        var at = text.startIndex
        while let colon = text[at...].firstIndex(of: ":") {
            let next = text.index(after: colon)
            if next < text.endIndex, text[next] == ":" { return (text[..<colon], text[text.index(after: next)...]) }
            at = next
        }
        return (text, nil)
    }

    /// The 16-bit groups of a part without "::"; nil if it is none.
    private static func groups(_ text: Substring, mayEndDotted: Bool) -> [UInt16]? {
        if text.isEmpty { return [] }
        var groups: [UInt16] = []
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if mayEndDotted, index == parts.count - 1, let dotted = IPv4Address(part) {
                groups += [UInt16(dotted.value >> 16), UInt16(dotted.value & 0xffff)]
            } else {
                guard (1...4).contains(part.utf8.count), part.first?.isHexDigit == true,
                    let group = UInt16(part, radix: 16)
                else { return nil }
                groups.append(group)
            }
        }
        return groups
    }

    private static func number(_ groups: [UInt16]) -> UInt128 { groups.reduce(0) { $0 << 16 | UInt128($1) } }
}

extension IPv6Address: Comparable {
    /// By number.
    public static func < (left: IPv6Address, right: IPv6Address) -> Bool { left.value < right.value }
}

extension IPv6Address: CustomStringConvertible {
    /// The one form of RFC 5952: lower case, the longest run of zero groups as "::", IPv4-mapped ones dotted.
    public var description: String {
        if let mapped { return "::ffff:\(mapped)" }
        let groups = (0..<8).map { UInt16(truncatingIfNeeded: value >> (112 - 16 * $0)) }
        let texts = groups.map { String($0, radix: 16) }
        guard let zeros = Self.longestZeros(groups) else { return texts.joined(separator: ":") }
        return texts[..<zeros.lowerBound].joined(separator: ":") + "::"
            + texts[zeros.upperBound...].joined(separator: ":")
    }

    /// The first of the longest runs of two or more zero groups.
    private static func longestZeros(_ groups: [UInt16]) -> Range<Int>? {
        var longest: Range<Int>?
        var start = 0
        for (index, group) in groups.enumerated() {
            if group != 0 {
                start = index + 1
            } else if index - start >= 1, index + 1 - start > longest?.count ?? 0 {
                longest = start..<index + 1
            }
        }
        return longest
    }
}

extension IPv6Address: Codable {
    /// Reads the written form.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let address = IPv6Address(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(text)' is no IPv6 address")
        }
        self = address
    }

    /// Writes the form of RFC 5952.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
