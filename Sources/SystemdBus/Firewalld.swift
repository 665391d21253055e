internal import CSystemd

/// The client of firewalld (firewalld.dbus(5)), on hosts where it runs; it is never started.
public struct Firewalld {
    static let service = "org.fedoraproject.FirewallD1"
    static let path = "/org/fedoraproject/FirewallD1"
    static let interface = "org.fedoraproject.FirewallD1.zone"
    /// The zone from which everything is accepted (firewalld.zones(5)).
    static let zone = "trusted"

    private let bus: Bus

    /// Makes a client; nothing is sent.
    public init(_ bus: Bus) { self.bus = bus }

    /// Accepts packets from a range of addresses, until firewalld loads its rules anew.
    /// - Parameter range: as `192.0.2.0/24`.
    /// - Returns: whether it did not before; false as well where no firewalld runs.
    public func trust(_ range: String) throws(BusError) -> Bool {
        try change("addSource", range, besides: ["ZONE_ALREADY_SET", "ALREADY_ENABLED"])
    }

    /// Takes back what ``trust(_:)`` did.
    /// - Returns: whether there was something to take back.
    @discardableResult
    public func distrust(_ range: String) throws(BusError) -> Bool {
        try change("removeSource", range, besides: ["UNKNOWN_SOURCE", "NOT_ENABLED", "ZONE_CONFLICT"])
    }

    /// - Parameter besides: what firewalld's exceptions begin with when there is nothing to do.
    private func change(_ member: String, _ range: String, besides: [String]) throws(BusError) -> Bool {
        let call = try bus.call(Self.service, Self.path, Self.interface, member)
        try check(unsafe sd_bus_message_set_auto_start(call.handle, 0), call.operation)
        try call.append(Self.zone)
        try call.append(range)
        do throws(BusError) {
            _ = try bus.perform(call, returning: "s")
            return true
        } catch {
            if error.kind == .unavailable || besides.contains(where: { error.message.hasPrefix($0) }) { return false }
            throw error
        }
    }
}
