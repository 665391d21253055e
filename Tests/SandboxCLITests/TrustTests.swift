import Foundation
import SandboxEngine
import SandboxModel
import Testing

@testable import SandboxCLI

@Suite("Templates: where they are found, and which are trusted")
struct TrustTests {
    private let text = "version = 1\ndescription = \"ours\"\n[limits]\ntasks = 7\n"

    private func project(_ bench: Bench, _ name: String = "project") throws -> String {
        let path = bench.path("work/\(name)")
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }

    @Test("A workspace's own template is refused until it is trusted, and again after it changed")
    func ownTemplate() throws {
        let bench = try Bench()
        let work = try project(bench)
        try bench.write("work/project/.sandbox.toml", text)
        #expect(bench.run("create", "-w", work) == 77)
        #expect(bench.error.contains("hint: read it, then 'sandboxctl template trust \(work)/.sandbox.toml'"))
        #expect(bench.services.calls.isEmpty)

        #expect(bench.run("template", "trust", "\(work)/.sandbox.toml") == 0)
        #expect(bench.output.hasPrefix("\(work)/.sandbox.toml grants:\n"))
        #expect(bench.output.contains("tasks        7\n"))
        #expect(bench.run("create", "-w", work) == 0)
        #expect(bench.services.created?.template.limits.tasks == 7)
        #expect(bench.services.created?.templateName == "\(work)/.sandbox.toml")

        try bench.write("work/project/.sandbox.toml", text + "\n")
        #expect(bench.run("create", "-w", work) == 77)
        // The same bytes in another place are another matter.
        let other = try project(bench, "other")
        try bench.write("work/other/.sandbox.toml", text)
        #expect(bench.run("create", "-w", other) == 77)
    }

    @Test("A template of the workspace that is named by its path needs trust too; one from elsewhere does not")
    func explicitTemplate() throws {
        let bench = try Bench()
        let work = try project(bench)
        try bench.write("work/project/mine.toml", text)
        try bench.write("work/mine.toml", text)
        #expect(bench.run("create", "-w", work, "-t", "\(work)/mine.toml") == 77)
        #expect(bench.run("create", "-w", work, "-t", "\(work)/../project/mine.toml") == 77)
        #expect(bench.run("create", "-w", work, "-t", "\(work)/../mine.toml") == 0)
        #expect(bench.services.created?.templateName == bench.path("work/mine.toml"))
        #expect(bench.run("template", "trust", "\(work)/mine.toml") == 0)
        #expect(bench.run("create", "-w", work, "-t", "\(work)/mine.toml") == 0)
    }

    @Test("A workspace without a template uses the default; naming one leaves the workspace's aside")
    func defaultTemplate() throws {
        let bench = try Bench()
        let work = try project(bench)
        #expect(bench.run("create", "-w", work) == 0)
        #expect(bench.services.created?.templateName == "default")
        try bench.write("work/project/.sandbox.toml", text)
        #expect(bench.run("create", "-w", work, "-t", "default") == 0)
        #expect(bench.services.created?.templateName == "default")
    }

    @Test("What is not a small regular file is no template", arguments: ["link", "directory", "pipe", "large"])
    func kinds(_ kind: String) throws {
        let bench = try Bench()
        let work = try project(bench)
        let file = "\(work)/.sandbox.toml"
        switch kind {
        case "link":
            try FileManager.default.createSymbolicLink(
                atPath: file, withDestinationPath: bench.path("share/default.toml"))
        case "directory": try FileManager.default.createDirectory(atPath: file, withIntermediateDirectories: false)
        case "pipe": #expect(mkfifo(file, 0o600) == 0)
        default:
            try bench.write("work/project/.sandbox.toml", String(repeating: "#", count: TemplateFile.maximumSize + 1))
        }
        #expect(bench.run("create", "-w", work) == 65, "\(bench.error)")
        #expect(bench.run("template", "trust", file) == 65)
        #expect(bench.run("template", "check", file) == 65)
        #expect(bench.services.calls.isEmpty)
        #expect(!FileManager.default.fileExists(atPath: bench.path("state/.trusted.json")))
    }

    @Test("The list of trusted templates is root's alone, and one that cannot be read trusts nothing")
    func list() throws {
        let bench = try Bench()
        let work = try project(bench)
        try bench.write("work/project/.sandbox.toml", text)
        bench.run("template", "trust", "\(work)/.sandbox.toml")
        let list = bench.path("state/.trusted.json")
        let attributes = try FileManager.default.attributesOfItem(atPath: list)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        let known =
            try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: list))) as? [String: Any]
        #expect((known?["templates"] as? [String: String])?.keys.sorted() == ["\(work)/.sandbox.toml"])
        try bench.write("state/.trusted.json", "{")
        #expect(bench.run("create", "-w", work) == 65)
        #expect(bench.run("template", "trust", "\(work)/.sandbox.toml") == 65)
    }

    @Test("The digest is SHA-256")
    func digest() {
        // FIPS 180-2, appendix B.1.
        #expect(
            TemplateFile(path: "/x", bytes: Array("abc".utf8)).digest
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }

    @Test("The administrator's template of a name goes before the installed one, and one that is wrong hides no other")
    func catalog() throws {
        let bench = try Bench()
        try bench.write("etc/default.toml", "version = 1\ndescription = \"Ours\"\n")
        try bench.write("share/python.toml", "version = 1\ndescription = \"Python\"\n")
        try bench.write("share/wrong.toml", "version = 1\nnetwrok = \"none\"\n")
        try bench.write("share/.hidden.toml", "version = 1\n")
        #expect(bench.run("template", "list", "-q") == 0)
        #expect(bench.output == "default\npython\nwrong\n")
        #expect(bench.run("template", "list", "--json") == 0)
        let list = try #require(try bench.json() as? [[String: Any]])
        #expect(list.map { $0["description"] as? String } == ["Ours", "Python", nil])
        #expect((list[2]["problem"] as? String)?.contains("netwrok") == true)
        #expect(bench.run("template", "show", "default") == 0)
        #expect(bench.output.hasPrefix(bench.path("etc/default.toml") + "\n  description  Ours\n"))
        #expect(bench.run("create", "demo") == 0)
        #expect(bench.services.created?.template.description == "Ours")
        #expect(bench.run("create", "demo", "-t", "absent") == 66)
        #expect(bench.run("create", "demo", "-t", "./absent.toml") == 66)
    }

    @Test("check tells every error of a file and ends with 78, or says ok")
    func check() throws {
        let bench = try Bench()
        try bench.write("work/t.toml", "version = 1\nnetwrok = \"none\"\n[limits]\nmemory = \"much\"\n")
        #expect(bench.run("template", "check", bench.path("work/t.toml")) == 78)
        let lines = bench.output.split(separator: "\n").filter { !$0.hasPrefix("hint: ") }
        #expect(lines.count == 2)
        #expect(lines.first?.hasPrefix("\(bench.path("work/t.toml")):2:1: ") == true)
        #expect(lines.last?.hasPrefix("\(bench.path("work/t.toml")):4:") == true)
        #expect(bench.run("create", "demo", "-t", bench.path("work/t.toml")) == 78)
        #expect(bench.run("template", "trust", bench.path("work/t.toml")) == 78)
        try bench.write("work/t.toml", "version = 1\n")
        #expect(bench.run("template", "check", bench.path("work/t.toml")) == 0)
        #expect(bench.output == "\(bench.path("work/t.toml")): ok\n")
    }
}

@Suite("Workspaces that are accepted and refused")
struct WorkspaceTests {
    private func code(_ path: String) -> SandboxError.Code? {
        do throws(SandboxError) {
            _ = try WorkspaceCheck.check(path)
            return nil
        } catch {
            return error.code
        }
    }

    @Test("A directory is recorded with its true path, owner and identity; a link to it means it")
    func accepted() throws {
        let bench = try Bench()
        try FileManager.default.createDirectory(atPath: bench.path("work/a:b, %c "), withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(atPath: bench.path("link"), withDestinationPath: bench.path("work"))
        #expect(chown(bench.path("work/a:b, %c "), 12345, 54321) == 0)
        let workspace = try WorkspaceCheck.check(bench.path("link/a:b, %c /../a:b, %c "))
        var status = stat()
        #expect(stat(bench.path("work/a:b, %c "), &status) == 0)
        #expect(
            workspace
                == Workspace(
                    path: bench.path("work/a:b, %c "), uid: 12345, gid: 54321, device: UInt64(status.st_dev),
                    inode: UInt64(status.st_ino)))
        #expect(try WorkspaceCheck.check(bench.path("link")).path == bench.path("work"))
    }

    @Test(
        "The system's directories and ours are refused, what is above ours too",
        arguments: [
            "/", "/proc", "/proc/self", "/sys", "/dev", "/run", "/etc", "/etc/..", "/usr/lib", "/boot", "/var",
            "/var/lib", "/bin",
            "/tmp/../usr",
        ])
    func system(_ path: String) {
        #expect(code(path) == .permission)
    }

    @Test("A path that is next to a refused one by its letters only is accepted")
    func near() throws {
        let bench = try Bench()
        try bench.write("work/file", "")
        #expect(!WorkspaceCheck.isWithin("/runner", "/run"))
        #expect(WorkspaceCheck.isWithin("/run/x", "/run"))
        #expect(code("\(bench.directory)/work") == nil)
    }

    @Test(
        "Homes and everybody's places are no workspace, what is below them may be one",
        arguments: ["/root", "/tmp", "/home", "/var/log", "/var/spool"])
    func gatherings(path: String) {
        #expect(code(path) == .permission)
    }

    @Test("What is no directory, not there, or no plain text is refused with its own status")
    func refused() throws {
        let bench = try Bench()
        try bench.write("work/file", "")
        #expect(code(bench.path("work/file")) == .usage)
        #expect(code(bench.path("work/absent")) == .notFound)
        #expect(code("~/project") == .notFound)
        #expect(code("") == .usage)
        #expect(code(bench.path("work") + "\n") == .usage)
        #expect(code(bench.path("work/\u{fffd}")) == .usage)
        #expect(code("/" + String(repeating: "a", count: 5000)) == .permission)
        try FileManager.default.createDirectory(atPath: bench.path("work/b\u{1b}c"), withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: bench.path("plain"), withDestinationPath: bench.path("work/b\u{1b}c"))
        #expect(code(bench.path("plain")) == .usage)
    }
}
