/// An IPv4 address.
public struct IPv4Address: Hashable, Sendable {
    /// The address as a number: the first byte of the dotted form is the highest.
    public let value: UInt32

    /// An address by its number.
    public init(value: UInt32) { self.value = value }

    /// An address by the four numbers of its dotted form.
    public init(_ first: UInt8, _ second: UInt8, _ third: UInt8, _ fourth: UInt8) {
        value = UInt32(first) << 24 | UInt32(second) << 16 | UInt32(third) << 8 | UInt32(fourth)
    }

    /// Reads the dotted form: four decimal numbers without leading zeros, as inet_pton(3) takes it. nil otherwise.
    public init?(_ text: some StringProtocol) {
        var value: UInt32 = 0
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        for part in parts {
            guard (1...3).contains(part.count), part.count == 1 || part.first != UInt8(ascii: "0") else { return nil }
            var number: UInt32 = 0
            for digit in part {
                guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
                number = number * 10 + UInt32(digit - UInt8(ascii: "0"))
            }
            guard number <= 255 else { return nil }
            value = value << 8 | number
        }
        self.value = value
    }

    /// The four bytes in network order.
    public var bytes: [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }
}

extension IPv4Address: Comparable {
    /// By number.
    public static func < (left: IPv4Address, right: IPv4Address) -> Bool { left.value < right.value }
}

extension IPv4Address: CustomStringConvertible {
    /// The dotted form.
    public var description: String {
        "\(value >> 24).\(value >> 16 & 255).\(value >> 8 & 255).\(value & 255)"
    }
}

extension IPv4Address: Codable {
    /// Reads the dotted form.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let address = IPv4Address(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(text)' is no IPv4 address")
        }
        self = address
    }

    /// Writes the dotted form.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
