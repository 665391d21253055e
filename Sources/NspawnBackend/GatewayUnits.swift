internal import EgressPolicy
internal import SandboxModel
public import SystemdBus

/// The two transient units of a sandbox's gateway, as values: the sockets, which systemd opens in the sandbox's network
/// namespace, and the program, which starts with the first question or connection and sees that namespace never.
public struct GatewayUnits: Sendable, Equatable {
    /// Name of the socket unit.
    public var socket: String
    /// Name of the service, started by the sockets.
    public var service: String
    /// Properties of the sockets.
    public var socketProperties: [UnitProperty]
    /// Properties of the service.
    public var serviceProperties: [UnitProperty]

    /// Begins the names of the units. No sandbox's own unit begins so: `sandbox-` and a name never make `sandboxctl-`.
    static let prefix = "sandboxctl-gateway-"

    static func socket(_ name: SandboxName) -> String { "\(prefix)\(name).socket" }
    static func service(_ name: SandboxName) -> String { "\(prefix)\(name).service" }

    /// The units of a sandbox.
    /// - Parameter hasV6: whether its namespace speaks IPv6.
    static func make(for name: SandboxName, paths: HostPaths, hasV6: Bool) -> GatewayUnits {
        GatewayUnits(
            socket: socket(name), service: service(name), socketProperties: socketProperties(name, paths, hasV6),
            serviceProperties: serviceProperties(name, paths))
    }

    private static func socketProperties(_ name: SandboxName, _ paths: HostPaths, _ hasV6: Bool) -> [UnitProperty] {
        let resolver = NamespaceRuleset.resolverPort
        var listens: [StringPair] = []
        for host in hasV6 ? ["127.0.0.1", "[::1]"] : ["127.0.0.1"] {
            listens.append(StringPair("Datagram", "\(host):\(resolver)"))
            listens.append(StringPair("Stream", "\(host):\(resolver)"))
            listens.append(StringPair("Stream", "\(host):\(NamespaceRuleset.relayPort)"))
        }
        listens.append(StringPair("Stream", paths.gatewayControl(name)))
        return [
            UnitProperty("Description", .string("Gateway of sandbox \(name), sockets")),
            UnitProperty("Listen", .pairs(listens)),
            UnitProperty("NetworkNamespacePath", .string(paths.network(name))),
            UnitProperty("SocketMode", .uint32(0o600)),
            UnitProperty("DirectoryMode", .uint32(0o700)),
            UnitProperty("RemoveOnStop", .bool(true)),
            UnitProperty("Backlog", .uint32(4096)),
            // Whoever brings the program down often enough would else keep it down.
            UnitProperty("TriggerLimitIntervalUSec", .uint64(0)),
            UnitProperty("CollectMode", .string("inactive-or-failed")),
        ]
    }

    private static func serviceProperties(_ name: SandboxName, _ paths: HostPaths) -> [UnitProperty] {
        let program = "\(paths.programs)/sandbox-gateway"
        return [
            UnitProperty("Description", .string("Gateway of sandbox \(name)")),
            UnitProperty("Type", .string("notify")),
            UnitProperty("NotifyAccess", .string("main")),
            UnitProperty("ExecStart", .exec([ExecCommand(path: program, arguments: [program])])),
            UnitProperty("LoadCredential", .pairs([StringPair("policy", paths.gatewayPolicy(name))])),
            UnitProperty("StateDirectory", .strings(["\(HostPaths.gatewayState)/\(name)"])),
            UnitProperty("StateDirectoryMode", .uint32(0o700)),
            UnitProperty("CollectMode", .string("inactive-or-failed")),
            UnitProperty("Slice", .string(HostPaths.slice)),
            UnitProperty("CPUWeight", .uint64(100)),
            UnitProperty("LimitNOFILE", .uint64(65536)),
            UnitProperty("LimitCORE", .uint64(0)),
            UnitProperty("TasksMax", .uint64(32)),
            UnitProperty("MemoryMax", .uint64(1 << 30)),
            UnitProperty("StartLimitIntervalUSec", .uint64(0)),
            UnitProperty("TimeoutStartUSec", .uint64(10_000_000)),
            UnitProperty("TimeoutStopUSec", .uint64(2_000_000)),
        ] + hardening
    }

    /// What systemd takes away from the program (systemd.exec(5)).
    private static let hardening = [
        UnitProperty("DynamicUser", .bool(true)),
        UnitProperty("CapabilityBoundingSet", .uint64(0)),
        UnitProperty("AmbientCapabilities", .uint64(0)),
        UnitProperty("NoNewPrivileges", .bool(true)),
        UnitProperty("PrivateDevices", .bool(true)),
        UnitProperty("DevicePolicy", .string("closed")),
        UnitProperty("PrivateTmp", .bool(true)),
        UnitProperty("PrivateUsers", .bool(true)),
        UnitProperty("PrivateIPC", .bool(true)),
        UnitProperty("ProtectSystem", .string("strict")),
        UnitProperty("ProtectHome", .string("yes")),
        UnitProperty("ProtectProc", .string("invisible")),
        UnitProperty("ProcSubset", .string("pid")),
        UnitProperty("ProtectKernelTunables", .bool(true)),
        UnitProperty("ProtectKernelModules", .bool(true)),
        UnitProperty("ProtectKernelLogs", .bool(true)),
        UnitProperty("ProtectControlGroups", .bool(true)),
        UnitProperty("ProtectClock", .bool(true)),
        UnitProperty("ProtectHostname", .bool(true)),
        UnitProperty("RestrictNamespaces", .uint64(0)),
        UnitProperty("RestrictRealtime", .bool(true)),
        UnitProperty("RestrictSUIDSGID", .bool(true)),
        UnitProperty("LockPersonality", .bool(true)),
        UnitProperty("MemoryDenyWriteExecute", .bool(true)),
        UnitProperty("RemoveIPC", .bool(true)),
        UnitProperty("KeyringMode", .string("private")),
        UnitProperty("UMask", .uint32(0o077)),
        UnitProperty("SystemCallArchitectures", .strings(["native"])),
        UnitProperty("SystemCallFilter", .filter(allow: true, ["@system-service"])),
        UnitProperty("SystemCallFilter", .filter(allow: false, ["@privileged", "@resources"])),
        // Netlink for getifaddrs(3): the host's own addresses are never connected to.
        UnitProperty(
            "RestrictAddressFamilies", .filter(allow: true, ["AF_UNIX", "AF_INET", "AF_INET6", "AF_NETLINK"])),
    ]
}
