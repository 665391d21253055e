public import SandboxModel

/// Blocks of addresses made into ranges that share nothing: sets of the kernel take no ranges that overlap.
public enum AddressRanges {
    /// Addresses from one to another, both included.
    public struct Range: Hashable, Sendable {
        /// The first.
        public var first: IPAddress
        /// The last, of the same family.
        public var last: IPAddress
    }

    /// The addresses that are in any of the blocks; ranges that touch are one.
    public static func union(_ blocks: [AddressBlock]) -> [Range] {
        var result: [Range] = []
        for block in blocks.sorted() {
            guard let open = result.last, open.first.family == block.family,
                block.address <= open.last || open.last.successor == block.address
            else {
                result.append(Range(first: block.address, last: block.last))
                continue
            }
            result[result.count - 1].last = max(open.last, block.last)
        }
        return result
    }

    /// The pieces that the blocks cut each other into, each with what is said of all blocks it is in.
    ///
    /// Two blocks share nothing or one is within the other, so those that are open at an address form a stack.
    static func pieces<Value>(_ blocks: [AddressBlock: Value]) -> [(range: Range, values: [Value])] {
        var result: [(range: Range, values: [Value])] = []
        var open: [(last: IPAddress, value: Value)] = []
        var start: IPAddress?

        func close(through last: IPAddress) {
            guard let first = start, first <= last else { return }
            result.append((Range(first: first, last: last), open.map(\.value)))
        }
        func closeBlocks(before next: IPAddress?) {
            while let top = open.last {
                if let next, next.family == top.last.family, next <= top.last { return }
                close(through: top.last)
                open.removeLast()
                start = top.last.successor
            }
        }
        for (block, value) in blocks.sorted(by: { $0.key < $1.key }) {
            closeBlocks(before: block.address)
            if !open.isEmpty, let before = block.address.predecessor { close(through: before) }
            open.append((block.last, value))
            start = block.address
        }
        closeBlocks(before: nil)
        return result
    }
}

extension IPAddress {
    /// The next address; nil behind the last.
    var successor: IPAddress? {
        switch self {
        case .ipv4(let address): address.value == .max ? nil : .ipv4(IPv4Address(value: address.value + 1))
        case .ipv6(let address): address.value == .max ? nil : .ipv6(IPv6Address(value: address.value + 1))
        }
    }

    /// The address before; nil before the first.
    var predecessor: IPAddress? {
        switch self {
        case .ipv4(let address): address.value == 0 ? nil : .ipv4(IPv4Address(value: address.value - 1))
        case .ipv6(let address): address.value == 0 ? nil : .ipv6(IPv6Address(value: address.value - 1))
        }
    }
}

/// Addresses that are reached through the link, as elements of a set of address, protocol and port.
enum DirectElements {
    private struct Opening {
        var grants: [Grant]
        var names: [String]
    }

    /// Elements that share nothing, whatever the rules' ranges and ports do.
    static func disjoint(_ direct: [DirectAddress], at time: Int64) -> [SetElement] {
        var blocks: [AddressBlock: Opening] = [:]
        for entry in direct {
            var opening = blocks[entry.range] ?? Opening(grants: [], names: [])
            opening.grants += entry.grants.filter { $0.expires.map { $0 > time } ?? true }
            opening.names.append(entry.host?.text ?? "\(entry.range)")
            blocks[entry.range] = opening
        }
        return AddressRanges.pieces(blocks).flatMap { piece -> [SetElement] in
            let names = Set(piece.values.flatMap(\.names)).sorted().joined(separator: " ")
            return Grant.disjoint(piece.values.flatMap(\.grants)).map { grant in
                let transport = KeyValue.transport(grant.ports.transport == .tcp ? .tcp : .udp)
                return SetElement(
                    from: [.address(piece.range.first), transport, .service(grant.ports.ports.lowerBound)],
                    through: [.address(piece.range.last), transport, .service(grant.ports.ports.upperBound)],
                    timeout: grant.timeout(at: time), comment: String(names.prefix(127)))
            }
        }
    }
}

extension Grant {
    /// Milliseconds that are left; nil for good.
    ///
    /// The kernel counts in ticks of at most 20 ms; the gateway, which counts too, is exact.
    func timeout(at time: Int64) -> UInt64? {
        expires.map { UInt64(max(0, $0 - time) / 20_000 + 1) * 20 }
    }
}
