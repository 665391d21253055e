import EgressWire
import Testing

@Suite("What a TLS server answers to a hello") struct ServerHelloTests {
    /// SHA-256 of the text that RFC 8446 names.
    private static let retry: [UInt8] = [
        0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
        0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
    ]

    /// A ServerHello with these random bytes, in records of so many bytes each.
    private func hello(_ random: [UInt8], recordsOf size: Int) -> [UInt8] {
        let message = [2, 0, 0, 40, 3, 3] + random + [0, 0x13, 1, 0, 0, 0]
        return stride(from: 0, to: message.count, by: size).flatMap { start -> [UInt8] in
            let part = message[start..<min(start + size, message.count)]
            return [22, 3, 3, 0, UInt8(part.count)] + part
        }
    }

    @Test("Another hello is asked for, in records of any size and bytes one by one", arguments: [1, 7, 38, 100])
    func again(size: Int) {
        for (random, wanted) in [
            (Self.retry, ServerHelloWatch.Verdict.retry), ([UInt8](repeating: 1, count: 32), .other),
        ] {
            var whole = ServerHelloWatch()
            #expect(whole.feed(hello(random, recordsOf: size)) == wanted)
            var pieces = ServerHelloWatch()
            #expect(hello(random, recordsOf: size).lazy.map { pieces.feed([$0]) }.first { $0 != .needMore } == wanted)
        }
    }

    @Test("Alerts and other messages are no such wish") func other() {
        for bytes in [[21, 3, 3, 0, 2, 2, 40], [22, 3, 3, 0, 4, 11, 0, 0, 0], Array("HTTP/1.1 400\r\n".utf8)] {
            var watch = ServerHelloWatch()
            #expect(watch.feed(bytes) == .other)
        }
    }
}
