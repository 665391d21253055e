/// What was refused, newest last, bounded: a payload that asks for a million names pushes out its own oldest entries
/// and costs no memory.
public struct DenialTable: Sendable {
    private struct Key: Hashable {
        var target: String
        var port: UInt16?
        var refusal: Decisions.Refusal
    }

    private let limit: Int
    private var entries: [Key: (denial: GatewayReport.Denial, turn: UInt64)] = [:]
    private var turn: UInt64 = 0
    /// Refusals whose entries were pushed out.
    public private(set) var forgotten: UInt64 = 0

    /// An empty table of at most `limit` entries.
    public init(limit: Int = 512) { self.limit = limit }

    /// Counts one refusal.
    /// - Returns: whether it is the first of its kind.
    @discardableResult
    public mutating func add(
        _ target: String, port: UInt16?, _ refusal: Decisions.Refusal, at time: Int64
    ) -> Bool {
        let key = Key(target: target, port: port, refusal: refusal)
        turn += 1
        if var entry = entries[key] {
            entry.denial.count += 1
            entry.denial.last = time
            entry.turn = turn
            entries[key] = entry
            return false
        }
        if entries.count >= limit { forgetOldest() }
        entries[key] = (
            GatewayReport.Denial(target: target, port: port, refusal: refusal, count: 1, first: time, last: time), turn
        )
        return true
    }

    /// Makes room for several, so that a flood does not search the table each time.
    private mutating func forgetOldest() {
        let border = entries.values.map(\.turn).sorted()[limit / 4]
        for (key, entry) in entries where entry.turn <= border {
            forgotten += entry.denial.count
            entries[key] = nil
        }
    }

    /// The entries, the newest last.
    public var denials: [GatewayReport.Denial] { entries.values.sorted { $0.turn < $1.turn }.map(\.denial) }
}
