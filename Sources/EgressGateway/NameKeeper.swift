internal import EgressPolicy
internal import Glibc
internal import SandboxModel

/// Names of wildcards and their places, kept in a file so that a gateway that starts again gives out the same ones.
final class NameKeeper {
    private var names: BlockNames
    private let file: Int32

    /// Reads the file and keeps it open to append to.
    init(path: String) throws(GatewayError) {
        file = unsafe open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw GatewayError("open '\(path)'", errno: errno) }
        // 64 blocks of 1024 names of at most 253 bytes, and their numbers.
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while bytes.count < 32 << 20 {
            let count = unsafe read(file, &chunk, chunk.count)
            guard count >= 0 else { throw GatewayError("read '\(path)'", errno: errno) }
            guard count > 0 else { break }
            bytes += chunk[..<count]
        }
        names = BlockNames(lines: String(decoding: bytes, as: UTF8.self))
        // What a crash cut off would otherwise run into the next line.
        if let last = bytes.last, last != 0x0a, !append("\n") { throw GatewayError("write '\(path)'", errno: errno) }
    }

    deinit { close(file) }

    /// The name that holds a place.
    func name(at place: UInt32) -> HostName? { names.name(at: place) }

    /// The place of a name; nil when the block is full or what is new cannot be kept.
    func place(of name: HostName, in block: Range<UInt32>) -> UInt32? {
        guard let (place, isNew) = names.place(of: name, in: block) else { return nil }
        // Written before anybody is told: a place that was given out is never another name's.
        guard !isNew || append(BlockNames.line(place, name)) else { return nil }
        return place
    }

    private func append(_ line: String) -> Bool {
        let bytes = Array(line.utf8)
        return unsafe write(file, bytes, bytes.count) == bytes.count
    }
}
