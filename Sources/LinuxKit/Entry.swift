internal import CSandboxShims
internal import Glibc

/// A program to run with the posture of a sandbox's payload.
public struct Entry: Sendable {
    /// Arguments; the first is searched in the PATH of `environment` unless it holds a slash.
    public var arguments: [String]
    /// Environment, complete: nothing of the caller's is added.
    public var environment: [String: String]
    /// Working directory inside.
    public var directory: String
    /// User id inside.
    public var uid: UInt32
    /// Group id inside.
    public var gid: UInt32
    /// The seccomp program (`struct sock_filter[]`).
    public var filter: [UInt8]

    /// An entry with all its parts.
    public init(
        arguments: [String], environment: [String: String], directory: String, uid: UInt32, gid: UInt32, filter: [UInt8]
    ) {
        self.arguments = arguments
        self.environment = environment
        self.directory = directory
        self.uid = uid
        self.gid = gid
        self.filter = filter
    }
}

/// What the entered program's descriptors 0 to 2 become.
public enum EntryStreams: Sendable {
    /// Descriptors made for it; the caller keeps and closes its own.
    case descriptors(input: Int32, output: Int32, error: Int32)
    /// A pty, by its path inside; it becomes the controlling terminal.
    case terminal(String)
}

/// Why a program did not start inside.
public struct EntryError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Where it failed.
    public enum Stage: Sendable, Equatable {
        /// Between the fork and the exec: a layer of the posture could not be set up.
        case posture(String)
        /// chdir(2) to the working directory.
        case directory
        /// execve(2) of the program.
        case program
    }

    /// Where it failed.
    public let stage: Stage
    /// errno(3).
    public let errno: Int32

    /// The step and the reason.
    public var description: String {
        let step =
            switch stage {
            case .posture(let name): name
            case .directory: "enter the working directory"
            case .program: "run the program"
            }
        return "\(step): \(reason)"
    }

    /// The text of strerror(3).
    public var reason: String { unsafe String(cString: strerror(errno)) }
}

extension Entry {
    /// Starts the program as a child of this process, in the namespaces of `leader` and in the cgroup `cgroup`.
    ///
    /// - Parameter program: when given, the file this descriptor refers to is run instead of searching `arguments[0]`.
    public func start(
        leader: borrowing ProcessHandle, cgroup: borrowing Descriptor, streams: EntryStreams,
        program: Int32? = nil
    ) throws(EntryError) -> ProcessHandle {
        var entry = unsafe sbx_entry()
        unsafe entry.leader_pidfd = leader.descriptor.number
        unsafe entry.leader_pid = leader.pid
        unsafe entry.cgroup_fd = cgroup.number
        unsafe entry.uid = uid
        unsafe entry.gid = gid
        unsafe entry.program_fd = program ?? -1
        var terminal: String?
        switch streams {
        case .descriptors(let input, let output, let error):
            unsafe entry.stdio = (input, output, error)
        case .terminal(let path):
            terminal = path
        }

        var pidfd: Int32 = -1
        var failure = sbx_entry_failure()
        let variables = environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        let pid = unsafe withCStrings(arguments) { argv in
            unsafe withCStrings(variables) { envp in
                unsafe withCStrings([directory, terminal ?? ""]) { strings in
                    unsafe filter.withUnsafeBytes { program in
                        unsafe entry.argv = argv
                        unsafe entry.envp = envp
                        unsafe entry.directory = strings[0]
                        unsafe entry.terminal = terminal == nil ? nil : strings[1]
                        unsafe entry.filter = program.baseAddress
                        unsafe entry.filter_bytes = program.count
                        return unsafe sbx_enter(&entry, &pidfd, &failure)
                    }
                }
            }
        }
        guard pid > 0 else { throw EntryError(stage: Self.stage(failure.stage), errno: failure.error) }
        return ProcessHandle(pid: pid, descriptor: Descriptor(owning: pidfd))
    }

    private static func stage(_ number: Int32) -> EntryError.Stage {
        switch sbx_entry_stage(rawValue: UInt32(bitPattern: number)) {
        case SBX_ENTRY_EXEC: .program
        case SBX_ENTRY_DIRECTORY: .directory
        case SBX_ENTRY_CLONE: .posture("clone into the payload's cgroup")
        case SBX_ENTRY_LIMITS: .posture("take over the payload's resource limits")
        case SBX_ENTRY_NAMESPACES: .posture("join the namespaces")
        case SBX_ENTRY_FORK: .posture("fork inside the pid namespace")
        case SBX_ENTRY_SESSION: .posture("start a session")
        case SBX_ENTRY_TERMINAL: .posture("take the terminal")
        case SBX_ENTRY_STDIO: .posture("place the standard descriptors")
        case SBX_ENTRY_IDS: .posture("change to the user")
        case SBX_ENTRY_CAPABILITIES: .posture("drop capabilities")
        case SBX_ENTRY_FILTER: .posture("load the seccomp filter")
        default: .posture("enter the sandbox")
        }
    }
}
