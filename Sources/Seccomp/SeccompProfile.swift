/// Which system calls a sandbox's programs may make: a pure value, the same for the payload and for all that enters.
///
/// What the profile does not name is answered with ``defaultAction``. Calls of another architecture (i386 and x32 on
/// x86_64, arm on aarch64) kill the process: their numbers and argument layouts would need a table of their own.
public struct SeccompProfile: Sendable, Hashable {
    /// A system call the profile knows, and how it is decided.
    public struct Entry: Sendable, Hashable {
        /// The name, as in syscalls(2).
        public let syscall: String
        /// Its number where libseccomp may be older than the call; the same on every architecture from 424 on.
        public let number: Int32?
        /// How it is decided.
        public let decision: Decision

        /// An entry of a profile; `number` only for calls that libseccomp 2.5.4 may not know.
        public init(_ syscall: String, number: Int32? = nil, _ decision: Decision) {
            self.syscall = syscall
            self.number = number
            self.decision = decision
        }
    }

    /// The answer to every number that no entry has.
    public let defaultAction: FilterAction
    /// The answer to calls of any architecture but the machine's own.
    public let foreignArchitecture: FilterAction
    /// The calls the profile knows, ascending by name; no name twice.
    public let entries: [Entry]

    /// A profile of these entries, in any order. The later of two entries of one name wins.
    public init(defaultAction: FilterAction, foreignArchitecture: FilterAction, entries: [Entry]) {
        var byName: [String: Entry] = [:]
        for entry in entries { byName[entry.syscall] = entry }
        self.defaultAction = defaultAction
        self.foreignArchitecture = foreignArchitecture
        self.entries = byName.values.sorted { $0.syscall < $1.syscall }
    }

    /// The action for a call by name with its arguments; arguments not given are 0.
    public func action(for syscall: String, _ arguments: UInt64...) -> FilterAction {
        let padded = arguments + Array(repeating: 0, count: 6 - arguments.count)
        return entries.first { $0.syscall == syscall }?.decision.action(for: padded) ?? defaultAction
    }

    /// The profile as a flat list, in a fixed order: per call, all conditions of a rule must hold, and the first rule
    /// that holds decides.
    public var rules: [FilterRule] {
        entries.flatMap { entry in
            entry.decision.paths.map {
                FilterRule(syscall: entry.syscall, number: entry.number, conditions: $0.conditions, action: $0.action)
            }
        }
    }
}

/// One line of a flattened profile.
public struct FilterRule: Sendable, Hashable, Codable {
    /// The name of the system call.
    public let syscall: String
    /// Its number where libseccomp may be older than the call.
    public let number: Int32?
    /// What must hold of the arguments, all of it; empty for "whatever they are".
    public let conditions: [ArgumentCondition]
    /// What happens then.
    public let action: FilterAction
}

extension SeccompProfile: CustomStringConvertible {
    /// The profile for a reader: calls with one answer as a list per answer, the others rule by rule. Deterministic.
    public var description: String {
        var unconditional: [String: [String]] = [:]
        var lines = ["default \(defaultAction)", "foreign-architecture \(foreignArchitecture)"]
        var conditional: [String] = []
        for rule in rules {
            if rule.conditions.isEmpty {
                unconditional["\(rule.action)", default: []].append(rule.syscall)
            } else {
                let conditions = rule.conditions.map(\.description).joined(separator: ", ")
                conditional.append("\(rule.syscall) [\(conditions)] \(rule.action)")
            }
        }
        for (action, names) in unconditional.sorted(by: { $0.key < $1.key }) {
            lines.append("\(action): \(names.joined(separator: " "))")
        }
        return (lines + conditional).joined(separator: "\n") + "\n"
    }
}

/// A filter could not be made. Nothing was loaded into any process.
public struct SeccompError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The step that failed, for example `seccomp_rule_add`.
    public let operation: String
    /// The error number of the step, as in errno(3).
    public let errno: Int32
    /// The system call whose rule it was, if it was one.
    public let syscall: String?

    /// An error of `operation`.
    public init(operation: String, errno: Int32, syscall: String? = nil) {
        self.operation = operation
        self.errno = errno
        self.syscall = syscall
    }

    /// One line: step, operand, number.
    public var description: String {
        "seccomp filter: \(operation)\(syscall.map { " '\($0)'" } ?? "") failed (errno \(errno))"
    }
}
