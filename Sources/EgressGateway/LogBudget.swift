/// How many records a log takes: the payload decides how often there is something to write, and must not push the host's own
/// records out of the journal.
struct LogBudget {
    /// Records at once, and from then on in a second.
    static let burst: Int64 = 1000
    static let rate: Int64 = 100

    private var left = burst
    private var counted: Int64
    /// Records that were left out since one was written.
    private var leftOut = 0

    /// A full budget.
    /// - Parameter time: microseconds since 1970.
    init(at time: Int64) { counted = time }

    /// Asks for one record.
    /// - Returns: how many were left out before it; nil when it is left out itself.
    mutating func take(at time: Int64) -> Int? {
        let gained = max(0, time - counted) / (1_000_000 / Self.rate)
        left = min(Self.burst, left + gained)
        // A clock that was set back begins anew.
        counted = time < counted ? time : counted + gained * (1_000_000 / Self.rate)
        guard left > 0 else {
            leftOut += 1
            return nil
        }
        left -= 1
        defer { leftOut = 0 }
        return leftOut
    }
}
