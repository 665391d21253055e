/// A netlink message the kernel sent (`struct nlmsghdr`, linux/netlink.h).
struct Message {
    /// The whole message, header included.
    let bytes: ArraySlice<UInt8>

    /// Bytes of the header.
    static let headerSize = 16

    /// The kind of message; `NLMSG_*` below 16, the protocol's own from there.
    var type: UInt16 { bytes.number(at: 4) }
    /// `NLM_F_*`.
    var flags: UInt16 { bytes.number(at: 6) }
    /// The number of the request it answers.
    var sequence: UInt32 { bytes.number(at: 8) }
    /// What follows the header.
    var payload: ArraySlice<UInt8> { bytes.dropFirst(Message.headerSize) }

    /// The attributes after the protocol's own header of `headerSize` bytes, itself part of the payload.
    func attributes(after headerSize: Int) -> Attributes { Attributes(payload.dropFirst((headerSize + 3) & ~3)) }

    /// The messages of one piece the kernel sent; what is cut short at the end is left out.
    static func split(_ piece: [UInt8]) -> [Message] {
        var messages: [Message] = []
        var rest = piece[...]
        while rest.count >= headerSize {
            let length = Int(rest.number(at: 0) as UInt32)
            guard (headerSize...rest.count).contains(length) else { break }
            messages.append(Message(bytes: rest.prefix(length)))
            rest = rest.dropFirst((length + 3) & ~3)
        }
        return messages
    }
}

/// Types and flags every netlink protocol has (linux/netlink.h).
enum NetlinkConstant {
    /// `NLMSG_ERROR`: the answer to a request.
    static let error: UInt16 = 2
    /// `NLMSG_DONE`: the end of a dump.
    static let done: UInt16 = 3

    /// `NLM_F_REQUEST`.
    static let request: UInt16 = 0x1
    /// `NLM_F_ACK`: answer even when nothing went wrong.
    static let acknowledge: UInt16 = 0x4
    /// `NLM_F_DUMP_INTR`: the thing changed while it was dumped.
    static let interrupted: UInt16 = 0x10
    /// `NLM_F_CAPPED`: the answer does not echo the request.
    static let capped: UInt16 = 0x100
    /// `NLM_F_ACK_TLVS`: the answer has attributes.
    static let hasAttributes: UInt16 = 0x200
    /// `NLM_F_DUMP`: all of them.
    static let dump: UInt16 = 0x300
    /// `NLM_F_EXCL`: fail when it exists.
    static let exclusive: UInt16 = 0x200
    /// `NLM_F_CREATE`: make it when it does not exist.
    static let create: UInt16 = 0x400
    /// `NLM_F_APPEND`: at the end of the list.
    static let append: UInt16 = 0x800
}

/// The kernel's answer to a request: done, or why not (`struct nlmsgerr`, linux/netlink.h).
struct Answer: Equatable {
    /// 0: done.
    var errno: Int32
    /// The kernel's own words (`NLMSGERR_ATTR_MSG`).
    var text: String?
    /// Where in the request the attribute is that it did not like, in bytes from its header (`NLMSGERR_ATTR_OFFS`).
    var offset: Int?

    /// The answer a message is, or ends a dump with; nil if it is something else.
    init?(_ message: Message) {
        guard message.type == NetlinkConstant.error || message.type == NetlinkConstant.done else { return nil }
        let payload = message.payload
        guard payload.count >= 4 else {
            errno = 0
            return
        }
        errno = -Int32(bitPattern: payload.number(at: 0))
        guard message.flags & NetlinkConstant.hasAttributes != 0 else { return }
        var at = 4
        if message.type == NetlinkConstant.error {
            // The request's header follows, and the rest of the request unless the socket said to leave it out.
            guard payload.count >= 20 else { return }
            let isCapped = message.flags & NetlinkConstant.capped != 0
            at += isCapped ? Message.headerSize : Int(payload.number(at: 4) as UInt32)
        }
        for attribute in Attributes(payload.dropFirst(at)) {
            switch attribute.type {
            case 1: text = attribute.text
            case 2: offset = attribute.number.map { Int($0) }
            default: break
            }
        }
    }
}
