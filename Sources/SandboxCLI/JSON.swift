internal import FoundationEssentials
internal import SandboxModel

/// JSON for other programs, safe to show on a terminal.
enum JSON {
    /// A value with its keys in snake case and in order.
    static func text(_ value: some Encodable) throws(SandboxError) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        do {
            return printable(String(decoding: try encoder.encode(value), as: UTF8.self))
        } catch {
            throw SandboxError(.internal, "write JSON", cause: "\(error)")
        }
    }

    /// A value on a single line.
    static func line(_ value: some Encodable) throws(SandboxError) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        do {
            return String(decoding: try encoder.encode(value), as: UTF8.self)
        } catch {
            throw SandboxError(.internal, "write JSON", cause: "\(error)")
        }
    }

    /// The same JSON with characters a terminal may act on as `\uXXXX`. Outside of strings JSON has none but newlines.
    static func printable(_ json: String) -> String {
        guard json.unicodeScalars.contains(where: isEscaped) else { return json }
        var result = ""
        for scalar in json.unicodeScalars {
            guard isEscaped(scalar) else {
                result.unicodeScalars.append(scalar)
                continue
            }
            let digits = String(scalar.value, radix: 16)
            result += "\\u" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
        }
        return result
    }

    private static func isEscaped(_ scalar: Unicode.Scalar) -> Bool {
        guard scalar.value >= 0x7f || scalar.value < 0x20, scalar != "\n" else { return false }
        let text = String(scalar)
        return text.escapingControls != text
    }
}
