internal import Glibc
internal import NspawnBackend

/// Entries of `logs`, for people.
enum LogText {
    /// `2026-11-26 18:30:11 source: message`, in local time.
    static func line(_ entry: LogEntry) -> String {
        var seconds = time_t(entry.time / 1_000_000)
        var parts = tm()
        localtime_r(&seconds, &parts)
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let date = "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
        let clock = "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
        return "\(date) \(clock) \(entry.source): \(entry.message)"
    }
}

/// Entries of `logs`, for programs.
struct LogView: Encodable {
    /// Microseconds since 1970.
    var timeUs: UInt64
    var priority: Int
    var source: String
    var message: String

    init(_ entry: LogEntry) {
        timeUs = entry.time
        priority = entry.priority
        source = entry.source
        message = entry.message
    }
}
