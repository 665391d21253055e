/// What every layer above the adapters throws: a stable code, one line for a person, and what to do next.
///
/// `message` starts in lower case, quotes its operand in single quotes and names the step that failed.
public struct SandboxError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kind of failure; its raw value is the process exit status.
    ///
    /// Values follow sysexits(3) where it has one; 125 follows the habit of container tools for
    /// "the tool failed, not the program it ran".
    public enum Code: Int32, Sendable, CaseIterable {
        /// The command line is wrong.
        case usage = 64
        /// A file or record the user named has wrong contents.
        case dataError = 65
        /// The named sandbox, template, file or user does not exist.
        case notFound = 66
        /// A service this needs (systemd, machined, a kernel feature) is not there.
        case unavailable = 69
        /// A fault of ours, or of the system, that the user cannot mend by another command line.
        case `internal` = 70
        /// What should be created exists already or cannot be created.
        case cannotCreate = 73
        /// It may work when tried again: a lock is held, a sandbox is busy.
        case temporary = 75
        /// Not permitted: not root, or refused by a rule.
        case permission = 77
        /// A template, definition or host configuration is wrong.
        case configuration = 78
    }

    /// The kind of failure.
    public let code: Code
    /// One line: what failed, where, why. No trailing full stop, no control characters.
    public let message: String
    /// What the user can do about it, if there is something.
    public let hint: String?
    /// The failure below this one, as text.
    public let cause: String?

    /// Makes an error; control characters in any part are escaped, as parts often quote untrusted text.
    public init(_ code: Code, _ message: String, hint: String? = nil, cause: String? = nil) {
        self.code = code
        self.message = message.escapingControls
        self.hint = hint?.escapingControls
        self.cause = cause?.escapingControls
    }

    /// The same error one step further out: `context` is put before the message.
    public func prefixed(_ context: String) -> SandboxError {
        SandboxError(code, "\(context): \(message)", hint: hint, cause: cause)
    }

    /// Message, cause and hint as they are printed after `sandboxctl: `.
    public var description: String {
        var text = message
        if let cause { text += ": \(cause)" }
        if let hint { text += "\nhint: \(hint)" }
        return text
    }
}
