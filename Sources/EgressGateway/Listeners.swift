internal import Glibc
internal import LinuxKit
internal import NIOCore
internal import SandboxModel

/// The sockets that systemd opened in the sandbox's network namespace and handed over (sd_listen_fds(3)).
struct Listeners {
    /// What a socket is for, by its kind and port.
    enum Role: Equatable {
        case datagramResolver, streamResolver, relay, control
    }

    /// Port of the resolver in the sandbox.
    static let resolverPort: UInt16 = 53

    /// Sockets and what they are for.
    let sockets: [(descriptor: Int32, role: Role, isV6: Bool)]

    /// Takes the sockets over.
    /// - Throws: when there are none, or one is of no kind that is known.
    init() throws(GatewayError) {
        func number(_ name: String) -> Int32? {
            unsafe getenv(name).flatMap { unsafe UInt64(strictDecimal: String(cString: $0)) }.flatMap {
                Int32(exactly: $0)
            }
        }
        guard number("LISTEN_PID") == getpid(), let count = number("LISTEN_FDS"), (1...16).contains(count) else {
            throw GatewayError("no sockets were handed over: systemd starts this program")
        }
        var found: [(descriptor: Int32, role: Role, isV6: Bool)] = []
        for descriptor in 3..<3 + count {
            found.append(try Self.examine(descriptor))
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        }
        sockets = found
    }

    private static func examine(
        _ descriptor: Int32
    ) throws(GatewayError) -> (descriptor: Int32, role: Role, isV6: Bool) {
        do throws(SystemError) {
            let facts = try SocketFacts(of: descriptor)
            switch facts.family {
            case .local: return (descriptor, .control, false)
            case .ipv4(let port): return (descriptor, role(port, facts.isStream), false)
            case .ipv6(let port): return (descriptor, role(port, facts.isStream), true)
            }
        } catch {
            throw GatewayError("\(error)")
        }
    }

    private static func role(_ port: UInt16, _ isStream: Bool) -> Role {
        guard isStream else { return .datagramResolver }
        return port == resolverPort ? .streamResolver : .relay
    }

    /// Where the payload wanted to connect to before the kernel led it here (`SO_ORIGINAL_DST` of
    /// linux/netfilter_ipv4.h, `IP6T_SO_ORIGINAL_DST` of ip6_tables.h).
    static func originalDestination(of channel: any Channel) throws -> Destination? {
        guard let options = channel as? any SocketOptionProvider, let local = channel.localAddress else { return nil }
        let original = NIOBSDSocket.Option(rawValue: 80)
        let isV4 = local.protocol == .inet
        // The kernel fills in a sockaddr_in or a sockaddr_in6, of 16 or 28 bytes.
        let answer: EventLoopFuture<SIMD32<UInt8>> = options.unsafeGetSocketOption(
            level: isV4 ? .ip : .ipv6, name: original)
        let raw = try now(answer)
        let bytes = (0..<32).map { raw[$0] }
        let port = UInt16(bytes[2]) << 8 | UInt16(bytes[3])
        return IPAddress(bytes: isV4 ? bytes[4..<8] : bytes[8..<24]).map { Destination(address: $0, port: port) }
    }

    /// The value of a future that is fulfilled already, as those of socket options are on their own loop.
    private static func now<Value>(_ future: EventLoopFuture<Value>) throws -> Value {
        let box = NIOLoopBoundBox<Result<Value, any Error>?>(nil, eventLoop: future.eventLoop)
        future.assumeIsolated().whenComplete { box.value = $0 }
        guard let result = box.value else { throw GatewayError("a socket option was not answered at once") }
        return try result.get()
    }

    /// Larger reads where there is much to read.
    static func tune(_ channel: any Channel) {
        try? channel.syncOptions?.setOption(
            .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 2048, initial: 2048, maximum: 131_072))
        // What a slow reader makes us keep: the high mark and one read more.
        try? channel.syncOptions?.setOption(.writeBufferWaterMark, value: .init(low: 65_536, high: 262_144))
        try? channel.syncOptions?.setOption(.maxMessagesPerRead, value: 1)
    }

    /// The connection will end with a reset, not with an end of data (socket(7), `SO_LINGER`).
    static func resetOnClose(_ channel: any Channel) {
        guard let options = channel as? any SocketOptionProvider else { return }
        _ = options.setSoLinger(linger(l_onoff: 1, l_linger: 0))
    }
}
