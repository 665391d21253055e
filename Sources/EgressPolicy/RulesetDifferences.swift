extension Ruleset {
    /// What is different in the kernel from what was applied: a line each, for people; empty if nothing is.
    ///
    /// Order that has no meaning makes no difference, nor do elements that rules added, nor elements with a timeout
    /// that are gone. One such line: `chain 'output': rule 'deny': missing`.
    /// - Parameter grace: milliseconds by which the timeouts of an element may differ.
    public static func differences(applied: Ruleset, read: Ruleset?, grace: UInt64 = 0) -> [String] {
        guard let read = read?.normalized else { return ["table '\(printable(applied.table))': missing"] }
        let applied = applied.normalized
        var lines: [String] = []
        if applied.table != read.table || applied.family != read.family {
            lines.append("table '\(printable(applied.table))': is '\(printable(read.table))'")
        }
        if applied.isDormant != read.isDormant {
            lines.append("table '\(printable(applied.table))': is \(read.isDormant ? "" : "not ")dormant")
        }
        lines += compare(applied.sets, read.sets, "set", name: \.name) {
            $0.differences(read: $1, grace)
        }
        lines += compare(applied.chains, read.chains, "chain", name: \.name) { $0.differences(read: $1) }
        return lines
    }

    /// Pairs two lists by name; a part on one side only is a difference of its own.
    private static func compare<Part>(
        _ applied: [Part], _ read: [Part], _ kind: String, name: (Part) -> String,
        _ differences: (Part, Part) -> [String]
    ) -> [String] {
        let there = Dictionary(read.map { (name($0), $0) }, uniquingKeysWith: { first, _ in first })
        let meant = Set(applied.map(name))
        var lines: [String] = []
        for part in applied {
            let label = "\(kind) '\(printable(name(part)))'"
            if let other = there[name(part)] {
                lines += differences(part, other).map { "\(label): \($0)" }
            } else {
                lines.append("\(label): missing")
            }
        }
        for part in read where !meant.contains(name(part)) {
            lines.append("\(kind) '\(printable(name(part)))': was added")
        }
        return lines
    }
}

extension RuleSetDefinition {
    fileprivate func differences(read: RuleSetDefinition, _ grace: UInt64) -> [String] {
        var lines: [String] = []
        if headLines != read.headLines {
            lines.append("is '\(read.headLines.joined(separator: "; "))', not '\(headLines.joined(separator: "; "))'")
        }
        if isDynamic { return lines }
        // Both are sorted: one pass tells what is on one side only.
        var mine = elements[...]
        var other = read.elements[...]
        while true {
            switch (mine.first, other.first) {
            case (nil, nil):
                return lines
            case (let first?, let second) where second.map({ first < $0 }) ?? true:
                if first.timeout == nil, defaultTimeout == nil { lines.append("element '\(first.text)': missing") }
                mine.removeFirst()
            case (let first, let second?) where first.map({ second < $0 }) ?? true:
                // One that is about to end is nobody's work.
                if second.timeout.map({ $0 > grace }) ?? true { lines.append("element '\(second.text)': was added") }
                other.removeFirst()
            case (let first, let second):
                if let first, let second, !first.isSame(as: second, grace) {
                    lines.append("element '\(first.text)': is '\(second.text)'")
                }
                mine = mine.dropFirst()
                other = other.dropFirst()
            }
        }
    }
}

extension SetElement {
    /// Whether all that is said of both is the same, and they end at about the same time.
    fileprivate func isSame(as other: SetElement, _ grace: UInt64) -> Bool {
        var other = other
        if let own = timeout, let others = other.timeout, max(own, others) - min(own, others) <= grace {
            other.timeout = own
        }
        return self == other
    }
}

extension RuleChain {
    fileprivate func differences(read: RuleChain) -> [String] {
        var lines: [String] = []
        if base != read.base {
            lines.append("is '\(read.headLine ?? "regular")', not '\(headLine ?? "regular")'")
        }
        for change in read.rules.difference(from: rules) {
            switch change {
            case .remove(let offset, let rule, _): lines.append("rule \(offset) '\(rule.text)': missing")
            case .insert(let offset, let rule, _): lines.append("rule \(offset) '\(rule.text)': was added")
            }
        }
        return lines
    }
}
