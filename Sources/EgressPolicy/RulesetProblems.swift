extension Ruleset {
    /// Whether the ruleset may be given to the kernel: one line for each mistake that the kernel would not notice, or
    /// not in words; empty if there is none.
    ///
    /// References to sets and chains that do not exist are not among them: the kernel refuses those.
    public var problems: [String] {
        var problems = Self.problems(ofName: table, "table")
        problems += Self.duplicates(sets.map(\.name), "set") + Self.duplicates(chains.map(\.name), "chain")
        for set in sets { problems += set.problems }
        let byName = Dictionary(sets.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        for chain in chains {
            problems += Self.problems(ofName: chain.name, "chain")
            for (position, rule) in chain.rules.enumerated() {
                problems += rule.problems(sets: byName).map {
                    "chain '\(chain.name)' rule \(position) '\(rule.name)': \($0)"
                }
            }
        }
        return problems
    }

    private static func duplicates(_ names: [String], _ kind: String) -> [String] {
        var seen: Set<String> = []
        return names.filter { !seen.insert($0).inserted }.map { "\(kind) '\($0)' is defined twice" }
    }

    /// Names that nft(8) can write without quotes, so that what it prints can be read back.
    static func problems(ofName name: String, _ kind: String) -> [String] {
        func isLetter(_ byte: UInt8) -> Bool { (0x41...0x5a).contains(byte & ~0x20) }
        func isInside(_ byte: UInt8) -> Bool {
            isLetter(byte) || (0x30...0x39).contains(byte) || "_-./".utf8.contains(byte)
        }
        guard let first = name.utf8.first, isLetter(first), name.utf8.allSatisfy(isInside), name.utf8.count <= 255
        else {
            return ["\(kind) '\(printable(name))' is no name: a letter, then letters, digits, '_', '-', '.', '/'"]
        }
        return []
    }

    /// Comments that nft(8) can write and that fit where libnftnl keeps them.
    static func problems(ofComment comment: String, _ kind: String) -> [String] {
        guard comment.utf8.count <= 127, printable(comment) == comment else {
            return ["\(kind) '\(printable(comment))' is longer than 127 bytes or has characters that cannot be shown"]
        }
        return []
    }
}

extension RuleSetDefinition {
    var problems: [String] {
        var problems = Ruleset.problems(ofName: name, "set")
        func report(_ text: String) { problems.append("set '\(name)' \(text)") }
        if key.isEmpty { report("has no key") }
        if key.reduce(0, { $0 + $1.paddedSize }) > 64 { report("has a key of more than 64 bytes") }
        if isDynamic, !elements.isEmpty { report("is filled by rules, but has elements") }
        for element in elements {
            for problem in element.problems(in: self) { report("element '\(element.text)': \(problem)") }
        }
        let sorted = elements.sorted()
        for (element, next) in zip(sorted, sorted.dropFirst()) where !(element < next) {
            report("element '\(element.text)' is there twice")
        }
        return problems
    }
}

extension SetElement {
    /// What is wrong with it as an element of `set`.
    package func problems(in set: RuleSetDefinition) -> [String] {
        var problems: [String] = []
        if !(lower.lazy.map(\.field).elementsEqual(set.key)) { problems.append("is no key of this set") }
        if let upper {
            if !set.isInterval { problems.append("is a range, which this set does not take") }
            if !(upper.lazy.map(\.field).elementsEqual(set.key)) {
                problems.append("has an upper bound that is no key of this set")
            } else if zip(lower, upper).contains(where: { $0 > $1 }) {
                problems.append("has an upper bound below the lower")
            }
        }
        if let comment { problems += Ruleset.problems(ofComment: comment, "comment") }
        return problems
    }
}

extension KeyField {
    /// Bytes the value has.
    package var size: Int {
        switch self {
        case .ipv4: 4
        case .ipv6: 16
        case .transport: 1
        case .service: 2
        }
    }

    /// Bytes it takes in a key: whole registers of 4 bytes.
    package var paddedSize: Int { (size + 3) & ~3 }
}

extension Rule {
    func problems(sets: [String: RuleSetDefinition]) -> [String] {
        var problems = Ruleset.problems(ofComment: name, "name")
        var known = PacketKnowledge()
        for (index, statement) in statements.enumerated() {
            let families = statement.families
            if families.count > 1 || (known.family != nil && !families.isEmpty && families != [known.family]) {
                problems.append("'\(statement.text)' can never match: a packet is of one family")
            }
            for guardian in known.missing(before: statement) { known.learn(guardian) }
            known.learn(statement)
            if statement.presumesPorts, known.transport?.hasPorts != true {
                problems.append("'\(statement.text)' reads a port, but no transport with ports was matched before")
            }
            if case .reject(.tcpReset) = statement, known.transport != .tcp {
                problems.append("'\(statement.text)' is for TCP")
            }
            if statement.isVerdict, index < statements.count - 1 {
                problems.append("'\(statement.text)' ends the rule, but more follows")
            }
            problems += statement.problems(sets: sets)
        }
        return problems
    }
}

extension Statement {
    func problems(sets: [String: RuleSetDefinition]) -> [String] {
        var problems: [String] = []
        func report(_ reason: String) { problems.append("'\(text)' \(reason)") }
        switch self {
        case .interface(_, .name(let name), _), .interface(_, .prefix(let name), _):
            // What the kernel takes for a name (dev_valid_name), and nft for one without a pattern.
            let isValid = (1...15).contains(name.utf8.count) && name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f }
            if !isValid || name.contains(where: { "/:*\"\\".contains($0) }) { report("names no interface") }
        case .connectionState(let states):
            if states.isEmpty { report("can never match") }
        case .limit(let limit):
            if limit.packets == 0 || limit.burst == 0 { report("has a rate or burst of 0") }
        case .inSet(let name, let key, _):
            if let set = sets[name], key.map(\.keyField) != set.key { report("is no key of the set") }
        case .remember(let remembrance):
            if let set = sets[remembrance.set] {
                if remembrance.key.map(\.keyField) != set.key { report("is no key of the set") }
                if !set.isDynamic { report("fills a set that is not dynamic") }
            }
            if remembrance.timeout == 0 { report("has a timeout of 0") }
        case .jump(let chain), .goto(let chain):
            problems += Ruleset.problems(ofName: chain, "chain")
        case .foreign:
            report("is not understood, so it cannot be made")
        default:
            break
        }
        return problems
    }
}

extension TransportProtocol {
    /// Whether its header begins with two ports: TCP, UDP, DCCP, SCTP, UDP-Lite.
    var hasPorts: Bool { [6, 17, 33, 132, 136].contains(rawValue) }
}
