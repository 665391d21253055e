internal import SandboxModel

extension Ruleset: CustomStringConvertible {
    /// The table as nft(8) writes and reads it, one element to a line.
    public var description: String {
        var lines = ["table \(family.rawValue) \(printable(table)) {"]
        if isDormant { lines.append("\tflags dormant") }
        for set in sets { lines += set.lines }
        for chain in chains { lines += chain.lines }
        return (lines + ["}"]).joined(separator: "\n") + "\n"
    }
}

extension RuleSetDefinition {
    /// The set without its elements, a property to a line.
    var headLines: [String] {
        var lines = ["type " + key.map(\.text).joined(separator: " . ")]
        if let size { lines.append("size \(size)") }
        let flags = [(isInterval, "interval"), (hasTimeout, "timeout"), (isDynamic, "dynamic")]
        let names = flags.filter(\.0).map(\.1)
        if !names.isEmpty { lines.append("flags " + names.joined(separator: ",")) }
        if let defaultTimeout { lines.append("timeout " + duration(defaultTimeout)) }
        if countsElements { lines.append("counter") }
        return lines
    }

    fileprivate var lines: [String] {
        var lines = headLines.map { "\t\t" + $0 }
        if !elements.isEmpty {
            lines.append("\t\telements = {")
            lines += elements.map { "\t\t\t\($0.text)," }
            lines.append("\t\t}")
        }
        return ["\tset \(printable(name)) {"] + lines + ["\t}"]
    }
}

extension RuleChain {
    /// The line that makes it a base chain.
    var headLine: String? {
        base.map {
            "type \($0.kind.rawValue) hook \($0.hook) priority \($0.priority); policy \($0.policy.rawValue);"
        }
    }

    fileprivate var lines: [String] {
        var lines = ["\tchain \(printable(name)) {"]
        if let headLine { lines.append("\t\t" + headLine) }
        lines += rules.map { "\t\t\($0.text)" }
        return lines + ["\t}"]
    }
}

extension KeyField {
    /// nft's name of the type.
    var text: String {
        switch self {
        case .ipv4: "ipv4_addr"
        case .ipv6: "ipv6_addr"
        case .transport: "inet_proto"
        case .service: "inet_service"
        }
    }
}

extension KeyValue: CustomStringConvertible {
    /// The value as nft(8) writes it.
    public var description: String {
        switch self {
        case .ipv4(let address): address.description
        case .ipv6(let address): address.description
        case .transport(let transport): transport.description
        case .service(let port): String(port)
        }
    }
}

extension TransportProtocol: CustomStringConvertible {
    /// The name, where it is a well-known one, or the number.
    public var description: String {
        switch self {
        case .icmp: "icmp"
        case .tcp: "tcp"
        case .udp: "udp"
        case .icmpv6: "ipv6-icmp"
        default: String(rawValue)
        }
    }
}

extension SetElement {
    /// The element as nft(8) writes it: `10.0.0.0-10.0.0.255 . 443 timeout 1h comment "x"`.
    package var text: String {
        var text =
            if let upper, upper.count == lower.count {
                zip(lower, upper).map { $0 == $1 ? "\($0)" : "\($0)-\($1)" }.joined(separator: " . ")
            } else {
                lower.map(\.description).joined(separator: " . ")
            }
        if let timeout { text += " timeout " + duration(timeout) }
        if let comment { text += " comment \"\(printable(comment))\"" }
        return text
    }
}

/// A time as nft(8) writes it: `1d2h3m4s500ms`.
package func duration(_ milliseconds: UInt64) -> String {
    var rest = milliseconds
    var text = ""
    for (unit, size) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)]
        as [(String, UInt64)]
    where rest >= size {
        text += "\(rest / size)\(unit)"
        rest %= size
    }
    return text.isEmpty ? "0s" : text
}

/// Text that may come from anyone, as it may stand between quotes and on a terminal.
func printable(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
        let isPlain =
            switch scalar.properties.generalCategory {
            case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
            default: scalar != "\"" && scalar != "\\"
            }
        result.append(isPlain ? scalar : "?")
    }
    return String(result)
}
