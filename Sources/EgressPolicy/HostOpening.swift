public import SandboxModel

/// Ports of one of the host's own addresses that a sandbox's rules name: what the host's table lets in from its link.
public struct HostOpening: Hashable, Codable, Sendable {
    /// The sandbox's address on the link.
    public var source: IPAddress
    /// The host's address, of the same family.
    public var address: IPAddress
    /// The ports, none twice.
    public var ports: [PortRange]

    /// Ports of an address.
    public init(source: IPAddress, address: IPAddress, ports: [PortRange]) {
        self.source = source
        self.address = address
        self.ports = ports
    }

    /// What a policy opens of a host that has these addresses: ranges that rules name, not addresses that names lead to.
    ///
    /// When a rule ends is said by the rules of the sandbox's own namespace alone: these are the second wall.
    public static func list(_ direct: [DirectAddress], link: Uplink, hostAddresses: [IPAddress]) -> [HostOpening] {
        hostAddresses.compactMap { address in
            let grants = direct.filter { $0.host == nil && $0.range.contains(address) }.flatMap(\.grants)
            guard !grants.isEmpty else { return nil }
            let source = address.isV4 ? link.v4.sandbox : link.v6.sandbox
            let ports = Grant.disjoint(grants.map { Grant($0.ports) }).map(\.ports)
            return HostOpening(source: source, address: address, ports: ports)
        }
    }

    var elements: [SetElement] {
        ports.map { range in
            let transport = KeyValue.transport(range.transport == .tcp ? .tcp : .udp)
            return SetElement(
                from: [.address(source), .address(address), transport, .service(range.ports.lowerBound)],
                through: [.address(source), .address(address), transport, .service(range.ports.upperBound)])
        }
    }
}
