import Foundation
import FuzzChecks
import Testing

@Suite("What the fuzzer kept") struct ReplayTests {
    private static let corpus = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fuzz/Corpus")

    @Test("No check finds anything in its corpus", arguments: FuzzCheck.allCases)
    func replay(check: FuzzCheck) throws {
        let folder = Self.corpus.appending(path: check.rawValue)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(names.count >= 10, "the corpus is there")
        for name in names.sorted() {
            let bytes = try Data(contentsOf: folder.appending(path: name))
            #expect(check.finding(in: Array(bytes)) == nil, "\(name)")
        }
    }
}
