internal import CSandboxShims

/// Attributes of a mount (mount_setattr(2)).
public struct MountAttributes: OptionSet, Sendable {
    /// Bits as the C side has them.
    public let rawValue: UInt32

    /// A set of the given bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Not writable.
    public static let readOnly = MountAttributes(rawValue: UInt32(SBX_MOUNT_RDONLY))
    /// Set-id bits and file capabilities have no effect.
    public static let noSetID = MountAttributes(rawValue: UInt32(SBX_MOUNT_NOSUID))
    /// Device files cannot be opened.
    public static let noDevices = MountAttributes(rawValue: UInt32(SBX_MOUNT_NODEV))
    /// Programs cannot be run.
    public static let noExecution = MountAttributes(rawValue: UInt32(SBX_MOUNT_NOEXEC))
}

/// Mounts that are attached nowhere yet: they vanish with their last descriptor.
public enum DetachedMount {
    /// A new tmpfs of stated size.
    public static func tmpfs(
        size: UInt64, inodes: UInt64, uid: UInt32, gid: UInt32, mode: UInt32, _ attributes: MountAttributes
    ) throws(SystemError) -> Descriptor {
        Descriptor(
            owning: try checked(sbx_tmpfs(size, inodes, uid, gid, mode, attributes.rawValue), "make a tmpfs"))
    }

    /// A procfs of the caller's pid namespace in which `/proc/sys` is writable whatever the host's own looks like.
    public static func procfs() throws(SystemError) -> Descriptor {
        Descriptor(owning: try checked(sbx_procfs(), "make a procfs"))
    }

    /// Adds attributes to a mount that is filled.
    public static func restrict(
        _ mount: borrowing Descriptor, _ attributes: MountAttributes
    ) throws(SystemError) {
        try checked(sbx_set_attributes(mount.number, attributes.rawValue, -1, 0), "set mount attributes")
    }

    /// A private copy of the mount that `file` lies in, rooted at `file` (open_tree(2)).
    ///
    /// - Parameters:
    ///   - idmap: descriptor of a user namespace that maps ids, or nil for none.
    ///   - recursive: whether mounts below come along.
    public static func clone(
        _ file: borrowing Descriptor, _ attributes: MountAttributes, idmap: Int32?, recursive: Bool,
        label: String
    ) throws(SystemError) -> Descriptor {
        let tree = Descriptor(
            owning: try checked(sbx_clone_tree(file.number, recursive ? 1 : 0), "clone the mount of", label))
        let namespace = idmap ?? -1
        try checked(
            sbx_set_attributes(tree.number, attributes.rawValue, namespace, recursive ? 1 : 0),
            namespace >= 0 ? "map ids on" : "set mount attributes on", label)
        return tree
    }
}

/// Namespaces made by sandboxctl.
public enum Namespaces {
    /// A user namespace that maps `count` ids from `disk` (on the file system) to `host` (as the host sees them).
    public static func idmap(
        diskUID: UInt32, hostUID: UInt32, diskGID: UInt32, hostGID: UInt32, count: UInt32
    ) throws(SystemError) -> Descriptor {
        Descriptor(
            owning: try checked(
                sbx_idmap_namespace(diskUID, hostUID, diskGID, hostGID, count), "make an id mapping"))
    }

    /// A network namespace with its loopback device up.
    public static func network() throws(SystemError) -> Descriptor {
        Descriptor(owning: try checked(sbx_network_namespace(), "make a network namespace"))
    }

    /// Pins a namespace to an existing file, as ip-netns(8) does.
    public static func pin(_ namespace: borrowing Descriptor, at path: String) throws(SystemError) {
        try checked(unsafe sbx_bind_fd(namespace.number, path), "pin the namespace at", path)
    }

    /// Undoes `pin`; the file stays.
    public static func unpin(_ path: String) throws(SystemError) {
        try checked(unsafe sbx_detach(path), "unmount", path)
    }

    /// Makes `directory` a private mount point of its own, so that mounts in it propagate nowhere.
    public static func makePrivateMountPoint(_ directory: String) throws(SystemError) {
        try checked(unsafe sbx_make_private_mount_point(directory), "make a private mount point of", directory)
    }

    /// Does from outside what only the outside can: covers files and directories in the mount namespace of a process
    /// with something empty that nobody may open, and allows no further user namespace inside its own.
    public static func harden(
        _ process: borrowing Descriptor, masking paths: [String], emptyFile: String, emptyDirectory: String
    ) throws(SystemError) {
        let procfs = try DetachedMount.procfs()
        let result = unsafe withCStrings([emptyFile, emptyDirectory] + paths) { list in
            unsafe sbx_harden(process.number, procfs.number, list)
        }
        try checked(result, "mask kernel files and close nested user namespaces")
    }
}

/// Whether `descriptor` refers to the root of a mount (statx(2)).
public func isMountRoot(_ descriptor: borrowing Descriptor) throws(SystemError) -> Bool {
    try checked(sbx_is_mount_root(descriptor.number), "statx") == 1
}
