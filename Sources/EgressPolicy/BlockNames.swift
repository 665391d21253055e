public import SandboxModel

/// Which names hold which places of the wildcards' blocks. A place never changes its name while the sandbox exists.
public struct BlockNames: Sendable {
    private struct Key: Hashable {
        var name: HostName
        var block: UInt32
    }

    private var places: [Key: UInt32] = [:]
    private var names: [UInt32: HostName] = [:]
    private var next: [UInt32: UInt32] = [:]

    /// No names.
    public init() {}

    /// What one line of the file that keeps the names says: `PLACE NAME`.
    public static func line(_ place: UInt32, _ name: HostName) -> String { "\(place) \(name)\n" }

    /// The names that a file of such lines keeps. A line that was cut off by a crash is left out; one that takes a
    /// place or name again is refused with all that follow it.
    public init(lines: String) {
        for line in lines.split(separator: "\n") {
            let parts = line.split(separator: " ", omittingEmptySubsequences: false)
            guard parts.count == 2, let number = UInt64(strictDecimal: parts[0]),
                let name = HostName(parsing: String(parts[1])), number >= UInt64(SyntheticMap.firstBlock),
                number <= 0x1_ffff
            else { continue }
            let place = UInt32(number)
            guard names[place] == nil, places[Key(name: name, block: Self.block(of: place))] == nil else { return }
            hold(place, name)
        }
    }

    private static func block(of place: UInt32) -> UInt32 { place & ~(SyntheticMap.blockSize - 1) }

    private mutating func hold(_ place: UInt32, _ name: HostName) {
        let block = Self.block(of: place)
        places[Key(name: name, block: block)] = place
        names[place] = name
        next[block] = max(next[block] ?? block, place + 1)
    }

    /// The name that holds a place.
    public func name(at place: UInt32) -> HostName? { names[place] }

    /// The place of a name in a block.
    /// - Returns: the place and whether it was taken just now; nil when the block is full.
    public mutating func place(of name: HostName, in block: Range<UInt32>) -> (place: UInt32, isNew: Bool)? {
        if let known = places[Key(name: name, block: block.lowerBound)] { return (known, false) }
        // An address that ends in zero looks like a network to some programs: the first of a block stays unused.
        let place = next[block.lowerBound] ?? block.lowerBound + 1
        guard block.contains(place) else { return nil }
        hold(place, name)
        return (place, true)
    }
}
