internal import LinuxKit
internal import SandboxModel

/// Makes the mounts of a `RootPlan`, attached nowhere: until sandbox-launch attaches them in its own namespace they
/// exist only as descriptors of this process.
struct RootBuilder {
    let record: SandboxRecord
    let plan: RootPlan
    /// Path of sandbox-init on the host.
    let initProgram: String

    /// The mounts, ready to be attached.
    struct Mounts: ~Copyable {
        /// The root.
        let root: Descriptor
        /// The others, with where each goes relative to the root, in order.
        var others: [Int32] = []
        var targets: [String] = []
        /// Layers that are weaker than they should be.
        var weakenings: [Weakening] = []

        init(root: consuming Descriptor) { self.root = root }

        deinit { for number in others { _ = Descriptor(owning: number) } }

        mutating func add(_ mount: consuming Descriptor, at target: String) {
            others.append(mount.release())
            targets.append(target)
        }
    }

    private static let inert: MountAttributes = [.noSetID, .noDevices]

    func build() throws(SystemError) -> Mounts {
        let base = record.uidBase
        let limits = record.template.root
        let root = try DetachedMount.tmpfs(
            size: limits.size.bytes, inodes: limits.inodes, uid: base, gid: base, mode: 0o755, Self.inert)
        let storeRoot = try openStoreRoot()
        for item in plan.items { try make(item, in: root, store: storeRoot) }

        let storeMap = try Namespaces.idmap(
            diskUID: 0, hostUID: base, diskGID: 0, hostGID: base, count: SandboxUsers.rangeSize)
        var mounts = Mounts(root: root)

        let run = try small(RootPlan.Small.run, 0o755, [.noSetID, .noDevices, .noExecution])
        for item in plan.runItems { try make(item, in: run, store: storeRoot) }
        mounts.add(run, at: "run")
        let own = try small(RootPlan.Small.own, 0o755, [.noSetID, .noDevices, .noExecution])
        for item in plan.ownItems { try make(item, in: own, store: storeRoot) }
        try DetachedMount.restrict(own, .readOnly)
        mounts.add(own, at: "run/sandbox")
        let program = try Files.open(noLinks: initProgram, .reference)
        mounts.add(
            try DetachedMount.clone(
                program, Self.inert.union(.readOnly), idmap: storeMap.number, recursive: false, label: initProgram),
            at: "run/sandbox/init")
        let secrets = try small(RootPlan.Small.secrets, 0o755, [.noSetID, .noDevices, .noExecution])
        mounts.add(secrets, at: "run/secrets")
        let devices = try small(RootPlan.Small.devices, 0o755, [.noSetID, .noExecution])
        try Files.makeDirectory("shm", beneath: devices, mode: 0o1777, uid: base, gid: base)
        mounts.add(devices, at: "dev")
        let sharedMemory = (size: max(limits.size.bytes / 4, 65536), inodes: RootPlan.Small.sharedMemoryInodes)
        mounts.add(try small(sharedMemory, 0o1777, [.noSetID, .noDevices]), at: "dev/shm")

        for attachment in plan.attachments { try attach(attachment, storeMap, &mounts) }
        return mounts
    }

    private func openStoreRoot() throws(SystemError) -> Descriptor {
        switch record.template.store {
        case .host, .nix: try Files.open(noLinks: "/", .directory)
        case .directory(let path): try Files.open(noLinks: path, .directory)
        }
    }

    private func small(
        _ limits: (size: UInt64, inodes: UInt64), _ mode: UInt32, _ attributes: MountAttributes
    ) throws(SystemError) -> Descriptor {
        try DetachedMount.tmpfs(
            size: limits.size, inodes: limits.inodes, uid: record.uidBase, gid: record.uidBase, mode: mode, attributes)
    }

    private func attach(
        _ attachment: RootPlan.Attachment, _ storeMap: borrowing Descriptor, _ mounts: inout Mounts
    ) throws(SystemError) {
        let source: Descriptor
        do {
            source = try Files.open(noLinks: attachment.source, .reference)
        } catch {
            if attachment.optional && (error.isNotFound || error.errno == 40) { return }
            throw error
        }
        let status = try source.status()
        if let expected = attachment.identity,
            status.device != expected.device || status.inode != expected.inode
        {
            // Another directory at the same path than the one that was checked.
            throw SystemError("find the workspace again at", attachment.source, errno: 116)
        }
        var attributes = Self.inert
        if attachment.readOnly { attributes.insert(.readOnly) }
        let label = attachment.source
        let mount: Descriptor
        switch attachment.ownership {
        case .plain:
            mount = try DetachedMount.clone(source, attributes, idmap: nil, recursive: false, label: label)
        case .owner:
            let agent = record.uidBase + SandboxUsers.agentID
            let map = try Namespaces.idmap(
                diskUID: status.uid, hostUID: agent, diskGID: status.gid, hostGID: agent, count: 1)
            mount = try DetachedMount.clone(source, attributes, idmap: map.number, recursive: false, label: label)
        case .store:
            do {
                mount = try DetachedMount.clone(
                    source, attributes, idmap: storeMap.number, recursive: true, label: label)
            } catch {
                // EINVAL, EPERM: this file system has no id-mapped mounts (mount_setattr(2)).
                guard error.errno == 22 || error.errno == 1 else { throw error }
                mount = try DetachedMount.clone(source, attributes, idmap: nil, recursive: true, label: label)
                mounts.weakenings.append(
                    Weakening(
                        layer: "store-ownership",
                        reason: "files of '\(label)' belong to nobody inside: its file system has no id-mapped mounts"))
            }
        }
        try makeMountPoint(attachment.target, isDirectory: status.kind == .directory, in: mounts.root)
        mounts.add(mount, at: attachment.target)
    }

    private func makeMountPoint(
        _ target: String, isDirectory: Bool, in root: borrowing Descriptor
    ) throws(SystemError) {
        if (try? Files.open(target, beneath: root, .reference)) != nil { return }
        if isDirectory {
            try Files.makeDirectory(target, beneath: root, mode: 0o755, uid: record.uidBase, gid: record.uidBase)
        } else {
            _ = try Files.create(target, beneath: root, mode: 0o644)
        }
    }

    private func make(
        _ item: RootPlan.Item, in root: borrowing Descriptor, store: borrowing Descriptor
    ) throws(SystemError) {
        let base = record.uidBase
        switch item {
        case .directory(let path, let mode, let owner):
            try Files.makeDirectory(path, beneath: root, mode: mode, uid: base + owner, gid: base + owner)
        case .link(let path, let target):
            try Files.makeLink(path, to: target, beneath: root, uid: base, gid: base)
        case .file(let path, let text, let mode):
            try write(Array(text.utf8), to: path, mode: mode, in: root)
        case .copy(let path, let from):
            do {
                let file = try Files.open(from, beneath: store, .read)
                guard try file.status().kind == .regular else { return }
                try write(try file.readAll(limit: 4 << 20), to: path, mode: 0o644, in: root)
            } catch {
                if error.errno == 40, let target = try? Files.readLink(from, beneath: store) {  // ELOOP: a link
                    try Files.makeLink(path, to: target, beneath: root, uid: base, gid: base)
                } else if !error.isNotFound {
                    throw error
                }
            }
        }
    }

    private func write(
        _ bytes: [UInt8], to path: String, mode: UInt32, in root: borrowing Descriptor
    ) throws(SystemError) {
        let file = try Files.create(path, beneath: root, mode: mode)
        if !bytes.isEmpty { try file.write(bytes) }
        try file.changeOwner(uid: record.uidBase, gid: record.uidBase)
    }
}
