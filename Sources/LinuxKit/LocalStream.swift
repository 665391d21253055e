internal import CSandboxShims
internal import Glibc

/// A connection to a socket in the file system (unix(7)), for one question and its answer, each a line.
public struct LocalStream: ~Copyable {
    private let descriptor: Descriptor

    private init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }

    /// Connects.
    /// - Parameter path: at most 107 bytes.
    public static func connect(to path: String) throws(SystemError) -> LocalStream {
        let bytes = Array(path.utf8)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw SystemError("connect to", path, errno: ENAMETOOLONG)
        }
        let number = socket(AF_UNIX, SocketKind.stream | SocketKind.closeOnExec, 0)
        guard number >= 0 else { throw SystemError("connect to", path, errno: errno) }
        let stream = LocalStream(Descriptor(owning: number))
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe Glibc.connect(number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else { throw SystemError("connect to", path, errno: errno) }
        return stream
    }

    /// Sends a line and waits for one.
    /// - Parameters:
    ///   - line: without its end.
    ///   - limit: the most bytes of the answer.
    /// - Throws: `ETIMEDOUT` when the deadline passes first.
    public func ask(_ line: [UInt8], limit: Int, until deadline: Deadline) throws(SystemError) -> [UInt8] {
        try descriptor.write(line + [0x0a])
        var answer: [UInt8] = []
        while true {
            guard try descriptor.waitReadable(until: deadline) else { throw SystemError("read", errno: ETIMEDOUT) }
            let part = try Streams.read(descriptor.number, limit: 65536)
            guard !part.isEmpty else { throw SystemError("read", errno: ECONNRESET) }
            answer += part
            if let end = answer.firstIndex(of: 0x0a) { return Array(answer[..<end]) }
            guard answer.count <= limit else { throw SystemError("read", errno: EFBIG) }
        }
    }
}
