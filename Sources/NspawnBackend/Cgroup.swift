internal import LinuxKit
internal import SandboxModel

/// Reading the unified cgroup hierarchy (cgroups(7), Documentation/admin-guide/cgroup-v2.rst).
enum Cgroup {
    static let mount = "/sys/fs/cgroup"

    /// Controllers that units can use.
    static func controllers() -> Set<String> {
        Set((text("", "cgroup.controllers") ?? "").split { $0 == " " || $0 == "\n" }.map(String.init))
    }

    /// The directory of the payload, to clone processes into.
    static func payload(_ run: RunRecord) throws(SystemError) -> Descriptor {
        try Files.open(noLinks: "\(mount)\(run.cgroup)/payload", .directory)
    }

    static func text(_ cgroup: String, _ file: String) -> String? {
        guard let descriptor = try? Files.open(noLinks: "\(mount)\(cgroup)/\(file)", .read),
            let bytes = try? descriptor.readAll(limit: 65536)
        else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    static func number(_ cgroup: String, _ file: String) -> UInt64? {
        text(cgroup, file).flatMap { UInt64($0.split(separator: "\n").first ?? "") }
    }

    /// One value of a file of `key value` lines.
    static func value(_ cgroup: String, _ file: String, _ key: String) -> UInt64? {
        for line in (text(cgroup, file) ?? "").split(separator: "\n") where line.hasPrefix("\(key) ") {
            return UInt64(line.dropFirst(key.count + 1))
        }
        return nil
    }
}
