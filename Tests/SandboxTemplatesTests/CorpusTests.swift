import Foundation
import SandboxModel
import Testing

@testable import SandboxTemplates

/// Files with everything that can be wrong, beside the messages they must give. `NAME.expected` holds `ok`, or one line
/// per diagnostic and an indented one for its hint.
enum Corpus {
    static let directory = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Corpus")

    static let names: [String] = {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: directory.path())) ?? []
        return files.filter { $0.hasSuffix(".toml") }.map { String($0.dropLast(5)) }.sorted()
    }()

    static func bytes(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: directory.appending(path: "\(name).toml")))
    }

    /// What the parser says about a text, in the form of an expectation.
    static func verdict(_ bytes: [UInt8]) -> String {
        do throws(TemplateErrors) {
            _ = try TemplateParser.parse(bytes, file: "t")
            return "ok\n"
        } catch {
            let lines = zip(error.lines, error.diagnostics).map { line, diagnostic in
                "\(line.dropFirst(2))\n" + (diagnostic.hint.map { "    \($0)\n" } ?? "")
            }
            return lines.joined()
        }
    }
}

@Suite("The corpus of templates") struct CorpusTests {
    @Test("The corpus is there") func corpusIsThere() {
        #expect(Corpus.names.count > 80)
    }

    /// With `RECORD_CORPUS=1` expectations are written; such a run fails, so that nobody takes it for a test.
    @Test("Each file gets exactly the messages beside it", arguments: Corpus.names)
    func fileGetsItsMessages(name: String) throws {
        let verdict = Corpus.verdict(try Corpus.bytes(name))
        let expectation = Corpus.directory.appending(path: "\(name).expected")
        if ProcessInfo.processInfo.environment["RECORD_CORPUS"] != nil {
            try Data(verdict.utf8).write(to: expectation)
            Issue.record("recorded \(name)")
        }
        #expect(verdict == String(decoding: try Data(contentsOf: expectation), as: UTF8.self))
    }

    @Test("No message can steer a terminal", arguments: Corpus.names)
    func noMessageSteersATerminal(name: String) throws {
        let verdict = Corpus.verdict(try Corpus.bytes(name))
        for line in verdict.split(separator: "\n") { #expect(String(line).escapingControls == line) }
    }

    @Test("Tens of thousands of damaged files neither crash the parser nor get a place outside of the text")
    func damagedFiles() throws {
        var random = Generator(state: 0x5eed_7e3b_1a7e_0001)
        let texts = try Corpus.names.map(Corpus.bytes).filter { $0.count < 4096 }
        var accepted = 0
        var refused = 0
        for round in 0..<30_000 {
            var bytes = texts[random.below(texts.count)]
            for _ in 0...random.below(3) { damage(&bytes, texts, &random) }
            if let document = try? TOMLDocument(bytes, file: "t"),
                let lost = unplaced(.table(document.root), [], document.positions)
            {
                Issue.record("round \(round): no place for \(lost) in \(String(decoding: bytes, as: UTF8.self))")
            }
            do throws(TemplateErrors) {
                _ = try TemplateParser.parse(bytes, file: "t")
                accepted += 1
            } catch {
                refused += 1
                #expect(!error.diagnostics.isEmpty)
                #expect(error.diagnostics.map(\.position) == error.diagnostics.map(\.position).sorted())
                guard let outside = error.diagnostics.first(where: { !lies($0.position, in: bytes) }) else { continue }
                Issue.record("round \(round): \(outside) lies outside of \(String(decoding: bytes, as: UTF8.self))")
            }
        }
        // Both kinds must occur, or the damage is too small or too great to test anything.
        #expect(accepted > 400)
        #expect(refused > 20_000)
    }

    /// A node that the parser has and the position index has not: the two read the text differently then.
    private func unplaced(_ node: TOMLNode, _ path: [String], _ positions: PositionIndex) -> [String]? {
        switch node {
        case .table(let entries):
            for (key, entry) in entries {
                if positions.keys[path + [key]] == nil { return path + [key] }
                if let lost = unplaced(entry, path + [key], positions) { return lost }
            }
        case .array(let elements):
            for (offset, element) in elements.enumerated() {
                let place = path + ["#\(offset)"]
                if positions.values[place] ?? positions.keys[place] == nil { return place }
                if let lost = unplaced(element, place, positions) { return lost }
            }
        case .string, .integer, .boolean, .other:
            if positions.values[path] == nil { return path }
        }
        return nil
    }

    /// Whether a place is a character of the text or the end of one of its lines.
    private func lies(_ position: TextPosition, in bytes: [UInt8]) -> Bool {
        let lines = String(decoding: bytes, as: UTF8.self).unicodeScalars
            .split(separator: "\n", omittingEmptySubsequences: false)
        guard (1...lines.count).contains(position.line) else { return false }
        return (1...lines[position.line - 1].count + 1).contains(position.column)
    }

    private func damage(_ bytes: inout [UInt8], _ texts: [[UInt8]], _ random: inout Generator) {
        let tokens = [
            "[", "]", "[[", "]]", "{", "}", "\"", "'", "\"\"\"", "'''", "\\", "\\u0000", "\\U0010FFFF", "=", ".", ",",
            "#",
            "\n", "\r\n", "\r", "\t", "\0", "\u{feff}", "\u{2028}", "é", "🙂", "1e400", "0x", "-", "inf", "1979-05-27",
            "version = 1\n", "[agent]\n", "[[mounts]]\n", "a.b.c = 1\n", "true",
        ]
        let place = random.below(bytes.count + 1)
        let length = min(random.below(40), bytes.count - place)
        switch random.below(6) {
        case 0: if place < bytes.count { bytes[place] ^= 1 << UInt8(random.below(8)) }
        case 1: bytes.removeSubrange(place..<(place + length))
        case 2: bytes.insert(contentsOf: Array(bytes[place..<(place + length)]), at: random.below(bytes.count + 1))
        case 3: bytes.removeSubrange(place...)
        case 4:
            let other = texts[random.below(texts.count)]
            let start = random.below(other.count + 1)
            bytes.insert(contentsOf: other[start...].prefix(random.below(80)), at: place)
        default: bytes.insert(contentsOf: Array(tokens[random.below(tokens.count)].utf8), at: place)
        }
    }

    /// SplitMix64: the same numbers in every run.
    private struct Generator {
        var state: UInt64

        mutating func below(_ bound: Int) -> Int {
            state &+= 0x9e37_79b9_7f4a_7c15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
            return Int((mixed ^ (mixed >> 31)) % UInt64(bound))
        }
    }
}
