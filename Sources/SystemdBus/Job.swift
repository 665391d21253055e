internal import Glibc

/// A job of systemd's manager: a change of one unit's state, on its way.
///
/// The match rule for `JobRemoved` leaves before the call that makes the job, without waiting for an answer in between,
/// so a job that ends before its call is answered is not missed. The signal needs no `Subscribe()`: systemd sends it
/// while the client that asked for the job is there, which is what systemctl and systemd-run rely on too.
public final class Job {
    /// The unit the job is for.
    public let unit: String
    /// The object path.
    public private(set) var objectPath = ""
    /// How the job ended; nil while it has not. Changes within `bus.process()`.
    public var result: JobResult? { removed[objectPath] }

    private let bus: Bus
    /// The call that makes the job, until its reply was read.
    private var call: PendingReply?
    private var subscription: Subscription?
    /// Jobs of the unit that have ended: which of them is ours is known once the call is answered.
    private var removed: [String: JobResult] = [:]

    init(_ bus: Bus, unit: String, call: Message) throws(BusError) {
        self.bus = bus
        self.unit = unit
        // The unit's name in the rule keeps the jobs of others away from this process.
        let rule = MatchRule(
            sender: SystemdManager.service, path: SystemdManager.path, interface: SystemdManager.interface,
            member: "JobRemoved", argument: (2, unit))
        subscription = try bus.subscribe(rule, sink: self)
        self.call = try bus.send(call)
    }

    /// Waits until systemd has accepted the job; the work itself goes on. Nothing happens the second time.
    ///
    /// - Throws: the peer's error when it was refused.
    public func confirm() throws(BusError) {
        guard let call else { return }
        self.call = nil
        let reply = try bus.reply(to: call)
        try reply.expect("o")
        objectPath = try reply.readPath(below: "/org/freedesktop/systemd1/job")
        try subscription?.verify()
    }

    deinit {
        if let call { bus.abandon(call) }
        if let subscription { bus.unsubscribe(subscription) }
    }

    /// Waits for the end of the job; nil waits for ever.
    ///
    /// - Throws: `.timedOut` when the deadline has passed; the job goes on, and waiting can too.
    public func wait(until deadline: ContinuousClock.Instant?) throws(BusError) -> JobResult {
        try confirm()
        guard let result = try bus.run(until: deadline, { () throws(BusError) in self.result }) else {
            throw BusError("wait for the job of unit '\(unit)'", errno: ETIMEDOUT)
        }
        return result
    }
}

extension Job: SignalSink {
    func receive(_ signal: Message) throws(BusError) {
        try signal.expect("uoss")
        try signal.skip("u")
        let path = try signal.readPath(below: "/org/freedesktop/systemd1/job")
        guard try signal.readString() == unit else { return }
        let result = JobResult(try signal.readString())
        guard objectPath.isEmpty || path == objectPath else { return }
        removed[path] = result
    }
}
