internal import LinuxKit
internal import SandboxEngine
internal import SandboxModel
internal import Seccomp
internal import SystemdBus

extension NspawnBackend {
    /// Looks at everything a sandbox needs, without changing anything.
    /// - Parameter workspaces: directories that are workspaces, or may become some.
    public func doctor(workspaces: [String]) -> [HostFinding] {
        var facts = HostFacts()
        facts.isRoot = ThisProcess.isRoot
        if let bus = try? Bus.openSystem() {
            facts.systemd = try? SystemdManager(bus).version()
            facts.machinedAnswers = (try? MachineManager(bus).list()) != nil
        } else {
            facts.machinedAnswers = false
        }
        facts.controllers = Cgroup.controllers()
        facts.hasUnifiedCgroups = Cgroup.text("", "cgroup.controllers") != nil
        facts.kernel = Self.line("/proc/sys/kernel/osrelease") ?? "unknown"
        facts.userNamespaces = Self.line("/proc/sys/user/max_user_namespaces").flatMap { UInt64($0) } ?? 0
        for path in Set(["/usr", Self.nearest(paths.state)] + workspaces) {
            facts.idmapFailures[path] = Self.idmapFailure(path)
        }
        facts.seccompActions = Set(
            (Self.line("/proc/sys/kernel/seccomp/actions_avail") ?? "").split(separator: " ").map(String.init))
        do {
            _ = try SeccompProfile.standard.compile()
        } catch {
            facts.seccompFailure = "\(error)"
        }
        for program in [paths.nspawn] + ["launch", "init", "copy"].map({ "\(paths.programs)/sandbox-\($0)" }) {
            guard let status = try? Files.open(noLinks: program, .reference).status() else {
                facts.missingPrograms.append(program)
                continue
            }
            if status.uid != 0 || status.mode & 0o022 != 0 { facts.writablePrograms.append(program) }
        }
        facts.hasNetfilter = ThisProcess.hasNetlink(protocol: 12)
        facts.overlaps = Self.overlaps()
        facts.acceptsUnenforcedLimits = configuration.unenforcedLimits == .warn
        return facts.findings
    }

    private static func line(_ path: String) -> String? {
        guard let bytes = try? Files.open(noLinks: path, .read).readAll(limit: 4096) else { return nil }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").first.map(String.init)
    }

    /// The path itself, or the nearest directory above it that exists.
    private static func nearest(_ path: String) -> String {
        var names = path.split(separator: "/")
        while !names.isEmpty {
            let candidate = "/" + names.joined(separator: "/")
            if (try? Files.open(noLinks: candidate, .reference)) != nil { return candidate }
            names.removeLast()
        }
        return "/"
    }

    /// Tries an id-mapped copy of a mount, attached nowhere.
    private static func idmapFailure(_ path: String) -> String? {
        do {
            let map = try Namespaces.idmap(
                diskUID: 0, hostUID: UIDRange.first, diskGID: 0, hostGID: UIDRange.first, count: SandboxUsers.rangeSize)
            let file = try Files.open(noLinks: path, .reference)
            _ = try DetachedMount.clone(file, .readOnly, idmap: map.number, recursive: false, label: path)
            return nil
        } catch {
            return error.description
        }
    }

    /// Who else has ids that sandboxes may get.
    private static func overlaps() -> [String] {
        let last = UInt64(UIDRange.first) + UInt64(UIDRange.count) * UInt64(SandboxUsers.rangeSize) - 1
        var result: [String] = []
        for (file, isRange) in [("/etc/subuid", true), ("/etc/passwd", false)] {
            guard let bytes = try? Files.open(noLinks: file, .read).readAll(limit: 1 << 20) else { continue }
            for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
                let fields = line.split(separator: ":", omittingEmptySubsequences: false)
                guard fields.count >= 3, let first = UInt64(fields[isRange ? 1 : 2]) else { continue }
                let count = isRange ? UInt64(fields[2]) ?? 1 : 1
                if first <= last && first &+ count > UInt64(UIDRange.first) { result.append("\(file) (\(fields[0]))") }
            }
        }
        return result
    }
}
