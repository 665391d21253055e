public import SandboxModel

/// What the root of a sandbox is filled with, as a value: made by a function, shown by `--dry-run`, applied by
/// `RootBuilder`.
public struct RootPlan: Sendable, Equatable {
    /// One file of the skeleton. Owners are ids inside.
    public enum Item: Sendable, Equatable {
        /// A directory.
        case directory(String, mode: UInt32, owner: UInt32 = 0)
        /// A file with these contents.
        case file(String, String, mode: UInt32 = 0o644)
        /// A copy of a file of the store, relative to its root and never through a link; a link is copied as one. Left
        /// out when it does not exist.
        case copy(String, from: String)
        /// A symbolic link.
        case link(String, to: String)

        /// Its path, relative to the root.
        var path: String {
            switch self {
            case .directory(let path, _, _), .file(let path, _, _), .copy(let path, _), .link(let path, _): path
            }
        }
    }

    /// How the ids of a mount's files are shown inside.
    public enum Ownership: Sendable, Equatable {
        /// 0…65535 as 0…65535: owners look inside as they look on the host.
        case store
        /// The owner of the source as the agent; nobody else's ids exist.
        case owner
        /// Not mapped: the ids on disk are already those of the sandbox.
        case plain
    }

    /// A mount attached below the root.
    public struct Attachment: Sendable, Equatable {
        /// Where it comes from on the host.
        public var source: String
        /// Where it goes, relative to the root.
        public var target: String
        /// Whether writing is refused.
        public var readOnly: Bool
        /// How ids appear.
        public var ownership: Ownership
        /// Whether a missing source is left out (else it stops the start).
        public var optional: Bool
        /// The device and inode the source must have, when it was checked before.
        public var identity: Workspace?

        /// A mount of `source` at `target`.
        public init(
            source: String, target: String, readOnly: Bool = true,
            ownership: Ownership = .store, optional: Bool = false, identity: Workspace? = nil
        ) {
            self.source = source
            self.target = target
            self.readOnly = readOnly
            self.ownership = ownership
            self.optional = optional
            self.identity = identity
        }
    }

    /// Files of the root tmpfs, parents before children.
    public var items: [Item]
    /// Files of the tmpfs on `/run`, relative to it.
    public var runItems: [Item]
    /// Files of the read-only tmpfs on `/run/sandbox`, relative to it: what the sandbox itself needs.
    public var ownItems: [Item]
    /// Mounts, in the order they are attached.
    public var attachments: [Attachment]
}

extension RootPlan {
    /// Sizes of the small tmpfs mounts besides the root, in bytes and inodes.
    enum Small {
        static let run = (size: UInt64(16 << 20), inodes: UInt64(4096))
        static let own = (size: UInt64(64 << 10), inodes: UInt64(16))
        static let devices = (size: UInt64(1 << 20), inodes: UInt64(256))
        static let secrets = (size: UInt64(8 << 20), inodes: UInt64(128))
        /// Inodes of /dev/shm; its size is a quarter of the root's.
        static let sharedMemoryInodes: UInt64 = 16384
    }

    /// Files of /etc that programs of the store read, copied when they exist.
    private static let copiedEtc = [
        "ld.so.cache", "ld.so.conf", "services", "protocols", "mime.types", "bash.bashrc", "inputrc", "profile",
        "ca-certificates.conf", "ssl/openssl.cnf", "debian_version", "shells", "localtime", "timezone", "magic",
    ]
    /// Directories of /etc that programs of the store read. None of them holds keys: of /etc/ssl only the
    /// certificates are shown.
    private static let boundEtc = ["alternatives", "ssl/certs", "ca-certificates", "perl", "fonts"]

    /// The plan of a sandbox.
    /// - Parameter etcNames: names in the store's /etc, to find versioned directories (`python3.11`, `java-17-openjdk`).
    static func make(for record: SandboxRecord, paths: HostPaths, etcNames: [String]) -> RootPlan {
        let template = record.template
        let agent = SandboxUsers.agentID
        let home = "home/\(template.agent.user)"
        var items: [Item] = [
            .directory("etc", mode: 0o755), .directory("etc/ssl", mode: 0o755),
            .directory("root", mode: 0o700), .directory("home", mode: 0o755),
            .directory(home, mode: 0o700, owner: agent),
            .directory("workspace", mode: 0o755, owner: agent), .directory("tmp", mode: 0o1777),
            .directory("var", mode: 0o755), .directory("var/tmp", mode: 0o1777), .directory("var/cache", mode: 0o755),
            .directory("var/lib", mode: 0o755), .directory("var/log", mode: 0o755), .directory("opt", mode: 0o755),
            .directory("srv", mode: 0o755), .directory("mnt", mode: 0o755), .directory("proc", mode: 0o555),
            .directory("sys", mode: 0o555), .directory("dev", mode: 0o755), .directory("run", mode: 0o755),
            .link("var/run", to: "/run"), .link("var/lock", to: "/run/lock"),
            .file("etc/passwd", SandboxUsers.passwd(template.agent)),
            .file("etc/group", SandboxUsers.group(template.agent)),
            .file("etc/hostname", "\(record.name)\n"),
            .file("etc/hosts", "127.0.0.1 localhost \(record.name)\n::1 localhost \(record.name)\n"),
            // Answered by the gateway where there is one; in mode `none` nobody listens, and a lookup fails at once.
            .file("etc/resolv.conf", "nameserver 127.0.0.1\noptions edns0 timeout:2 attempts:2\n"),
            .file(
                "etc/nsswitch.conf",
                "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n"),
            .file("etc/machine-id", "\(record.id)\(record.id)\n", mode: 0o444),
        ]
        var attachments: [Attachment] = []
        switch template.store {
        case .host: addStore("", etcNames, &items, &attachments)
        case .directory(let path): addStore(path, etcNames, &items, &attachments)
        case .nix: addNix(&items, &attachments)
        }
        for path in template.storePaths {
            let target = String(path.dropFirst())
            addParents(of: target, mode: 0o755, owner: 0, &items)
            attachments.append(Attachment(source: path, target: target))
        }
        for mount in template.mounts {
            let target = String(mount.target.dropFirst())
            addParents(of: target, mode: 0o755, owner: 0, &items)
            attachments.append(
                Attachment(source: mount.source, target: target, readOnly: mount.readOnly, ownership: .owner))
        }
        if let workspace = record.workspace {
            attachments.append(
                Attachment(
                    source: workspace.path, target: "workspace", readOnly: template.workspaceMode == .readOnly,
                    ownership: .owner, identity: workspace))
        }
        for directory in template.agent.persist {
            let target = "\(home)/\(directory)"
            addParents(of: target, mode: 0o755, owner: agent, &items)
            items.append(.directory(target, mode: 0o755, owner: agent))
            attachments.append(
                Attachment(
                    source: "\(paths.volumes(record.name))/\(directory)", target: target, readOnly: false,
                    ownership: .plain))
        }
        let runItems: [Item] = [
            .directory("lock", mode: 0o1777), .directory("secrets", mode: 0o755), .directory("host", mode: 0o755),
            .directory("user", mode: 0o755), .directory("user/\(agent)", mode: 0o700, owner: agent),
            .directory("sandbox", mode: 0o755),
        ]
        let ownItems: [Item] = [
            .directory("empty-directory", mode: 0), .file("empty-file", "", mode: 0), .file("init", "", mode: 0o555),
        ]
        return RootPlan(items: items, runItems: runItems, ownItems: ownItems, attachments: attachments)
    }

    /// A tree with `usr`: the host itself, or a directory that looks like one.
    private static func addStore(
        _ prefix: String, _ etcNames: [String], _ items: inout [Item], _ attachments: inout [Attachment]
    ) {
        items.append(.directory("usr", mode: 0o755))
        for name in ["bin", "sbin", "lib", "lib64"] { items.append(.link(name, to: "usr/\(name)")) }
        attachments.append(Attachment(source: "\(prefix)/usr", target: "usr"))
        for name in copiedEtc { items.append(.copy("etc/\(name)", from: "etc/\(name)")) }
        let versioned = etcNames.filter { $0.hasPrefix("python3") || $0.hasPrefix("java-") }
        for name in boundEtc + versioned {
            items.append(.directory("etc/\(name)", mode: 0o755))
            attachments.append(Attachment(source: "\(prefix)/etc/\(name)", target: "etc/\(name)", optional: true))
        }
    }

    /// The Nix store and the default profile: nothing of the host's /usr.
    private static func addNix(_ items: inout [Item], _ attachments: inout [Attachment]) {
        let profile = "/nix/var/nix/profiles/default"
        items += [
            .directory("nix", mode: 0o755), .directory("nix/store", mode: 0o755), .directory("nix/var", mode: 0o755),
            .directory("nix/var/nix", mode: 0o755), .directory("nix/var/nix/profiles", mode: 0o755),
            .directory("usr", mode: 0o755), .directory("usr/bin", mode: 0o755), .directory("usr/lib", mode: 0o755),
            .file("usr/lib/os-release", "ID=nix\nNAME=Nix\n"),
            .link("bin", to: "\(profile)/bin"), .link("usr/bin/env", to: "\(profile)/bin/env"),
        ]
        attachments.append(Attachment(source: "/nix/store", target: "nix/store"))
        attachments.append(Attachment(source: "/nix/var/nix/profiles", target: "nix/var/nix/profiles"))
    }

    /// Directories on the way to `target` and, last, `target` itself, unless they are there.
    private static func addParents(of target: String, mode: UInt32, owner: UInt32, _ items: inout [Item]) {
        var partial = ""
        for component in target.split(separator: "/").dropLast() {
            partial += (partial.isEmpty ? "" : "/") + component
            if !items.contains(where: { $0.path == partial }) {
                items.append(.directory(partial, mode: mode, owner: owner))
            }
        }
    }
}
