internal import EgressPolicy
internal import LinuxKit
public import SandboxEngine
public import SandboxModel
internal import SystemdBus

/// What a start would do, as text for `create --dry-run`.
public struct LaunchPlan: Sendable, Equatable {
    /// A mount below the sandbox's root.
    public struct Mount: Sendable, Equatable, Encodable {
        /// Path on the host.
        public let source: String
        /// Path inside.
        public let target: String
        /// Whether writing is refused.
        public let readOnly: Bool
        /// How ids appear: `store`, `owner` or `plain`.
        public let ownership: String
    }

    /// Name of the unit.
    public let unit: String
    /// Its properties and their values.
    public let properties: [(name: String, value: String)]
    /// What it runs.
    public let command: [String]
    /// Mounts, in the order they are attached.
    public let mounts: [Mount]
    /// Rules of the network namespace, as nft(8) writes them; none in mode `none`.
    public let rules: [String]

    /// By parts.
    public static func == (left: LaunchPlan, right: LaunchPlan) -> Bool {
        left.unit == right.unit && left.command == right.command && left.mounts == right.mounts
            && left.rules == right.rules && left.properties.map(\.name) == right.properties.map(\.name)
            && left.properties.map(\.value) == right.properties.map(\.value)
    }
}

extension NspawnBackend {
    /// What `create` would do. Runs the same checks and changes nothing; the uid range is the one that would be tried
    /// first.
    public func plan(_ request: CreateRequest) throws(SandboxError) -> LaunchPlan {
        var record = SandboxRecord(
            id: String(repeating: "0", count: 16), name: request.name, phase: .creating,
            templateName: request.templateName, template: request.template, workspace: request.workspace, uidBase: 0,
            createdAt: now())
        _ = try check(record)
        try ensureUnused(request.name)
        for slot in UIDRange.slots(for: request.name).prefix(1) { record.uidBase = UIDRange.base(of: slot) }
        var credentials: [CredentialSource] = []
        for secret in record.template.secrets { credentials.append(try CredentialSource.find(secret)) }
        let unit = UnitPlan.make(for: record, paths: paths, credentials: credentials)
        let mounts = try rootPlan(record).attachments.map { mount in
            LaunchPlan.Mount(
                source: mount.source, target: "/\(mount.target)", readOnly: mount.readOnly,
                ownership: "\(mount.ownership)")
        }
        var synthetic = SyntheticMap()
        let policy = try PolicyCompiler.compile(
            request.template.network, for: request.name, generation: 0, synthetic: &synthetic, at: now())
        try checkNetwork(record, policy)
        var surroundings: NamespaceRuleset.Surroundings?
        do throws(SystemError) { surroundings = try self.surroundings(record, policy) } catch {
            throw error.as(.unavailable).prefixed("list the host's addresses")
        }
        let ruleset = NamespaceRuleset.make(policy, request.template.network, surroundings: surroundings, at: now())
        let table = ruleset?.description ?? ""
        let rules = table.split(separator: "\n").map { (line: Substring) -> String in
            let depth = line.prefix { $0 == "\t" }.count
            return String(repeating: "    ", count: depth) + line.dropFirst(depth)
        }
        return LaunchPlan(
            unit: unit.unit, properties: unit.properties.map { ($0.name, $0.value.json) }, command: unit.command,
            mounts: mounts,
            rules: rules)
    }
}
