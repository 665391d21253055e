internal import Glibc

/// A machine that systemd-machined knows (org.freedesktop.machine1(5)).
public struct Machine: Sendable, Equatable {
    /// The name.
    public let name: String
    /// The process id of its first process, as the host sees it.
    public let leader: UInt32
    /// The unit it runs in.
    public let unit: String
    /// `opening`, `running` or `closing`.
    public let state: String
    /// `container` or `vm`.
    public let machineClass: String
    /// The root directory on the host, or empty.
    public let rootDirectory: String
    /// When it was registered, in microseconds since 1970.
    public let timestamp: UInt64
    /// The object path.
    public let objectPath: String
}

/// A machine as `ListMachines` shows it.
public struct MachineStatus: Sendable, Equatable {
    /// The name.
    public let name: String
    /// `container`, `vm` or `host`.
    public let machineClass: String
    /// What registered it, such as `systemd-nspawn`.
    public let service: String
    /// The object path.
    public let objectPath: String
}

/// An address inside a machine, without its scope.
public struct MachineAddress: Sendable, Equatable {
    /// `AF_INET` or `AF_INET6` (socket(2)).
    public let family: Int32
    /// 4 or 16 bytes, in network order.
    public let bytes: [UInt8]
}

/// A pseudo terminal that lives in a machine.
public struct MachinePTY: Sendable {
    /// The master side, close-on-exec. The caller owns it and closes it.
    public let fileDescriptor: Int32
    /// The path of the other side, inside the machine.
    public let path: String
}

/// The client of systemd-machined (org.freedesktop.machine1(5)).
public final class MachineManager {
    static let service = "org.freedesktop.machine1"
    static let path = "/org/freedesktop/machine1"
    static let interface = "org.freedesktop.machine1.Manager"
    static let machinePrefix = "/org/freedesktop/machine1/machine"

    /// The connection.
    public let bus: Bus

    /// Makes a client; nothing is sent.
    public init(_ bus: Bus) {
        self.bus = bus
    }

    /// The machine of that name, or nil when machined has none. One round trip.
    public func machine(named name: String) throws(BusError) -> Machine? {
        // The properties are asked for before it is known that there is a machine; which answer counts, the first tells.
        let lookup = try bus.send(try managerCall("GetMachine", name))
        let query = try bus.call(
            Self.service, try encodedPath(Self.machinePrefix, name), "org.freedesktop.DBus.Properties", "GetAll")
        try query.append("org.freedesktop.machine1.Machine")
        let details = try bus.send(query)
        defer { bus.abandon(details) }
        let path: String
        do {
            let reply = try bus.reply(to: lookup)
            try reply.expect("o")
            path = try reply.readPath(below: Self.machinePrefix)
        } catch {
            guard error.kind == .notFound else { throw error }
            return nil
        }
        let values: [String: UnitValue]
        do {
            let reply = try bus.reply(to: details)
            try reply.expect("a{sv}")
            values = try reply.readProperties()
        } catch {
            // It went away between the two.
            guard error.kind == .notFound else { throw error }
            return nil
        }
        let properties = PropertySet(operation: "read the machine '\(name)'", values: values)
        guard try properties.string("Name") == name else {
            throw .malformed(properties.operation, "the properties are another machine's")
        }
        return Machine(
            name: name, leader: try properties.uint32("Leader"), unit: try properties.string("Unit"),
            state: try properties.string("State"), machineClass: try properties.string("Class"),
            rootDirectory: try properties.string("RootDirectory"), timestamp: try properties.uint64("Timestamp"),
            objectPath: path)
    }

    /// All machines, by name, in one call.
    public func list() throws(BusError) -> [MachineStatus] {
        let reply = try bus.perform(try managerCall("ListMachines"), returning: "a(ssso)")
        let machines = try reply.readStructs("ssso") { (reply) throws(BusError) in
            MachineStatus(
                name: try reply.readString(), machineClass: try reply.readString(), service: try reply.readString(),
                objectPath: try reply.readPath(below: Self.machinePrefix))
        }
        return machines.sorted { $0.name < $1.name }
    }

    /// Opens a pseudo terminal in a machine's own devpts; nothing inside has to help.
    ///
    /// - Throws: `.notFound` when there is no such machine.
    public func openPTY(machine name: String) throws(BusError) -> MachinePTY {
        let reply = try bus.perform(try managerCall("OpenMachinePTY", name), returning: "hs")
        let descriptor = try reply.readDescriptor()
        do {
            return MachinePTY(fileDescriptor: descriptor, path: try reply.readString())
        } catch {
            close(descriptor)
            throw error
        }
    }

    /// Sends a signal to the `leader` of a machine, or to `all` of its processes.
    public func killMachine(_ name: String, who: String = "all", signal: Int32) throws(BusError) {
        let message = try managerCall("KillMachine", name)
        try message.append(who)
        try message.append(signal)
        _ = try bus.perform(message, returning: "")
    }

    /// Ends a machine at once, by stopping its unit.
    ///
    /// - Throws: `.notFound` when there is no such machine.
    public func terminate(_ name: String) throws(BusError) {
        _ = try bus.perform(try managerCall("TerminateMachine", name), returning: "")
    }

    /// The addresses of a container that has a network of its own.
    public func addresses(_ name: String) throws(BusError) -> [MachineAddress] {
        let message = try managerCall("GetMachineAddresses", name)
        let reply = try bus.perform(message, returning: "a(iay)")
        return try reply.readStructs("iay") { (reply) throws(BusError) in
            let address = MachineAddress(family: try reply.readInt32(), bytes: try reply.readBytes())
            switch (address.family, address.bytes.count) {
            case (AF_INET, 4), (AF_INET6, 16): return address
            default: throw .malformed(message.operation, "an address of \(address.bytes.count) bytes")
            }
        }
    }

    /// Watches for a machine's coming and going from now on, without a round trip.
    public func watch(_ name: String) throws(BusError) -> MachineWatch {
        try MachineWatch(self, name: name)
    }

    func managerCall(_ member: String, _ machine: String? = nil) throws(BusError) -> Message {
        let message = try bus.call(Self.service, Self.path, Self.interface, member)
        if let machine { try message.append(machine) }
        return message
    }
}

/// Follows whether machined has a machine of one name, by `MachineNew` and `MachineRemoved`.
public final class MachineWatch {
    /// The machine's name.
    public let name: String

    private let bus: Bus
    private var subscriptions: [Subscription] = []
    private var lookup: PendingReply?
    private var isPresent: Bool?

    init(_ manager: MachineManager, name: String) throws(BusError) {
        bus = manager.bus
        self.name = name
        for member in ["MachineNew", "MachineRemoved"] {
            let rule = MatchRule(
                sender: MachineManager.service, path: MachineManager.path, interface: MachineManager.interface,
                member: member, argument: (0, name))
            subscriptions.append(try bus.subscribe(rule, sink: self))
        }
        lookup = try bus.send(try manager.managerCall("GetMachine", name))
    }

    deinit {
        for subscription in subscriptions { bus.unsubscribe(subscription) }
    }

    /// Whether the machine is there; nil while machined has not answered. Changes within `bus.process()`.
    ///
    /// - Throws: when machined answered with an error other than that there is none, or a match rule was refused.
    public var present: Bool? {
        get throws(BusError) {
            try takeAnswer()
            return isPresent
        }
    }

    /// Waits until the machine is there (`true`) or not there (`false`); nil waits for ever.
    ///
    /// - Returns: false when the deadline has passed.
    public func wait(
        until wanted: Bool, deadline: ContinuousClock.Instant?
    ) throws(BusError) -> Bool {
        let reached = try bus.run(until: deadline) { () throws(BusError) in
            try self.present == wanted ? true : nil
        }
        return reached ?? false
    }

    private func takeAnswer() throws(BusError) {
        guard let reply = lookup, reply.message != nil else { return }
        for subscription in subscriptions { try subscription.verify() }
        do {
            try bus.reply(to: reply).expect("o")
            isPresent = true
        } catch {
            guard error.kind == .notFound else { throw error }
            isPresent = false
        }
        lookup = nil
    }
}

extension MachineWatch: SignalSink {
    func receive(_ signal: Message) throws(BusError) {
        try takeAnswer()
        try signal.expect("so")
        guard try signal.readString() == name else { return }
        isPresent = signal.member == "MachineNew"
    }
}
