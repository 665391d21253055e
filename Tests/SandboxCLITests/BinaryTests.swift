import Foundation
import Testing

@Suite("The built command")
struct BinaryTests {
    private struct Outcome {
        let status: Int32
        let output: String
        let error: String
    }

    /// `sandboxctl` beside the test bundle.
    private static var program: URL {
        let bundle = Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") }?.bundleURL
        return (bundle ?? URL(fileURLWithPath: CommandLine.arguments[0])).deletingLastPathComponent()
            .appendingPathComponent("sandboxctl")
    }

    /// Runs a line of sh(1) in which `$0` is the command.
    private func shell(_ line: String) throws -> Outcome {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", line, Self.program.path]
        let output = Pipe()
        let error = Pipe()
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = error
        try process.run()
        // Both are small: neither pipe fills while the other is read.
        let said = output.fileHandleForReading.readDataToEndOfFile()
        let complained = error.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return Outcome(
            status: process.terminationStatus, output: String(decoding: said, as: UTF8.self),
            error: String(decoding: complained, as: UTF8.self))
    }

    @Test("Help and version are standard output and status 0")
    func help() throws {
        let version = try shell("\"$0\" --version")
        #expect(version.status == 0 && version.output.hasPrefix("sandboxctl ") && version.error.isEmpty)
        let help = try shell("\"$0\" create --help")
        #expect(help.status == 0 && help.output.contains("--root-inodes") && help.error.isEmpty)
    }

    @Test(
        "A wrong command line is status 64 and one line on standard error",
        arguments: [
            "list --bogus", "create --mem 1G x", "create --memory= x", "create x --memory 1G --memory 2G", "stop -- -x",
            "create -- ''", "create -- ../evil", "create x --network FULL", "create x -e A", "create x -e =x",
            "exec x --tty ls",
            "create \"$(printf 'a\\001b')\"", "create \"$(printf '\\377')\"",
        ])
    func usage(_ line: String) throws {
        let outcome = try shell("\"$0\" \(line)")
        #expect(outcome.status == 64, "\(outcome.error)")
        #expect(outcome.output.isEmpty)
        let lines = outcome.error.split(separator: "\n")
        #expect(lines.first?.hasPrefix("sandboxctl: ") == true && lines.count <= 2, "\(outcome.error)")
    }

    @Test("An unknown key of a template is an error with its place")
    func unknownKey() throws {
        let file = "d=$(mktemp -d); printf 'version = 1\\nnetwrok = \"none\"\\n' >$d/t.toml"
        let outcome = try shell("\(file); \"$0\" template check $d/t.toml; s=$?; rm -r $d; exit $s")
        #expect(outcome.status == 78)
        #expect(outcome.output.contains("t.toml:2:1: ") && outcome.output.contains("network"))
    }

    @Test("A standard output that is full, closed or left by its reader is no crash and no success")
    func brokenOutput() throws {
        let full = try shell("\"$0\" --version >/dev/full")
        #expect(full.status == 70 && full.error.contains("No space left"))
        let closed = try shell("\"$0\" --version >&-")
        #expect(closed.status == 70 && closed.error.contains("it is closed"))
        // The reader has opened the pipe, and is gone before the first byte.
        let left = try shell(
            "d=$(mktemp -d); mkfifo $d/f; true <$d/f & exec 3>$d/f; wait; \"$0\" --help >&3; echo $? >&2; rm -r $d")
        #expect(left.error == "141\n")
        let allClosed = try shell("\"$0\" --version <&- >&- 2>&-")
        #expect(allClosed.status == 70)
    }
}
