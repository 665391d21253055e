internal import LinuxKit
internal import SandboxModel
internal import SandboxTemplates

/// Presets as files: `presets/NAME.toml` below the directories of templates, the first directory that has a name wins.
enum PresetFiles {
    private static let sizeLimit = 1 << 20

    static func library(_ directories: [String]) -> PresetLibrary {
        PresetLibrary { (name) throws(PresetProblem) in
            for directory in directories {
                let path = "\(directory)/\(name).toml"
                let bytes: [UInt8]
                do throws(SystemError) {
                    bytes = try Files.open(following: path, .read).readAll(limit: sizeLimit)
                } catch {
                    guard error.isNotFound else {
                        throw PresetProblem("preset '\(path)' cannot be read: \(error.reason)")
                    }
                    continue
                }
                do throws(TemplateErrors) {
                    return try PresetLibrary.parse(bytes, file: path).rules
                } catch {
                    throw PresetProblem(error.lines.first ?? "preset '\(path)' is wrong")
                }
            }
            throw PresetProblem("there is no preset '\(name)'", hint: hint(directories))
        }
    }

    private static func hint(_ directories: [String]) -> String? {
        let names = directories.flatMap { directory -> [String] in
            guard let open = try? Files.open(following: directory, .directory) else { return [] }
            return ((try? Files.list(open)) ?? []).filter { $0.hasSuffix(".toml") }.map { String($0.dropLast(5)) }
        }
        return names.isEmpty ? nil : "presets are \(Set(names).sorted().joined(separator: ", "))"
    }
}
