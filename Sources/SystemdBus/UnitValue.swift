/// A command line of a unit: `ExecStart=` and its like.
public struct ExecCommand: Sendable, Equatable {
    /// The absolute path of the program.
    public let path: String
    /// The arguments, with argv[0] first.
    public let arguments: [String]
    /// Whether a failure counts as success (the `-` prefix of a unit file).
    public let ignoreFailure: Bool

    /// Makes a command; `arguments` starts with argv[0].
    public init(path: String, arguments: [String], ignoreFailure: Bool = false) {
        self.path = path
        self.arguments = arguments
        self.ignoreFailure = ignoreFailure
    }
}

/// Two strings that travel together, such as the id and the path of a credential.
public struct StringPair: Sendable, Equatable {
    /// The first of the two.
    public let first: String
    /// The second of the two.
    public let second: String

    /// Makes a pair.
    public init(_ first: String, _ second: String) {
        self.first = first
        self.second = second
    }
}

/// A bind mount of a unit: `BindPaths=`, `BindReadOnlyPaths=`.
public struct BindPath: Sendable, Equatable {
    /// The path on the host.
    public let source: String
    /// The path the unit sees.
    public let destination: String
    /// Whether a missing source is passed over.
    public let ignoreMissing: Bool
    /// Whether mounts below the source come too.
    public let recursive: Bool

    /// Makes a bind mount, recursive as in a unit file.
    public init(source: String, destination: String, ignoreMissing: Bool = false, recursive: Bool = true) {
        self.source = source
        self.destination = destination
        self.ignoreMissing = ignoreMissing
        self.recursive = recursive
    }
}

/// The value of a unit property as the bus carries it (org.freedesktop.systemd1(5)).
///
/// A pure value: a unit can be printed before anything is started. Times are microseconds, sizes bytes; `UInt64.max`
/// means infinity.
public enum UnitValue: Sendable, Equatable {
    /// A switch, `b`.
    case bool(Bool)
    /// A signed number, `i`, such as `Nice`.
    case int32(Int32)
    /// An unsigned number, `u`, such as `UMask`.
    case uint32(UInt32)
    /// A signed wide number, `x`.
    case int64(Int64)
    /// An unsigned wide number, `t`, such as `MemoryMax`, `TasksMax` or `TimeoutStopUSec`.
    case uint64(UInt64)
    /// Text, `s`. Object paths that come from the bus are read as text too.
    case string(String)
    /// A list of texts, `as`, such as `Environment` or `After`.
    case strings([String])
    /// Raw bytes, `ay`, such as `InvocationID`.
    case bytes([UInt8])
    /// Command lines, `a(sasb)`, such as `ExecStart`.
    case exec([ExecCommand])
    /// Pairs of texts, `a(ss)`: `LoadCredential`, `LoadCredentialEncrypted`, `TemporaryFileSystem`, `DeviceAllow`, `Listen`.
    case pairs([StringPair])
    /// An allow-list (`true`) or deny-list (`false`), `(bas)`: `SystemCallFilter`, `RestrictAddressFamilies`.
    case filter(allow: Bool, [String])
    /// Bind mounts, `a(ssbt)`.
    case binds([BindPath])
    /// A descriptor, `h`, such as `StandardInputFileDescriptor`. The message carries a duplicate; the caller keeps its own.
    case fileDescriptor(Int32)

    /// The D-Bus signature.
    public var signature: String {
        switch self {
        case .bool: "b"
        case .int32: "i"
        case .uint32: "u"
        case .int64: "x"
        case .uint64: "t"
        case .string: "s"
        case .strings: "as"
        case .bytes: "ay"
        case .exec: "a(sasb)"
        case .pairs: "a(ss)"
        case .filter: "(bas)"
        case .binds: "a(ssbt)"
        case .fileDescriptor: "h"
        }
    }

    /// The value as JSON (RFC 8259). Bytes are a hexadecimal string, a descriptor is `"fd"`, since its number means
    /// nothing to a reader.
    public var json: String {
        switch self {
        case .bool(let value): value ? "true" : "false"
        case .int32(let value): String(value)
        case .uint32(let value): String(value)
        case .int64(let value): String(value)
        case .uint64(let value): String(value)
        case .string(let value): JSON.string(value)
        case .strings(let values): JSON.strings(values)
        case .bytes(let bytes): JSON.string(bytes.hexadecimal)
        case .exec(let commands):
            JSON.array(
                commands.map {
                    JSON.array([JSON.string($0.path), JSON.strings($0.arguments), $0.ignoreFailure ? "true" : "false"])
                })
        case .pairs(let pairs): JSON.array(pairs.map { JSON.strings([$0.first, $0.second]) })
        case .filter(let allow, let names): JSON.array([allow ? "true" : "false", JSON.strings(names)])
        case .binds(let binds):
            JSON.array(
                binds.map {
                    JSON.array([
                        JSON.string($0.source), JSON.string($0.destination), $0.ignoreMissing ? "true" : "false",
                        String($0.flags),
                    ])
                })
        case .fileDescriptor: JSON.string("fd")
        }
    }
}

/// A unit property and its value.
public struct UnitProperty: Sendable, Equatable {
    /// The D-Bus name, which is not always the unit file's: `CPUQuotaPerSecUSec`, not `CPUQuota`.
    public let name: String
    /// The value.
    public let value: UnitValue

    /// Makes a property.
    public init(_ name: String, _ value: UnitValue) {
        self.name = name
        self.value = value
    }

    /// `{"name":…,"type":…,"value":…}`, keys in this order.
    public var json: String {
        "{\"name\":\(JSON.string(name)),\"type\":\(JSON.string(value.signature)),\"value\":\(value.json)}"
    }
}

extension BindPath {
    /// `MS_REC` or nothing (mount(2)).
    fileprivate var flags: UInt64 { recursive ? 0x4000 : 0 }
}

/// The little JSON that `--dry-run` needs.
private enum JSON {
    static func array(_ elements: [String]) -> String { "[" + elements.joined(separator: ",") + "]" }

    static func strings(_ values: [String]) -> String { array(values.map(string)) }

    static func string(_ value: String) -> String {
        var text = "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\t": text += "\\t"
            case _ where scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value):
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }
}

extension [UInt8] {
    /// Two lower-case digits for each byte.
    var hexadecimal: String {
        reduce(into: "") { text, byte in
            if byte < 16 { text += "0" }
            text += String(byte, radix: 16)
        }
    }
}

extension Message {
    /// Appends `a(sv)`.
    func append(_ properties: [UnitProperty]) throws(BusError) {
        try open("a", "(sv)")
        for property in properties {
            try open("r", "sv")
            try append(property.name)
            try open("v", property.value.signature)
            try append(property.value)
            try close()
            try close()
        }
        try close()
    }

    private func append(_ value: UnitValue) throws(BusError) {
        switch value {
        case .bool(let value): try append(value)
        case .int32(let value): try append(value)
        case .uint32(let value): try append(value)
        case .int64(let value): try append(value)
        case .uint64(let value): try append(value)
        case .string(let value): try append(value)
        case .strings(let values): try append(values)
        case .bytes(let bytes): try append(bytes)
        case .exec(let commands):
            try open("a", "(sasb)")
            for command in commands {
                try open("r", "sasb")
                try append(command.path)
                try append(command.arguments)
                try append(command.ignoreFailure)
                try close()
            }
            try close()
        case .pairs(let pairs):
            try open("a", "(ss)")
            for pair in pairs {
                try open("r", "ss")
                try append(pair.first)
                try append(pair.second)
                try close()
            }
            try close()
        case .filter(let allow, let names):
            try open("r", "bas")
            try append(allow)
            try append(names)
            try close()
        case .binds(let binds):
            try open("a", "(ssbt)")
            for bind in binds {
                try open("r", "ssbt")
                try append(bind.source)
                try append(bind.destination)
                try append(bind.ignoreMissing)
                try append(bind.flags)
                try close()
            }
            try close()
        case .fileDescriptor(let descriptor): try append(descriptor: descriptor)
        }
    }
}
