internal import CMnl
internal import CNetlinkShims
internal import Glibc

/// A netlink socket of one network namespace, over libmnl: it sends requests and gives out the kernel's answers.
///
/// Requests of the networking families are run by the kernel while they are being sent, so every answer to a request
/// that is no dump is there when `send` returns.
@safe
final class NetlinkSocket {
    private let handle: OpaquePointer
    /// Where answers are received; a dump comes in pieces of at most 32 KiB (af_netlink.c).
    private let buffer: UnsafeMutableRawBufferPointer
    private var lastSequence: UInt32 = 0

    private init(taking handle: OpaquePointer) {
        unsafe self.handle = handle
        unsafe buffer = .allocate(byteCount: 65536, alignment: 16)
    }

    deinit {
        unsafe mnl_socket_close(handle)
        unsafe buffer.deallocate()
    }

    /// Opens a socket for a netlink protocol (`NETLINK_*`, netlink(7)).
    ///
    /// - Parameter namespace: a descriptor of the network namespace it shall belong to; nil for the calling thread's.
    ///   It is not kept.
    static func open(protocol number: Int32, namespace: Int32?) throws(NetlinkError) -> NetlinkSocket {
        let operation = "open a netlink socket"
        let descriptor = sbx_netlink_socket(number, namespace ?? -1)
        guard descriptor >= 0 else { throw NetlinkError(operation: operation, errno: -descriptor) }
        guard let handle = unsafe mnl_socket_fdopen(descriptor) else {
            defer { close(descriptor) }
            throw NetlinkError(operation: operation, errno: errno)
        }
        let socket = unsafe NetlinkSocket(taking: handle)
        try socket.prepare(operation)
        return socket
    }

    private func prepare(_ operation: String) throws(NetlinkError) {
        guard unsafe mnl_socket_bind(handle, 0, 0) == 0 else { throw NetlinkError(operation: operation, errno: errno) }
        // Connected to the kernel: what any other sender sends is refused by the kernel itself (af_netlink.c).
        var kernel = sockaddr_nl()
        kernel.nl_family = sa_family_t(AF_NETLINK)
        let connected = unsafe withUnsafePointer(to: kernel) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe connect(descriptor, address, socklen_t(MemoryLayout<sockaddr_nl>.size))
            }
        }
        guard connected == 0 else { throw NetlinkError(operation: operation, errno: errno) }
        // Errors in words, and without the request they are an answer to. Kernels without either only say less.
        set(SOL_NETLINK, NETLINK_EXT_ACK, 1)
        set(SOL_NETLINK, NETLINK_CAP_ACK, 1)
        // Filtered dumps (rtnetlink): the kernel takes the request's filter into account.
        set(SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1)
        // The limit beyond net.core.rmem_max needs CAP_NET_ADMIN, as does everything sent here.
        set(SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20)
    }

    /// The descriptor, to wait on.
    var number: Int32 { descriptor }

    /// Receives what the kernel tells everybody in a group (`NETLINK_ADD_MEMBERSHIP`, netlink(7)).
    func join(_ group: Int32) throws(NetlinkError) {
        var group = group
        guard unsafe mnl_socket_setsockopt(handle, NETLINK_ADD_MEMBERSHIP, &group, socklen_t(4)) == 0 else {
            throw NetlinkError(operation: "listen for changes", errno: errno)
        }
    }

    private var descriptor: Int32 { unsafe mnl_socket_get_fd(handle) }

    private func set(_ level: Int32, _ option: Int32, _ value: Int32) {
        unsafe withUnsafePointer(to: value) { pointer in
            _ = unsafe setsockopt(descriptor, level, option, pointer, socklen_t(MemoryLayout<Int32>.size))
        }
    }

    /// A number for a request, different from those of the requests before.
    func nextSequence() -> UInt32 {
        lastSequence &+= 1
        return lastSequence
    }

    /// Sends messages as one piece, which the kernel takes whole or not at all.
    func send(_ messages: [UInt8], _ operation: String) throws(NetlinkError) {
        // A piece must fit the send buffer, with the kernel's own bookkeeping.
        if messages.count > 100_000 { set(SOL_SOCKET, SO_SNDBUFFORCE, Int32(clamping: messages.count + 65536)) }
        while unsafe mnl_socket_sendto(handle, messages, messages.count) < 0 {
            guard errno == EINTR else { throw NetlinkError(operation: operation, errno: errno) }
        }
    }

    /// Receives one piece of the kernel's answers; nil when there is none now.
    func receive(_ operation: String) throws(NetlinkError) -> [Message]? {
        while true {
            let count = unsafe recv(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT | MSG_TRUNC))
            if unsafe count > buffer.count { throw NetlinkError(operation: operation, errno: EMSGSIZE) }
            if count >= 0 { return Message.split(unsafe Array(buffer[..<count])) }
            if errno == EAGAIN { return nil }
            guard errno == EINTR else { throw NetlinkError(operation: operation, errno: errno) }
        }
    }
}
