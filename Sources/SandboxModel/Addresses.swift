/// An IPv4 or IPv6 address.
public enum IPAddress: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// Four bytes, the first the most significant.
    case v4(UInt32)
    /// Sixteen bytes as two halves, the first byte the most significant.
    case v6(UInt64, UInt64)

    /// Reads dotted decimal (four numbers without leading zeros) or RFC 4291 text without a zone.
    public init?(parsing text: String) {
        if let address = Self.parseV4(text[...]) {
            self = .v4(address)
        } else if let halves = Self.parseV6(text) {
            self = .v6(halves.high, halves.low)
        } else {
            return nil
        }
    }

    private static func parseV4(_ text: Substring) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var address: UInt32 = 0
        for part in parts {
            guard let number = UInt64(strictDecimal: part), number <= 255 else { return nil }
            address = address << 8 | UInt32(number)
        }
        return address
    }

    private static func parseV6(_ text: String) -> (high: UInt64, low: UInt64)? {
        guard text.utf8.count <= 45, text.contains(":") else { return nil }
        let halves = text.split(separator: "::", maxSplits: 2, omittingEmptySubsequences: false)
        guard halves.count <= 2 else { return nil }
        var groups: [[UInt16]] = []
        for (index, half) in halves.enumerated() {
            guard let parsed = Self.groups(half, mayEndInV4: index == halves.count - 1) else { return nil }
            groups.append(parsed)
        }
        var all = groups[0]
        if groups.count == 2 {
            let missing = 8 - groups[0].count - groups[1].count
            guard missing >= 1 else { return nil }
            all += Array(repeating: 0, count: missing) + groups[1]
        }
        guard all.count == 8 else { return nil }
        func half(_ part: ArraySlice<UInt16>) -> UInt64 { part.reduce(0) { $0 << 16 | UInt64($1) } }
        return (half(all[..<4]), half(all[4...]))
    }

    private static func groups(_ text: Substring, mayEndInV4: Bool) -> [UInt16]? {
        guard !text.isEmpty else { return [] }
        var result: [UInt16] = []
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if mayEndInV4, index == parts.count - 1, part.contains("."), let v4 = parseV4(part) {
                result += [UInt16(v4 >> 16), UInt16(v4 & 0xffff)]
            } else {
                guard (1...4).contains(part.utf8.count), part.allSatisfy({ $0.isHexDigit && $0.isASCII }),
                    let number = UInt16(part, radix: 16)
                else { return nil }
                result.append(number)
            }
        }
        return result
    }

    /// Bits of an address of this family.
    public var width: Int {
        switch self {
        case .v4: 32
        case .v6: 128
        }
    }

    /// Whether it is an IPv4 address.
    public var isV4: Bool { if case .v4 = self { true } else { false } }

    /// The bytes, the most significant first.
    public var bytes: [UInt8] {
        func bytes(_ number: UInt64, _ count: Int) -> [UInt8] {
            (0..<count).map { UInt8(truncatingIfNeeded: number >> UInt64(8 * (count - 1 - $0))) }
        }
        return switch self {
        case .v4(let number): bytes(UInt64(number), 4)
        case .v6(let high, let low): bytes(high, 8) + bytes(low, 8)
        }
    }

    /// An address of 4 or 16 bytes.
    public init?(bytes: some Collection<UInt8>) {
        func number(_ part: some Collection<UInt8>) -> UInt64 { part.reduce(0) { $0 << 8 | UInt64($1) } }
        switch bytes.count {
        case 4: self = .v4(UInt32(number(bytes)))
        case 16: self = .v6(number(bytes.prefix(8)), number(bytes.dropFirst(8)))
        default: return nil
        }
    }

    /// The usual form; IPv6 as RFC 5952 writes it.
    public var description: String {
        switch self {
        case .v4: bytes.map { String($0) }.joined(separator: ".")
        case .v6(let high, let low): Self.text(high, low)
        }
    }

    private static func text(_ high: UInt64, _ low: UInt64) -> String {
        let groups = (0..<8).map { index -> UInt16 in
            let half = index < 4 ? high : low
            return UInt16(truncatingIfNeeded: half >> UInt64(16 * (3 - index % 4)))
        }
        var longest = 0..<0
        var start = 0
        while start < 8 {
            var end = start
            while end < 8, groups[end] == 0 { end += 1 }
            if end - start > max(1, longest.count) { longest = start..<end }
            start = max(end, start + 1)
        }
        func join(_ part: ArraySlice<UInt16>) -> String { part.map { String($0, radix: 16) }.joined(separator: ":") }
        guard !longest.isEmpty else { return join(groups[...]) }
        return join(groups[..<longest.lowerBound]) + "::" + join(groups[longest.upperBound...])
    }

    /// IPv4 before IPv6, then by number.
    public static func < (left: IPAddress, right: IPAddress) -> Bool {
        switch (left, right) {
        case (.v4(let one), .v4(let other)): one < other
        case (.v6(let high, let low), .v6(let otherHigh, let otherLow)): (high, low) < (otherHigh, otherLow)
        case (.v4, .v6): true
        case (.v6, .v4): false
        }
    }
}

/// A range of addresses that share their first bits: `192.0.2.0/24`, `2001:db8::/32`, or one address.
public struct AddressRange: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The lowest address of the range.
    public let first: IPAddress
    /// How many leading bits are fixed.
    public let prefix: Int

    /// The range of `prefix` leading bits that begins at `first`; `nil` when later bits of `first` are set.
    public init?(first: IPAddress, prefix: Int) {
        guard (0...first.width).contains(prefix) else { return nil }
        self.first = first
        self.prefix = prefix
        guard Self.masked(first, prefix) == first else { return nil }
    }

    /// One address.
    public init(_ address: IPAddress) {
        first = address
        prefix = address.width
    }

    /// Reads `ADDRESS/PREFIX` or `ADDRESS`.
    public init?(parsing text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let address = IPAddress(parsing: String(parts[0])) else { return nil }
        guard parts.count == 2 else {
            self.init(address)
            return
        }
        guard let prefix = UInt64(strictDecimal: parts[1]), prefix <= 128 else { return nil }
        self.init(first: address, prefix: Int(prefix))
    }

    private static func mask(_ bits: Int) -> UInt64 { bits <= 0 ? 0 : bits >= 64 ? .max : ~(.max >> UInt64(bits)) }

    private static func masked(_ address: IPAddress, _ prefix: Int) -> IPAddress {
        switch address {
        case .v4(let number): .v4(number & UInt32(truncatingIfNeeded: mask(prefix) >> 32))
        case .v6(let high, let low): .v6(high & mask(prefix), low & mask(prefix - 64))
        }
    }

    /// Whether the address is in the range.
    public func contains(_ address: IPAddress) -> Bool {
        address.isV4 == first.isV4 && Self.masked(address, prefix) == first
    }

    /// Whether the ranges share an address.
    public func overlaps(_ other: AddressRange) -> Bool { contains(other.first) || other.contains(first) }

    /// The highest address of the range.
    public var last: IPAddress {
        switch first {
        case .v4(let number): .v4(number | ~UInt32(truncatingIfNeeded: Self.mask(prefix) >> 32))
        case .v6(let high, let low): .v6(high | ~Self.mask(prefix), low | ~Self.mask(prefix - 64))
        }
    }

    /// The form it is read in; one address without a prefix.
    public var description: String { prefix == first.width ? first.description : "\(first)/\(prefix)" }

    /// By first address, wider ranges first.
    public static func < (left: AddressRange, right: AddressRange) -> Bool {
        left.first == right.first ? left.prefix < right.prefix : left.first < right.first
    }
}

extension IPAddress: Codable {
    /// Decodes the text form.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let address = IPAddress(parsing: try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not an address")
        }
        self = address
    }

    /// Encodes the text form.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension AddressRange: Codable {
    /// Decodes the text form.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let range = AddressRange(parsing: try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a range of addresses")
        }
        self = range
    }

    /// Encodes the text form.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
