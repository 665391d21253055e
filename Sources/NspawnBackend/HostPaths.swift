internal import SandboxModel

/// Where things are on the host. One value, so that tests can put everything below a directory of their own.
public struct HostPaths: Sendable, Equatable {
    /// Durable definitions, uid ranges and persistent volumes.
    public var state: String
    /// Everything that ends with the boot.
    public var runtime: String
    /// Pinned network namespaces, where ip-netns(8) looks too.
    public var networks: String
    /// sandbox-init and sandbox-launch.
    public var programs: String
    /// The container manager.
    public var nspawn: String

    /// The places of an installed system.
    public init(
        state: String = "/var/lib/sandboxctl", runtime: String = "/run/sandboxctl", networks: String = "/run/netns",
        programs: String = "/usr/libexec/sandboxctl", nspawn: String = "/usr/bin/systemd-nspawn"
    ) {
        self.state = state
        self.runtime = runtime
        self.networks = networks
        self.programs = programs
        self.nspawn = nspawn
    }

    func runtime(_ name: SandboxName) -> String { "\(runtime)/\(name)" }
    func root(_ name: SandboxName) -> String { "\(runtime)/\(name)/root" }
    func filter(_ name: SandboxName) -> String { "\(runtime)/\(name)/filter.bpf" }
    func network(_ name: SandboxName) -> String { "\(networks)/\(Self.prefix)\(name)" }
    func volumes(_ name: SandboxName) -> String { "\(state)/\(name)/volumes" }
    func gatewayPolicy(_ name: SandboxName) -> String { "\(runtime)/\(name)/gateway.json" }
    func gatewayControl(_ name: SandboxName) -> String { "\(runtime)/\(name)/gateway.control" }
    /// What is known of the host's side of links; no sandbox has a name that begins with a dot.
    var uplinks: String { "\(runtime)/.uplinks" }
    static func unit(_ name: SandboxName) -> String { "\(prefix)\(name).service" }

    /// Where gateways keep what they gave out, below systemd's directory for state.
    static let gatewayState = "sandboxctl-gateway"
    /// Begins the names of units and namespaces that are ours.
    static let prefix = "sandbox-"
    /// Where machines have their place among the host's units (systemd.special(7)); gateways are beside theirs.
    static let slice = "machine.slice"
}
