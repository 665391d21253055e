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
        root.finish()
        guard report.diagnostics.isEmpty else { throw TemplateErrors(file: file, report.diagnostics) }
        return configuration
    }
}
