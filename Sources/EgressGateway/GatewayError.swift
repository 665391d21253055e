internal import Glibc

/// Why the gateway cannot work.
public struct GatewayError: Error, Sendable, CustomStringConvertible {
    /// What failed, and what the system said.
    public let description: String

    init(_ operation: String, errno number: Int32) {
        description = unsafe "\(operation): \(String(cString: strerror(number)))"
    }

    init(_ text: String) { description = text }
}
