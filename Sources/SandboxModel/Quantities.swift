/// A number of bytes, written as systemd writes it: a decimal number and an optional suffix K, M, G or T (powers of 1024).
public struct ByteSize: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The number of bytes.
    public let bytes: UInt64

    /// A size of `bytes` bytes.
    public init(bytes: UInt64) { self.bytes = bytes }

    /// Reads `1G`, `512M`, `65536`.
    /// - Returns: `nil` for anything else: signs, fractions, zero, unknown suffixes, values past 2^63 - 1.
    public init?(parsing text: String) {
        var digits = Substring(text)
        var shift: UInt64 = 0
        if let last = digits.last, let position = "KMGT".firstIndex(of: last) {
            shift = 10 * UInt64("KMGT".distance(from: "KMGT".startIndex, to: position) + 1)
            digits.removeLast()
        }
        guard let number = UInt64(strictDecimal: digits), number > 0 else { return nil }
        guard number <= (UInt64(Int64.max) >> shift) else { return nil }
        bytes = number << shift
    }

    /// The shortest exact form: `1G`, `1536M`, `1000`.
    public var description: String {
        for (shift, suffix) in [(40, "T"), (30, "G"), (20, "M"), (10, "K")] where bytes > 0 && bytes % (1 << shift) == 0
        {
            return "\(bytes >> shift)\(suffix)"
        }
        return "\(bytes)"
    }

    /// A rounded form for people: `1.4G`, `12.0M`, `512B`.
    public var rounded: String {
        for (shift, suffix) in [(40, "T"), (30, "G"), (20, "M"), (10, "K")] where bytes >= (1 << UInt64(shift)) {
            // The rest is multiplied alone: ten times the whole may be more than the type holds.
            let rest = bytes & ((1 << UInt64(shift)) - 1)
            return "\(bytes >> UInt64(shift)).\((rest * 10) >> UInt64(shift))\(suffix)"
        }
        return "\(bytes)B"
    }

    /// By number of bytes.
    public static func < (left: ByteSize, right: ByteSize) -> Bool { left.bytes < right.bytes }
}

/// A share of processor time in percent of one processor, as `CPUQuota=` of systemd.resource-control(5): `200%` is two.
public struct CPUQuota: Hashable, Sendable, CustomStringConvertible {
    /// Percent of one processor, 1 to 100,000.
    public let percent: Int

    /// Reads `50%` or `200%`.
    /// - Returns: `nil` for anything else.
    public init?(parsing text: String) {
        guard text.last == "%", let number = UInt64(strictDecimal: text.dropLast()), (1...100_000).contains(number)
        else {
            return nil
        }
        percent = Int(number)
    }

    /// The form it is read in.
    public var description: String { "\(percent)%" }

    /// Processor time per second of wall time, in microseconds (`CPUQuotaPerSecUSec`).
    public var microsecondsPerSecond: UInt64 { UInt64(percent) * 10_000 }
}

extension UInt64 {
    /// Reads ASCII decimal digits without sign, leading zeros, separators or digits of other scripts.
    public init?(strictDecimal text: some StringProtocol) {
        let bytes = Array(text.utf8)
        guard !bytes.isEmpty, bytes.count <= 19, bytes.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        guard bytes.count == 1 || bytes[0] != 0x30 else { return nil }
        self = bytes.reduce(0) { $0 * 10 + UInt64($1 - 0x30) }
    }
}

extension ByteSize: Codable {
    /// Decodes a number of bytes.
    public init(from decoder: any Decoder) throws { bytes = try decoder.singleValueContainer().decode(UInt64.self) }

    /// Encodes the number of bytes.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(bytes)
    }
}

extension CPUQuota: Codable {
    /// Decodes the text form.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let quota = CPUQuota(parsing: try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a CPU quota")
        }
        self = quota
    }

    /// Encodes the text form.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
