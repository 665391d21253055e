/// The users inside a sandbox, and the files that name them.
public enum SandboxUsers {
    /// Uid and gid of the agent inside.
    public static let agentID: UInt32 = 1000
    /// Number of ids a sandbox owns.
    public static let rangeSize: UInt32 = 65536
    /// Uid and gid of nobody inside.
    public static let nobodyID: UInt32 = 65534

    /// A user to enter as.
    public struct User: Hashable, Sendable {
        /// Uid and gid inside.
        public let id: UInt32
        /// Name, or the number where it has none.
        public let name: String
        /// Home directory inside.
        public let home: String
    }

    /// The user that `text` (a name or a decimal uid) means inside; nil text means the agent.
    /// - Throws: `notFound` for an unknown name, `permission` for root where the template does not allow it.
    public static func resolve(_ text: String?, in settings: AgentSettings) throws(SandboxError) -> User {
        let agent = User(id: agentID, name: settings.user, home: "/home/\(settings.user)")
        guard let text, text != settings.user else { return agent }
        let known = [User(id: 0, name: "root", home: "/root"), agent, User(id: nobodyID, name: "nobody", home: "/")]
        let user: User
        if let named = known.first(where: { $0.name == text }) {
            user = named
        } else if let id = UInt64(strictDecimal: text), id < UInt64(rangeSize) {
            user = known.first { $0.id == id } ?? User(id: UInt32(id), name: text, home: "/")
        } else {
            throw SandboxError(
                .notFound, "no user '\(text)' in the sandbox",
                hint: "users are root, \(settings.user), nobody and uids 0 to \(rangeSize - 1)")
        }
        guard user.id != 0 || settings.allowRoot else {
            throw SandboxError(
                .permission, "entering as root is not allowed by the template",
                hint: "set 'allow_root = true' in [agent] and create the sandbox again")
        }
        return user
    }

    /// `/etc/passwd` inside.
    public static func passwd(_ settings: AgentSettings) -> String {
        """
        root:x:0:0:root:/root:/bin/bash
        \(settings.user):x:\(agentID):\(agentID):\(settings.user):/home/\(settings.user):/bin/bash
        nobody:x:\(nobodyID):\(nobodyID):nobody:/:/usr/sbin/nologin

        """
    }

    /// `/etc/group` inside.
    public static func group(_ settings: AgentSettings) -> String {
        """
        root:x:0:
        tty:x:5:
        \(settings.user):x:\(agentID):
        nogroup:x:\(nobodyID):

        """
    }
}

/// Variables of the environment.
public enum EnvironmentVariable {
    /// Whether `name` is `[A-Za-z_][A-Za-z0-9_]*`, which every shell can set (POSIX, XBD 8.1).
    public static func isValidName(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        func letter(_ byte: UInt8) -> Bool {
            (0x61...0x7a).contains(byte) || (0x41...0x5a).contains(byte) || byte == 0x5f
        }
        guard let first = bytes.first, letter(first) else { return false }
        return bytes.allSatisfy { letter($0) || (0x30...0x39).contains($0) }
    }
}
