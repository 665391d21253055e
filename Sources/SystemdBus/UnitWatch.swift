internal import Glibc

/// Follows one unit until it has ended.
///
/// The match rules, `Subscribe()` and the question for the present state leave together, in this order: whatever happens after
/// that arrives as a signal, so there is no gap, and nothing is polled.
public final class UnitWatch {
    /// How a unit can have ended.
    public enum End: Sendable, Equatable {
        /// It is loaded and not running.
        case inactive
        /// It is loaded and has failed.
        case failed
        /// systemd has unloaded it; what became of it can no longer be asked.
        case gone
    }

    /// The unit.
    public let unit: String
    /// `active`, `activating`, …; empty until the first answer. Changes within `bus.process()`.
    public private(set) var activeState = ""

    private let bus: Bus
    private var subscriptions: [Subscription] = []
    private var present: (load: PendingReply, active: PendingReply)?
    private var isGone = false

    init(_ manager: SystemdManager, unit: String) throws(BusError) {
        bus = manager.bus
        self.unit = unit
        let path = try SystemdManager.objectPath(of: unit)
        let changes = MatchRule(
            sender: SystemdManager.service, path: path, interface: "org.freedesktop.DBus.Properties",
            member: "PropertiesChanged", argument: (0, SystemdManager.unitInterface))
        let removal = MatchRule(
            sender: SystemdManager.service, path: SystemdManager.path, interface: SystemdManager.interface,
            member: "UnitRemoved", argument: (0, unit))
        subscriptions.append(try bus.subscribe(changes, sink: self))
        subscriptions.append(try bus.subscribe(removal, sink: self))
        // Not answered: the answer would tell nothing that the next calls do not, and a second one is an error.
        try bus.sendWithoutReply(try manager.managerCall("Subscribe"))
        func request(_ property: String) throws(BusError) -> PendingReply {
            try bus.requestProperty(
                property, of: SystemdManager.unitInterface, at: path, on: SystemdManager.service)
        }
        present = (try request("LoadState"), try request("ActiveState"))
    }

    deinit {
        for subscription in subscriptions { bus.unsubscribe(subscription) }
    }

    /// How the unit has ended; nil while it has not, or is not known yet. `activating` and `deactivating` are not an end.
    ///
    /// - Throws: when systemd did not tell the state, or the daemon has refused a match rule.
    public var end: End? {
        get throws(BusError) {
            try takeAnswer()
            if isGone { return .gone }
            switch activeState {
            case "inactive": return .inactive
            case "failed": return .failed
            default: return nil
            }
        }
    }

    /// Waits until the unit is inactive, failed or gone; nil waits for ever.
    ///
    /// A unit that has not been started yet is inactive too: wait for its start job first.
    /// - Returns: nil when the deadline has passed.
    public func wait(until deadline: ContinuousClock.Instant?) throws(BusError) -> End? {
        try bus.run(until: deadline) { () throws(BusError) in try self.end }
    }

    /// Takes the answers to the first question, once both are here and before any signal that came after them.
    private func takeAnswer() throws(BusError) {
        guard let (load, active) = present, load.message != nil, active.message != nil else { return }
        for subscription in subscriptions { try subscription.verify() }
        guard case .string(let loadState)? = try bus.property(load),
            case .string(let state)? = try bus.property(active)
        else { throw .malformed(active.operation, "the state is not a string") }
        present = nil
        if loadState == "not-found" { isGone = true }
        activeState = state
    }
}

extension UnitWatch: SignalSink {
    func receive(_ signal: Message) throws(BusError) {
        try takeAnswer()
        if signal.member == "UnitRemoved" {
            try signal.expect("so")
            if try signal.readString() == unit { isGone = true }
            return
        }
        try signal.expect("sa{sv}as")
        guard try signal.readString() == SystemdManager.unitInterface else { return }
        if case .string(let state)? = try signal.readProperties()["ActiveState"] { activeState = state }
    }
}
