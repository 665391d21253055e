internal import Glibc

/// The kernel refused something asked by netlink, or could not be asked.
public struct NetlinkError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What was tried, in words: `apply ruleset`, `add route`.
    public let operation: String
    /// The error number, positive; see errno(3).
    public let errno: Int32
    /// What it was about, for example `table 'x' chain 'output' rule 3 'deny'`, and what the kernel says beyond the
    /// number; nil if nothing is known.
    public let detail: String?

    /// Whether what it was about is not there (`ENOENT`).
    public var isNotFound: Bool { errno == ENOENT }

    /// An error of `operation`.
    public init(operation: String, errno: Int32, detail: String? = nil) {
        self.operation = operation
        self.errno = errno
        self.detail = detail
    }

    /// `operation: detail: text of errno`.
    public var description: String {
        [operation, detail, Self.text(of: errno)].compactMap { $0 }.joined(separator: ": ")
    }

    private static func text(of errno: Int32) -> String {
        // glibc returns a constant for every errno it knows (strerror(3), since 2.32 thread-safe).
        guard let text = unsafe strerror(errno) else { return "errno \(errno)" }
        return unsafe String(cString: text)
    }
}
