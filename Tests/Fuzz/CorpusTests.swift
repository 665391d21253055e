internal import Foundation
internal import Testing

/// Replays what the fuzzers keep: no input of theirs, hand-made or found, breaks a promise of a parser.
@Suite("Inputs of the fuzzers") struct FuzzCorpusTests {
    /// A parser under the name of its fuzzer.
    struct Target: Sendable, CustomTestStringConvertible {
        let name: String
        let check: @Sendable ([UInt8]) throws(Violation) -> Void

        var testDescription: String { name }

        var folder: URL {
            URL(filePath: #filePath).deletingLastPathComponent().appending(path: "corpus").appending(path: name)
        }
    }

    static let targets = [
        Target(name: "dns-query", check: checkDNSQuery), Target(name: "dns-response", check: checkDNSResponse),
        Target(name: "client-hello", check: checkClientHello), Target(name: "http-head", check: checkHTTPHead),
        Target(name: "host-pattern", check: checkHostPattern), Target(name: "template", check: checkTemplate),
    ]

    @Test("break no promise of the parser", arguments: targets) func replay(target: Target) throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: target.folder.path())
        #expect(names.count > 20)
        for name in names.sorted() {
            let bytes = Array(try Data(contentsOf: target.folder.appending(path: name)))
            do {
                try target.check(bytes)
            } catch {
                Issue.record("\(name): \(error)")
            }
        }
    }

    @Test("Every fuzzer has its inputs replayed") func everyTarget() throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Entries")
        let entries = try FileManager.default.contentsOfDirectory(atPath: folder.path())
        let names = Set(entries).subtracting(["Entry.swift"]).map { String($0.dropLast(".swift".count)) }
        #expect(Set(names) == Set(Self.targets.map(\.name)))
    }

    @Test("A check tells of a promise that is broken") func violation() {
        #expect(throws: Violation.self) { try hold(false, "kept") }
        #expect(!isPlainHostText("A.example") && !isPlainHostText("a..b") && !isPlainHostText("-a.org"))
        #expect(isPlainHostText("a-b.example_1"))
    }
}
