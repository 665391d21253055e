internal import CSandboxShims
internal import Glibc

/// An open file descriptor with one owner; it is closed when its owner ends.
public struct Descriptor: ~Copyable, Sendable {
    /// The number, valid while this value lives.
    public let number: Int32

    /// Takes ownership of `number`.
    public init(owning number: Int32) { self.number = number }

    deinit { close(number) }

    /// Gives the number to someone else, who closes it.
    public consuming func release() -> Int32 {
        let number = self.number
        discard self
        return number
    }

    /// A second descriptor for the same open file (F_DUPFD_CLOEXEC).
    public func duplicate() throws(SystemError) -> Descriptor {
        let copy = fcntl(number, F_DUPFD_CLOEXEC, 3)
        guard copy >= 0 else { throw SystemError("duplicate descriptor", errno: errno) }
        return Descriptor(owning: copy)
    }

    /// The file's status (fstat(2)).
    public func status() throws(SystemError) -> FileStatus {
        var raw = stat()
        guard unsafe fstat(number, &raw) == 0 else { throw SystemError("stat", errno: errno) }
        return FileStatus(raw)
    }

    /// Reads at most `limit` bytes; more than that is an error (EFBIG), not a cut.
    public func readAll(limit: Int) throws(SystemError) -> [UInt8] {
        var result: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: min(limit + 1, 65536))
        while true {
            let count = unsafe read(number, &buffer, buffer.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw SystemError("read", errno: errno)
            }
            if count == 0 { return result }
            result.append(contentsOf: buffer[..<count])
            guard result.count <= limit else { throw SystemError("read", errno: EFBIG) }
        }
    }

    /// Writes all bytes.
    public func write(_ bytes: [UInt8]) throws(SystemError) {
        try Streams.write(number, bytes)
    }

    /// Leaves a hole of so many bytes where writing would go on (lseek(2)).
    public func skip(_ count: UInt64) throws(SystemError) {
        guard lseek(number, off_t(count), SEEK_CUR) >= 0 else { throw SystemError("seek", errno: errno) }
    }

    /// ftruncate(2).
    public func resize(_ size: UInt64) throws(SystemError) {
        guard size <= UInt64(Int64.max), ftruncate(number, off_t(size)) == 0 else {
            throw SystemError("resize", errno: size <= UInt64(Int64.max) ? errno : EFBIG)
        }
    }

    /// fsync(2).
    public func synchronize() throws(SystemError) {
        guard fsync(number) == 0 else { throw SystemError("fsync", errno: errno) }
    }

    /// fchown(2).
    public func changeOwner(uid: UInt32, gid: UInt32) throws(SystemError) {
        guard fchown(number, uid, gid) == 0 else { throw SystemError("chown", errno: errno) }
    }

    /// fchmod(2).
    public func changeMode(_ mode: UInt32) throws(SystemError) {
        guard fchmod(number, mode) == 0 else { throw SystemError("chmod", errno: errno) }
    }

    /// Waits until reading would not block.
    /// - Returns: `false` when the deadline passed first.
    public func waitReadable(until deadline: Deadline) throws(SystemError) -> Bool {
        try checked(sbx_poll_one(number, Int16(POLLIN), deadline.microseconds), "poll") > 0
    }
}

/// What fstat(2) says of a file.
public struct FileStatus: Sendable, Equatable {
    /// The kinds of file that matter here.
    public enum Kind: Sendable, Equatable {
        /// A directory.
        case directory
        /// A regular file.
        case regular
        /// A symbolic link.
        case link
        /// A device, pipe or socket.
        case special
    }

    /// Kind of file.
    public let kind: Kind
    /// Permission bits, set-id bits included.
    public let mode: UInt32
    /// Owner.
    public let uid: UInt32
    /// Group.
    public let gid: UInt32
    /// Size in bytes.
    public let size: UInt64
    /// Device number of the file system.
    public let device: UInt64
    /// Inode number.
    public let inode: UInt64

    init(_ raw: stat) {
        switch raw.st_mode & S_IFMT {
        case S_IFDIR: kind = .directory
        case S_IFREG: kind = .regular
        case S_IFLNK: kind = .link
        default: kind = .special
        }
        mode = raw.st_mode & 0o7777
        uid = raw.st_uid
        gid = raw.st_gid
        size = UInt64(max(0, raw.st_size))
        device = UInt64(raw.st_dev)
        inode = UInt64(raw.st_ino)
    }
}

/// A point on CLOCK_MONOTONIC after which waiting ends.
public struct Deadline: Sendable, Equatable {
    /// Microseconds of CLOCK_MONOTONIC; negative: never.
    public let microseconds: Int64

    /// No deadline.
    public static let never = Deadline(microseconds: -1)

    /// A deadline that has passed: look, do not wait.
    public static let now = Deadline(microseconds: 0)

    /// The earlier of two.
    public func earlier(of other: Deadline) -> Deadline {
        if microseconds < 0 { return other }
        if other.microseconds < 0 { return self }
        return microseconds < other.microseconds ? self : other
    }

    /// A deadline at this point of CLOCK_MONOTONIC.
    public init(microseconds: Int64) { self.microseconds = microseconds }

    /// A deadline `seconds` from now.
    public static func `in`(seconds: Double) -> Deadline {
        Deadline(microseconds: sbx_monotonic_us() + Int64(seconds * 1_000_000))
    }

    /// Whether it has passed.
    public var hasPassed: Bool { microseconds >= 0 && sbx_monotonic_us() >= microseconds }
}

/// The clocks, in microseconds.
public enum Clock {
    /// CLOCK_MONOTONIC.
    public static var monotonic: Int64 { sbx_monotonic_us() }
    /// CLOCK_REALTIME, since 1970.
    public static var realtime: Int64 { sbx_realtime_us() }
}

/// Waiting on several descriptors at once.
public enum EventSet {
    /// Waits until one of the descriptors is readable or closed by its other side.
    /// - Returns: those that are; none when the deadline passed.
    public static func wait(_ descriptors: [Int32], until deadline: Deadline) throws(SystemError) -> Set<Int32> {
        var polled = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        let milliseconds: Int32 =
            deadline.microseconds < 0
            ? -1 : Int32(clamping: max(0, (deadline.microseconds - sbx_monotonic_us() + 999) / 1000))
        let count = unsafe poll(&polled, nfds_t(polled.count), milliseconds)
        guard count >= 0 || errno == EINTR else { throw SystemError("poll", errno: errno) }
        return Set(polled.filter { $0.revents != 0 }.map(\.fd))
    }
}

/// Plain reading and writing of descriptors that somebody else owns.
public enum Streams {
    /// Reads at most `limit` bytes; none at the end.
    public static func read(_ descriptor: Int32, limit: Int) throws(SystemError) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: limit)
        while true {
            let count = unsafe Glibc.read(descriptor, &buffer, limit)
            if count >= 0 { return Array(buffer[..<count]) }
            if errno != EINTR { throw SystemError("read", errno: errno) }
        }
    }

    /// Writes all bytes.
    public static func write(_ descriptor: Int32, _ bytes: [UInt8]) throws(SystemError) {
        var done = 0
        while done < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { raw in
                unsafe Glibc.write(descriptor, raw.baseAddress?.advanced(by: done), bytes.count - done)
            }
            if count < 0 {
                if errno == EINTR { continue }
                throw SystemError("write", errno: errno)
            }
            done += count
        }
    }
}
