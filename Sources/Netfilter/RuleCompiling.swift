internal import EgressPolicy
internal import SandboxModel

extension Rule {
    /// The rule as the kernel runs it. Statements must be normalized; a foreign one becomes one the kernel refuses.
    var instructions: [Instruction] { statements.flatMap(\.instructions) }
}

extension Statement {
    fileprivate var instructions: [Instruction] {
        let register = Register.first
        switch self {
        case .family(let family):
            let number = family == .ipv4 ? RuleConstant.ipv4 : RuleConstant.ipv6
            return [.meta(MetaKey.family, into: register), .compare(register, .equal, [number])]
        case .transport(let transport, let negated):
            return [
                .meta(MetaKey.transport, into: register),
                .compare(register, negated ? .notEqual : .equal, [transport.rawValue]),
            ]
        case .interface(let side, let pattern, let negated):
            return [
                .meta(side == .input ? MetaKey.inputName : MetaKey.outputName, into: register),
                .compare(register, negated ? .notEqual : .equal, pattern.bytes),
            ]
        case .address(let side, let block, let negated):
            return block.instructions(side, negated: negated)
        case .destinationPort(let ports, let negated):
            return [PacketField.destinationPort.load(into: register)] + ports.comparison(register, negated: negated)
        case .inSet(let name, let key, let negated):
            return key.loads + [.lookup(name, register, negated: negated)]
        case .connectionState(let states):
            // One bit of several: none of them left is no match.
            return [
                .connection(RuleConstant.connectionState, into: register),
                .mask(register, states.rawValue.hostBytes),
                .compare(register, .notEqual, UInt32(0).hostBytes),
            ]
        case .destinationIsLocal(let negated):
            return [
                .route(result: RuleConstant.addressType, flags: RuleConstant.ofDestination, into: register),
                .compare(register, negated ? .notEqual : .equal, RuleConstant.local.hostBytes),
            ]
        case .mark(let value, let mask, let negated):
            return [.meta(MetaKey.mark, into: register)]
                + (mask == .max ? [] : [.mask(register, mask.hostBytes)])
                + [.compare(register, negated ? .notEqual : .equal, value.hostBytes)]
        case .quota(let bytes, let over):
            return [.quota(bytes: bytes, over: over, used: 0)]
        case .limit(let limit):
            return [
                .limit(packets: limit.packets, seconds: limit.unit.rawValue, burst: limit.burst, over: limit.over)
            ]
        case .connectionLimit(let count, let over): return [.connectionLimit(count, over: over)]
        case .counter: return [.counter(packets: 0, bytes: 0)]
        case .remember(let remembrance):
            return remembrance.key.loads + [
                .update(
                    remembrance.set, register, isUpdate: remembrance.operation == .update,
                    timeout: remembrance.timeout ?? 0, counter: remembrance.counter)
            ]
        case .setMark(let value):
            return [.immediate(value.hostBytes, into: register), .setMeta(MetaKey.mark, from: register)]
        case .accept: return [.verdict(Verdict.accept, chain: nil)]
        case .drop: return [.verdict(Verdict.drop, chain: nil)]
        case .jump(let chain): return [.verdict(Verdict.jump, chain: chain)]
        case .goto(let chain): return [.verdict(Verdict.goto, chain: chain)]
        case .return: return [.verdict(Verdict.return, chain: nil)]
        case .reject(let rejection): return [rejection.instruction]
        case .redirect(let port):
            guard let port else { return [.redirect(nil)] }
            return [.immediate(port.networkBytes, into: register), .redirect(register)]
        case .masquerade: return [.masquerade]
        case .foreign(let text): return [.other(text)]
        }
    }
}

extension PacketField {
    /// Reads the field: RFC 791 and RFC 8200 have the addresses, and the ports begin every header that has any.
    func load(into register: Register) -> Instruction {
        switch self {
        case .sourceIPv4: .payload(.network, offset: 12, length: 4, into: register)
        case .destinationIPv4: .payload(.network, offset: 16, length: 4, into: register)
        case .sourceIPv6: .payload(.network, offset: 8, length: 16, into: register)
        case .destinationIPv6: .payload(.network, offset: 24, length: 16, into: register)
        case .transport: .meta(MetaKey.transport, into: register)
        case .destinationPort: .payload(.transport, offset: 2, length: 2, into: register)
        }
    }
}

extension [PacketField] {
    /// Reads the fields one after the other into whole registers, as keys are laid out.
    fileprivate var loads: [Instruction] {
        var slot = 0
        return map { field in
            defer { slot += field.keyField.paddedSize / 4 }
            return field.load(into: Register(slot: slot))
        }
    }
}

extension AddressBlock {
    fileprivate func instructions(_ side: AddressSide, negated: Bool) -> [Instruction] {
        let field: PacketField =
            switch (side, family) {
            case (.source, .ipv4): .sourceIPv4
            case (.source, .ipv6): .sourceIPv6
            case (.destination, .ipv4): .destinationIPv4
            case (.destination, .ipv6): .destinationIPv6
            }
        let register = Register.first
        let mask = (0..<field.keyField.size).map { index in
            UInt8(truncatingIfNeeded: 0xff00 >> Swift.min(Swift.max(prefixLength - 8 * index, 0), 8))
        }
        return [field.load(into: register)] + (isSingle ? [] : [.mask(register, mask)])
            + [.compare(register, negated ? .notEqual : .equal, address.bytes)]
    }
}

extension ClosedRange<UInt16> {
    fileprivate func comparison(_ register: Register, negated: Bool) -> [Instruction] {
        let (first, last) = (lowerBound.networkBytes, upperBound.networkBytes)
        if count == 1 { return [.compare(register, negated ? .notEqual : .equal, first)] }
        if negated { return [.range(register, negated: true, first, last)] }
        return [.compare(register, .greaterOrEqual, first), .compare(register, .lessOrEqual, last)]
    }
}

extension InterfacePattern {
    /// The bytes to compare: a name with all the zeros after it, a prefix without.
    fileprivate var bytes: [UInt8] {
        switch self {
        case .name(let name):
            let bytes = Array(name.utf8.prefix(RuleConstant.interfaceNameSize - 1))
            return bytes + [UInt8](repeating: 0, count: RuleConstant.interfaceNameSize - bytes.count)
        case .prefix(let prefix):
            return Array(prefix.utf8.prefix(RuleConstant.interfaceNameSize - 1))
        }
    }
}

extension Rejection {
    fileprivate var instruction: Instruction {
        switch self {
        case .tcpReset: .reject(type: RuleConstant.tcpReset, code: 0)
        case .administrativelyProhibited:
            .reject(type: RuleConstant.unreachable, code: RuleConstant.administrativelyProhibited)
        case .portUnreachable: .reject(type: RuleConstant.unreachable, code: RuleConstant.portUnreachable)
        }
    }
}
