public import SandboxModel

/// Something that happened to a sandbox.
public enum SandboxEvent: String, Sendable, CaseIterable {
    /// It exists now.
    case created
    /// It runs now, its posture verified.
    case started
    /// It was stopped.
    case stopped
    /// It has a new root.
    case reset
    /// Its network policy changed.
    case network
    /// It is gone.
    case removed

    /// What follows the sandbox's name in a log.
    public var words: String {
        switch self {
        case .created, .started, .stopped, .reset, .removed: rawValue
        case .network: "has another network policy"
        }
    }
}

/// Where events are kept. Keeping one never fails a verb.
public protocol EventSink {
    /// Takes note of an event.
    func record(_ event: SandboxEvent, _ record: SandboxRecord)
}

/// Keeps nothing.
public struct NoEvents: EventSink {
    /// A sink.
    public init() {}
    /// See `EventSink`.
    public func record(_ event: SandboxEvent, _ record: SandboxRecord) {}
}
