/// One frame of the stream between the two halves of `cp` (sbx_copy_protocol.h).
struct CopyFrame: Sendable, Equatable {
    /// What a frame is about.
    enum Kind: UInt8, Sendable {
        case directory = 0x44
        case file = 0x46
        case link = 0x4c
        case skipped = 0x53
        case error = 0x45
        case end = 0x58
    }

    /// What it is about.
    var kind: Kind
    /// Permission bits.
    var mode: UInt32 = 0
    /// Path relative to what is copied; empty for that itself.
    var path: String = ""
    /// Bytes of content that follow.
    var size: UInt64 = 0

    static let headerSize = 24
    static let maximumPath = 4095
    static let maximumDepth = 128
    /// Bytes of a link's text or of a reason.
    static let maximumText: UInt64 = 4096

    /// Why a stream that the sandbox wrote is not believed.
    struct Violation: Error, Equatable {
        let reason: String
    }

    /// The header of the frame, without the path.
    var header: [UInt8] {
        var bytes: [UInt8] = [kind.rawValue, 0, 0, 0]
        for word in [mode, UInt32(path.utf8.count), 0] { withUnsafeBytes(of: word) { bytes.append(contentsOf: $0) } }
        withUnsafeBytes(of: size) { bytes.append(contentsOf: $0) }
        return bytes
    }

    /// Reads a header that came from a sandbox: every number is checked before it is used.
    /// - Returns: the frame without its path, and the length of the path.
    static func parse(header bytes: [UInt8]) throws(Violation) -> (frame: CopyFrame, pathLength: Int) {
        guard bytes.count == headerSize else { throw Violation(reason: "a header of \(bytes.count) bytes") }
        func word(_ offset: Int) -> UInt32 { (0..<4).reduce(0) { $0 | UInt32(bytes[offset + $1]) << (8 * UInt32($1)) } }
        guard let kind = Kind(rawValue: bytes[0]) else { throw Violation(reason: "a frame of unknown kind") }
        let length = Int(word(8))
        guard length <= maximumPath else { throw Violation(reason: "a path of \(length) bytes") }
        let size = UInt64(word(16)) | UInt64(word(20)) << 32
        if kind != .file, size > maximumText { throw Violation(reason: "a text of \(size) bytes") }
        return (CopyFrame(kind: kind, mode: word(4) & 0o777, size: size), length)
    }

    /// Checks a path that came from a sandbox: relative, plain, of names the host can store.
    static func check(path bytes: [UInt8]) throws(Violation) -> String {
        guard !bytes.isEmpty else { return "" }
        guard let path = String(validating: bytes, as: UTF8.self) else {
            throw Violation(reason: "a name that is not UTF-8")
        }
        let names = path.split(separator: "/", omittingEmptySubsequences: false)
        guard names.count <= maximumDepth else { throw Violation(reason: "a path of \(names.count) names") }
        for name in names {
            if name.isEmpty || name == "." || name == ".." || name.utf8.count > 255 || name.utf8.contains(0) {
                throw Violation(reason: "the path '\(path)'")
            }
        }
        return path
    }
}
