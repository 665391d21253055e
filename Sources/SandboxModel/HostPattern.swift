/// An absolute host name in lower case without the final dot: `api.github.com`.
public struct HostName: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The name.
    public let text: String

    /// Reads a name in ASCII; upper case is folded and one final dot is dropped (RFC 1123, RFC 5890).
    /// - Returns: `nil` when `problem(_:)` finds something.
    public init?(parsing text: String) {
        guard text.utf8.allSatisfy({ $0 < 0x80 }) else { return nil }
        let name = Self.folded(text)
        guard Self.problem(folded: name) == nil else { return nil }
        self.text = name
    }

    /// Most names come folded: those are not copied.
    private static func folded(_ text: String) -> String {
        let isFolded = text.utf8.last != 0x2e && !text.utf8.contains { (0x41...0x5a).contains($0) }
        guard !isFolded else { return text }
        return (text.utf8.last == 0x2e ? String(text.dropLast()) : text).lowercased()
    }

    /// What keeps a text from being a host name; `nil` when it is one. Reads on after "'…' ".
    public static func problem(_ text: String) -> String? {
        guard text.utf8.allSatisfy({ $0 < 0x80 }) else { return "is not ASCII; write the name in its xn-- form" }
        return problem(folded: folded(text))
    }

    /// Asked for every question that a sandbox has: bytes, not characters.
    private static func problem(folded name: String) -> String? {
        let bytes = name.utf8
        guard !bytes.isEmpty else { return "is empty" }
        guard bytes.count <= 253 else { return "has more than 253 bytes" }
        let labels = bytes.split(separator: 0x2e, omittingEmptySubsequences: false)
        for label in labels {
            guard !label.isEmpty else { return "has an empty part" }
            guard label.count <= 63 else { return "has a part of more than 63 bytes" }
            guard label.allSatisfy(isPart) else {
                return label.contains(0x3a)
                    ? "has a ':', which no host name has; ports are given on their own"
                    : "has characters that no host name has"
            }
            guard label.first != 0x2d, label.last != 0x2d else { return "has a part that begins or ends with '-'" }
        }
        guard let last = labels.last else { return "is empty" }
        // Resolvers take these for addresses, and in forms (0x7f.1) that look like none.
        if last.allSatisfy(isDigit) || isHexNumber(last) {
            if IPv4Address(name) != nil { return "is an address where a name is asked for" }
            return "is neither a host name nor an address in its usual form"
        }
        if last.elementsEqual("localhost".utf8) { return "is the sandbox itself" }
        return nil
    }

    private static func isPart(_ byte: UInt8) -> Bool {
        (0x61...0x7a).contains(byte) || isDigit(byte) || byte == 0x2d || byte == 0x5f
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    private static func isHexNumber(_ label: Substring.UTF8View) -> Bool {
        label.starts(with: "0x".utf8) && label.dropFirst(2).allSatisfy { isDigit($0) || (0x61...0x66).contains($0) }
    }

    /// The name.
    public var description: String { text }

    /// By text.
    public static func < (left: HostName, right: HostName) -> Bool { left.text < right.text }
}

/// Which host names a rule is about.
public enum HostPattern: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// This name and no other.
    case exact(HostName)
    /// Every name below this one, at any depth, and not the name itself: `*.example.org`.
    case below(HostName)

    /// Reads `api.github.com` or `*.pypi.org`.
    /// - Returns: `nil` when `problem(_:)` finds something.
    public init?(parsing text: String) {
        guard Self.problem(text) == nil else { return nil }
        if text.hasPrefix("*.") {
            guard let name = HostName(parsing: String(text.dropFirst(2))) else { return nil }
            self = .below(name)
        } else {
            guard let name = HostName(parsing: text) else { return nil }
            self = .exact(name)
        }
    }

    /// What keeps a text from being a pattern. Reads on after "'…' ".
    public static func problem(_ text: String) -> String? {
        guard text.hasPrefix("*") else {
            return text.contains("*") ? "has a '*' that is not the whole first part" : HostName.problem(text)
        }
        if text == "*" { return "is every name; that is the network mode \"full\"" }
        guard text.hasPrefix("*."), !text.dropFirst(2).contains("*") else {
            return "has a '*' that is not the whole first part"
        }
        let rest = String(text.dropFirst(2))
        if let problem = HostName.problem(rest) { return problem }
        // A registry's domain would let anybody in who buys a name there.
        return rest.dropLast().contains(".") ? nil : "names all of a top-level domain"
    }

    /// Whether the rule is about this name.
    public func matches(_ name: HostName) -> Bool {
        switch self {
        case .exact(let own): own == name
        case .below(let parent):
            name.text.utf8.count > parent.text.utf8.count + 1 && name.text.hasSuffix("." + parent.text)
        }
    }

    /// The form it is read in.
    public var description: String {
        switch self {
        case .exact(let name): name.text
        case .below(let name): "*." + name.text
        }
    }

    /// By text, names before the wildcards of the same text.
    public static func < (left: HostPattern, right: HostPattern) -> Bool { left.description < right.description }
}

extension HostName: Codable {
    /// Decodes the text form.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let name = HostName(parsing: try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a host name")
        }
        self = name
    }

    /// Encodes the text form.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}

extension HostPattern: Codable {
    /// Decodes the text form.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let pattern = HostPattern(parsing: try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a host pattern")
        }
        self = pattern
    }

    /// Encodes the text form.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
