internal import LinuxKit
internal import SandboxModel
internal import SystemdBus

/// Programs of the host that links need: our guard, and the firewall that may be there.
extension NspawnBackend {
    /// Has a firewall that keeps its chains for itself let packets of links through.
    /// - Returns: whether it did not before.
    func trustLinks(_ ranges: [String]) throws -> Bool {
        let firewall = Firewalld(try bus())
        return try ranges.map { try firewall.trust($0) }.contains(true)
    }

    /// Takes that back.
    func distrustLinks(_ ranges: [String]) throws {
        let firewall = Firewalld(try bus())
        for range in ranges { try firewall.distrust(range) }
    }

    /// Starts the unit that watches the host's rules, unless it runs.
    func startGuard() throws {
        let manager = SystemdManager(try bus())
        let state = try manager.snapshot(of: GuardUnit.name)
        if ["active", "activating"].contains(state.activeState) { return }
        if !state.isGone { try? manager.resetFailedUnit(GuardUnit.name) }
        let job = try manager.startTransientUnit(
            GuardUnit.name, mode: "replace", properties: GuardUnit.properties(program: try ownProgram()))
        let result = try job.wait(until: .now + .seconds(10))
        guard result == .done else {
            throw SandboxError(
                .cannotCreate, "the guard of the host's rules did not start (\(result))",
                hint: "'journalctl -u \(GuardUnit.name)' tells more")
        }
    }

    func stopGuard() throws {
        let manager = SystemdManager(try bus())
        do throws(BusError) {
            _ = try manager.stopUnit(GuardUnit.name).wait(until: .now + .seconds(10))
        } catch {
            guard error.kind == .notFound else { throw error }
        }
    }

    /// The program this is.
    func ownProgram() throws(SystemError) -> String {
        try Files.readLink("exe", beneath: Files.open(following: "/proc/self", .directory))
    }
}
