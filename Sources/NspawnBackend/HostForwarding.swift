internal import FoundationEssentials
internal import LinuxKit

/// The kernel's switches for passing packets on between interfaces (ip-sysctl in the kernel's documentation): on while any
/// sandbox has a link, and as they were before afterwards.
struct HostForwarding {
    /// Where it is written down how they were, until the next boot resets them anyway.
    let directory: String
    private static let file = "forwarding.json"
    private static let settings = "/proc/sys/net"

    /// What was changed, and what it was.
    private struct Before: Codable, Equatable {
        /// `ipv4/ip_forward` was off.
        var v4WasOff = false
        /// `ipv6/conf/all/forwarding` was off.
        var v6WasOff = false
        /// Interfaces that took routers' announcements, which a host that forwards does by order only.
        var announced: [String] = []
    }

    /// Whether the host has a way to the IPv6 internet that packets could be passed on to.
    static var hasV6Route: Bool {
        guard let bytes = try? Files.open(following: "/proc/net/ipv6_route", .read).readAll(limit: 16 << 20) else {
            return false
        }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").contains { line in
            // Destination, its prefix, source, its prefix, next hop, metric, references, use, flags, interface.
            let fields = line.split(separator: " ")
            return fields.count == 10 && fields[0].allSatisfy { $0 == "0" } && fields[1] == "00" && fields[9] != "lo"
        }
    }

    /// What is off although links need it, a line each.
    func differences(v6: Bool) throws(SystemError) -> [String] {
        var lines: [String] = []
        if try get("ipv4/ip_forward") == "0" { lines.append("net.ipv4.ip_forward: is 0") }
        if v6, try get("ipv6/conf/all/forwarding") == "0" { lines.append("net.ipv6.conf.all.forwarding: is 0") }
        return lines
    }

    /// Switches on what is off, and writes down that it was.
    func switchOn(v6: Bool) throws(SystemError) {
        var before = read() ?? Before()
        let old = before
        let v4IsOff = try get("ipv4/ip_forward") == "0"
        let v6IsOff = v6 ? try get("ipv6/conf/all/forwarding") == "0" : false
        guard v4IsOff || v6IsOff else { return }
        before.v4WasOff = before.v4WasOff || v4IsOff
        before.v6WasOff = before.v6WasOff || v6IsOff
        if v6IsOff {
            let interfaces = try Files.list(Files.open(noLinks: "\(Self.settings)/ipv6/conf", .directory))
            for interface in interfaces {
                guard interface != "all", try get("ipv6/conf/\(interface)/accept_ra") == "1",
                    !before.announced.contains(interface)
                else { continue }
                before.announced.append(interface)
            }
        }
        // First written down, then done: what a crash leaves can be put back.
        if before != old { try save(before) }
        if v6IsOff {
            for interface in before.announced { try? set("ipv6/conf/\(interface)/accept_ra", "2") }
            try set("ipv6/conf/all/forwarding", "1")
        }
        if v4IsOff { try set("ipv4/ip_forward", "1") }
    }

    /// Puts back what was changed; switches that were on stay on.
    func restore() throws(SystemError) {
        guard let before = read() else { return }
        if before.v4WasOff { try set("ipv4/ip_forward", "0") }
        if before.v6WasOff { try set("ipv6/conf/all/forwarding", "0") }
        for interface in before.announced where (try? get("ipv6/conf/\(interface)/accept_ra")) == "2" {
            try? set("ipv6/conf/\(interface)/accept_ra", "1")
        }
        try Files.remove(Self.file, beneath: Files.open(noLinks: directory, .directory))
    }

    private func read() -> Before? {
        guard let bytes = try? Files.open(noLinks: "\(directory)/\(Self.file)", .read).readAll(limit: 1 << 20) else {
            return nil
        }
        return try? JSONDecoder().decode(Before.self, from: Data(bytes))
    }

    private func save(_ before: Before) throws(SystemError) {
        let bytes = (try? JSONEncoder().encode(before)) ?? Data()
        try Files.replace(
            Self.file, in: Files.open(noLinks: directory, .directory), with: Array(bytes), durable: false)
    }

    private func get(_ name: String) throws(SystemError) -> String {
        let bytes = try Files.open(noLinks: "\(Self.settings)/\(name)", .read).readAll(limit: 64)
        return String(decoding: bytes.filter { $0 != 0x0a }, as: UTF8.self)
    }

    private func set(_ name: String, _ value: String) throws(SystemError) {
        try Files.open(noLinks: "\(Self.settings)/\(name)", .write).write(Array(value.utf8))
    }
}
