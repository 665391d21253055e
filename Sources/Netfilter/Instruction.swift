/// An expression of a rule, as the kernel runs it (`enum nft_*_attributes`, linux/netfilter/nf_tables.h).
///
/// Between the words of a policy and the kernel's objects stands this value: what is made of a rule, and what a rule
/// read back is understood from, can be looked at without a kernel.
enum Instruction: Hashable {
    /// Where in a packet a payload is counted from; raw values are `enum nft_payload_bases`.
    enum Header: UInt32 {
        case link = 0
        case network = 1
        case transport = 2
    }

    /// How a comparison decides; raw values are `enum nft_cmp_ops`.
    enum Comparison: UInt32 {
        case equal = 0
        case notEqual = 1
        case less = 2
        case lessOrEqual = 3
        case greater = 4
        case greaterOrEqual = 5
    }

    /// Reads bytes of the packet.
    case payload(Header, offset: UInt32, length: UInt32, into: Register)
    /// Reads a fact about the packet (``MetaKey``).
    case meta(UInt32, into: Register)
    /// Writes a fact about the packet.
    case setMeta(UInt32, from: Register)
    /// Reads a fact about the connection (`enum nft_ct_keys`), of no particular direction.
    case connection(UInt32, into: Register)
    /// Asks the routing table (`enum nft_fib_result`, `enum nft_fib_flags`).
    case route(result: UInt32, flags: UInt32, into: Register)
    /// Clears the bits a mask does not have, in place.
    case mask(Register, [UInt8])
    /// Goes on if the register compares so.
    case compare(Register, Comparison, [UInt8])
    /// Goes on if the register is in the range, or is not.
    case range(Register, negated: Bool, [UInt8], [UInt8])
    /// Goes on if the key that begins in the register is in the set, or is not.
    case lookup(String, Register, negated: Bool)
    /// Puts the key that begins in the register into the set; timeout in milliseconds, 0: the set's.
    case update(String, Register, isUpdate: Bool, timeout: UInt64, counter: Bool)
    /// Puts bytes into a register.
    case immediate([UInt8], into: Register)
    /// Ends the rule (``Verdict``).
    case verdict(Int32, chain: String?)
    /// Counts.
    case counter(packets: UInt64, bytes: UInt64)
    /// Goes on while fewer bytes have passed, or more.
    case quota(bytes: UInt64, over: Bool, used: UInt64)
    /// Goes on while the rate is kept, or exceeded; packets per so many seconds.
    case limit(packets: UInt64, seconds: UInt64, burst: UInt32, over: Bool)
    /// Goes on while there are fewer connections, or more.
    case connectionLimit(UInt32, over: Bool)
    /// Tells the sender (`enum nft_reject_types`).
    case reject(type: UInt32, code: UInt8)
    /// Sends the packet to this machine, to the port in a register.
    case redirect(Register?)
    /// Gives the packet the address of the interface it leaves by.
    case masquerade
    /// One this type has no word for, in libnftnl's.
    case other(String)

    /// The same, with a quota that has seen so many bytes already.
    func continuing(quotaUsed: UInt64) -> Instruction {
        guard case .quota(let bytes, let over, _) = self else { return self }
        return .quota(bytes: bytes, over: over, used: quotaUsed)
    }
}

/// One of the sixteen registers of 4 bytes a rule computes with (`enum nft_registers`).
struct Register: Hashable {
    /// 0 to 15.
    let slot: Int

    init(slot: Int) { self.slot = slot }

    /// A register by the kernel's number: 1 to 4 for the quadruples, 8 to 23 for single ones. nil for another.
    init?(number: UInt32) {
        switch number {
        case 1...4: slot = (Int(number) - 1) * 4
        case 8...23: slot = Int(number) - 8
        default: return nil
        }
    }

    /// The number the kernel itself gives it.
    var number: UInt32 { slot % 4 == 0 ? UInt32(slot / 4) + 1 : UInt32(slot) + 8 }

    /// The one every simple match uses.
    static let first = Register(slot: 0)
}

/// Facts about a packet; `enum nft_meta_keys`.
enum MetaKey {
    static let mark: UInt32 = 3
    static let inputName: UInt32 = 6
    static let outputName: UInt32 = 7
    static let family: UInt32 = 15
    static let transport: UInt32 = 16
}

/// Ends of a rule; `enum nft_verdicts` and `NF_*` (linux/netfilter.h).
enum Verdict {
    static let drop: Int32 = 0
    static let accept: Int32 = 1
    static let jump: Int32 = -3
    static let goto: Int32 = -4
    static let `return`: Int32 = -5
}

/// Small numbers of the kernel's interface that statements are made of.
enum RuleConstant {
    /// `NFPROTO_IPV4`, `NFPROTO_IPV6` (linux/netfilter.h).
    static let ipv4: UInt8 = 2
    static let ipv6: UInt8 = 10
    /// `NFT_CT_STATE`.
    static let connectionState: UInt32 = 0
    /// `NFT_FIB_RESULT_ADDRTYPE` and `NFTA_FIB_F_DADDR`.
    static let addressType: UInt32 = 3
    static let ofDestination: UInt32 = 2
    /// `RTN_LOCAL` (linux/rtnetlink.h).
    static let local: UInt32 = 2
    /// `NFT_REJECT_TCP_RST` and `NFT_REJECT_ICMPX_UNREACH` with its codes; a table of both families takes no other.
    static let tcpReset: UInt32 = 1
    static let unreachable: UInt32 = 2
    static let portUnreachable: UInt8 = 1
    static let administrativelyProhibited: UInt8 = 3
    /// `IFNAMSIZ` (linux/if.h).
    static let interfaceNameSize = 16
    /// `NFT_RULE_MAXEXPRS` (net/netfilter/nf_tables.h).
    static let most = 128
}
