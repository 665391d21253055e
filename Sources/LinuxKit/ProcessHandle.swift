internal import CSandboxShims
internal import Glibc

/// A process that cannot be mistaken for a later one with the same number (pidfd_open(2)).
public struct ProcessHandle: ~Copyable, Sendable {
    /// The process id in the caller's pid namespace.
    public let pid: Int32
    /// The pidfd; readable when the process ended.
    public let descriptor: Descriptor

    /// A handle of the process that has this id now.
    /// - Parameter startTime: when given, the process must have started then (clock ticks since boot); else ESRCH.
    public init(pid: Int32, startTime: UInt64? = nil) throws(SystemError) {
        let opened = Descriptor(owning: try checked(sbx_pidfd_open(pid), "open process", "\(pid)"))
        // Compared after the pidfd is open: from then on the number cannot change hands unnoticed.
        if let startTime, Self.startTime(of: pid) != startTime {
            throw SystemError("open process", "\(pid)", errno: ESRCH)
        }
        self.init(pid: pid, descriptor: opened)
    }

    /// A handle of a child whose pidfd is already open.
    init(pid: Int32, descriptor: consuming Descriptor) {
        self.pid = pid
        self.descriptor = descriptor
    }

    /// The id of the calling process.
    public static var ownPID: Int32 { getpid() }

    /// Start time in clock ticks since boot (proc_pid_stat(5), field 22); 0 when there is no such process.
    public static func startTime(of pid: Int32) -> UInt64 { sbx_start_time(pid) }

    /// Sends a signal; a process that has ended is no error.
    public func send(signal: Int32) throws(SystemError) {
        let result = sbx_pidfd_signal(descriptor.number, signal)
        if result != -ESRCH { try checked(result, "signal process", "\(pid)") }
    }
}

/// How a child ended.
public enum ChildEnd: Sendable, Equatable {
    /// By exit(3), with this status (0 to 255).
    case exited(Int32)
    /// By this signal.
    case signalled(Int32)

    /// The status a shell would report: the status itself, or 128 + signal.
    public var status: Int32 {
        switch self {
        case .exited(let status): status
        case .signalled(let signal): 128 + signal
        }
    }
}

extension ProcessHandle {
    /// Waits for the end of a child that this process started.
    public func waitForEnd() throws(SystemError) -> ChildEnd {
        while true {
            _ = try descriptor.waitReadable(until: .never)
            if let end = try reap() { return end }
        }
    }

    /// How the child ended, or nil while it runs (waitpid(2), WNOHANG). Asked once after it ended.
    func reap() throws(SystemError) -> ChildEnd? {
        var status: Int32 = 0
        var signal: Int32 = 0
        guard try checked(unsafe sbx_wait_nohang(pid, &status, &signal), "wait for the program") == 1 else {
            return nil
        }
        return signal != 0 ? .signalled(signal) : .exited(status)
    }

    /// Sends a signal to the process group that the child leads; a group that has ended is no error.
    func send(signalToGroup signal: Int32) {
        _ = Glibc.kill(-pid, signal)
    }
}

/// Settings of the calling process.
public enum ThisProcess {
    /// Makes sure descriptors 0 to 2 are open and a closed pipe is an error instead of the end.
    public static func prepare() throws(SystemError) {
        try checked(sbx_ensure_stdio(), "open standard descriptors")
        sbx_ignore_sigpipe()
    }

    /// Whether it runs as root.
    public static var isRoot: Bool { geteuid() == 0 }

    /// How many descriptors it may have open (getrlimit(2)).
    public static var descriptorLimit: Int {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
        return Int(clamping: limit.rlim_cur)
    }

    /// Lets so many seconds pass, or fewer when a signal comes.
    public static func pause(seconds: Double) { _ = poll(nil, 0, Int32(seconds * 1000)) }

    /// Ends by the default action of a signal, so that the caller sees the truth.
    public static func die(ofSignal signal: Int32) { sbx_die_of_signal(signal) }

    /// Whether a descriptor is a terminal (isatty(3)).
    public static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

    /// Columns of a terminal, nil when it is none.
    public static func columns(of descriptor: Int32) -> Int? {
        let columns = sbx_terminal_columns(descriptor)
        return columns > 0 ? Int(columns) : nil
    }

    /// Whether the kernel offers a netlink protocol (netlink(7)); its module is loaded if need be.
    public static func hasNetlink(protocol number: Int32) -> Bool {
        let socket = Glibc.socket(AF_NETLINK, Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue), number)
        guard socket >= 0 else { return false }
        close(socket)
        return true
    }

    /// The value of an environment variable.
    public static func environment(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }
}
