import Foundation
import Testing

@testable import SystemdBus

@Suite("unit properties as values")
struct UnitValueTests {
    static let everyKind: [(value: UnitValue, json: String)] = [
        (.bool(true), #"{"name":"P","type":"b","value":true}"#),
        (.int32(-5), #"{"name":"P","type":"i","value":-5}"#),
        (.uint32(7), #"{"name":"P","type":"u","value":7}"#),
        (.int64(.min), #"{"name":"P","type":"x","value":-9223372036854775808}"#),
        (.uint64(.max), #"{"name":"P","type":"t","value":18446744073709551615}"#),
        (.string("a\"\\\n\u{1b}é"), #"{"name":"P","type":"s","value":"a\"\\\n\u001bé"}"#),
        (.strings(["a", ""]), #"{"name":"P","type":"as","value":["a",""]}"#),
        (.strings([]), #"{"name":"P","type":"as","value":[]}"#),
        (.bytes([0, 255]), #"{"name":"P","type":"ay","value":"00ff"}"#),
        (
            .exec([ExecCommand(path: "/x", arguments: ["x", "-y"], ignoreFailure: true)]),
            #"{"name":"P","type":"a(sasb)","value":[["/x",["x","-y"],true]]}"#
        ),
        (.pairs([StringPair("c", "/p")]), #"{"name":"P","type":"a(ss)","value":[["c","/p"]]}"#),
        (.filter(allow: false, ["@swap"]), #"{"name":"P","type":"(bas)","value":[false,["@swap"]]}"#),
        (
            .binds([BindPath(source: "/a", destination: "/b")]),
            #"{"name":"P","type":"a(ssbt)","value":[["/a","/b",false,16384]]}"#
        ),
        (.fileDescriptor(3), #"{"name":"P","type":"h","value":"fd"}"#),
    ]

    @Test("each kind of value has one stable JSON form that a JSON parser accepts", arguments: everyKind.indices)
    func json(index: Int) throws {
        let (value, json) = Self.everyKind[index]
        #expect(UnitProperty("P", value).json == json)
        _ = try JSONSerialization.jsonObject(with: Data(json.utf8))
    }

    @Test("a match rule quotes apostrophes, and only those")
    func quoting() {
        let rule = MatchRule(
            sender: "s", path: "/p", interface: "i", member: "m", argument: (2, #"a'b\x2d,c.service"#))
        #expect(
            rule.text
                == #"type='signal',sender='s',path='/p',interface='i',member='m',arg2='a'\''b\x2d,c.service'"#)
    }

    @Test("a name is one element of an object path, whatever it holds")
    func encoding() throws {
        #expect(
            try SystemdManager.objectPath(of: "../a.service") == "/org/freedesktop/systemd1/unit/_2e_2e_2fa_2eservice")
        #expect(failure { _ = try SystemdManager.objectPath(of: "a\0b") }?.errno == EINVAL)
    }

    @Test("a wait is rounded up, never negative, and never for ever")
    func waits() {
        #expect(Duration.nanoseconds(1).microsecondsLeft == 1)
        #expect(Duration.microseconds(1500).microsecondsLeft == 1500)
        #expect(Duration.seconds(-1).microsecondsLeft == 0)
        #expect(Duration.seconds(Int64.max).microsecondsLeft == UInt64.max - 1)
    }
}
