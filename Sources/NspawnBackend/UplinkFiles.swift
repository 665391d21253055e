internal import EgressPolicy
internal import FoundationEssentials
internal import LinuxKit
internal import SandboxModel

/// What is written down about links until the next boot: whoever is killed meanwhile, it can be taken back.
struct UplinkFiles {
    let directory: String

    /// There while anything is that belongs to links; it names their pool.
    private static let mark = "in-use"
    /// There while a firewall trusts links because we asked it to.
    private static let trust = "trusted"
    /// One for each link whose sandbox may reach addresses of the host itself: its interface follows.
    private static let opened = "opened-"

    /// Whether there is anything that belongs to links.
    ///
    /// One that cannot be looked at is taken for there: what it tells of is taken away rather than forgotten.
    var isMarked: Bool {
        do throws(SystemError) {
            _ = try Files.open(noLinks: "\(directory)/\(Self.mark)", .reference)
            return true
        } catch {
            return !error.isNotFound
        }
    }

    /// The pool that links were made with; nil where there are none.
    var pool: UplinkPool? {
        guard let bytes = content(of: Self.mark) else { return nil }
        let blocks = String(decoding: bytes, as: UTF8.self).split(separator: "\n").compactMap { AddressBlock($0) }
        return blocks.count == 2 ? UplinkPool(v4: blocks[0], v6: blocks[1]) : nil
    }

    /// Writes down that there will be links, and their pool.
    func mark(_ pool: UplinkPool) throws(SystemError) {
        try save(Self.mark, Array("\(pool.v4)\n\(pool.v6)\n".utf8))
    }

    /// Whether a firewall trusts links.
    var isTrusted: Bool { content(of: Self.trust) != nil }

    /// Writes down whether one does.
    func setTrusted(_ isTrusted: Bool) throws(SystemError) {
        if isTrusted { try save(Self.trust, []) } else { try remove(Self.trust) }
    }

    /// What links may reach of the host; a file that cannot be read opens nothing.
    var openings: [HostOpening] {
        names.filter { $0.hasPrefix(Self.opened) }.flatMap(decoded)
    }

    /// What one link may reach of the host.
    func openings(of interface: String) -> [HostOpening] { decoded(Self.opened + interface) }

    private func decoded(_ file: String) -> [HostOpening] {
        content(of: file).flatMap { try? JSONDecoder().decode([HostOpening].self, from: Data($0)) } ?? []
    }

    /// Takes away what links might reach that are no more.
    func keepOpenings(of interfaces: [String]) throws(SystemError) {
        let kept = Set(interfaces.map { Self.opened + $0 })
        for file in names where file.hasPrefix(Self.opened) && !kept.contains(file) { try remove(file) }
    }

    /// Writes down what a link may reach of the host.
    func open(_ openings: [HostOpening], for interface: String) throws(SystemError) {
        let file = Self.opened + interface
        if let data = try? JSONEncoder().encode(openings), !openings.isEmpty {
            try save(file, Array(data))
        } else {
            try remove(file)
        }
    }

    /// The end of all that belongs to links.
    func removeAll() throws(SystemError) {
        try keepOpenings(of: [])
        try remove(Self.mark)
    }

    private var names: [String] { (try? Files.list(Files.open(noLinks: directory, .directory))) ?? [] }

    private func content(of file: String) -> [UInt8]? {
        try? Files.open(noLinks: "\(directory)/\(file)", .read).readAll(limit: 1 << 20)
    }

    private func save(_ file: String, _ bytes: [UInt8]) throws(SystemError) {
        try Files.replace(file, in: Files.open(noLinks: directory, .directory), with: bytes, durable: false)
    }

    private func remove(_ file: String) throws(SystemError) {
        try Files.remove(file, beneath: Files.open(noLinks: directory, .directory))
    }
}
