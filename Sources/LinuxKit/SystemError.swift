internal import Glibc

/// A system call that failed: what was tried, on what, and errno(3).
public struct SystemError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The step in words, for example `open` or `attach the workspace`.
    public let operation: String
    /// The path, name or number it was tried on.
    public let operand: String?
    /// errno(3), positive.
    public let errno: Int32

    /// An error of `errno`, which may be given negative as the C side returns it.
    public init(_ operation: String, _ operand: String? = nil, errno: Int32) {
        self.operation = operation
        self.operand = operand
        self.errno = errno < 0 ? -errno : errno
    }

    /// `open '/x': No such file or directory`.
    public var description: String {
        let subject = operand.map { "\(operation) '\($0)'" } ?? operation
        return "\(subject): \(reason)"
    }

    /// The text of strerror(3).
    public var reason: String { unsafe String(cString: strerror(errno)) }

    /// Whether the object does not exist.
    public var isNotFound: Bool { errno == ENOENT || errno == ENOTDIR }
    /// Whether the object exists already.
    public var isExisting: Bool { errno == EEXIST }
}

/// Turns the C side's convention (a negative errno) into a thrown error.
@discardableResult
func checked(_ result: Int32, _ operation: String, _ operand: String? = nil) throws(SystemError) -> Int32 {
    guard result >= 0 else { throw SystemError(operation, operand, errno: result) }
    return result
}
