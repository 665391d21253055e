public import SandboxModel

/// Reads `/etc/sandboxctl/sandboxctl.toml`.
public enum HostConfigurationParser {
    /// Parses the bytes of the file; an empty one means the defaults.
    /// - Throws: everything that is wrong with it, at once.
    public static func parse(_ bytes: [UInt8], file: String) throws(TemplateErrors) -> HostConfiguration {
        let document = try TOMLDocument(bytes, file: file)
        let report = TableReader.Report()
        let root = TableReader(document.root, path: [], document: document, report: report)
        var configuration = HostConfiguration()
        if let limits = root.table("limits") {
            if let choice = limits.choice("unenforced", HostConfiguration.Unenforced.self) {
                configuration.unenforcedLimits = choice
            }
            limits.finish()
        }
        if let network = root.table("network") {
            configuration.uplinks = uplinks(network)
            network.finish()
        }
        root.finish()
        guard report.diagnostics.isEmpty else { throw TemplateErrors(file: file, report.diagnostics) }
        return configuration
    }

    private static func uplinks(_ table: TableReader) -> UplinkPool {
        var pool = UplinkPool.standard
        func block(_ key: String, _ family: AddressFamily) -> AddressBlock? {
            let longest = UplinkPool.longestPrefix(family)
            guard
                let block = table.parsed(
                    key, "a range of \(family == .ipv4 ? "IPv4" : "IPv6") addresses of at most /\(longest)",
                    { (text: String) in AddressBlock(text) })
            else { return nil }
            guard block.family == family, UplinkPool.hasRoom(block),
                SpecialAddresses.privateNetworks.contains(where: { $0.contains(block) })
            else {
                table.complain(
                    key, nil, "'\(block)' is not a private \(family.rawValue) range of at least 8,192 addresses",
                    hint: "the prefix is /\(longest) or shorter")
                return nil
            }
            return block
        }
        if let v4 = block("pool4", .ipv4) { pool.v4 = v4 }
        if let v6 = block("pool6", .ipv6) { pool.v6 = v6 }
        return pool
    }
}
