extension String {
    /// The string with every character that could steer a terminal or mislead a reader written as `\u{hex}`.
    ///
    /// Covers C0 and C1 controls, DEL, line and paragraph separators, and the bidirectional controls
    /// (Unicode Standard Annex 9) that make text read in another order than it is stored.
    public var escapingControls: String {
        guard unicodeScalars.contains(where: { $0.isUnsafeForTerminals }) else { return self }
        var result = ""
        for scalar in unicodeScalars {
            if scalar.isUnsafeForTerminals {
                result += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

extension Unicode.Scalar {
    /// Whether a terminal may act on the scalar instead of showing it.
    var isUnsafeForTerminals: Bool {
        switch value {
        case 0...0x1f, 0x7f...0x9f: true
        case 0x200e, 0x200f, 0x061c: true
        case 0x2028, 0x2029: true
        case 0x202a...0x202e, 0x2066...0x2069: true
        default: false
        }
    }
}
