internal import CSystemd
internal import Glibc

/// One D-Bus message with its read or write position (sd-bus(3)); freed when the last reference goes.
///
/// Writing and reading are strict: a string with a NUL is refused rather than cut, a value of another type than asked
/// for is an error, and arrays are bounded.
@safe
final class Message {
    /// No reply this program asks for comes near this many elements; more is a broken or hostile peer.
    static let arrayLimit = 100_000

    enum Kind: UInt8 {
        case methodCall = 1
        case methodReturn = 2
        case methodError = 3
        case signal = 4
    }

    let handle: OpaquePointer
    /// Names the exchange in errors.
    let operation: String

    /// Takes over the caller's reference.
    init(taking handle: OpaquePointer, operation: String) {
        unsafe self.handle = handle
        self.operation = operation
    }

    deinit { unsafe sd_bus_message_unref(handle) }

    /// The same message under the name of the call it answers.
    func renamed(_ operation: String) -> Message {
        // Each object gives back one reference.
        unsafe Message(taking: sd_bus_message_ref(handle), operation: operation)
    }

    // MARK: Header

    var kind: Kind? {
        var type: UInt8 = 0
        guard unsafe sd_bus_message_get_type(handle, &type) >= 0 else { return nil }
        return Kind(rawValue: type)
    }
    var replyCookie: UInt64? {
        var cookie: UInt64 = 0
        return unsafe sd_bus_message_get_reply_cookie(handle, &cookie) >= 0 ? cookie : nil
    }
    var path: String? { unsafe Message.text(sd_bus_message_get_path(handle)) }
    var interface: String? { unsafe Message.text(sd_bus_message_get_interface(handle)) }
    var member: String? { unsafe Message.text(sd_bus_message_get_member(handle)) }
    var destination: String? { unsafe Message.text(sd_bus_message_get_destination(handle)) }
    var signature: String { unsafe Message.text(sd_bus_message_get_signature(handle, 1)) ?? "" }

    /// The error this message carries, when it is a method error.
    var remoteError: BusError? {
        guard kind == .methodError, let error = unsafe sd_bus_message_get_error(handle) else { return nil }
        return BusError(
            operation, errno: unsafe sd_bus_message_get_errno(handle), name: unsafe Message.text(error.pointee.name),
            message: unsafe Message.text(error.pointee.message) ?? "")
    }

    private static func text(_ pointer: UnsafePointer<CChar>?) -> String? {
        guard let pointer = unsafe pointer else { return nil }
        return unsafe String(cString: pointer)
    }

    // MARK: Writing

    /// Appends a string, object path or signature (`type` is `s`, `o` or `g`).
    func append(_ value: String, as type: Character = "s") throws(BusError) {
        guard !value.utf8.contains(0) else {
            throw BusError(operation, errno: EINVAL, message: "a string contains a NUL byte")
        }
        try check(unsafe sd_bus_message_append_basic(handle, Message.code(type), value), operation)
    }

    /// D-Bus booleans are 32 bits wide.
    func append(_ value: Bool) throws(BusError) {
        try appendFixed(Int32(value ? 1 : 0), as: "b")
    }

    func append(_ value: Int32) throws(BusError) { try appendFixed(value, as: "i") }
    func append(_ value: UInt32) throws(BusError) { try appendFixed(value, as: "u") }
    func append(_ value: Int64) throws(BusError) { try appendFixed(value, as: "x") }
    func append(_ value: UInt64) throws(BusError) { try appendFixed(value, as: "t") }

    /// Appends a duplicate of a descriptor; the caller keeps its own.
    func append(descriptor: Int32) throws(BusError) { try appendFixed(descriptor, as: "h") }

    func append(_ value: [UInt8]) throws(BusError) {
        let result = unsafe value.withUnsafeBytes { bytes in
            unsafe sd_bus_message_append_array(handle, Message.code("y"), bytes.baseAddress, bytes.count)
        }
        try check(result, operation)
    }

    func append(_ values: [String]) throws(BusError) {
        try open("a", "s")
        for value in values { try append(value) }
        try close()
    }

    /// Opens an array `a`, variant `v`, struct `r` or dictionary entry `e` of the given contents.
    func open(_ type: Character, _ contents: String) throws(BusError) {
        try check(unsafe sd_bus_message_open_container(handle, Message.code(type), contents), operation)
    }

    func close() throws(BusError) {
        try check(unsafe sd_bus_message_close_container(handle), operation)
    }

    private func appendFixed<T: BitwiseCopyable>(_ value: T, as type: Character) throws(BusError) {
        let result = unsafe withUnsafePointer(to: value) { pointer in
            unsafe sd_bus_message_append_basic(handle, Message.code(type), pointer)
        }
        try check(result, operation)
    }

    // MARK: Reading

    /// Refuses a message whose complete signature is another one.
    func expect(_ expected: String) throws(BusError) {
        guard signature == expected else {
            throw .malformed(operation, "the signature is '\(signature)' where '\(expected)' is documented")
        }
    }

    /// Goes back to the first value, so that several readers can share a signal.
    func rewind() throws(BusError) {
        try check(unsafe sd_bus_message_rewind(handle, 1), operation)
    }

    func readString() throws(BusError) -> String { try readText(as: "s") }

    /// Reads an object path below `prefix`, or the prefix itself; any other place is not for us to talk to.
    func readPath(below prefix: String) throws(BusError) -> String {
        let path = try readText(as: "o")
        guard path.hasPrefix(prefix + "/") else {
            throw .malformed(operation, "the object path is not below '\(prefix)'")
        }
        return path
    }

    func readBool() throws(BusError) -> Bool { try readFixed(Int32.self, as: "b") != 0 }
    func readInt32() throws(BusError) -> Int32 { try readFixed(Int32.self, as: "i") }
    func readUInt32() throws(BusError) -> UInt32 { try readFixed(UInt32.self, as: "u") }
    func readInt64() throws(BusError) -> Int64 { try readFixed(Int64.self, as: "x") }
    func readUInt64() throws(BusError) -> UInt64 { try readFixed(UInt64.self, as: "t") }

    /// Reads a descriptor and duplicates it with close-on-exec; the caller owns the result.
    func readDescriptor() throws(BusError) -> Int32 {
        // The message closes its own copy when it goes.
        let borrowed = try readFixed(Int32.self, as: "h")
        let owned = fcntl(borrowed, F_DUPFD_CLOEXEC, 3)
        guard owned >= 0 else { throw BusError(operation, errno: errno) }
        return owned
    }

    func readBytes() throws(BusError) -> [UInt8] {
        var start: UnsafeRawPointer?
        var size = 0
        let result = unsafe sd_bus_message_read_array(handle, Message.code("y"), &start, &size)
        guard try check(result, operation) > 0 else { throw .malformed(operation, "the byte array is missing") }
        guard size <= Message.arrayLimit else { throw tooLong }
        return unsafe Array(UnsafeRawBufferPointer(start: start, count: size))
    }

    func readStrings() throws(BusError) -> [String] {
        try enter("a", "s")
        var values: [String] = []
        while try !atEnd() {
            guard values.count < Message.arrayLimit else { throw tooLong }
            values.append(try readString())
        }
        try exit()
        return values
    }

    /// Passes over values of the given types.
    func skip(_ contents: String) throws(BusError) {
        try check(unsafe sd_bus_message_skip(handle, contents), operation)
    }

    /// Enters a container; it is an error when it is not the next thing.
    func enter(_ type: Character, _ contents: String) throws(BusError) {
        let result = unsafe sd_bus_message_enter_container(handle, Message.code(type), contents)
        guard try check(result, operation) > 0 else {
            throw .malformed(operation, "the container '\(type)' of '\(contents)' is missing")
        }
    }

    func exit() throws(BusError) {
        try check(unsafe sd_bus_message_exit_container(handle), operation)
    }

    /// Whether the container entered last has no more elements.
    func atEnd() throws(BusError) -> Bool {
        try check(unsafe sd_bus_message_at_end(handle, 0), operation) > 0
    }

    /// Reads an array of structs, at most `arrayLimit` of them.
    func readStructs<T>(
        _ contents: String, _ element: (Message) throws(BusError) -> T
    ) throws(BusError) -> [T] {
        try enter("a", "(\(contents))")
        var values: [T] = []
        while try !atEnd() {
            guard values.count < Message.arrayLimit else { throw tooLong }
            try enter("r", contents)
            values.append(try element(self))
            try exit()
        }
        try exit()
        return values
    }

    /// Reads a variant; nil when it holds a type this program has no use for.
    func readVariant() throws(BusError) -> UnitValue? {
        var type: CChar = 0
        var raw: UnsafePointer<CChar>?
        try check(unsafe sd_bus_message_peek_type(handle, &type, &raw), operation)
        guard type == Message.code("v"), let contents = unsafe Message.text(raw) else {
            throw .malformed(operation, "a variant is missing")
        }
        try enter("v", contents)
        let value: UnitValue?
        switch contents {
        case "b": value = .bool(try readBool())
        case "i": value = .int32(try readInt32())
        case "u": value = .uint32(try readUInt32())
        case "x": value = .int64(try readInt64())
        case "t": value = .uint64(try readUInt64())
        case "s": value = .string(try readString())
        case "o": value = .string(try readText(as: "o"))
        case "as": value = .strings(try readStrings())
        case "ay": value = .bytes(try readBytes())
        default:
            try skip(contents)
            value = nil
        }
        try exit()
        return value
    }

    /// Reads `a{sv}`; values of types without use are left out, and a key that comes twice is an error.
    func readProperties() throws(BusError) -> [String: UnitValue] {
        try enter("a", "{sv}")
        var values: [String: UnitValue] = [:]
        var count = 0
        while try !atEnd() {
            count += 1
            guard count <= Message.arrayLimit else { throw tooLong }
            try enter("e", "sv")
            let key = try readString()
            if let value = try readVariant(), values.updateValue(value, forKey: key) != nil {
                throw .malformed(operation, "a property comes twice")
            }
            try exit()
        }
        try exit()
        return values
    }

    private var tooLong: BusError { .malformed(operation, "an array has more than \(Message.arrayLimit) elements") }

    private func readText(as type: Character) throws(BusError) -> String {
        var pointer: UnsafePointer<CChar>?
        let result = unsafe sd_bus_message_read_basic(handle, Message.code(type), &pointer)
        guard try check(result, operation) > 0, let text = unsafe Message.text(pointer) else {
            throw .malformed(operation, "a value of type '\(type)' is missing")
        }
        return text
    }

    private func readFixed<T: BitwiseCopyable & ExpressibleByIntegerLiteral>(
        _: T.Type, as type: Character
    ) throws(BusError) -> T {
        var value: T = 0
        guard try check(unsafe sd_bus_message_read_basic(handle, Message.code(type), &value), operation) > 0 else {
            throw .malformed(operation, "a value of type '\(type)' is missing")
        }
        return value
    }

    /// A D-Bus type code as C wants it; all of them are ASCII.
    private static func code(_ type: Character) -> CChar { CChar(type.asciiValue ?? 0) }
}
