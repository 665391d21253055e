internal import Glibc
internal import Synchronization

/// Signals that ask a verb to stop. A verb that undoes what it began asks for them between its steps, instead of ending
/// in the middle.
enum Interruptions {
    private static let received = Atomic<Int32>(0)
    private static let signals = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]

    /// Notes these signals from now on. One that the caller had us ignore stays ignored, as nohup(1) wants it.
    static func watch() {
        // The first use of a Swift global is no work for a signal handler.
        received.store(0, ordering: .relaxed)
        for number in signals {
            var action = sigaction()
            guard sigaction(number, nil, &action) == 0, !isIgnored(action) else { continue }
            action = sigaction()
            action.__sigaction_handler.sa_handler = { Interruptions.received.store($0, ordering: .relaxed) }
            // Without SA_RESTART: what waits shall wake up and ask.
            sigaction(number, &action, nil)
        }
    }

    /// The last of them that arrived.
    static func last() -> Int32? {
        let number = received.load(ordering: .relaxed)
        return number == 0 ? nil : number
    }

    private static func isIgnored(_ action: sigaction) -> Bool {
        guard let handler = action.__sigaction_handler.sa_handler else { return false }
        return unsafeBitCast(handler, to: Int.self) == 1  // SIG_IGN
    }
}
