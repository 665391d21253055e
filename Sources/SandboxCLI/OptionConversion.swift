internal import ArgumentParser
internal import SandboxEngine
internal import SandboxModel
internal import Synchronization

/// A conversion that works once: ArgumentParser would let the last of two equal flags win in silence. One is made for
/// every parse of a command line.
func once<Value>(
    _ convert: @escaping @Sendable (String) throws(BadValue) -> Value
) -> @Sendable (String) throws -> Value {
    let gate = Gate()
    return { text in
        guard gate.enter() else { throw BadValue("the flag is given more than once") }
        return try convert(text)
    }
}

/// Why a value is refused. ArgumentParser prints it after the flag and the value.
struct BadValue: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// Lets the first caller in.
private final class Gate: Sendable {
    private let used = Mutex(false)

    func enter() -> Bool {
        used.withLock { used in
            defer { used = true }
            return !used
        }
    }
}

/// From the words of a command line to values of the model.
enum Convert {
    static func text(_ text: String) throws(BadValue) -> String {
        guard !text.isEmpty else { throw BadValue("it must not be empty") }
        return text
    }

    static func name(_ text: String) throws(BadValue) -> SandboxName {
        do throws(SandboxError) { return try SandboxName(text) } catch { throw BadValue(error.description) }
    }

    static func size(_ text: String) throws(BadValue) -> ByteSize {
        guard let size = ByteSize(parsing: text) else {
            throw BadValue("use a number with K, M, G or T, such as 512M")
        }
        guard size.bytes >= 1 << 20 else { throw BadValue("it must be at least 1M") }
        return size
    }

    static func quota(_ text: String) throws(BadValue) -> CPUQuota {
        guard let quota = CPUQuota(parsing: text) else {
            throw BadValue("use percent of one processor, such as 200%")
        }
        return quota
    }

    /// Processes and threads of a sandbox: its first one and another.
    static func tasks(_ text: String) throws(BadValue) -> UInt64 {
        let count = try count(text)
        guard count >= 2 else { throw BadValue("it must be at least 2") }
        return count
    }

    /// Inodes of a root: it needs some of its own.
    static func inodes(_ text: String) throws(BadValue) -> UInt64 {
        let count = try count(text)
        guard count >= 1000 else { throw BadValue("it must be at least 1000") }
        return count
    }

    /// A count that `TasksMax=` and `nr_inodes=` accept.
    static func count(_ text: String) throws(BadValue) -> UInt64 {
        guard let count = UInt64(strictDecimal: text), (1...UInt64(Int32.max)).contains(count) else {
            throw BadValue("use a number from 1 to \(Int32.max)")
        }
        return count
    }

    static func network(_ text: String) throws(BadValue) -> NetworkMode {
        guard let mode = NetworkMode(rawValue: text) else { throw BadValue("use none, restricted or full") }
        return mode
    }

    /// What `--allow` takes.
    static func rule(_ text: String) throws(BadValue) -> EgressRule {
        do throws(EgressRuleProblem) { return try EgressRule(parsing: text) } catch {
            throw BadValue("it \(error.text)")
        }
    }

    /// What `network deny` takes: a host as a rule has it, all of it or some ports.
    static func denial(_ text: String) throws(BadValue) -> NetworkChange.Denial {
        do throws(EgressRuleProblem) {
            let (destination, ports) = try EgressRule.parts(text)
            return NetworkChange.Denial(destination, ports: ports)
        } catch {
            throw BadValue("it \(error.text)")
        }
    }

    static func workspaceMode(_ text: String) throws(BadValue) -> WorkspaceMode {
        guard let mode = WorkspaceMode(rawValue: text) else { throw BadValue("use bind or read-only") }
        return mode
    }

    static func store(_ text: String) throws(BadValue) -> Store {
        guard let store = Store(parsing: text) else { throw BadValue("use host, nix or an absolute path") }
        if case .directory(let path) = store {
            guard path.escapingControls == path, !path.split(separator: "/").contains("..") else {
                throw BadValue("the path must not contain '..' or control characters")
            }
        }
        return store
    }

    /// Seconds, from `90`, `90s`, `5m` or `1h`; at least one.
    static func duration(_ text: String) throws(BadValue) -> Double {
        let seconds = try grace(text)
        guard seconds > 0 else { throw BadValue("it must be more than zero") }
        return seconds
    }

    /// Seconds, zero too.
    static func grace(_ text: String) throws(BadValue) -> Double {
        let factors: [Character: UInt64] = ["s": 1, "m": 60, "h": 3600]
        let factor = text.last.flatMap { factors[$0] }
        let digits = factor == nil ? text[...] : text.dropLast()
        guard let number = UInt64(strictDecimal: digits), number <= 1_000_000 else {
            throw BadValue("use seconds, or a number with s, m or h, such as 5m")
        }
        return Double(number * (factor ?? 1))
    }

    /// One `NAME=VALUE` of the environment.
    static func variable(_ text: String) throws(BadValue) -> Variable {
        guard let equals = text.firstIndex(of: "=") else { throw BadValue("use NAME=VALUE") }
        let name = String(text[..<equals])
        guard Variable.isValidName(name) else {
            throw BadValue("a variable's name is made of letters, digits and '_', and begins with no digit")
        }
        // execve(2) refuses a string of more than MAX_ARG_STRLEN bytes, its end included.
        guard text.utf8.count < 131_072 else { throw BadValue("it is longer than the 128 KiB the kernel takes") }
        return Variable(name: name, value: String(text[text.index(after: equals)...]))
    }

    /// One `NAME=FILE` of the secrets.
    static func secret(_ text: String) throws(BadValue) -> Variable {
        guard let equals = text.firstIndex(of: "="), text.index(after: equals) < text.endIndex else {
            throw BadValue("use NAME=FILE")
        }
        let name = String(text[..<equals])
        guard Secret.isValidName(name) else {
            throw BadValue(
                "a secret's name is made of letters, digits, '_', '-' and '.', and begins with no '-' or '.'")
        }
        return Variable(name: name, value: String(text[text.index(after: equals)...]))
    }
}

/// A name and what it stands for.
struct Variable: Sendable, Equatable {
    let name: String
    let value: String

    static func isValidName(_ name: String) -> Bool {
        guard let first = name.utf8.first, !(0x30...0x39).contains(first) else { return false }
        return name.utf8.allSatisfy {
            (0x61...0x7a).contains($0) || (0x41...0x5a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5f
        }
    }

    /// A dictionary of variables.
    /// - Throws: `usage` when one is named twice.
    static func dictionary(_ variables: [Variable], flag: String) throws(SandboxError) -> [String: String] {
        var result: [String: String] = [:]
        for variable in variables {
            guard result.updateValue(variable.value, forKey: variable.name) == nil else {
                throw SandboxError(.usage, "'\(flag) \(variable.name)=' is given more than once")
            }
        }
        return result
    }
}
