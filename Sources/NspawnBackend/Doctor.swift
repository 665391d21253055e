/// What was read of the host, for `doctor`.
struct HostFacts: Sendable, Equatable {
    var isRoot = true
    /// Version of the systemd that answered, nil when none did.
    var systemd: String?
    var machinedAnswers = true
    var controllers: Set<String> = ["cpu", "memory", "pids"]
    var hasUnifiedCgroups = true
    /// `uname -r`.
    var kernel = ""
    /// user.max_user_namespaces.
    var userNamespaces: UInt64 = 1
    /// Why id-mapped mounts do not work, by path; nil where they do.
    var idmapFailures: [String: String?] = [:]
    var seccompActions: Set<String> = []
    /// Why the profile does not compile.
    var seccompFailure: String?
    /// Programs that are missing, or that others than root can change.
    var missingPrograms: [String] = []
    var writablePrograms: [String] = []
    var hasNetfilter = true
    /// Lines of /etc/subuid or /etc/passwd that overlap our uid ranges.
    var overlaps: [String] = []
    var acceptsUnenforcedLimits = false
}

/// One thing `doctor` looked at.
public struct HostFinding: Sendable, Equatable {
    /// How bad it is.
    public enum Level: String, Sendable {
        /// As it should be.
        case ok
        /// Sandboxes work, with something less.
        case warning
        /// Sandboxes do not work.
        case problem
    }

    /// How bad it is.
    public let level: Level
    /// What was looked at.
    public let check: String
    /// What was found.
    public let found: String
    /// Why it matters.
    public let why: String
    /// How to mend it.
    public let mend: String?
}

extension HostFacts {
    /// What the facts mean, in the order a reader would ask.
    var findings: [HostFinding] {
        [root, manager, machined, cgroups] + ["memory", "pids", "cpu"].map(controller)
            + [kernelVersion, namespaces] + idmapFailures.keys.sorted().map(idmap)
            + [seccomp, programs, ranges, netfilter, knownHoles]
    }

    private func finding(
        _ isGood: Bool, _ check: String, _ good: String, _ bad: String, why: String, mend: String?,
        otherwise: HostFinding.Level = .problem
    ) -> HostFinding {
        HostFinding(
            level: isGood ? .ok : otherwise, check: check, found: isGood ? good : bad, why: why,
            mend: isGood ? nil : mend)
    }

    private var root: HostFinding {
        finding(
            isRoot, "user", "root", "not root", why: "namespaces, mounts and units are made as root",
            mend: "run it with sudo")
    }

    private var manager: HostFinding {
        let version = systemd.flatMap { Int($0.prefix { $0.isNumber }) } ?? 0
        return finding(
            version >= 252, "systemd", systemd ?? "",
            systemd.map { "version \($0)" } ?? "does not answer on the system bus",
            why: "sandboxes are transient units of systemd 252 or newer",
            mend: systemd == nil ? "boot with systemd and start D-Bus" : "upgrade systemd")
    }

    private var machined: HostFinding {
        finding(
            machinedAnswers, "machined", "answers", "does not answer",
            why: "it registers sandboxes and opens their terminals",
            mend: "install systemd-container and unmask systemd-machined.service")
    }

    private var cgroups: HostFinding {
        finding(
            hasUnifiedCgroups, "cgroups", "unified hierarchy", "no unified hierarchy at /sys/fs/cgroup",
            why: "programs are started in the payload's cgroup, so that its limits hold for them",
            mend: "boot with systemd.unified_cgroup_hierarchy=1")
    }

    private func controller(_ name: String) -> HostFinding {
        finding(
            controllers.contains(name), "cgroup controller \(name)", "available", "missing",
            why: "a limit on it cannot be enforced",
            mend: acceptsUnenforcedLimits
                ? "accepted by 'unenforced = \"warn\"' in /etc/sandboxctl/sandboxctl.toml"
                : "boot with the unified hierarchy only, or accept it in /etc/sandboxctl/sandboxctl.toml",
            otherwise: acceptsUnenforcedLimits ? .warning : .problem)
    }

    private var kernelVersion: HostFinding {
        let parts = kernel.split { !$0.isNumber }.prefix(2).compactMap { Int($0) }
        let isNew = parts.count == 2 && (parts[0], parts[1]) >= (5, 12)
        return finding(
            isNew, "kernel", kernel, "version \(kernel)", why: "id-mapped mounts came with Linux 5.12",
            mend: "boot a newer kernel")
    }

    private var namespaces: HostFinding {
        finding(
            userNamespaces > 0, "user namespaces", "allowed", "user.max_user_namespaces is 0",
            why: "every sandbox has one of its own", mend: "sysctl user.max_user_namespaces=100000")
    }

    private func idmap(_ path: String) -> HostFinding {
        let failure = idmapFailures[path] ?? nil
        // The store can do without: its files then belong to nobody inside. A workspace cannot.
        let isStore = path == "/usr"
        return finding(
            failure == nil, "id-mapped mounts on \(path)", "work", failure ?? "",
            why: isStore ? "files of the store keep their owners inside" : "what the agent writes belongs to your user",
            mend: isStore ? nil : "put workspaces on ext4, xfs, btrfs or tmpfs",
            otherwise: isStore ? .warning : .problem)
    }

    private var seccomp: HostFinding {
        let missing = ["errno", "kill_process"].filter { !seccompActions.contains($0) }
        let failure = seccompFailure ?? (missing.isEmpty ? nil : "the kernel lacks \(missing.joined(separator: ", "))")
        return finding(
            failure == nil, "seccomp", "the profile compiles", failure ?? "",
            why: "it decides which system calls exist inside",
            mend: "enable CONFIG_SECCOMP_FILTER; install libseccomp 2.5")
    }

    private var programs: HostFinding {
        let bad =
            missingPrograms.map { "'\($0)' is missing" } + writablePrograms.map { "'\($0)' can be changed by others" }
        return finding(
            bad.isEmpty, "programs", "complete, and root's", bad.joined(separator: ", "),
            why: "they run as root, or first inside", mend: "install systemd-container, and sandboxctl again")
    }

    private var ranges: HostFinding {
        finding(
            overlaps.isEmpty, "uid ranges", "\(UIDRange.first) and up are free",
            "also given away by \(overlaps.joined(separator: ", "))",
            why: "a uid of a sandbox must not be somebody else's", mend: "move the other range", otherwise: .warning)
    }

    private var netfilter: HostFinding {
        finding(
            hasNetfilter, "nf_tables", "available", "not available", why: "network modes other than none need it",
            mend: "load the nf_tables module", otherwise: .warning)
    }

    private var knownHoles: HostFinding {
        finding(
            true, "known holes",
            "CVE-2026-40226 (.nspawn files) closed by --settings=no; kernel files masked by sandboxctl",
            "", why: "some systemd versions have them", mend: nil)
    }
}
