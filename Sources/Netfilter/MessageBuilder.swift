/// Makes a netlink message (`struct nlmsghdr`, then the protocol's own header, then attributes; linux/netlink.h).
struct MessageBuilder {
    private(set) var bytes: [UInt8]

    /// A message without attributes yet.
    ///
    /// - Parameter header: the protocol's own header.
    init(type: UInt16, flags: UInt16, sequence: UInt32 = 0, header: [UInt8]) {
        // The length is put in as the message grows; the sender's port is the kernel's to know.
        bytes = UInt32(0).hostBytes + type.hostBytes + flags.hostBytes + sequence.hostBytes + UInt32(0).hostBytes
        bytes += header
        finish()
    }

    /// Adds an attribute.
    mutating func add(_ type: UInt16, _ value: [UInt8]) {
        bytes += UInt16(truncatingIfNeeded: value.count + 4).hostBytes + type.hostBytes + value
        finish()
    }

    /// Adds a number in the machine's order.
    mutating func add(_ type: UInt16, _ number: UInt32) { add(type, number.hostBytes) }

    /// Adds a text, with its final NUL.
    mutating func add(_ type: UInt16, _ text: String) { add(type, Array(text.utf8) + [0]) }

    /// Adds an attribute made of others. The flag `NLA_F_NESTED` is left out, as rtnetlink always did without.
    mutating func addNested(_ type: UInt16, _ fill: (inout MessageBuilder) -> Void) {
        let start = bytes.count
        bytes += UInt16(0).hostBytes + type.hostBytes
        fill(&self)
        replace(UInt16(truncatingIfNeeded: bytes.count - start).hostBytes, at: start)
        finish()
    }

    /// Adds bytes that are no attribute, such as a header within one.
    mutating func append(_ raw: [UInt8]) {
        bytes += raw
        finish()
    }

    private mutating func finish() {
        while bytes.count % 4 != 0 { bytes.append(0) }
        replace(UInt32(truncatingIfNeeded: bytes.count).hostBytes, at: 0)
    }

    private mutating func replace(_ new: [UInt8], at start: Int) {
        bytes.replaceSubrange(start..<start + new.count, with: new)
    }
}
