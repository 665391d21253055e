internal import Glibc
internal import NIOCore
internal import SandboxModel

/// Which resolvers the host uses (resolv.conf(5)) and which names it knows itself (hosts(5)). Read again when the files
/// change, so that a host that moves between networks needs no restart of anything.
final class ResolverConfiguration {
    private struct Stamp: Equatable {
        var device: UInt
        var inode: UInt
        var seconds: Int
        var nanoseconds: Int
    }

    private struct Cached<Value> {
        var stamp: Stamp?
        var value: Value
        /// Until then the file is not looked at again.
        var fresh = NIODeadline.uptimeNanoseconds(0)
    }

    private static let age = TimeAmount.milliseconds(200)

    private static let sizeLimit = 1 << 20
    private let resolvFile: String
    private let hostsFile: String
    private var cachedServers = Cached<[IPAddress]>(stamp: nil, value: [])
    private var cachedHosts = Cached<[String: [IPAddress]]>(stamp: nil, value: [:])

    init(resolvFile: String = "/etc/resolv.conf", hostsFile: String = "/etc/hosts") {
        self.resolvFile = resolvFile
        self.hostsFile = hostsFile
    }

    /// Resolvers, in the order to ask them. Without any, one on this host (resolv.conf(5)).
    var servers: [IPAddress] {
        Self.refresh(&cachedServers, resolvFile, Self.parseServers)
        return cachedServers.value.isEmpty ? [.ipv4(IPv4Address(127, 0, 0, 1))] : cachedServers.value
    }

    /// Addresses that the host's own table gives a name; nil when it is not in it.
    func hosts(_ name: HostName) -> [IPAddress]? {
        Self.refresh(&cachedHosts, hostsFile, Self.parseHosts)
        return cachedHosts.value[name.text]
    }

    static func parseServers(_ text: String) -> [IPAddress] {
        let servers = text.split(separator: "\n").compactMap { line -> IPAddress? in
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
            guard words.count >= 2, words[0] == "nameserver" else { return nil }
            // A zone (fe80::1%eth0) is left out: such a server is not asked.
            return IPAddress(String(words[1]))
        }
        return Array(servers.prefix(3))
    }

    static func parseHosts(_ text: String) -> [String: [IPAddress]] {
        var table: [String: [IPAddress]] = [:]
        for line in text.split(separator: "\n") {
            let words = line.prefix { $0 != "#" }.split(whereSeparator: { $0 == " " || $0 == "\t" })
            guard let first = words.first, let address = IPAddress(String(first)) else { continue }
            for word in words.dropFirst() {
                guard let name = HostName(parsing: String(word)) else { continue }
                table[name.text, default: []].append(address)
            }
        }
        return table
    }

    private static func refresh<Value>(_ cached: inout Cached<Value>, _ path: String, _ parse: (String) -> Value) {
        let now = NIODeadline.now()
        guard cached.fresh <= now else { return }
        cached.fresh = now + age
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else {
            cached.stamp = nil
            cached.value = parse("")
            return
        }
        defer { close(file) }
        var status = stat()
        guard unsafe fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return }
        let stamp = Stamp(
            device: status.st_dev, inode: status.st_ino, seconds: status.st_mtim.tv_sec,
            nanoseconds: status.st_mtim.tv_nsec)
        guard stamp != cached.stamp else { return }
        var bytes = [UInt8](repeating: 0, count: Self.sizeLimit)
        let count = unsafe read(file, &bytes, bytes.count)
        guard count >= 0 else { return }
        cached.stamp = stamp
        cached.value = parse(String(decoding: bytes[..<count], as: UTF8.self))
    }
}
