internal import EgressPolicy
internal import SandboxModel

/// Understands a rule read back: the statements its instructions were made of.
struct RuleReader {
    /// What a register holds.
    private enum Content {
        /// A packet's field, or its first bytes, under a mask.
        case field(PacketField, length: Int, mask: [UInt8]?)
        case family
        case interface(InterfaceSide)
        case connectionState(mask: [UInt8]?)
        case mark(mask: [UInt8]?)
        case addressType
        case bytes([UInt8])
    }

    private let sets: [String: RuleSetDefinition]
    private var registers: [Register: Content] = [:]
    private var statements: [Statement] = []

    /// The statements of a rule; what has no words becomes a foreign statement.
    ///
    /// - Parameter sets: the sets of the rule's table, which say what keys are.
    static func statements(_ instructions: [Instruction], sets: [String: RuleSetDefinition]) -> [Statement] {
        var reader = RuleReader(sets: sets)
        var rest = instructions[...]
        while let instruction = rest.popFirst() {
            if let range = reader.portRange(instruction, rest.first) {
                reader.statements.append(range)
                rest.removeFirst()
            } else if !reader.load(instruction) {
                reader.statements.append(reader.statement(instruction) ?? .foreign(reader.text(instruction)))
            }
        }
        return reader.statements
    }

    private init(sets: [String: RuleSetDefinition]) { self.sets = sets }

    // MARK: Into registers

    /// Takes an instruction that only fills a register; false if it is none, or one that nothing is known of.
    private mutating func load(_ instruction: Instruction) -> Bool {
        switch instruction {
        case .payload(let header, let offset, let length, let register):
            guard let field = PacketField.allCases.first(where: { $0.begins(header, offset, length) }) else {
                registers[register] = nil
                return false
            }
            registers[register] = .field(field, length: Int(length), mask: nil)
        case .meta(let key, let register):
            switch key {
            case MetaKey.family: registers[register] = .family
            case MetaKey.transport: registers[register] = .field(.transport, length: 1, mask: nil)
            case MetaKey.inputName: registers[register] = .interface(.input)
            case MetaKey.outputName: registers[register] = .interface(.output)
            case MetaKey.mark: registers[register] = .mark(mask: nil)
            default:
                registers[register] = nil
                return false
            }
        case .connection(RuleConstant.connectionState, let register):
            registers[register] = .connectionState(mask: nil)
        case .route(RuleConstant.addressType, RuleConstant.ofDestination, let register):
            registers[register] = .addressType
        case .immediate(let bytes, let register):
            registers[register] = .bytes(bytes)
        case .mask(let register, let mask):
            switch registers[register] {
            case .field(let field, let length, nil) where mask.count == length:
                registers[register] = .field(field, length: length, mask: mask)
            case .connectionState(nil): registers[register] = .connectionState(mask: mask)
            case .mark(nil): registers[register] = .mark(mask: mask)
            default:
                registers[register] = nil
                return false
            }
        default:
            return false
        }
        return true
    }

    // MARK: From registers

    private func statement(_ instruction: Instruction) -> Statement? {
        switch instruction {
        case .compare(let register, let comparison, let bytes):
            guard comparison == .equal || comparison == .notEqual else { return nil }
            return match(register, bytes, negated: comparison == .notEqual)
        case .range(let register, let negated, let first, let last):
            return ports(register, first, last).map { .destinationPort($0, negated: negated) }
        case .lookup(let set, let register, let negated):
            return key(of: set, from: register).map { .inSet(set, key: $0, negated: negated) }
        case .update(let set, let register, let isUpdate, let timeout, let counter):
            return key(of: set, from: register).map {
                .remember(
                    Remembrance(
                        isUpdate ? .update : .add, set: set, key: $0, timeout: timeout == 0 ? nil : timeout,
                        counter: counter))
            }
        case .setMeta(MetaKey.mark, let register):
            guard case .bytes(let bytes) = registers[register], bytes.count == 4 else { return nil }
            return .setMark(bytes[...].number(at: 0))
        case .counter: return .counter
        case .quota(let bytes, let over, _): return .quota(bytes: bytes, over: over)
        case .limit(let packets, let seconds, let burst, let over):
            return RateLimit.Unit(rawValue: seconds).map {
                .limit(RateLimit(packets: packets, per: $0, burst: burst, over: over))
            }
        case .connectionLimit(let count, let over): return .connectionLimit(count: count, over: over)
        case .verdict(let code, let chain): return verdict(code, chain)
        case .reject(let type, let code): return rejection(type, code).map { .reject($0) }
        case .redirect(nil): return .redirect(toPort: nil)
        case .redirect(let register?):
            guard case .bytes(let bytes) = registers[register], bytes.count == 2 else { return nil }
            return .redirect(toPort: UInt16(bigEndian: bytes[...].number(at: 0)))
        case .masquerade: return .masquerade
        default: return nil
        }
    }

    private func match(_ register: Register, _ bytes: [UInt8], negated: Bool) -> Statement? {
        switch registers[register] {
        case .family:
            switch bytes {
            case [negated ? RuleConstant.ipv6 : RuleConstant.ipv4]: return .family(.ipv4)
            case [negated ? RuleConstant.ipv4 : RuleConstant.ipv6]: return .family(.ipv6)
            default: return nil
            }
        case .interface(let side):
            return InterfacePattern(bytes).map { .interface(side, $0, negated: negated) }
        case .connectionState(let mask):
            // "None of these" has no word.
            guard let mask, mask.count == 4, bytes == [0, 0, 0, 0], negated else { return nil }
            return .connectionState(ConnectionStates(rawValue: mask[...].number(at: 0)))
        case .mark(let mask):
            guard bytes.count == 4, (mask ?? bytes).count == 4 else { return nil }
            let bits: UInt32 = mask.map { $0[...].number(at: 0) } ?? .max
            return .mark(bytes[...].number(at: 0), mask: bits, negated: negated)
        case .addressType:
            return bytes == RuleConstant.local.hostBytes ? .destinationIsLocal(negated: negated) : nil
        case .field(.transport, _, nil):
            guard bytes.count == 1, let number = bytes.first else { return nil }
            return .transport(TransportProtocol(rawValue: number), negated: negated)
        case .field(.destinationPort, _, nil):
            return ports(register, bytes, bytes).map { .destinationPort($0, negated: negated) }
        case .field(let field, let length, let mask):
            guard let side = field.side, bytes.count == length,
                let block = AddressBlock(field.keyField, bytes: bytes, mask: mask)
            else { return nil }
            return .address(side, block, negated: negated)
        case .bytes, nil:
            return nil
        }
    }

    /// A range of ports is two comparisons of one register.
    private func portRange(_ instruction: Instruction, _ next: Instruction?) -> Statement? {
        guard case .compare(let register, .greaterOrEqual, let first) = instruction,
            case .compare(register, .lessOrEqual, let last)? = next
        else { return nil }
        return ports(register, first, last).map { .destinationPort($0) }
    }

    private func ports(_ register: Register, _ first: [UInt8], _ last: [UInt8]) -> ClosedRange<UInt16>? {
        guard case .field(.destinationPort, _, nil) = registers[register], first.count == 2, last.count == 2 else {
            return nil
        }
        let lower = UInt16(bigEndian: first[...].number(at: 0))
        let upper = UInt16(bigEndian: last[...].number(at: 0))
        return lower <= upper ? lower...upper : nil
    }

    /// The fields in the registers from one on, if they are what the set's key is made of.
    private func key(of set: String, from register: Register) -> [PacketField]? {
        guard let definition = sets[set], !definition.key.isEmpty else { return nil }
        var slot = register.slot
        var fields: [PacketField] = []
        for keyField in definition.key {
            guard case .field(let field, keyField.size, nil) = registers[Register(slot: slot)],
                field.keyField == keyField
            else { return nil }
            fields.append(field)
            slot += keyField.paddedSize / 4
        }
        return fields
    }

    private func verdict(_ code: Int32, _ chain: String?) -> Statement? {
        switch (code, chain) {
        case (Verdict.accept, _): .accept
        case (Verdict.drop, _): .drop
        case (Verdict.return, _): .return
        case (Verdict.jump, let chain?): .jump(chain)
        case (Verdict.goto, let chain?): .goto(chain)
        default: nil
        }
    }

    private func rejection(_ type: UInt32, _ code: UInt8) -> Rejection? {
        switch (type, code) {
        case (RuleConstant.tcpReset, _): .tcpReset
        case (RuleConstant.unreachable, RuleConstant.administrativelyProhibited): .administrativelyProhibited
        case (RuleConstant.unreachable, RuleConstant.portUnreachable): .portUnreachable
        default: nil
        }
    }

    private func text(_ instruction: Instruction) -> String {
        if case .other(let text) = instruction { return text }
        return "\(instruction)"
    }
}

extension PacketField {
    /// Whether a payload is this field, or, of an address, its first bytes: a shorter prefix is often read so.
    fileprivate func begins(_ header: Instruction.Header, _ offset: UInt32, _ length: UInt32) -> Bool {
        guard case .payload(header, offset, let whole, _) = load(into: .first) else { return false }
        return length == whole || side != nil && length > 0 && length < whole
    }

    /// Which of the addresses it is; nil if it is none.
    fileprivate var side: AddressSide? {
        switch self {
        case .sourceIPv4, .sourceIPv6: .source
        case .destinationIPv4, .destinationIPv6: .destination
        case .transport, .destinationPort: nil
        }
    }
}

extension AddressBlock {
    /// The block of addresses whose first bytes, under a mask, are these; nil if they are no block.
    fileprivate init?(_ field: KeyField, bytes: [UInt8], mask: [UInt8]?) {
        let mask = mask ?? [UInt8](repeating: 0xff, count: bytes.count)
        let length = mask.prefix { $0 == 0xff }.count * 8 + (mask.first { $0 != 0xff }?.leadingOnes ?? 0)
        guard mask.reduce(0, { $0 + $1.nonzeroBitCount }) == length else { return nil }
        let whole = bytes + [UInt8](repeating: 0, count: field.size - bytes.count)
        let address: IPAddress
        if field == .ipv4 {
            address = .ipv4(IPv4Address(value: UInt32(bigEndian: whole[...].number(at: 0))))
        } else {
            guard let number = IPv6Address(bytes: whole) else { return nil }
            address = .ipv6(number)
        }
        self.init(address, prefixLength: length)
        guard self.address == address else { return nil }
    }
}

extension UInt8 {
    fileprivate var leadingOnes: Int { (~self).leadingZeroBitCount }
}

extension InterfacePattern {
    /// The pattern of the bytes a name is compared with; nil if it is none.
    fileprivate init?(_ bytes: [UInt8]) {
        let name = bytes.prefix { $0 != 0 }
        guard !name.isEmpty, bytes.count <= RuleConstant.interfaceNameSize,
            bytes[name.count...].allSatisfy({ $0 == 0 }), let text = String(validating: name, as: UTF8.self)
        else { return nil }
        self = name.count == bytes.count ? .prefix(text) : .name(text)
    }
}
