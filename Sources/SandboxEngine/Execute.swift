public import SandboxModel

/// What `exec`, `shell` and `run` ask for.
public struct ExecuteRequest: Sendable {
    /// Program and arguments; empty means the template's command.
    public var arguments: [String]
    /// User inside, by name or number; nil means the agent.
    public var user: String?
    /// Variables besides the template's.
    public var environment: [String: String]
    /// Working directory inside; nil means the workspace, or the home where there is none.
    public var directory: String?
    /// Seconds until the program is ended.
    public var timeout: Double?
    /// Where the streams lead.
    public var streams: EntryRequest.Streams
    /// The caller's TERM, for a program on a terminal.
    public var terminalType: String?

    /// A request with all its parts.
    public init(
        arguments: [String], user: String? = nil, environment: [String: String] = [:], directory: String? = nil,
        timeout: Double? = nil, streams: EntryRequest.Streams = .caller(input: false), terminalType: String? = nil
    ) {
        self.arguments = arguments
        self.user = user
        self.environment = environment
        self.directory = directory
        self.timeout = timeout
        self.streams = streams
        self.terminalType = terminalType
    }
}

extension SandboxEngine {
    /// Runs a program in a running sandbox with the payload's posture.
    public func execute(_ name: SandboxName, _ request: ExecuteRequest) throws(SandboxError) -> EntryResult {
        let (record, run) = try running(name)
        let user = try SandboxUsers.resolve(request.user, in: record.template.agent)
        let arguments = request.arguments.isEmpty ? record.template.agent.command : request.arguments
        let terminal = request.streams == .terminal ? request.terminalType ?? "xterm-256color" : nil
        return try host.enter(
            record, run,
            EntryRequest(
                arguments: arguments,
                environment: try environment(of: record, user, request.environment, terminal: terminal),
                directory: request.directory ?? workDirectory(of: record, user), user: user,
                streams: request.streams, timeout: request.timeout))
    }

    func workDirectory(of record: SandboxRecord, _ user: SandboxUsers.User) -> String {
        record.workspace == nil ? user.home : "/workspace"
    }

    /// The whole environment of a program inside: nothing of the caller's but what was named.
    func environment(
        of record: SandboxRecord, _ user: SandboxUsers.User, _ extra: [String: String], terminal: String?
    ) throws(SandboxError) -> [String: String] {
        var result = [
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": user.home, "USER": user.name, "LOGNAME": user.name, "SHELL": "/bin/bash",
            "SANDBOX": "\(record.name)",
        ]
        if case .nix = record.template.store { result["PATH"] = "/nix/var/nix/profiles/default/bin:/bin:/usr/bin" }
        if let terminal { result["TERM"] = terminal }
        if user.id == SandboxUsers.agentID {
            for secret in record.template.secrets {
                guard case .environment(let variable) = secret.exposure else { continue }
                result[variable] = try host.secretValue(secret, of: record)
            }
        }
        result.merge(record.template.agent.environment) { _, template in template }
        result.merge(extra) { _, caller in caller }
        return result
    }
}
