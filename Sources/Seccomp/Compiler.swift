internal import CSeccomp
internal import Glibc

extension SeccompProfile {
    /// The architectures the standard profile is written for.
    package enum Architecture: Sendable, CaseIterable {
        case x86_64
        case aarch64

        /// `AUDIT_ARCH_*` (linux/audit.h), as `seccomp_data.arch` has it.
        package var token: UInt32 {
            switch self {
            case .x86_64: sbx_arch_x86_64
            case .aarch64: sbx_arch_aarch64
            }
        }

        /// The one this program runs on; nil on any other.
        package static var native: Architecture? { allCases.first { $0.token == seccomp_arch_native() } }
    }

    /// Compiles the profile for this machine, with libseccomp, and runs the result against the profile.
    ///
    /// Takes about a millisecond. The same profile and library give the same bytes.
    ///
    /// Throws ``SeccompError``: `EAFNOSUPPORT` on an architecture other than x86_64 and aarch64, `EINVAL` for a name no
    /// architecture has, `E2BIG` for a program longer than the kernel takes, `EILSEQ` if libseccomp's program does not
    /// do what the profile says, and whatever libseccomp and the kernel report. See seccomp_rule_add(3),
    /// seccomp_attr_set(3) and seccomp_export_bpf(3).
    public func compile() throws(SeccompError) -> CompiledFilter {
        guard let native = Architecture.native else {
            throw SeccompError(operation: "seccomp_arch_native", errno: EAFNOSUPPORT)
        }
        return try compile(for: native)
    }

    /// Compiles for an architecture. For another than the machine's own, calls that only their number tells are left
    /// out, as libseccomp translates by name; such a program is for inspection.
    package func compile(for architecture: Architecture) throws(SeccompError) -> CompiledFilter {
        guard let context = unsafe seccomp_init(defaultAction.code) else {
            throw SeccompError(operation: "seccomp_init", errno: ENOMEM)
        }
        defer { unsafe seccomp_release(context) }

        if architecture != Architecture.native {
            try check("seccomp_arch_remove", unsafe seccomp_arch_remove(context, seccomp_arch_native()))
            try check("seccomp_arch_add", unsafe seccomp_arch_add(context, architecture.token))
        }
        try check(
            "seccomp_attr_set",
            unsafe seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, foreignArchitecture.code))
        // A binary tree by number: a dozen comparisons for any call instead of some hundred for the unlucky ones.
        try check("seccomp_attr_set", unsafe seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2))

        var numbers: [(number: UInt32, decision: Decision)] = []
        for entry in entries {
            guard let numbersOfEntry = try entry.numbers(on: architecture) else { continue }
            numbers.append((numbersOfEntry.local, entry.decision))
            for path in entry.decision.paths where path.action != defaultAction || !path.conditions.isEmpty {
                let conditions = path.conditions.map(\.comparison)
                try check(
                    "seccomp_rule_add",
                    unsafe seccomp_rule_add_exact_array(
                        context, path.action.code, numbersOfEntry.library, UInt32(conditions.count), conditions),
                    syscall: entry.syscall)
            }
        }

        let filter = CompiledFilter(bytes: try unsafe export(context))
        guard filter.instructionCount <= CompiledFilter.maximumInstructionCount else {
            throw SeccompError(operation: "seccomp_export_bpf", errno: E2BIG)
        }
        try verify(filter, architecture: architecture, numbers: numbers)
        return filter
    }

    /// libseccomp documents no order among rules that overlap, and a filter that is wrong looks like one that is
    /// right. So the program is run for every call, with arguments at and around everything the profile compares.
    private func verify(
        _ filter: CompiledFilter, architecture: Architecture, numbers: [(number: UInt32, decision: Decision)]
    ) throws(SeccompError) {
        let program = Instruction.decode(filter.bytes)
        func answer(_ number: UInt32, _ arguments: [UInt64]) -> UInt32? {
            Instruction.run(program, architecture: architecture.token, number: number, arguments: arguments)
        }
        for (number, decision) in numbers {
            for arguments in decision.samples where answer(number, arguments) != decision.action(for: arguments).code {
                throw SeccompError(operation: "verification of call number \(number)", errno: EILSEQ)
            }
        }
        let highest = numbers.map(\.number).max() ?? 0
        let foreign = Instruction.run(
            program, architecture: ~architecture.token, number: 0, arguments: Array(repeating: 0, count: 6))
        guard answer(highest + 1, Array(repeating: 0, count: 6)) == defaultAction.code,
            foreign == foreignArchitecture.code
        else { throw SeccompError(operation: "verification of the default", errno: EILSEQ) }
    }
}

extension SeccompProfile.Entry {
    /// The call's number there, and the number by which libseccomp wants it named; nil if that architecture does not
    /// have the call, or it cannot be named.
    fileprivate func numbers(
        on architecture: SeccompProfile.Architecture
    ) throws(SeccompError) -> (local: UInt32, library: Int32)? {
        let local = unsafe seccomp_syscall_resolve_name_arch(architecture.token, syscall)
        if local >= 0 { return unsafe (UInt32(local), seccomp_syscall_resolve_name(syscall)) }
        // Below -1: a call other architectures have. -1 (__NR_SCMP_ERROR): a call this libseccomp does not know.
        if local < -1 { return nil }
        guard let number else {
            throw SeccompError(operation: "seccomp_syscall_resolve_name", errno: EINVAL, syscall: syscall)
        }
        return architecture == .native ? (UInt32(number), number) : nil
    }
}

extension ArgumentCondition {
    /// "Always" is `>= 0`, which libseccomp tries after the masked comparisons of the same argument; a masked
    /// comparison of no bits it would take for a rule without conditions, which replaces all others of the call.
    fileprivate var comparison: scmp_arg_cmp {
        mask == 0
            ? scmp_arg_cmp(arg: UInt32(argument), op: SCMP_CMP_GE, datum_a: 0, datum_b: 0)
            : scmp_arg_cmp(arg: UInt32(argument), op: SCMP_CMP_MASKED_EQ, datum_a: mask, datum_b: value)
    }
}

extension Decision {
    /// Argument lists at and around what the decision compares, in all combinations.
    var samples: [[UInt64]] {
        var values = Array(repeating: Set<UInt64>([0]), count: 6)
        collect(into: &values)
        return values.reduce([[]]) { lists, choices in
            lists.flatMap { list in choices.map { list + [$0] } }
        }
    }

    private func collect(into values: inout [Set<UInt64>]) {
        guard case .byArgument(let argument, let cases, _) = self else { return }
        values[argument].insert(.max)
        for branch in cases {
            values[argument].formUnion([branch.value, branch.value | ~branch.mask])
            branch.then.collect(into: &values)
        }
    }
}

/// The exported program's bytes.
private func export(_ context: scmp_filter_ctx) throws(SeccompError) -> [UInt8] {
    let file = sbx_seccomp_memfd()
    guard file >= 0 else { throw SeccompError(operation: "memfd_create", errno: errno) }
    defer { close(file) }
    try check("seccomp_export_bpf", unsafe seccomp_export_bpf(context, file))
    let size = lseek(file, 0, SEEK_END)
    guard size > 0, size % 8 == 0 else { throw SeccompError(operation: "lseek", errno: EIO) }
    var bytes = [UInt8](repeating: 0, count: Int(size))
    guard unsafe pread(file, &bytes, bytes.count, 0) == bytes.count else {
        throw SeccompError(operation: "pread", errno: EIO)
    }
    return bytes
}

/// libseccomp returns 0 or a negative error number.
private func check(_ operation: String, _ result: Int32, syscall: String? = nil) throws(SeccompError) {
    guard result == 0 else { throw SeccompError(operation: operation, errno: -result, syscall: syscall) }
}
