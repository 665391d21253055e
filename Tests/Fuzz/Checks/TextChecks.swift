internal import SandboxModel
internal import SandboxTemplates

/// Checks of what people, or agents in their place, write.
enum TextChecks {
    static func policy(_ bytes: [UInt8]) -> String? {
        let text = String(decoding: bytes, as: UTF8.self)
        if let rule = try? EgressRule(parsing: text) {
            if let problem = rule.problem { return "a rule that \(problem)" }
            let again = try? EgressRule(parsing: rule.description)
            if again != rule { return "\(rule) reads as \(String(describing: again))" }
        }
        if let pattern = HostPattern(parsing: text) {
            if HostPattern(parsing: pattern.description) != pattern { return "\(pattern) does not read as itself" }
            if pattern.description.utf8.contains(where: { $0 <= 0x20 || $0 >= 0x7f }) {
                return "a pattern with \(pattern.description.debugDescription)"
            }
            if HostPattern.problem(text) != nil { return "\(pattern) is taken and refused" }
        } else if HostPattern.problem(text) == nil {
            return "\(text.debugDescription) is refused without a reason"
        }
        if let block = AddressBlock(text) {
            if AddressBlock(block.description) != block { return "\(block) does not read as itself" }
            if !block.contains(block.address) || !block.contains(block.last) { return "\(block) lacks its ends" }
            if let wider = AddressBlock(block.address, prefixLength: block.prefixLength / 2), !wider.overlaps(block) {
                return "\(wider) does not hold \(block)"
            }
        }
        if let ports = PortRange(parsing: text), PortRange(parsing: ports.description) != ports {
            return "\(ports) does not read as itself"
        }
        if let rate = Rate(parsing: text), Rate(parsing: rate.description) != rate {
            return "\(rate) does not read as itself"
        }
        if let name = HostName(parsing: text), HostName(parsing: name.text) != name {
            return "\(name.text) does not read as itself"
        }
        return nil
    }

    static func template(_ bytes: [UInt8]) -> String? {
        do throws(TemplateErrors) {
            let template = try TemplateParser.parse(bytes, file: "t.toml", presets: .empty)
            return template.network.rules.compactMap(\.problem).first.map { "a rule that \($0)" }
        } catch {
            if error.diagnostics.isEmpty { return "refused without a reason" }
            for diagnostic in error.diagnostics where diagnostic.position < .start {
                return "a position before the first"
            }
            for line in error.lines where line.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) {
                return "a message with a control character: \(line.debugDescription)"
            }
            return nil
        }
    }
}
