import ArgumentParser
import Foundation
import SandboxModel
import Testing

@testable import SandboxCLI

@Suite("Files that follow from the commands")
struct GeneratedFileTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    private func text(_ path: String) throws -> String {
        try String(contentsOf: Self.root.appendingPathComponent(path), encoding: .utf8)
    }

    /// A command as `--experimental-dump-help` tells it.
    private struct Command: Decodable {
        struct Argument: Decodable {
            struct Name: Decodable {
                let kind: String
                let name: String
            }
            let kind: String
            let names: [Name]?
        }
        let commandName: String
        let aliases: [String]?
        let arguments: [Argument]?
        let subcommands: [Command]?

        var all: [Command] { [self] + (subcommands ?? []).flatMap(\.all) }
    }

    private func commands() throws -> [Command] {
        struct Dump: Decodable { let command: Command }
        return try JSONDecoder().decode(Dump.self, from: Data(RootCommand._dumpHelp().utf8)).command.all
    }

    @Test(
        "Completions are those the commands generate: 'sandboxctl --generate-completion-script SHELL'",
        arguments: [("bash", "sandboxctl.bash"), ("zsh", "_sandboxctl"), ("fish", "sandboxctl.fish")])
    func completions(_ shell: String, _ file: String) throws {
        let shell = try #require(CompletionShell(rawValue: shell))
        #expect(try text("completions/\(file)") == RootCommand.completionScript(for: shell) + "\n")
    }

    /// Runs a script in a shell where `sandboxctl` is one that knows two sandboxes and one template.
    private func run(_ shell: String, _ script: String) throws -> (status: Int32, output: String) {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("sandboxctl-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let fake = directory.appendingPathComponent("sandboxctl").path
        try Data(
            "#!/bin/sh\ncase $* in 'list -q') echo alpha; echo beta;; 'template list -q') echo python;; esac\n".utf8
        ).write(to: URL(fileURLWithPath: fake))
        #expect(chmod(fake, 0o755) == 0)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["PATH=\(directory.path):/usr/bin:/bin", "HOME=\(directory.path)", shell, "-c", script]
        process.currentDirectoryURL = Self.root
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, said)
    }

    @Test(
        "Each shell reads its completions without a word",
        arguments: [
            ("bash", "source completions/sandboxctl.bash && complete -p sandboxctl >/dev/null"),
            (
                "zsh",
                "autoload -U compinit && compinit -D && source completions/_sandboxctl && whence _sandboxctl >/dev/null"
            ),
            ("fish", "source completions/sandboxctl.fish; and complete -c sandboxctl | string match -q '*create*'"),
        ])
    func shells(_ shell: String, _ script: String) throws {
        let result = try run(shell, script)
        #expect(result.status == 0 && result.output.isEmpty, "\(result.output)")
    }

    @Test(
        "Names of sandboxes and templates are completed live",
        arguments: [
            ("sandboxctl stop ", "alpha beta"), ("sandboxctl exec ", "alpha beta"),
            ("sandboxctl status ", "alpha beta"), ("sandboxctl create --template ", "python"),
            ("sandboxctl template show ", "python"), ("sandboxctl resta", "restart"),
        ])
    func live(_ line: String, _ words: String) throws {
        let bash = try run(
            "bash",
            """
            source completions/sandboxctl.bash
            COMP_LINE='\(line)' COMP_POINT=\(line.count) COMP_TYPE=9 COMP_KEY=9
            read -ra COMP_WORDS <<<"$COMP_LINE"
            [[ $COMP_LINE != *' ' ]] || COMP_WORDS+=('')
            COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
            _sandboxctl sandboxctl "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
            echo "${COMPREPLY[*]}"
            """)
        #expect(bash.output == "\(words)\n")
        let fish = try run("fish", "source completions/sandboxctl.fish; complete -C '\(line)'")
        let offered = fish.output.split(separator: "\n").compactMap { $0.split(separator: "\t").first.map(String.init) }
        #expect(offered.joined(separator: " ") == words)
    }

    @Test("The manual page has every verb, alias, flag and exit status")
    func manual() throws {
        let page = try text("man/sandboxctl.1")
        let words = Set(page.split { " \n".contains($0) }.map(String.init))
        let lines = page.split(separator: "\n")
        for command in try commands() where !["sandboxctl", "help"].contains(command.commandName) {
            for name in [command.commandName] + (command.aliases ?? []) {
                #expect(
                    lines.contains { $0.hasPrefix(".It Cm ") && $0.split(separator: " ").contains(Substring(name)) }
                        || command.commandName == "template", "\(name)")
            }
            for argument in command.arguments ?? [] {
                for name in argument.names ?? [] {
                    let word = name.kind == "long" ? "-\(name.name)" : name.name
                    #expect(
                        lines.contains { line in
                            line.hasPrefix(".It ") && line.contains("Fl")
                                && line.split(separator: " ").contains(Substring(word))
                        }, "\(command.commandName) \(word)")
                }
            }
        }
        for code in SandboxError.Code.allCases { #expect(lines.contains(".It \(code.rawValue)"), "\(code)") }
        for status in [0, 124, 125, 126, 127, 141] { #expect(lines.contains(".It \(status)"), "\(status)") }
        #expect(words.contains("137"))
    }

    @Test("The flags that are known to take a value are those that do")
    func flagsWithValue() throws {
        for command in try commands() where ["exec", "shell"].contains(command.commandName) {
            let names = (command.arguments ?? []).filter { $0.kind == "option" }.flatMap { $0.names ?? [] }
            #expect(
                Set(names.map { $0.kind == "long" ? "--\($0.name)" : "-\($0.name)" }) == EntryGrammar.flagsWithValue)
        }
    }
}
