/// What the kernel does with a system call; see "RETURN VALUE" of the filter in seccomp(2).
public enum FilterAction: Sendable, Hashable {
    /// The call runs.
    case allow
    /// The call does not run and returns this error number.
    case fail(Errno)
    /// The whole process is killed as by SIGSYS.
    case kill

    /// The error numbers a filter answers with; raw values are those of x86_64 and aarch64 (asm-generic/errno*.h).
    public enum Errno: UInt16, Sendable, Hashable, CaseIterable {
        /// Known and refused.
        case notPermitted = 1
        /// As if this kernel did not have the call; the C library then takes its older way.
        case noSuchCall = 38
        /// As if this kernel did not have the protocol.
        case protocolNotSupported = 93
        /// As if this kernel did not have the address family.
        case familyNotSupported = 97

        /// The name of errno(3).
        public var name: String {
            switch self {
            case .notPermitted: "EPERM"
            case .noSuchCall: "ENOSYS"
            case .protocolNotSupported: "EPROTONOSUPPORT"
            case .familyNotSupported: "EAFNOSUPPORT"
            }
        }
    }

    /// Shorthand for the usual refusal, `EPERM`.
    public static let refuse = FilterAction.fail(.notPermitted)

    /// The value a filter program returns for this action (`SECCOMP_RET_*` of linux/seccomp.h).
    public var code: UInt32 {
        switch self {
        case .allow: 0x7fff_0000
        case .fail(let errno): 0x0005_0000 | UInt32(errno.rawValue)
        case .kill: 0x8000_0000
        }
    }
}

extension FilterAction: CustomStringConvertible, Codable {
    /// `allow`, `kill` or the name of the error number.
    public var description: String {
        switch self {
        case .allow: "allow"
        case .fail(let errno): errno.name
        case .kill: "kill"
        }
    }

    /// Encodes as the text of ``description``.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    /// Decodes the text of ``description``; throws `DecodingError` for any other text.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        let known = [FilterAction.allow, .kill] + Errno.allCases.map(FilterAction.fail)
        guard let action = known.first(where: { $0.description == text }) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "no such action '\(text)'")
        }
        self = action
    }
}

/// One comparison of a system call's argument: `argument & mask == value`.
///
/// Only masks of the low 32 bits are used by ``SeccompProfile/standard``: the kernel takes flags, families and modes
/// as `int`, and ignores what a caller puts into the upper half of the register, so the filter must ignore it too.
public struct ArgumentCondition: Sendable, Hashable, Codable, CustomStringConvertible {
    /// Which argument, 0…5.
    public let argument: Int
    /// The bits that are looked at. No bits: the condition always holds.
    public let mask: UInt64
    /// What those bits must be.
    public let value: UInt64

    /// Whether it holds for a call's six arguments.
    public func holds(for arguments: [UInt64]) -> Bool { arguments[argument] & mask == value }

    /// For example `arg1 & 0xf == 0x3`, or `arg1 any`.
    public var description: String {
        mask == 0 ? "arg\(argument) any" : "arg\(argument) & \(hex(mask)) == \(hex(value))"
    }
}

/// How a known system call is decided: at once, or by its arguments.
///
/// The levels of a tree test arguments in ascending order, each once. Cases of one level either exclude one another
/// or lead to the same decision: libseccomp orders them itself.
public indirect enum Decision: Sendable, Hashable {
    /// The same for all arguments.
    case always(FilterAction)
    /// The first case whose bits match decides, else `otherwise`.
    case byArgument(Int, cases: [Case], otherwise: FilterAction)

    /// One branch of a level.
    public struct Case: Sendable, Hashable {
        /// The bits of the argument that are looked at; not zero.
        public let mask: UInt64
        /// What those bits must be.
        public let value: UInt64
        /// What follows then.
        public let then: Decision

        /// A branch taken for `argument & mask == value`.
        public init(mask: UInt64, value: UInt64, then: Decision) {
            self.mask = mask
            self.value = value
            self.then = then
        }
    }

    /// The action for a call's six arguments.
    public func action(for arguments: [UInt64]) -> FilterAction {
        switch self {
        case .always(let action):
            return action
        case .byArgument(let argument, let cases, let otherwise):
            for branch in cases where arguments[argument] & branch.mask == branch.value {
                return branch.then.action(for: arguments)
            }
            return otherwise
        }
    }

    /// All ways through the tree, each a conjunction of conditions that ends in an action. `otherwise` is the last
    /// of its level and has a condition that always holds.
    var paths: [(conditions: [ArgumentCondition], action: FilterAction)] {
        switch self {
        case .always(let action):
            return [([], action)]
        case .byArgument(let argument, let cases, let otherwise):
            let branches = cases.flatMap { branch in
                branch.then.paths.map { path in
                    let first = ArgumentCondition(argument: argument, mask: branch.mask, value: branch.value)
                    return ([first] + path.conditions, path.action)
                }
            }
            return branches + [([ArgumentCondition(argument: argument, mask: 0, value: 0)], otherwise)]
        }
    }
}

/// `0x` and the digits, without Foundation.
func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
