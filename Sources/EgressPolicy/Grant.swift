public import SandboxModel

/// Ports that are open, and until when.
public struct Grant: Hashable, Codable, Sendable {
    /// The ports.
    public var ports: PortRange
    /// Microseconds since 1970; nil for good.
    public var expires: Int64?

    /// A grant.
    public init(_ ports: PortRange, expires: Int64? = nil) {
        self.ports = ports
        self.expires = expires
    }

    /// Whether it opens the port at `time` (microseconds since 1970).
    public func opens(_ transport: Transport, _ port: UInt16, at time: Int64) -> Bool {
        ports.contains(transport, port) && (expires.map { $0 > time } ?? true)
    }

    /// The same openings as ranges that share no port, each with its last expiry: sets of the kernel take no ranges
    /// that overlap.
    public static func disjoint(_ grants: [Grant]) -> [Grant] {
        Transport.allCases.flatMap { transport in disjoint(grants.filter { $0.ports.transport == transport }, transport)
        }
    }

    private static func disjoint(_ grants: [Grant], _ transport: Transport) -> [Grant] {
        // Every border of a range begins a piece in which nothing changes.
        let borders = Set(grants.flatMap { [Int($0.ports.ports.lowerBound), Int($0.ports.ports.upperBound) + 1] })
            .sorted()
        var pieces: [Grant] = []
        for (low, next) in zip(borders, borders.dropFirst()) {
            let range = UInt16(low)...UInt16(next - 1)
            let here = grants.filter { $0.ports.ports.contains(range.lowerBound) }
            guard !here.isEmpty else { continue }
            let ends = here.compactMap(\.expires)
            let expires = ends.count < here.count ? nil : ends.max()
            if let last = pieces.last, last.expires == expires, Int(last.ports.ports.upperBound) + 1 == low {
                pieces[pieces.count - 1].ports = PortRange(transport, last.ports.ports.lowerBound...range.upperBound)
            } else {
                pieces.append(Grant(PortRange(transport, range), expires: expires))
            }
        }
        return pieces
    }
}
