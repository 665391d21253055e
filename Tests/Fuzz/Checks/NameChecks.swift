@testable import EgressWire

/// Whether a text is a host name as relays and policies compare them: parts of lower-case letters, digits, `_` and inner
/// `-`, with single dots between them. Written apart from the parsers, to be another opinion than theirs.
func isPlainHostText(_ text: String) -> Bool {
    guard (1...253).contains(text.utf8.count) else { return false }
    var previous = UInt8(ascii: ".")
    var length = 0
    for byte in Array(text.utf8) + [UInt8(ascii: ".")] {
        switch byte {
        case UInt8(ascii: "."):
            guard length > 0, previous != UInt8(ascii: "-") else { return false }
            length = 0
            previous = byte
            continue
        case UInt8(ascii: "-"): guard length > 0 else { return false }
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"): break
        default: return false
        }
        length += 1
        guard length <= 63 else { return false }
        previous = byte
    }
    return true
}

/// What every name out of a message promises.
func check(_ name: DNSName) throws(Violation) {
    try hold((1...255).contains(name.bytes.count), "a name has 1 to 255 bytes, not \(name.bytes.count)")
    var place = 0
    while place < name.bytes.count, name.bytes[place] != 0 {
        try hold(name.bytes[place] <= 63, "a label has at most 63 bytes")
        place += 1 + Int(name.bytes[place])
    }
    try hold(place == name.bytes.count - 1, "a name ends with its first empty label: \(name.bytes)")
    try hold(
        name.description.utf8.allSatisfy { (0x21...0x7e).contains($0) }, "the text form of a name is printable ASCII")
    if let text = name.hostText {
        try hold(isPlainHostText(text), "the text of a host is plain: \(name)")
        let again = try present(DNSName(host: text), "the text of a host is read back: \(text)")
        try hold(again == name, "the text of a host means the same name: \(text)")
        try hold(again.hashValue == name.hashValue, "equal names have equal hashes: \(text)")
        try hold(again.bytes.count == name.bytes.count, "the text of a host is as long as the name: \(text)")
    }
    for bits in [0, UInt64.max, 0x5a5a_1234_8765_a5a5] {
        let other = name.randomizingCase(bits)
        try hold(other == name && other.hostText == name.hostText, "letter case makes no other name: \(name)")
    }
}
