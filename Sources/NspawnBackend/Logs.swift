public import SandboxEngine
public import SandboxModel
internal import SystemdBus

/// One line of a sandbox's log.
public struct LogEntry: Sendable, Equatable, Encodable {
    /// Microseconds since 1970.
    public let time: UInt64
    /// syslog(3) priority, 0 to 7; 6 when unknown.
    public let priority: Int
    /// Who wrote it: `systemd`, `sandbox-NAME`, `sandboxctl`.
    public let source: String
    /// The text, without control characters, cut at 16 KiB.
    public let message: String

    static let longest = 16384

    init(_ entry: JournalEntry) {
        time = entry.realtime
        priority = entry.text("PRIORITY").flatMap { Int($0) } ?? 6
        source = (entry.text("SYSLOG_IDENTIFIER") ?? "unknown").escapingControls
        let text = entry.value("MESSAGE") ?? []
        let cut = text.count > Self.longest || entry.isTruncated
        message = (String(decoding: text.prefix(Self.longest), as: UTF8.self) + (cut ? " …" : "")).escapingControls
    }
}

extension NspawnBackend {
    /// Reads the journal of a sandbox: what systemd says of its unit, what the unit wrote, and what sandboxctl did.
    ///
    /// - Parameters:
    ///   - lines: only the last so many; nil is all.
    ///   - since: microseconds since 1970; what is older was said of an earlier sandbox of the name.
    ///   - follow: wait for more until a signal asks to stop.
    ///   - each: takes an entry; returns false to stop.
    public func logs(
        _ name: SandboxName, lines: Int?, since: Int64, follow: Bool, each: (LogEntry) throws(SandboxError) -> Bool
    ) throws(SandboxError) {
        let unit = HostPaths.unit(name)
        do {
            let reader = try JournalReader.open(
                matching: [
                    [JournalField("_SYSTEMD_UNIT", unit)],
                    // Only systemd itself is believed about the unit, only root about the sandbox.
                    [JournalField("UNIT", unit), JournalField("_PID", "1")],
                    [JournalField("SANDBOX", "\(name)"), JournalField("_UID", "0")],
                ],
                start: lines.map { .tail(UInt64(max(0, $0))) } ?? .head)
            while interruption() == nil {
                if let entry = try reader.next() {
                    guard entry.realtime >= UInt64(clamping: since) else { continue }
                    guard try each(LogEntry(entry)) else { return }
                } else if follow {
                    // The wait ends with an entry; the second is for noticing a signal that came just before it.
                    if let entry = try reader.next(until: .now + .seconds(1)) {
                        guard try each(LogEntry(entry)) else { return }
                    }
                } else {
                    return
                }
            }
        } catch let error as SandboxError {
            throw error
        } catch {
            throw SandboxError(.unavailable, "read the journal of '\(name)'", cause: "\(error)")
        }
    }
}

/// Writes what happens to sandboxes to the journal, with fields.
public struct JournalEvents: EventSink {
    /// A sink.
    public init() {}

    /// See `EventSink`.
    public func record(_ event: SandboxEvent, _ record: SandboxRecord) {
        // A journal that is full or gone must not keep a sandbox from being removed.
        try? JournalWriter.send([
            JournalField("MESSAGE", "Sandbox \(record.name) \(event.words)"),
            JournalField("MESSAGE_ID", Self.id(of: event)), JournalField("PRIORITY", "5"),
            JournalField("SYSLOG_IDENTIFIER", "sandboxctl"), JournalField("SANDBOX", "\(record.name)"),
            JournalField("SANDBOX_ID", record.id), JournalField("SANDBOX_EVENT", event.rawValue),
        ])
    }

    /// Ids of the kinds of message, for `journalctl MESSAGE_ID=`.
    private static func id(of event: SandboxEvent) -> String {
        switch event {
        case .created: "6d0e0d3a3f5b4ff59d4bb0f1b0c7a101"
        case .started: "6d0e0d3a3f5b4ff59d4bb0f1b0c7a102"
        case .stopped: "6d0e0d3a3f5b4ff59d4bb0f1b0c7a103"
        case .reset: "6d0e0d3a3f5b4ff59d4bb0f1b0c7a104"
        case .removed: "6d0e0d3a3f5b4ff59d4bb0f1b0c7a105"
        case .network: "6d0e0d3a3f5b4ff59d4bb0f1b0c7a106"
        }
    }
}
