internal import SandboxModel

/// Reads `[network]`, and the `allow` list of a preset.
struct NetworkTableReader {
    private let table: TableReader
    private let presets: PresetLibrary

    init(_ table: TableReader, presets: PresetLibrary) {
        self.table = table
        self.presets = presets
    }

    func read() -> NetworkPolicy {
        var policy = NetworkPolicy()
        if let mode = table.choice("mode", NetworkMode.self) { policy.mode = mode }
        if let allows = table.boolean("private") { policy.allowsPrivate = allows }
        policy.rules = rules("allow", allowsPrivate: policy.allowsPrivate)
        policy.denied = denied()
        if let budget = table.table("budget") {
            policy.egressBudget = budget.parsed("egress", "a size like \"2G\"", ByteSize.init(parsing:))
            budget.finish()
        }
        if let rate = table.table("rate") {
            policy.connectionRate = rate.parsed(
                "connections", "a rate like \"50/second\" or \"600/minute\"", Rate.init(parsing:))
            rate.finish()
        }
        // With the mode written out, a list waits for 'network set'; without it, somebody forgot the mode.
        if table.has("allow"), !table.has("mode") {
            table.complain(
                "allow", nil, "'allow' without 'mode', and no mode is \"none\"", hint: "add 'mode = \"restricted\"'")
        }
        if let name = policy.directAndRelayed {
            table.complain(
                "allow", nil, "'\(name)' is both direct and relayed; a name has one kind of address",
                hint: "give all its rules the same 'via'")
        }
        return policy
    }

    /// The rules of a list.
    func rules(_ key: String, allowsPrivate: Bool) -> [EgressRule] {
        var rules: [EgressRule] = []
        for (offset, element) in table.elements(key) {
            switch element {
            case .string(let text):
                do throws(EgressRuleProblem) {
                    rules.append(try EgressRule(parsing: text))
                } catch {
                    table.complain(key, offset, "'\(text.shortened)' \(error.text)")
                }
            case .table(let entry):
                if entry.has("preset") { rules += preset(entry) } else if let rule = rule(entry) { rules.append(rule) }
                entry.finish()
            }
            if let rule = rules.last, !allowsPrivate, case .network(let range) = rule.destination,
                let network = SpecialAddresses.privateNetworks.first(where: { $0.overlaps(range) })
            {
                table.complain(
                    key, offset, "'\(range)' is private (\(network))",
                    hint: "'private = true' in [network] permits private addresses that a rule names")
                rules.removeLast()
            }
        }
        if rules.count > NetworkPolicy.ruleLimit {
            table.complain(key, nil, "'\(key)' has \(rules.count) rules with its presets, at most 1024 are kept")
        }
        return rules
    }

    private func denied() -> [HostPattern] {
        (table.strings("deny") ?? []).compactMap { offset, text in
            if let problem = HostPattern.problem(text) {
                table.complain("deny", offset, "'\(text.shortened)' \(problem)")
            }
            return HostPattern(parsing: text)
        }
    }

    private func preset(_ entry: TableReader) -> [EgressRule] {
        guard let name = entry.string("preset") else { return [] }
        do throws(PresetProblem) {
            return try presets.rules(name)
        } catch {
            entry.complain("preset", nil, error.text, hint: error.hint)
            return []
        }
    }

    private func rule(_ entry: TableReader) -> EgressRule? {
        let destination = destination(entry)
        let ports = ports(entry)
        let via = entry.has("via") ? entry.choice("via", EgressRule.Path.self) : nil
        guard let destination, let ports else { return nil }
        if case .network = destination, via == .gateway {
            entry.complain("via", nil, "addresses have no name for the gateway to check", hint: "leave 'via' out")
        }
        let rule = EgressRule(destination, ports: ports, via: via)
        if let problem = rule.problem {
            entry.complain("'\(rule.destination)' \(problem)")
            return nil
        }
        return rule
    }

    private func destination(_ entry: TableReader) -> EgressRule.Destination? {
        let host = entry.string("host")
        let range = entry.string("cidr")
        switch (host, range) {
        case (let text?, nil):
            if let pattern = HostPattern(parsing: text) { return .host(pattern) }
            entry.complain("host", nil, "'\(text.shortened)' \(HostPattern.problem(text) ?? "is no host name")")
        case (nil, let text?):
            if let range = AddressBlock(text) { return .network(range) }
            entry.complain(
                "cidr", nil, "'\(text.shortened)' is no range of addresses",
                hint: "write it like \"192.0.2.0/24\", with no bit set after the prefix")
        case (nil, nil):
            if !entry.has("host") && !entry.has("cidr") {
                entry.complain("the rule names nothing", hint: "write 'host', 'cidr' or 'preset'")
            }
        case (_?, _?): entry.complain("the rule names both 'host' and 'cidr'", hint: "leave one")
        }
        return nil
    }

    private func ports(_ entry: TableReader) -> [PortRange]? {
        guard entry.has("ports") else { return EgressRule.standardPorts }
        let texts = entry.numbersAndStrings("ports")
        var ports: [PortRange] = []
        for (offset, text) in texts {
            if let range = PortRange(parsing: text) {
                ports.append(range)
            } else {
                entry.complain(
                    "ports", offset, "'\(text.shortened)' is no port",
                    hint: "write 443, \"8000-8010\" or \"123/udp\"; ports are 1 to 65535")
            }
        }
        return ports.count == texts.count && !ports.isEmpty ? ports : nil
    }
}
