internal import LinuxKit
internal import SandboxModel

/// What the kernel says a process may do, and what it should say (proc(5), namespaces(7)).
///
/// Options are not trusted, their effect is: every start compares these before the payload is let go.
struct Posture: Sendable, Equatable {
    /// What the record promises.
    struct Promise: Sendable, Equatable {
        var uidBase: UInt32
        var networkNamespace: String
        var cgroup: String
        /// Mount points of the plan with the options each must have.
        var mounts: [String: Set<String>]
    }

    /// What was read of one process.
    struct Reading: Sendable, Equatable {
        var status: [Substring: String]
        var uidMap: String
        var gidMap: String
        var namespaces: [String: String]
        var hostNamespaces: [String: String]
        /// Seccomp filters of the host's PID 1, which everything it starts inherits.
        var hostFilters: Int
        var cgroup: String
        var mounts: [MountEntry]
        var descriptors: [String]
    }

    static let namespaceKinds = ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"]
    /// Descriptors of sandbox-init while it waits at the gate: the standard ones and the gate.
    static let gateDescriptors: Set<String> = ["0", "1", "2", "3"]
    /// File systems that nspawn mounts by itself. Anything else inside must be a mount of the plan.
    private static let ownTypes: Set<String> = ["proc", "sysfs", "tmpfs", "devpts", "mqueue", "cgroup2", "cgroup"]
    /// Single files of the host that nspawn shows: devices that are safe to share, and what names the system.
    private static let ownFiles: Set<String> = [
        "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/console",
        "/dev/net/tun", "/run/host/os-release", "/run/host/incoming",
    ]

    /// Every difference between reading and promise, as lines for people; empty when there is none.
    static func differences(_ reading: Reading, _ promise: Promise) -> [String] {
        var lines: [String] = []
        func expect(_ what: String, _ got: String?, _ wanted: String) {
            if got != wanted { lines.append("\(what) is '\(got ?? "unknown")', should be '\(wanted)'") }
        }
        for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            expect(set, reading.status[Substring(set)], "0000000000000000")
        }
        expect("NoNewPrivs", reading.status["NoNewPrivs"], "1")
        expect("Seccomp", reading.status["Seccomp"], "2")
        // Ours and those that systemd itself runs under (it may be inside a container), no fewer and no more.
        expect("Seccomp_filters", reading.status["Seccomp_filters"], "\(reading.hostFilters + 1)")
        let id = "\(promise.uidBase)"
        expect("Uid", reading.status["Uid"], [id, id, id, id].joined(separator: "\t"))
        expect("Gid", reading.status["Gid"], [id, id, id, id].joined(separator: "\t"))
        expect("uid_map", words(reading.uidMap), "0 \(id) \(SandboxUsers.rangeSize)")
        expect("gid_map", words(reading.gidMap), "0 \(id) \(SandboxUsers.rangeSize)")
        expect("network namespace", reading.namespaces["net"], promise.networkNamespace)
        for kind in namespaceKinds where reading.namespaces[kind] == reading.hostNamespaces[kind] {
            lines.append("the \(kind) namespace is the host's")
        }
        expect("cgroup", reading.cgroup, promise.cgroup)
        lines += mountDifferences(reading.mounts, promise.mounts)
        for descriptor in reading.descriptors where !gateDescriptors.contains(descriptor) {
            lines.append("descriptor \(descriptor) is open")
        }
        return lines
    }

    private static func mountDifferences(_ mounts: [MountEntry], _ promised: [String: Set<String>]) -> [String] {
        var lines: [String] = []
        for (target, options) in promised.sorted(by: { $0.key < $1.key }) {
            guard let mount = mounts.last(where: { $0.target == target }) else {
                lines.append("'\(target)' is not mounted")
                continue
            }
            for option in options.subtracting(mount.options).sorted() {
                lines.append("'\(target)' is mounted without '\(option)'")
            }
        }
        for mount in mounts where !ownTypes.contains(mount.type) {
            let isPlanned = promised.keys.contains {
                mount.target == $0 || mount.target.hasPrefix("\($0)/") && $0 != "/"
            }
            if !isPlanned && !ownFiles.contains(mount.target) {
                lines.append("'\(mount.target)' (\(mount.type)) is mounted and should not be")
            }
        }
        return lines
    }

    private static func words(_ text: String) -> String {
        text.split { $0 == " " || $0 == "\t" || $0 == "\n" }.joined(separator: " ")
    }

    /// Reads a process; nil when it is gone.
    static func read(_ pid: Int32) throws(SystemError) -> Reading? {
        let proc = try ProcFiles()
        guard let status = try proc.status(pid), let uidMap = try proc.text(pid, "uid_map"),
            let gidMap = try proc.text(pid, "gid_map"), let cgroup = try proc.text(pid, "cgroup"),
            let mountinfo = try proc.text(pid, "mountinfo")
        else { return nil }
        var namespaces: [String: String] = [:]
        var hostNamespaces: [String: String] = [:]
        let own = ProcessHandle.ownPID
        for kind in namespaceKinds {
            namespaces[kind] = try proc.link(pid, "ns/\(kind)")
            hostNamespaces[kind] = try proc.link(own, "ns/\(kind)")
        }
        let path = cgroup.split(separator: "\n").last { $0.hasPrefix("0::") }.map { String($0.dropFirst(3)) } ?? ""
        return Reading(
            status: status, uidMap: uidMap, gidMap: gidMap, namespaces: namespaces, hostNamespaces: hostNamespaces,
            hostFilters: try proc.status(1)?["Seccomp_filters"].flatMap { Int($0) } ?? 0, cgroup: path,
            mounts: MountEntry.parse(mountinfo), descriptors: try proc.entries(pid, "fd"))
    }
}
