/// What the host's administrator decided: `/etc/sandboxctl/sandboxctl.toml`.
public struct HostConfiguration: Sendable, Equatable {
    /// What happens when a limit cannot be enforced because the cgroup controller is missing.
    public enum Unenforced: String, Sendable, CaseIterable {
        /// The sandbox does not start.
        case refuse
        /// It starts, and `status` says so.
        case warn
    }

    /// About limits.
    public var unenforcedLimits: Unenforced

    /// Addresses of links to sandboxes.
    public var uplinks: UplinkPool

    /// The defaults: everything that cannot be held is refused.
    public init(unenforcedLimits: Unenforced = .refuse, uplinks: UplinkPool = .standard) {
        self.unenforcedLimits = unenforcedLimits
        self.uplinks = uplinks
    }
}
