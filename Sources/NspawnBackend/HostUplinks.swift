internal import EgressPolicy
internal import LinuxKit
internal import Netfilter
internal import SandboxModel

/// The host's side of all links to sandboxes: rules, forwarding, and the interfaces themselves. Made with the first link
/// and gone with the last; one command at a time changes it.
struct HostUplinks {
    let directory: String
    /// The pool that the administrator wants; while there are links, the one they were made with goes on.
    let configured: UplinkPool
    /// Starts and stops the unit that puts the rules back when somebody throws them away.
    let guardian: UplinkGuardian
    /// The firewall that may keep its chains for itself.
    let firewall: UplinkFirewall

    private var chains: ForeignChains {
        ForeignChains(interfaces: .prefix(Uplink.prefix), except: HostRuleset.table)
    }

    private var forwarding: HostForwarding { HostForwarding(directory: directory) }
    private var files: UplinkFiles { UplinkFiles(directory: directory) }

    /// The addresses of links.
    var pool: UplinkPool { files.pool ?? configured }

    private var rules: Ruleset { HostRuleset.make(pool, opened: files.openings) }

    /// Makes the link of a sandbox whose rules are in force. What is there already stays.
    /// - Parameter opened: what the sandbox may reach of the host itself.
    func attach(_ link: Uplink, owner: SandboxName, namespace: Int32, opened: [HostOpening]) throws {
        let lock = try lock()
        defer { withExtendedLifetime(lock) {} }
        let pool = self.pool
        guard pool.link(link.slot) == link else {
            throw SandboxError(.temporary, "links have got other addresses meanwhile", hint: "try again")
        }
        try checkPool()
        // Written down before anything is made: what is there is taken away again, whoever is killed meanwhile.
        try files.mark(pool)
        try files.open(opened, for: link.interface)
        let hasV6 = HostForwarding.hasV6Route
        _ = try applyRules()
        try letThrough()
        try forwarding.switchOn(v6: hasV6)
        try guardian.start()
        let devices = try UplinkDevices(sandboxNamespace: namespace)
        try devices.make(link, owner: "\(owner)", hasV6: hasV6)
        _ = try Loopback.makeRoutes(namespace, exceptV4: true, exceptV6: hasV6)
    }

    /// Takes the link of a sandbox away, and with the last link everything else.
    func detach(_ owner: SandboxName) throws {
        guard files.isMarked else { return }
        let lock = try lock()
        defer { withExtendedLifetime(lock) {} }
        var wasThere = false
        for interface in interfaces() {
            // One without an owner is what a command that was killed left: nobody makes one now.
            let found = self.owner(of: interface)
            guard found == nil || found == "\(owner)" else { continue }
            // The file first: one that outlives its interface would open what nobody asks for.
            try files.open([], for: interface)
            try UplinkDevices.remove(interface)
            wasThere = true
        }
        let left = interfaces()
        try files.keepOpenings(of: left)
        guard left.isEmpty else {
            if wasThere { _ = try applyRules() }
            return
        }
        try guardian.stop()
        try chains.takeBack()
        try takeBackTrust()
        try NetfilterSocket.open().delete(table: HostRuleset.table)
        try forwarding.restore()
        try files.removeAll()
    }

    /// Whether a sandbox has a link.
    func isAttached(_ owner: SandboxName) -> Bool { interfaces().contains { self.owner(of: $0) == "\(owner)" } }

    /// Puts the rules back where they are not as they should be. When that fails the links are cut, until ``attach`` joins
    /// them again.
    /// - Returns: what was not as it should be.
    func repair() throws -> [String] {
        let lock = try lock()
        defer { withExtendedLifetime(lock) {} }
        let links = interfaces()
        guard !links.isEmpty else { return [] }
        var found: [String]
        do {
            found = try applyRules() + forwarding.differences(v6: HostForwarding.hasV6Route)
            if !found.isEmpty { try forwarding.switchOn(v6: HostForwarding.hasV6Route) }
        } catch {
            for link in links { try? UplinkDevices.switchOff(link) }
            throw SandboxError(
                .unavailable, "the host's rules for links cannot be put back: the links are cut", cause: "\(error)")
        }
        found += links.filter(isCut).map { "link '\($0)': was cut" }
        // Chains of others come and go, whatever ours do; they refuse more than we, never less.
        try letThrough()
        return found
    }

    /// Sees to it that nobody else refuses what ours let through.
    private func letThrough() throws {
        guard try chains.letThrough() else { return }
        let wasTrusted = files.isTrusted
        // Written down before it is asked for, as everything is.
        if !wasTrusted { try files.setTrusted(true) }
        if try !firewall.trust(ranges), !wasTrusted { try files.setTrusted(false) }
    }

    private func takeBackTrust() throws {
        guard files.isTrusted else { return }
        try firewall.distrust(ranges)
        try files.setTrusted(false)
    }

    private var ranges: [String] { [pool.v4, pool.v6].map(\.description) }

    /// What differs between the host's rules and switches and what they should be for a link, a line each.
    func differences(_ link: Uplink, opened: [HostOpening]) throws -> [String] {
        let lock = try lock()
        defer { withExtendedLifetime(lock) {} }
        let isOther = Set(files.openings(of: link.interface)) != Set(opened)
        return try (isOther ? ["what '\(link.interface)' may reach of the host is not what the policy says"] : [])
            + Ruleset.differences(applied: rules, read: NetfilterSocket.open().read(table: HostRuleset.table))
            + forwarding.differences(v6: HostForwarding.hasV6Route)
    }

    /// Puts our own rules in force where they are not.
    /// - Returns: what differed before.
    private func applyRules() throws -> [String] {
        let filter = try NetfilterSocket.open()
        let wanted = rules
        let found = try Ruleset.differences(applied: wanted, read: filter.read(table: HostRuleset.table))
        if found.isEmpty { return [] }
        try filter.apply(wanted)
        let differences = try Ruleset.differences(applied: wanted, read: filter.read(table: HostRuleset.table))
        guard differences.isEmpty else {
            throw SandboxError(
                .cannotCreate, "the kernel's rules for links are not those that were applied",
                cause: differences.joined(separator: "; "))
        }
        return found
    }

    private func lock() throws(SystemError) -> FileLock {
        try Files.makeDirectories(directory, mode: 0o700)
        guard let lock = try FileLock.take("\(directory)/lock", wait: true) else {
            throw SystemError("lock", directory, errno: 11)
        }
        return lock
    }

    /// Names of the host's interfaces that are links.
    private func interfaces() -> [String] {
        let names = (try? Files.list(Files.open(following: "/sys/class/net", .directory))) ?? []
        return names.filter { $0.hasPrefix(Uplink.prefix) }
    }

    private func owner(of interface: String) -> String? { fact("ifalias", of: interface) }

    private func isCut(_ interface: String) -> Bool { fact("operstate", of: interface) == "down" }

    /// What the kernel tells of an interface (sysfs-class-net in the kernel's documentation); nil where it says nothing.
    private func fact(_ name: String, of interface: String) -> String? {
        guard let bytes = try? Files.open(following: "/sys/class/net/\(interface)/\(name)", .read).readAll(limit: 256)
        else { return nil }
        let text = String(decoding: bytes.filter { $0 != 0x0a }, as: UTF8.self)
        return text.isEmpty ? nil : text
    }

    /// Nobody else on this host may have addresses of the pool.
    private func checkPool() throws {
        let pool = self.pool
        for entry in try InterfaceAddresses.list() where !entry.interface.hasPrefix(Uplink.prefix) {
            guard let address = IPAddress(bytes: entry.bytes), pool.v4.contains(address) || pool.v6.contains(address)
            else { continue }
            throw SandboxError(
                .unavailable,
                "address \(address) of interface '\(entry.interface)' is in the range that links to sandboxes use",
                hint: "choose other ranges with 'pool4' and 'pool6' below [network] in "
                    + "/etc/sandboxctl/sandboxctl.toml")
        }
    }
}

/// What speaks with firewalld, where it runs.
struct UplinkFirewall {
    /// Lets ranges through; whether it did not before.
    let trust: ([String]) throws -> Bool
    let distrust: ([String]) throws -> Void
}

/// The unit of `sandboxctl network guard`.
struct UplinkGuardian {
    let start: () throws -> Void
    let stop: () throws -> Void
}
