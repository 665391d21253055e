extension KeyValue: Comparable {
    /// By kind of field, then by number: as the kernel compares keys, byte by byte.
    public static func < (left: KeyValue, right: KeyValue) -> Bool {
        switch (left, right) {
        case (.ipv4(let left), .ipv4(let right)): left < right
        case (.ipv6(let left), .ipv6(let right)): left < right
        case (.transport(let left), .transport(let right)): left.rawValue < right.rawValue
        case (.service(let left), .service(let right)): left < right
        default: left.rank < right.rank
        }
    }

    private var rank: Int {
        switch self {
        case .ipv4: 0
        case .ipv6: 1
        case .transport: 2
        case .service: 3
        }
    }
}

extension SetElement: Comparable {
    /// By lower bound, then by upper bound. Elements of one set that are neither less nor greater have the same key.
    public static func < (left: SetElement, right: SetElement) -> Bool {
        if left.lower != right.lower { return left.lower.lexicographicallyPrecedes(right.lower) }
        return (left.upper ?? left.lower).lexicographicallyPrecedes(right.upper ?? right.lower)
    }
}
