/// A promise of a parser that some bytes broke.
struct Violation: Error, CustomStringConvertible {
    /// What was promised and what came instead, for people.
    let description: String
}

/// Takes note of a promise: `condition` is true, or the check ends with `promise`.
func hold(_ condition: Bool, _ promise: @autoclosure () -> String) throws(Violation) {
    guard condition else { throw Violation(description: promise()) }
}

/// Takes note that there is a value where one was promised.
func present<Value>(_ value: Value?, _ promise: @autoclosure () -> String) throws(Violation) -> Value {
    guard let value else { throw Violation(description: promise()) }
    return value
}

/// A number that depends on all bytes (FNV-1a), for choices that must fall the same way in every run of an input.
func digest(_ bytes: [UInt8]) -> UInt64 {
    bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
}

/// Ways to cut a stream: whole, byte by byte, in sevens, and in two at a place that depends on the bytes.
func cuts(_ bytes: [UInt8]) -> [[ArraySlice<UInt8>]] {
    func pieces(of size: Int) -> [ArraySlice<UInt8>] {
        stride(from: 0, to: bytes.count, by: size).map { bytes[$0..<min($0 + size, bytes.count)] }
    }
    let place = bytes.isEmpty ? 0 : Int(digest(bytes) % UInt64(bytes.count))
    return [[bytes[...]], pieces(of: 1), pieces(of: 7), [bytes[..<place], bytes[place...]]]
}
