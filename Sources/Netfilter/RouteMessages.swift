/// Numbers of rtnetlink(7): linux/rtnetlink.h, linux/if_link.h, linux/if_addr.h, linux/neighbour.h, linux/veth.h.
enum RouteMessage {
    /// `NETLINK_ROUTE`.
    static let protocolNumber: Int32 = 0
    static let newLink: UInt16 = 16
    static let deleteLink: UInt16 = 17
    static let getLink: UInt16 = 18
    static let newAddress: UInt16 = 20
    static let newRoute: UInt16 = 24
    static let deleteRoute: UInt16 = 25
    static let newNeighbour: UInt16 = 28
    static let newRule: UInt16 = 32
    static let deleteRule: UInt16 = 33

    /// `NLM_F_REPLACE`, `NLM_F_EXCL`.
    static let replace: UInt16 = 0x100
    static let exclusive: UInt16 = 0x200
    /// `RT_TABLE_MAIN`, `RTPROT_STATIC`, `RTN_UNICAST`.
    static let mainTable: UInt8 = 254
    static let staticProtocol: UInt8 = 4
    static let unicast: UInt8 = 1
    /// Index of the loopback device: the first of every namespace.
    static let loopback: UInt32 = 1
}

/// Attributes of a rule that chooses a table of routes (`FRA_*`), and its action `FR_ACT_TO_TBL` (linux/fib_rules.h).
enum RouteRuleAttribute {
    static let priority: UInt16 = 6
    static let table: UInt16 = 15
    static let transport: UInt16 = 22
    static let destinationPorts: UInt16 = 24
    static let toTable: UInt8 = 1
}

/// Attributes of a link (`IFLA_*`).
enum LinkAttribute {
    static let address: UInt16 = 1
    static let name: UInt16 = 3
    static let info: UInt16 = 18
    static let infoKind: UInt16 = 1
    static let infoData: UInt16 = 2
    static let alias: UInt16 = 20
    static let families: UInt16 = 26
    static let namespace: UInt16 = 28
    /// `VETH_INFO_PEER`.
    static let peer: UInt16 = 1
    /// `IFLA_INET6_ADDR_GEN_MODE`, and its value "none".
    static let generation: UInt16 = 8
    static let noGeneration: UInt8 = 1
    /// `IFF_UP`.
    static let up: UInt32 = 1
}

/// Attributes of an address (`IFA_*`), a route (`RTA_*`) and a neighbour (`NDA_*`).
enum RouteAttribute {
    static let addressLocal: UInt16 = 2
    static let address: UInt16 = 1
    static let addressFlags: UInt16 = 8
    /// `IFA_F_NODAD`: nobody else can have it.
    static let noDetection: UInt32 = 2
    static let destination: UInt16 = 1
    static let outInterface: UInt16 = 4
    static let gateway: UInt16 = 5
    static let preferredSource: UInt16 = 7
    static let neighbour: UInt16 = 1
    static let hardware: UInt16 = 2
    /// `NUD_PERMANENT`.
    static let permanent: UInt16 = 0x80
}
