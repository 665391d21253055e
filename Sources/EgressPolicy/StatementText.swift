internal import SandboxModel

extension Rule {
    /// The rule as nft(8) writes it, its name as the comment.
    package var text: String {
        var parts = statements.map(\.text)
        if !name.isEmpty { parts.append("comment \"\(printable(name))\"") }
        return parts.joined(separator: " ")
    }
}

extension Statement {
    /// The statement as nft(8) writes it.
    var text: String {
        switch self {
        case .family(let family):
            return "meta nfproto \(family.rawValue)"
        case .transport(let transport, let negated):
            return "meta l4proto \(not(negated))\(transport)"
        case .interface(let side, let pattern, let negated):
            return "\(side == .input ? "iifname" : "oifname") \(not(negated))\"\(pattern.text)\""
        case .address(let side, let block, let negated):
            let header = block.family == .ipv4 ? "ip" : "ip6"
            return "\(header) \(side == .source ? "saddr" : "daddr") \(not(negated))\(block)"
        case .destinationPort(let ports, let negated):
            let range = ports.count == 1 ? "\(ports.lowerBound)" : "\(ports.lowerBound)-\(ports.upperBound)"
            return "th dport \(not(negated))\(range)"
        case .inSet(let name, let key, let negated):
            return "\(key.text) \(not(negated))@\(printable(name))"
        case .connectionState(let states):
            return "ct state \(states)"
        case .destinationIsLocal(let negated):
            return "fib daddr type \(not(negated))local"
        case .mark(let value, let mask, let negated):
            let field = mask == .max ? "meta mark" : "meta mark & 0x\(String(mask, radix: 16))"
            return "\(field) \(negated ? "!=" : "==") 0x\(String(value, radix: 16))"
        case .quota(let bytes, let over):
            return "quota \(over ? "over" : "until") \(bytes) bytes"
        case .limit(let limit):
            return "limit rate \(limit.over ? "over " : "")\(limit.packets)/\(limit.unit) burst \(limit.burst) packets"
        case .connectionLimit(let count, let over):
            return "ct count \(over ? "over " : "")\(count)"
        case .counter: return "counter"
        case .remember(let remembrance): return remembrance.text
        case .setMark(let value): return "meta mark set 0x\(String(value, radix: 16))"
        case .accept: return "accept"
        case .drop: return "drop"
        case .jump(let chain): return "jump \(printable(chain))"
        case .goto(let chain): return "goto \(printable(chain))"
        case .return: return "return"
        case .reject(let rejection): return "reject with \(rejection.text)"
        case .redirect(let port): return port.map { "redirect to :\($0)" } ?? "redirect"
        case .masquerade: return "masquerade"
        case .foreign(let text): return "<\(printable(text))>"
        }
    }

    private func not(_ negated: Bool) -> String { negated ? "!= " : "" }
}

extension Statement: CustomStringConvertible {
    /// The statement as nft(8) writes it.
    public var description: String { text }
}

extension InterfacePattern {
    fileprivate var text: String {
        switch self {
        case .name(let name): printable(name)
        case .prefix(let prefix): printable(prefix) + "*"
        }
    }
}

extension PacketField {
    fileprivate var text: String {
        switch self {
        case .sourceIPv4: "ip saddr"
        case .destinationIPv4: "ip daddr"
        case .sourceIPv6: "ip6 saddr"
        case .destinationIPv6: "ip6 daddr"
        case .transport: "meta l4proto"
        case .destinationPort: "th dport"
        }
    }
}

extension [PacketField] {
    fileprivate var text: String { map(\.text).joined(separator: " . ") }
}

extension ConnectionStates: CustomStringConvertible {
    /// The names, separated by commas; a bit without a name as a number.
    public var description: String {
        var rest = self
        var names: [String] = []
        let known: [(ConnectionStates, String)] = [
            (.invalid, "invalid"), (.established, "established"), (.related, "related"), (.new, "new"),
            (.untracked, "untracked"),
        ]
        for (state, name) in known where contains(state) {
            names.append(name)
            rest.remove(state)
        }
        if !rest.isEmpty { names.append("0x\(String(rest.rawValue, radix: 16))") }
        return names.joined(separator: ",")
    }
}

extension Remembrance {
    fileprivate var text: String {
        let time = timeout.map { " timeout " + duration($0) } ?? ""
        return "\(operation.rawValue) @\(printable(set)) { \(key.text)\(time)\(counter ? " counter" : "") }"
    }
}

extension Rejection {
    fileprivate var text: String {
        switch self {
        case .tcpReset: "tcp reset"
        case .administrativelyProhibited: "icmpx admin-prohibited"
        case .portUnreachable: "icmpx port-unreachable"
        }
    }
}
