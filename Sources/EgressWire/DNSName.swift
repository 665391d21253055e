/// A domain name as it stands in a message (RFC 1035, section 3.1): labels of any bytes, their case kept.
public struct DNSName: Sendable, CustomStringConvertible {
    /// Labels with their lengths before them and the empty one at the end; at most 255 bytes.
    public let bytes: [UInt8]

    /// A name whose bytes were checked.
    init(checked bytes: [UInt8]) { self.bytes = bytes }

    /// The name of a host in its text form.
    /// - Returns: nil when a part is empty or longer than 63 bytes, or the whole longer than 255.
    public init?(host: String) {
        var bytes: [UInt8] = []
        for label in host.utf8.split(separator: 0x2e, omittingEmptySubsequences: false) {
            guard (1...63).contains(label.count) else { return nil }
            bytes.append(UInt8(label.count))
            bytes += label
        }
        guard bytes.count < 255 else { return nil }
        self.bytes = bytes + [0]
    }

    /// Reads a name from a message, following compression (RFC 1035, section 4.1.4). Pointers lead backwards only, so
    /// that there are no loops.
    /// - Parameter position: where it begins; afterwards, what follows it.
    /// - Returns: nil for what is no name.
    static func read(_ message: [UInt8], at position: inout Int) -> DNSName? {
        var bytes: [UInt8] = []
        var here = position
        var isDirect = true
        // Every pointer leads before where the part that holds it began.
        var border = position
        while here < message.count {
            let length = Int(message[here])
            switch length >> 6 {
            case 0:
                guard here + 1 + length <= message.count, bytes.count + 1 + length <= 255 else { return nil }
                bytes += message[here...(here + length)]
                here += 1 + length
                if length == 0 {
                    if isDirect { position = here }
                    return DNSName(checked: bytes)
                }
            case 3:
                guard here + 1 < message.count else { return nil }
                let target = (length & 0x3f) << 8 | Int(message[here + 1])
                guard target < border else { return nil }
                if isDirect { position = here + 2 }
                isDirect = false
                border = target
                here = target
            default: return nil
            }
        }
        return nil
    }

    /// The name in lower case with dots, if every label is of letters, digits, `_` and inner `-`; nil for all others, so
    /// that no label with a dot, a zero or a space in it becomes another name.
    public var hostText: String? {
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count)
        var here = 0
        while bytes[here] != 0 {
            let length = Int(bytes[here])
            if here > 0 { text.append(0x2e) }
            for index in (here + 1)...(here + length) {
                let byte = bytes[index]
                switch byte {
                case 0x61...0x7a, 0x30...0x39, 0x5f: text.append(byte)
                case 0x41...0x5a: text.append(byte | 0x20)
                case 0x2d where index != here + 1 && index != here + length: text.append(byte)
                default: return nil
                }
            }
            here += 1 + length
        }
        return text.isEmpty ? nil : String(decoding: text, as: UTF8.self)
    }

    /// The same name with its letters in upper or lower case as the bits say, the lowest for the first letter; after
    /// 64 letters the bits begin again.
    public func randomizingCase(_ bits: UInt64) -> DNSName {
        var result = bytes
        var letter = 0
        var here = 0
        while bytes[here] != 0 {
            let length = Int(bytes[here])
            for index in (here + 1)...(here + length) where Self.isLetter(bytes[index]) {
                result[index] = bits >> UInt64(letter & 63) & 1 == 1 ? bytes[index] & ~0x20 : bytes[index] | 0x20
                letter += 1
            }
            here += 1 + length
        }
        return DNSName(checked: result)
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte) }

    /// The bytes with letters in lower case; lengths are below 64 and no letters.
    private var folded: [UInt8] { bytes.map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 } }

    /// The text form for people: what is no letter, digit, `-` or `_` as `\DDD` (RFC 1035, section 5.1).
    public var description: String {
        var text = ""
        var here = 0
        while bytes[here] != 0 {
            let length = Int(bytes[here])
            if here > 0 { text += "." }
            for byte in bytes[(here + 1)...(here + length)] {
                if Self.isLetter(byte) || (0x30...0x39).contains(byte) || byte == 0x2d || byte == 0x5f {
                    text.unicodeScalars.append(Unicode.Scalar(byte))
                } else {
                    let digits = String(byte)
                    text += "\\" + String(repeating: "0", count: 3 - digits.count) + digits
                }
            }
            here += 1 + length
        }
        return text.isEmpty ? "." : text
    }
}

extension DNSName: Hashable {
    /// Without regard to case (RFC 4343).
    public static func == (left: DNSName, right: DNSName) -> Bool {
        left.bytes == right.bytes || left.folded == right.folded
    }

    /// Without regard to case.
    public func hash(into hasher: inout Hasher) { hasher.combine(folded) }
}
