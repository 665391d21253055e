internal import LinuxKit
internal import SandboxModel
internal import SandboxTemplates

/// What lies beside the running program, and what the host's administrator wrote for it.
enum Installation {
    /// The prefix that the program is installed below: `/usr` for `/usr/bin/sandboxctl`. From the kernel's link, not from
    /// argv or PATH, which are the caller's.
    static let prefix: String? = {
        guard let process = try? Files.open(following: "/proc/self", .directory),
            let program = try? Files.readLink("exe", beneath: process)
        else { return nil }
        return "/" + program.split(separator: "/").dropLast(2).joined(separator: "/")
    }()

    /// `/etc/sandboxctl/sandboxctl.toml`.
    static let configurationFile = "/etc/sandboxctl/sandboxctl.toml"

    /// The administrator's decisions; the defaults where the file does not exist.
    static func configuration() throws(SandboxError) -> HostConfiguration {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try Files.open(noLinks: configurationFile, .read).readAll(limit: TemplateFile.maximumSize)
        } catch {
            if error.isNotFound { return HostConfiguration() }
            throw SandboxError(.configuration, "'\(configurationFile)' cannot be read", cause: error.reason)
        }
        do throws(TemplateErrors) {
            return try HostConfigurationParser.parse(bytes, file: configurationFile)
        } catch {
            throw error.asSandboxError()
        }
    }
}
