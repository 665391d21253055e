internal import CSandboxShims
internal import Glibc

/// Opening, making and removing files relative to a directory that is already open, never through a link.
public enum Files {
    /// How a file is opened.
    public enum Access: Sendable {
        /// O_PATH: a reference, neither read nor written.
        case reference
        /// O_RDONLY, without waiting for the other end of a pipe.
        case read
        /// O_RDONLY | O_DIRECTORY.
        case directory
        /// O_WRONLY, of a file that exists, as those of the kernel below /proc/sys do.
        case write

        var flags: Int32 {
            switch self {
            case .reference: Int32(O_PATH_) | O_NOFOLLOW
            case .read: O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY
            // Without O_NOFOLLOW, which would call a link "not a directory": RESOLVE_NO_SYMLINKS refuses it as a link.
            case .directory: O_RDONLY | O_DIRECTORY
            case .write: O_WRONLY | O_NOFOLLOW | O_NOCTTY
            }
        }
    }

    /// O_PATH, which Swift's Glibc does not import.
    private static let O_PATH_: Int32 = 0o10000000

    /// Opens an absolute path none of whose components may be a link (openat2(2), RESOLVE_NO_SYMLINKS).
    public static func open(noLinks path: String, _ access: Access) throws(SystemError) -> Descriptor {
        let fd = unsafe sbx_open_no_links(AT_FDCWD, path, access.flags, 0)
        return Descriptor(owning: try checked(fd, "open", path))
    }

    /// Opens a path as any program would, links followed. For paths the user typed or the host's root owns.
    public static func open(following path: String, _ access: Access) throws(SystemError) -> Descriptor {
        let fd = unsafe sbx_openat(AT_FDCWD, path, access.flags & ~O_NOFOLLOW, 0)
        return Descriptor(owning: try checked(fd, "open", path))
    }

    /// Opens a path below `directory` that cannot leave it and follows no link (RESOLVE_BENEATH).
    public static func open(
        _ path: String, beneath directory: borrowing Descriptor, _ access: Access
    ) throws(SystemError) -> Descriptor {
        let fd = unsafe sbx_open_beneath(directory.number, path, access.flags, 0)
        return Descriptor(owning: try checked(fd, "open", path))
    }

    /// Creates a file that must not exist.
    public static func create(
        _ path: String, beneath directory: borrowing Descriptor, mode: UInt32
    ) throws(SystemError) -> Descriptor {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW
        let fd = unsafe sbx_open_beneath(directory.number, path, flags, mode)
        return Descriptor(owning: try checked(fd, "create", path))
    }

    /// Opens a file for locking, creating it when it is missing.
    public static func openLockFile(_ path: String) throws(SystemError) -> Descriptor {
        let fd = unsafe sbx_openat(AT_FDCWD, path, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600)
        return Descriptor(owning: try checked(fd, "open", path))
    }

    /// mkdirat(2) and, as umask must not matter, fchmod.
    public static func makeDirectory(
        _ name: String, beneath directory: borrowing Descriptor, mode: UInt32, uid: UInt32 = 0, gid: UInt32 = 0
    ) throws(SystemError) {
        guard unsafe mkdirat(directory.number, name, mode) == 0 else {
            throw SystemError("make directory", name, errno: errno)
        }
        if uid != 0 || gid != 0 {
            guard unsafe fchownat(directory.number, name, uid, gid, AT_SYMLINK_NOFOLLOW) == 0 else {
                throw SystemError("chown", name, errno: errno)
            }
        }
        guard unsafe fchmodat(directory.number, name, mode, 0) == 0 else {
            throw SystemError("chmod", name, errno: errno)
        }
    }

    /// The same in a place where others rename and link meanwhile: no part of the path is followed as a link, and owner
    /// and mode are changed only of the directory that was made here.
    public static func makeDirectory(
        amongOthers path: String, beneath directory: borrowing Descriptor, mode: UInt32, uid: UInt32, gid: UInt32
    ) throws(SystemError) {
        let names = path.split(separator: "/")
        guard let name = names.last.map(String.init) else { throw SystemError("make directory", path, errno: EINVAL) }
        let parentPath = names.dropLast().joined(separator: "/")
        let parent = try open(parentPath.isEmpty ? "." : parentPath, beneath: directory, .directory)
        guard unsafe mkdirat(parent.number, name, 0o700) == 0 else {
            throw SystemError("make directory", path, errno: errno)
        }
        let made = try open(name, beneath: parent, .directory)
        // What somebody put in its place is theirs, and stays as it is.
        guard try made.status().uid == geteuid() else { throw SystemError("make directory", path, errno: ESTALE) }
        try made.changeOwner(uid: uid, gid: gid)
        try made.changeMode(mode)
    }

    /// Makes each missing directory of an absolute path, as root and with this mode.
    public static func makeDirectories(_ path: String, mode: UInt32) throws(SystemError) {
        var partial = ""
        for component in path.split(separator: "/") {
            partial += "/\(component)"
            if unsafe mkdir(partial, mode) != 0, errno != EEXIST {
                throw SystemError("make directory", partial, errno: errno)
            }
        }
    }

    /// symlinkat(2): atomic, and the target is the content.
    public static func makeLink(
        _ name: String, to target: String, beneath directory: borrowing Descriptor, uid: UInt32 = 0, gid: UInt32 = 0
    ) throws(SystemError) {
        guard unsafe symlinkat(target, directory.number, name) == 0 else {
            throw SystemError("make link", name, errno: errno)
        }
        if uid != 0 || gid != 0 {
            guard unsafe fchownat(directory.number, name, uid, gid, AT_SYMLINK_NOFOLLOW) == 0 else {
                throw SystemError("chown", name, errno: errno)
            }
        }
    }

    /// readlinkat(2).
    public static func readLink(_ name: String, beneath directory: borrowing Descriptor) throws(SystemError) -> String {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = unsafe readlinkat(directory.number, name, &buffer, buffer.count)
        guard count >= 0 else { throw SystemError("read link", name, errno: errno) }
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Removes one file or link; a missing one is no error.
    public static func remove(_ name: String, beneath directory: borrowing Descriptor) throws(SystemError) {
        guard unsafe unlinkat(directory.number, name, 0) == 0 || errno == ENOENT else {
            throw SystemError("remove", name, errno: errno)
        }
    }

    /// Removes a directory and what is in it, without following a link and without crossing into another mount.
    ///
    /// Depth, number and names of what is inside are the payload's choice: a directory that is not empty is moved up
    /// beside the tree and emptied later, so that neither stack nor descriptors grow with the depth.
    /// A missing directory is no error. A mount point below stays, with EBUSY.
    public static func removeTree(_ name: String, beneath directory: borrowing Descriptor) throws(SystemError) {
        // What an interrupted removal moved aside goes, too.
        let asides = Array(".\(name).".utf8CString.dropLast())
        let ending = Array(".removing".utf8CString)
        var waiting = try rawNames(directory).filter { entry in
            entry.count > asides.count + ending.count && entry.starts(with: asides)
                && entry.suffix(ending.count) == ending[...]
        }
        waiting.append(Array(name.utf8CString))
        var moved = 0
        while let next = waiting.popLast() {
            if try removeLeaf(next, in: directory) { continue }
            let tree = Descriptor(
                owning: try checked(
                    unsafe sbx_open_beneath(directory.number, next, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0), "open",
                    name))
            var above: UInt64 = 0
            var inside: UInt64 = 0
            try checked(unsafe sbx_mount_id(directory.number, &above), "statx", name)
            try checked(unsafe sbx_mount_id(tree.number, &inside), "statx", name)
            guard above == inside else { throw SystemError("remove", name, errno: EBUSY) }
            waiting.append(next)
            for entry in try rawNames(tree) where try !removeLeaf(entry, in: tree) {
                var aside: [CChar]
                repeat {
                    moved += 1
                    aside = Array(".\(name).\(moved).removing".utf8CString)
                } while waiting.contains(aside)
                guard unsafe renameat(tree.number, entry, directory.number, aside) == 0 else {
                    throw SystemError("remove", name, errno: errno)
                }
                waiting.append(aside)
            }
        }
    }

    /// Removes a file, link or empty directory; false when it is a directory with something in it.
    private static func removeLeaf(
        _ name: [CChar], in directory: borrowing Descriptor
    ) throws(SystemError) -> Bool {
        if unsafe unlinkat(directory.number, name, 0) == 0 || errno == ENOENT { return true }
        guard errno == EISDIR || errno == EPERM else { throw SystemError("remove", errno: errno) }
        if unsafe unlinkat(directory.number, name, AT_REMOVEDIR) == 0 { return true }
        guard errno == ENOTEMPTY || errno == EEXIST else { throw SystemError("remove", errno: errno) }
        return false
    }

    /// The names in a directory, without `.` and `..`, sorted by bytes. Names that are not UTF-8 are repaired, and
    /// so cannot be opened again.
    public static func list(_ directory: borrowing Descriptor) throws(SystemError) -> [String] {
        try rawNames(directory).map { name in
            String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }.sorted()
    }

    /// The names in a directory as the bytes they are, each with its terminating zero.
    private static func rawNames(_ directory: borrowing Descriptor) throws(SystemError) -> [[CChar]] {
        let fd = try checked(unsafe sbx_openat(directory.number, ".", O_RDONLY | O_DIRECTORY, 0), "list")
        guard let stream = unsafe fdopendir(fd) else {
            let saved = errno
            close(fd)
            throw SystemError("list", errno: saved)
        }
        defer { unsafe closedir(stream) }
        var names: [[CChar]] = []
        while let entry = unsafe readdir(stream) {
            let name: [CChar] = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { raw in
                unsafe raw.prefix { $0 != 0 }.map { CChar(bitPattern: $0) } + [0]
            }
            if name != [0x2e, 0], name != [0x2e, 0x2e, 0] { names.append(name) }
        }
        return names
    }

    /// Replaces a file in one step that survives a power cut: temporary file, fsync, rename, fsync of the directory.
    public static func replace(
        _ name: String, in directory: borrowing Descriptor, with bytes: [UInt8], mode: UInt32 = 0o600,
        durable: Bool = true
    ) throws(SystemError) {
        let temporary = ".\(name).\(getpid()).new"
        try remove(temporary, beneath: directory)
        do {
            let file = try create(temporary, beneath: directory, mode: mode)
            try file.write(bytes)
            if durable { try file.synchronize() }
        } catch {
            try? remove(temporary, beneath: directory)
            throw error
        }
        do {
            try rename(temporary, to: name, in: directory)
        } catch {
            try? remove(temporary, beneath: directory)
            throw error
        }
        if durable { try directory.synchronize() }
    }

    /// renameat(2) within one directory; a file or link of the new name is replaced, not followed.
    public static func rename(
        _ name: String, to newName: String, in directory: borrowing Descriptor
    ) throws(SystemError) {
        guard unsafe renameat(directory.number, name, directory.number, newName) == 0 else {
            throw SystemError("rename", newName, errno: errno)
        }
    }

    /// The target of the magic link `/proc/self/fd/N`: the path a descriptor was opened by, as the kernel knows it now.
    public static func path(of descriptor: borrowing Descriptor) throws(SystemError) -> String {
        let links = try open(following: "/proc/self/fd", .directory)
        return try readLink("\(descriptor.number)", beneath: links)
    }

    /// Size and use of the file system a descriptor lies on (statfs(2)).
    public static func space(_ descriptor: borrowing Descriptor) throws(SystemError) -> FileSystemSpace {
        var raw = sbx_statfs()
        try checked(unsafe sbx_fstatfs(descriptor.number, &raw), "statfs")
        return FileSystemSpace(
            type: raw.type, bytes: raw.bytes, bytesFree: raw.bytes_free, inodes: raw.inodes, inodesFree: raw.inodes_free
        )
    }
}

/// Size and use of a file system, in bytes and inodes.
public struct FileSystemSpace: Sendable, Equatable {
    /// Magic number of the file system (statfs(2)).
    public let type: UInt64
    /// Total bytes.
    public let bytes: UInt64
    /// Free bytes.
    public let bytesFree: UInt64
    /// Total inodes.
    public let inodes: UInt64
    /// Free inodes.
    public let inodesFree: UInt64
}

/// A lock on a file that ends with the process that holds it (fcntl(2), open file description locks).
public struct FileLock: ~Copyable {
    private let file: Descriptor

    /// Takes the lock on `path`, creating the file.
    /// - Parameter wait: whether to wait for the present holder.
    /// - Returns: `nil` when it is held and `wait` is false.
    public static func take(_ path: String, wait: Bool) throws(SystemError) -> FileLock? {
        while true {
            let file = try Files.openLockFile(path)
            let result = sbx_lock(file.number, wait ? 1 : 0)
            if result == -EAGAIN { return nil }
            try checked(result, "lock", path)
            // The file may have been removed by its former holder while this waited for it.
            let mine = try file.status()
            guard let current = try? Files.open(noLinks: path, .reference), (try? current.status())?.inode == mine.inode
            else { continue }
            return FileLock(file: file)
        }
    }

    private init(file: consuming Descriptor) { self.file = file }
}
