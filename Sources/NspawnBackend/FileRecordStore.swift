internal import FoundationEssentials
internal import LinuxKit
public import SandboxEngine
public import SandboxModel

/// Records as files: definitions below /var/lib/sandboxctl, what ends with the boot below /run/sandboxctl.
///
/// ```
/// STATE/NAME/sandbox.json      the definition
/// STATE/NAME/volumes/          persistent directories of the agent's home
/// STATE/.ranges/SLOT -> NAME   who owns a uid range; a link is made in one step, so no lock is needed
/// RUNTIME/NAME/run.json        what is true while it runs
/// RUNTIME/.locks/NAME          the lock of one sandbox
/// ```
public struct FileRecordStore: RecordStore {
    private let paths: HostPaths
    private static let recordLimit = 1 << 20

    /// A store at the given places; directories are made when something is first written.
    public init(paths: HostPaths = HostPaths()) { self.paths = paths }

    // MARK: Definitions

    /// See `RecordStore`.
    public func names() throws(SandboxError) -> [SandboxName] {
        do {
            let directory = try Files.open(noLinks: paths.state, .directory)
            return try Files.list(directory).compactMap { try? SandboxName($0) }
        } catch {
            if error.isNotFound { return [] }
            throw error.as(.internal)
        }
    }

    /// See `RecordStore`.
    public func load(_ name: SandboxName) throws(SandboxError) -> SandboxRecord? {
        guard let bytes = try read("\(paths.state)/\(name)/sandbox.json") else { return nil }
        struct Head: Decodable { var version: Int }
        guard let head = try? JSONDecoder().decode(Head.self, from: Data(bytes)) else { throw corrupt(name) }
        guard head.version <= SandboxRecord.formatVersion else {
            throw SandboxError(
                .dataError,
                "the record of sandbox '\(name)' has version \(head.version), this program knows "
                    + "\(SandboxRecord.formatVersion)", hint: "use the newer sandboxctl that wrote it")
        }
        guard let record = try? JSONDecoder().decode(SandboxRecord.self, from: Data(bytes)), record.name == name,
            record.uidBase == 0 || UIDRange.isValid(record.uidBase)
        else { throw corrupt(name) }
        return record
    }

    private func corrupt(_ name: SandboxName) -> SandboxError {
        SandboxError(
            .dataError, "the record of sandbox '\(name)' cannot be read",
            hint: "'sandboxctl remove \(name)' clears the sandbox away; its workspace stays")
    }

    /// See `RecordStore`.
    public func save(_ record: SandboxRecord) throws(SandboxError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(record) else {
            throw SandboxError(.internal, "the record of '\(record.name)' cannot be encoded")
        }
        do {
            try Files.makeDirectories("\(paths.state)/\(record.name)", mode: 0o700)
            let directory = try Files.open(noLinks: "\(paths.state)/\(record.name)", .directory)
            // Only what was promised to exist must survive a power cut; what was being made is undone after one.
            try Files.replace("sandbox.json", in: directory, with: Array(data), durable: record.phase == .created)
        } catch {
            throw error.as(.internal).prefixed("save the record of '\(record.name)'")
        }
    }

    /// See `RecordStore`.
    public func remove(_ name: SandboxName) throws(SandboxError) { try removeTree("\(name)", in: paths.state) }

    // MARK: Runtime

    /// See `RecordStore`.
    public func loadRun(_ name: SandboxName) throws(SandboxError) -> RunRecord? {
        guard let bytes = try read("\(paths.runtime(name))/run.json") else { return nil }
        return try? JSONDecoder().decode(RunRecord.self, from: Data(bytes))
    }

    /// See `RecordStore`.
    public func saveRun(_ run: RunRecord, _ name: SandboxName) throws(SandboxError) {
        guard let data = try? JSONEncoder().encode(run) else {
            throw SandboxError(.internal, "the run record of '\(name)' cannot be encoded")
        }
        do {
            let directory = try Files.open(noLinks: paths.runtime(name), .directory)
            try Files.replace("run.json", in: directory, with: Array(data), durable: false)
        } catch {
            throw error.as(.internal).prefixed("save the run record of '\(name)'")
        }
    }

    /// See `RecordStore`.
    public func removeRun(_ name: SandboxName) throws(SandboxError) { try removeTree("\(name)", in: paths.runtime) }

    // MARK: Ranges

    private var ranges: String { "\(paths.state)/.ranges" }

    /// See `RecordStore`.
    public func claimRange(_ name: SandboxName) throws(SandboxError) -> UInt32 {
        do {
            try Files.makeDirectories(ranges, mode: 0o700)
            let directory = try Files.open(noLinks: ranges, .directory)
            for slot in UIDRange.slots(for: name) {
                do {
                    try Files.makeLink("\(slot)", to: "\(name)", beneath: directory)
                    return UIDRange.base(of: slot)
                } catch {
                    guard error.isExisting else { throw error }
                    // Left by an earlier sandbox of this name, whose lock we hold: ours.
                    if try Files.readLink("\(slot)", beneath: directory) == "\(name)" { return UIDRange.base(of: slot) }
                }
            }
        } catch {
            throw (error as? SystemError)?.as(.internal) ?? SandboxError(.internal, "claim a uid range")
        }
        throw SandboxError(
            .cannotCreate, "all \(UIDRange.count) uid ranges are in use", hint: "remove sandboxes you no longer need")
    }

    /// See `RecordStore`.
    public func releaseRange(_ name: SandboxName) throws(SandboxError) {
        do {
            let directory = try Files.open(noLinks: ranges, .directory)
            for slot in try Files.list(directory) where (try? Files.readLink(slot, beneath: directory)) == "\(name)" {
                try Files.remove(slot, beneath: directory)
            }
        } catch {
            if !error.isNotFound { throw error.as(.internal) }
        }
    }

    /// See `RecordStore`.
    public func claimants() throws(SandboxError) -> Set<String> {
        var result: Set<String> = []
        do {
            let directory = try Files.open(noLinks: ranges, .directory)
            for slot in try Files.list(directory) {
                if let owner = try? Files.readLink(slot, beneath: directory) { result.insert(owner) }
            }
        } catch {
            if !error.isNotFound { throw error.as(.internal) }
        }
        do {
            let directory = try Files.open(noLinks: paths.runtime, .directory)
            result.formUnion(try Files.list(directory).filter { !$0.hasPrefix(".") })
        } catch {
            if !error.isNotFound { throw error.as(.internal) }
        }
        return result
    }

    // MARK: Locks

    private func lockPath(_ name: SandboxName) -> String { "\(paths.runtime)/.locks/\(name)" }

    private final class HeldLock: SandboxLock {
        let lock: FileLock
        init(_ lock: consuming FileLock) { self.lock = lock }
    }

    /// See `RecordStore`.
    public func lock(_ name: SandboxName, wait: Bool) throws(SandboxError) -> any SandboxLock {
        do {
            try Files.makeDirectories("\(paths.runtime)/.locks", mode: 0o700)
            if let lock = try FileLock.take(lockPath(name), wait: wait) { return HeldLock(lock) }
        } catch {
            throw error.as(.internal)
        }
        throw SandboxError(
            .temporary, "another command is at work on sandbox '\(name)'", hint: "try again when it is done")
    }

    /// See `RecordStore`.
    public func isLocked(_ name: SandboxName) -> Bool {
        guard (try? Files.open(noLinks: lockPath(name), .reference)) != nil else { return false }
        guard let attempt = try? FileLock.take(lockPath(name), wait: false) else { return true }
        _ = consume attempt
        return false
    }

    // MARK: Helpers

    private func read(_ path: String) throws(SandboxError) -> [UInt8]? {
        do {
            let file = try Files.open(noLinks: path, .read)
            guard try file.status().kind == .regular else {
                throw SandboxError(.dataError, "'\(path)' is not a regular file")
            }
            return try file.readAll(limit: Self.recordLimit)
        } catch let error as SystemError {
            if error.isNotFound { return nil }
            throw error.as(.dataError)
        } catch let error as SandboxError {
            throw error
        } catch {
            throw SandboxError(.internal, "read '\(path)'")
        }
    }

    private func removeTree(_ name: String, in parent: String) throws(SandboxError) {
        do {
            try Files.removeTree(name, beneath: try Files.open(noLinks: parent, .directory))
        } catch {
            if !error.isNotFound { throw error.as(.internal) }
        }
    }
}

/// The uid ranges that sandboxes own: 65,536 ids each, below 2^31 and above what systemd gives to anyone else
/// (UIDS-GIDS of systemd: 524,288 to 1,879,048,191 is for containers; this is the middle of it).
enum UIDRange {
    static let first: UInt32 = 0x4000_0000
    static let count: UInt32 = 4096

    static func base(of slot: UInt32) -> UInt32 { first + slot * SandboxUsers.rangeSize }

    static func isValid(_ base: UInt32) -> Bool {
        base >= first && base < first + count * SandboxUsers.rangeSize && base % SandboxUsers.rangeSize == 0
    }

    /// Every slot, beginning with one that depends on the name (FNV-1a), so that rebuilding a sandbox tends to
    /// find the same ids.
    static func slots(for name: SandboxName) -> some Sequence<UInt32> {
        let hash = name.description.utf8.reduce(UInt32(2_166_136_261)) { ($0 ^ UInt32($1)) &* 16_777_619 }
        return (0..<count).lazy.map { (hash % count + $0) % count }
    }
}

extension SystemError {
    /// The same failure as the user sees it.
    func `as`(_ code: SandboxError.Code) -> SandboxError {
        let subject = operand.map { "\(operation) '\($0)'" } ?? operation
        return SandboxError(code, subject, cause: reason)
    }
}
