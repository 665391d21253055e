/// A classic BPF program for seccomp(2), as the kernel of this architecture takes it.
public struct CompiledFilter: Sendable, Hashable {
    /// An array of `struct sock_filter` (linux/filter.h), 8 bytes each, in the machine's byte order.
    public let bytes: [UInt8]

    /// The program `bytes` are.
    public init(bytes: [UInt8]) { self.bytes = bytes }

    /// The most instructions the kernel takes (`BPF_MAXINSNS`, linux/bpf_common.h).
    public static let maximumInstructionCount = 4096

    /// Instructions in the program.
    public var instructionCount: Int { bytes.count / 8 }

    /// 16 hexadecimal digits that tell two programs apart (FNV-1a, 64 bits). For comparison and display; it is no
    /// protection against somebody who may choose the program.
    public var digest: String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// What the program answers to a call, as `SECCOMP_RET_*`; nil if it is no valid seccomp program.
    ///
    /// Runs the subset of classic BPF that seccomp has (Documentation/userspace-api/seccomp_filter.rst): 32-bit loads
    /// from `struct seccomp_data`, comparisons, `and`, jumps forward, return.
    public func evaluate(architecture: UInt32, number: UInt32, arguments: [UInt64]) -> UInt32? {
        Instruction.run(Instruction.decode(bytes), architecture: architecture, number: number, arguments: arguments)
    }
}

/// One `struct sock_filter`.
struct Instruction {
    let code: UInt16
    let jumpTrue: UInt8
    let jumpFalse: UInt8
    let constant: UInt32

    static func decode(_ bytes: [UInt8]) -> [Instruction] {
        func number(_ at: Int, _ count: Int) -> UInt32 {
            var value: UInt32 = 0
            for byte in bytes[at..<at + count].reversed() { value = value << 8 | UInt32(byte) }
            return value
        }
        return stride(from: 0, to: bytes.count - bytes.count % 8, by: 8).map { at in
            Instruction(
                code: UInt16(number(at, 2)), jumpTrue: bytes[at + 2], jumpFalse: bytes[at + 3],
                constant: number(at + 4, 4))
        }
    }

    static func run(
        _ program: [Instruction], architecture: UInt32, number: UInt32, arguments: [UInt64]
    ) -> UInt32? {
        var accumulator: UInt32 = 0
        var at = 0
        while at < program.count {
            let instruction = program[at]
            at += 1
            switch instruction.code {
            case 0x20:  // BPF_LD | BPF_W | BPF_ABS: struct seccomp_data { int nr; u32 arch; u64 ip; u64 args[6]; }
                switch instruction.constant {
                case 0: accumulator = number
                case 4: accumulator = architecture
                case 16..<64 where instruction.constant % 4 == 0:
                    let argument = arguments[Int(instruction.constant - 16) / 8]
                    accumulator = UInt32(truncatingIfNeeded: instruction.constant % 8 == 0 ? argument : argument >> 32)
                default: return nil
                }
            case 0x54:  // BPF_ALU | BPF_AND | BPF_K
                accumulator &= instruction.constant
            case 0x05:  // BPF_JMP | BPF_JA
                at += Int(instruction.constant)
            case 0x15:  // BPF_JMP | BPF_JEQ | BPF_K
                at += Int(accumulator == instruction.constant ? instruction.jumpTrue : instruction.jumpFalse)
            case 0x25:  // BPF_JMP | BPF_JGT | BPF_K
                at += Int(accumulator > instruction.constant ? instruction.jumpTrue : instruction.jumpFalse)
            case 0x35:  // BPF_JMP | BPF_JGE | BPF_K
                at += Int(accumulator >= instruction.constant ? instruction.jumpTrue : instruction.jumpFalse)
            case 0x06:  // BPF_RET | BPF_K
                return instruction.constant
            default:
                return nil
            }
        }
        return nil
    }
}
