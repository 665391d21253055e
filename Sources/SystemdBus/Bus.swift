internal import CSystemd
internal import Glibc

/// A connection to a D-Bus daemon (sd-bus(3)).
///
/// libsystemd serves as transport only: it authenticates, frames and validates messages. Matching replies and signals to
/// those who wait for them happens here, in `process()`, so nothing of ours is ever called from C, and everything a
/// step needs (`Hello`, a match rule, the call) leaves without waiting for an answer in between.
///
/// A bus belongs to one thread and to the process that opened it: after fork(2) every call fails with `ECHILD`.
/// It closes when the last reference goes, without waiting for the daemon.
@safe
public final class Bus {
    /// How long a method call waits for its reply.
    public var callTimeout: Duration = .seconds(30)

    private let handle: OpaquePointer
    /// Calls whose reply somebody waits for.
    private var pending: [UInt64: PendingReply] = [:]
    private var subscriptions: [Subscription] = []

    private init(taking handle: OpaquePointer) {
        unsafe self.handle = handle
    }

    deinit { unsafe sd_bus_close_unref(handle) }

    /// Connects to the system bus (`/run/dbus/system_bus_socket`, or `$DBUS_SYSTEM_BUS_ADDRESS`; sd_bus_open_system(3)).
    ///
    /// Returns before the daemon has answered: a refusal shows at the first call.
    /// - Throws: `.unavailable` when there is no socket or nobody listens.
    public static func openSystem() throws(BusError) -> Bus {
        let operation = "connect to the system bus"
        var handle: OpaquePointer?
        try check(unsafe sd_bus_open_system(&handle), operation)
        guard let handle = unsafe handle else { throw BusError(operation, errno: ENOTCONN) }
        return unsafe Bus(taking: handle)
    }

    /// Connects to the daemon at a D-Bus address such as `unix:path=/run/x` (sd_bus_set_address(3)).
    ///
    /// - Throws: `.unavailable` when there is no socket, nobody listens, or the address names no way to connect.
    public static func open(address: String) throws(BusError) -> Bus {
        let operation = "connect to the bus '\(address)'"
        guard !address.utf8.contains(0) else { throw BusError(operation, errno: EINVAL) }
        var handle: OpaquePointer?
        try check(unsafe sd_bus_new(&handle), operation)
        guard let handle = unsafe handle else { throw BusError(operation, errno: ENOMEM) }
        // From here on the handle has an owner that closes it when a step throws.
        let bus = unsafe Bus(taking: handle)
        try check(unsafe sd_bus_set_address(handle, address), operation)
        try check(unsafe sd_bus_set_bus_client(handle, 1), operation)
        try check(unsafe sd_bus_start(handle), operation)
        return bus
    }

    // MARK: In somebody's poll loop

    /// The descriptor to poll, owned by the bus (sd_bus_get_fd(3)). Ask again before every poll.
    public var fileDescriptor: Int32 {
        get throws(BusError) { try check(unsafe sd_bus_get_fd(handle), "poll the bus") }
    }

    /// The poll(2) events to wait for now.
    public var events: Int16 {
        get throws(BusError) { Int16(truncatingIfNeeded: try check(unsafe sd_bus_get_events(handle), "poll the bus")) }
    }

    /// How long poll may sleep before `process()` must be called, to the microsecond; nil: as long as it likes.
    public var timeout: Duration? {
        get throws(BusError) {
            var deadline: UInt64 = 0
            try check(unsafe sd_bus_get_timeout(handle, &deadline), "poll the bus")
            if deadline == .max { return nil }
            var time = timespec()
            unsafe clock_gettime(CLOCK_MONOTONIC, &time)
            let now = UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1000
            return deadline <= now ? .zero : .microseconds(Int64(clamping: deadline - now))
        }
    }

    /// Does one piece of work without blocking (sd_bus_process(3)); call until it returns false, then poll.
    ///
    /// - Returns: whether there may be more to do.
    /// - Throws: `.disconnected` when the connection has ended.
    @discardableResult
    public func process() throws(BusError) -> Bool {
        var raw: OpaquePointer?
        let result = unsafe sd_bus_process(handle, &raw)
        if let raw = unsafe raw { try dispatch(unsafe Message(taking: raw, operation: "receive a message")) }
        if result == -EINTR || result == -EAGAIN { return true }
        return try check(result, "process the bus") > 0
    }

    /// Sleeps until the bus has work or the deadline has passed (sd_bus_wait(3)); nil waits for ever.
    ///
    /// - Returns: false when the deadline has passed.
    public func wait(until deadline: ContinuousClock.Instant?) throws(BusError) -> Bool {
        let left = deadline.map { ContinuousClock.now.duration(to: $0).microsecondsLeft }
        if left == 0 { return false }
        let result = unsafe sd_bus_wait(handle, left ?? .max)
        if result == -EINTR || result == -EAGAIN { return true }
        try check(result, "wait for the bus")
        return true
    }

    /// Processes until `condition` gives a value, or nil when the deadline has passed.
    func run<T>(
        until deadline: ContinuousClock.Instant?, _ condition: () throws(BusError) -> T?
    ) throws(BusError) -> T? {
        while true {
            if let value = try condition() { return value }
            // The deadline holds even against a peer that never stops talking.
            if let deadline, ContinuousClock.now >= deadline { return nil }
            if try !process() { _ = try wait(until: deadline) }
        }
    }

    // MARK: Calls

    /// Makes a method call to be filled in.
    func call(
        _ destination: String, _ path: String, _ interface: String, _ member: String
    ) throws(BusError) -> Message {
        let operation = "\(interface).\(member)"
        var raw: OpaquePointer?
        try check(
            unsafe sd_bus_message_new_method_call(handle, &raw, destination, path, interface, member), operation)
        guard let raw = unsafe raw else { throw BusError(operation, errno: ENOMEM) }
        return unsafe Message(taking: raw, operation: operation)
    }

    /// Sends a call; the reply is collected with `reply(to:)`, so that several calls cost one round trip.
    func send(_ message: Message) throws(BusError) -> PendingReply {
        var cookie: UInt64 = 0
        try check(unsafe sd_bus_send(handle, message.handle, &cookie), message.operation)
        let reply = PendingReply(cookie: cookie, operation: message.operation)
        pending[cookie] = reply
        return reply
    }

    /// Sends a call and tells the peer not to answer.
    func sendWithoutReply(_ message: Message) throws(BusError) {
        try check(unsafe sd_bus_message_set_expect_reply(message.handle, 0), message.operation)
        try check(unsafe sd_bus_send(handle, message.handle, nil), message.operation)
    }

    /// Waits for the reply of a call.
    ///
    /// - Throws: the peer's error; `.timedOut` after `callTimeout`; `.disconnected`.
    func reply(to reply: PendingReply) throws(BusError) -> Message {
        defer { abandon(reply) }
        guard let message = try run(until: .now + callTimeout, { () throws(BusError) in reply.message }) else {
            throw BusError(reply.operation, errno: ETIMEDOUT, message: "no reply within \(callTimeout)")
        }
        if let error = message.remoteError { throw error }
        return message
    }

    /// Gives up on a reply; it is dropped when it comes.
    func abandon(_ reply: PendingReply) {
        pending[reply.cookie] = nil
    }

    /// Sends a call and waits for its reply, which must have the signature given.
    func perform(_ message: Message, returning signature: String) throws(BusError) -> Message {
        let reply = try reply(to: try send(message))
        try reply.expect(signature)
        return reply
    }

    /// Asks for one property; read the answer with `property(_:)`.
    func requestProperty(
        _ name: String, of interface: String, at path: String, on destination: String
    ) throws(BusError) -> PendingReply {
        let message = try call(destination, path, "org.freedesktop.DBus.Properties", "Get")
        try message.append(interface)
        try message.append(name)
        return try send(message)
    }

    /// The value of a property asked for before; nil when its type has no `UnitValue`.
    func property(_ pending: PendingReply) throws(BusError) -> UnitValue? {
        let message = try reply(to: pending)
        try message.expect("v")
        return try message.readVariant()
    }

    // MARK: Signals

    /// Asks the daemon for the signals of a rule. Not waited for: what is sent afterwards arrives there afterwards.
    ///
    /// The rule holds until `unsubscribe`, or until the sink is gone; the sink is not kept alive.
    func subscribe(_ rule: MatchRule, sink: any SignalSink) throws(BusError) -> Subscription {
        let message = try daemonCall("AddMatch")
        try message.append(rule.text)
        let subscription = Subscription(rule: rule, installed: try send(message), sink: sink)
        subscriptions.append(subscription)
        return subscription
    }

    /// Gives a rule back to the daemon.
    func unsubscribe(_ subscription: Subscription) {
        subscriptions.removeAll { $0 === subscription }
        abandon(subscription.installed)
        // A failure means that the connection is gone, and the rule with it.
        guard let message = try? daemonCall("RemoveMatch"), (try? message.append(subscription.rule.text)) != nil else {
            return
        }
        try? sendWithoutReply(message)
    }

    private func daemonCall(_ member: String) throws(BusError) -> Message {
        try call("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", member)
    }

    private func dispatch(_ message: Message) throws(BusError) {
        switch message.kind {
        case .methodReturn, .methodError:
            // A reply that nobody waits for any more came too late.
            guard let cookie = message.replyCookie, let waiting = pending.removeValue(forKey: cookie) else { return }
            waiting.message = message.renamed(waiting.operation)
        case .signal where message.interface == "org.freedesktop.DBus.Local":
            // Made by libsystemd itself; the daemon never forwards this interface.
            throw BusError("receive a message", errno: ECONNRESET, message: "the bus closed the connection")
        case .signal where message.destination == nil:
            // A broadcast reaches us through a rule of ours only, and each names the well-known sender, which the daemon
            // checks. A signal with a destination can come from anybody: it is not believed.
            for subscription in subscriptions where subscription.rule.matches(message) {
                try message.rewind()
                try subscription.sink?.receive(message)
            }
        case .signal, .methodCall, nil:
            // Nothing here is an object to be called.
            return
        }
    }
}

/// A call on its way, and its reply once that is here.
final class PendingReply {
    let cookie: UInt64
    let operation: String
    fileprivate(set) var message: Message?

    init(cookie: UInt64, operation: String) {
        self.cookie = cookie
        self.operation = operation
    }
}

/// Receives the signals of a subscription, from within `process()`.
protocol SignalSink: AnyObject {
    /// Takes a signal; an error ends `process()` with it.
    func receive(_ signal: Message) throws(BusError)
}

/// A match rule that is installed, or on its way.
final class Subscription {
    let rule: MatchRule
    /// The daemon's answer to `AddMatch`.
    let installed: PendingReply
    fileprivate weak var sink: (any SignalSink)?

    fileprivate init(rule: MatchRule, installed: PendingReply, sink: any SignalSink) {
        self.rule = rule
        self.installed = installed
        self.sink = sink
    }

    /// Throws when the daemon has refused the rule.
    func verify() throws(BusError) {
        if let error = installed.message?.remoteError { throw error }
    }
}

/// Which signals to receive (D-Bus specification, "Match Rules").
struct MatchRule: Equatable {
    /// The well-known name of the sender.
    var sender: String
    var path: String
    var interface: String
    var member: String
    /// A string argument the signal must have, by its position.
    var argument: (index: Int, value: String)?

    static func == (left: MatchRule, right: MatchRule) -> Bool { left.text == right.text }

    /// The rule as `AddMatch` wants it.
    var text: String {
        var text = "type='signal'"
        for (key, value) in [("sender", sender), ("path", path), ("interface", interface), ("member", member)] {
            text += ",\(key)=\(MatchRule.quoted(value))"
        }
        if let argument { text += ",arg\(argument.index)=\(MatchRule.quoted(argument.value))" }
        return text
    }

    /// Whether a signal is one of the rule's, as far as its header tells.
    func matches(_ signal: Message) -> Bool {
        signal.member == member && signal.interface == interface && signal.path == path
    }

    /// Between apostrophes everything stands for itself; an apostrophe is written outside, after a backslash.
    private static func quoted(_ value: String) -> String {
        var text = "'"
        for scalar in value.unicodeScalars {
            if scalar == "'" { text += "'\\''" } else { text.unicodeScalars.append(scalar) }
        }
        return text + "'"
    }
}

extension Duration {
    /// The duration in microseconds, rounded up, 0 when it is negative: how long a wait may last.
    var microsecondsLeft: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let (whole, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000)
        let part = UInt64((attoseconds + 999_999_999_999) / 1_000_000_000_000)
        // The largest value means "for ever" to libsystemd.
        return overflow || whole > .max - 2_000_000 ? .max - 1 : whole + part
    }
}
