import CSystemd
import Foundation
import Glibc
import Testing

@testable import SystemdBus

@Suite("the bus and systemd's manager", .timeLimit(.minutes(1)))
struct BusTests {
    @Test("a transient unit with every type of value arrives exactly as it was written")
    func everyType() throws {
        let daemon = try PrivateBus()
        let record = Record()
        let peer = try Peer(on: daemon, names: systemd) { call in
            guard call.member == "StartTransientUnit" else { return }
            record.add(call.message.signature)
            record.add(try call.dump())
            try call.reply { try $0.append(job, as: "o") }
        }
        defer { withExtendedLifetime(peer) {} }
        let file = open("/dev/null", O_RDONLY | O_CLOEXEC)
        defer { close(file) }
        let manager = SystemdManager(try daemon.connect())
        let started = try manager.startTransientUnit(
            "a.service",
            properties: [
                UnitProperty("B", .bool(true)), UnitProperty("I", .int32(-5)), UnitProperty("U", .uint32(.max)),
                UnitProperty("X", .int64(.min)), UnitProperty("T", .uint64(.max)),
                UnitProperty("S", .string("é '\"\n")),
                UnitProperty("As", .strings(["a", ""])), UnitProperty("None", .strings([])),
                UnitProperty("Ay", .bytes([0, 255])),
                UnitProperty(
                    "ExecStart",
                    .exec([
                        ExecCommand(path: "/x", arguments: ["x", "-y"]),
                        ExecCommand(path: "/z", arguments: [], ignoreFailure: true),
                    ])),
                UnitProperty("LoadCredential", .pairs([StringPair("c", "/p")])),
                UnitProperty("SystemCallFilter", .filter(allow: false, ["@swap"])),
                UnitProperty(
                    "BindPaths", .binds([BindPath(source: "/a", destination: "/b", ignoreMissing: true)])),
                UnitProperty("StandardInputFileDescriptor", .fileDescriptor(file)),
            ],
            auxiliary: [("b.service", [UnitProperty("B", .bool(false))])])
        #expect(started.objectPath == job)
        #expect(
            record.lines == [
                "ssa(sv)a(sa(sv))",
                "s'a.service' s'fail' [(s'B' <b1>) (s'I' <i-5>) (s'U' <u4294967295>) (s'X' <x-9223372036854775808>) "
                    + "(s'T' <t18446744073709551615>) (s'S' <s'é '\"\n'>) (s'As' <[s'a' s'']>) (s'None' <[]>) "
                    + "(s'Ay' <[y0 y255]>) (s'ExecStart' <[(s'/x' [s'x' s'-y'] b0) (s'/z' [] b1)]>) "
                    + "(s'LoadCredential' <[(s'c' s'/p')]>) (s'SystemCallFilter' <(b0 [s'@swap'])>) "
                    + "(s'BindPaths' <[(s'/a' s'/b' b1 t16384)]>) "
                    + "(s'StandardInputFileDescriptor' <h:\(inode(file))>)] [(s'b.service' [(s'B' <b0>)])]",
            ])
        #expect(fcntl(file, F_GETFD) == FD_CLOEXEC, "the caller keeps its own descriptor")
    }

    @Test("a string with a NUL byte is refused and nothing is sent; without it the call goes out")
    func nul() throws {
        let daemon = try PrivateBus()
        let record = Record()
        let peer = try Peer(on: daemon, names: systemd) { call in
            record.add(try call.dump())
            try call.reply()
        }
        defer { withExtendedLifetime(peer) {} }
        let manager = SystemdManager(try daemon.connect())
        #expect(failure { try manager.killUnit("a\0b.service", signal: 9) }?.errno == EINVAL)
        try manager.killUnit("ab.service", signal: 9)
        #expect(record.lines == ["s'ab.service' s'all' i9"])
    }

    @Test("a job that ends before its call is answered is not missed", arguments: ["done", "failed", "dependency"])
    func raceWithReply(result: String) throws {
        let daemon = try PrivateBus()
        let peer = try Peer(on: daemon, names: systemd) { call in
            guard call.member == "StartTransientUnit" else { return }
            try call.jobRemoved("/org/freedesktop/systemd1/job/6", "a.service", "canceled")
            try call.jobRemoved(job, "a.service", result)
            try call.reply { try $0.append(job, as: "o") }
        }
        defer { withExtendedLifetime(peer) {} }
        let started = try SystemdManager(try daemon.connect()).startTransientUnit("a.service", properties: [])
        #expect(started.result == JobResult(result), "the signal came first, so the result is there at once")
    }

    @Test("a job that ends later, after those of others, is waited for, also for a name that needs quoting")
    func laterJob() throws {
        let daemon = try PrivateBus()
        let unit = #"a'b\x2d,c.service"#
        let peer = try Peer(on: daemon, names: systemd) { call in
            guard call.member == "StopUnit" else { return }
            try call.reply { try $0.append(job, as: "o") }
            try call.jobRemoved(job, "other.service", "failed")
            try call.jobRemoved("/org/freedesktop/systemd1/job/8", unit, "failed")
            try call.jobRemoved(job, unit, "done")
        }
        defer { withExtendedLifetime(peer) {} }
        let stopped = try SystemdManager(try daemon.connect()).stopUnit(unit)
        #expect(try stopped.wait(until: .now + .seconds(20)) == .done)
    }

    @Test("the end of a job is believed from systemd's broadcast only", arguments: ["unicast", "stranger", "systemd"])
    func forgedSignal(origin: String) throws {
        let daemon = try PrivateBus()
        let peer = try Peer(on: daemon, names: systemd) { call in
            guard call.member == "StartUnit" else { return }
            var raw: OpaquePointer?
            sd_bus_new(&raw)
            let stranger = try #require(raw)
            defer { sd_bus_flush_close_unref(stranger) }
            sd_bus_set_address(stranger, daemon.address)
            sd_bus_set_bus_client(stranger, 1)
            try #require(sd_bus_start(stranger) >= 0)
            let from = origin == "systemd" ? nil : stranger
            try call.jobRemoved(job, "a.service", "failed", to: origin == "unicast" ? call.sender : nil, from: from)
            // The daemon has passed the forgery on when it answers the stranger's next call.
            try #require(sd_bus_request_name(stranger, "org.example.Stranger", 0) >= 0)
            try call.jobRemoved(job, "a.service", "done")
            try call.reply { try $0.append(job, as: "o") }
        }
        defer { withExtendedLifetime(peer) {} }
        let record = Record()
        let bus = try daemon.connect()
        let spy = Spy(record)
        let spied = try bus.subscribe(
            MatchRule(
                sender: "org.freedesktop.systemd1", path: "/org/freedesktop/systemd1",
                interface: "org.freedesktop.systemd1.Manager", member: "JobRemoved"), sink: spy)
        let started = try SystemdManager(bus).startUnit("a.service")
        #expect(started.result == .done)
        #expect(record.lines.count == (origin == "systemd" ? 2 : 1), "the twin shows that the signal is a valid one")
        bus.unsubscribe(spied)
    }

    private final class Spy: SignalSink {
        let record: Record
        init(_ record: Record) { self.record = record }
        func receive(_ signal: Message) { record.add(signal.member ?? "") }
    }

    @Test("a job can be followed in a poll loop of the caller's own")
    func pollLoop() throws {
        let daemon = try PrivateBus()
        let peer = try Peer(on: daemon, names: systemd) { call in
            guard call.member == "StartUnit" else { return }
            try call.reply { try $0.append(job, as: "o") }
            try call.jobRemoved(job, "a.service", "timeout")
        }
        defer { withExtendedLifetime(peer) {} }
        let bus = try daemon.connect()
        let started = try SystemdManager(bus).startUnit("a.service")
        while started.result == nil {
            if try bus.process() { continue }
            var descriptor = pollfd(fd: try bus.fileDescriptor, events: try bus.events, revents: 0)
            let timeout = try bus.timeout.map { Int32($0.components.seconds) * 1000 } ?? 20_000
            try #require(poll(&descriptor, 1, timeout) == 1)
        }
        #expect(started.result == .timeout)
    }

    @Test("errors keep the peer's name and message, and have a kind")
    func remoteErrors() throws {
        let daemon = try PrivateBus()
        let peer = try Peer(on: daemon, names: systemd) { call in
            switch call.member {
            case "StopUnit": try call.fail("org.freedesktop.systemd1.NoSuchUnit", "Unit a.service not loaded.")
            case "StartTransientUnit": try call.fail("org.freedesktop.systemd1.UnitExists", "There is one.")
            case "KillUnit": try call.fail("org.freedesktop.DBus.Error.AccessDenied", "No.")
            case "SetUnitProperties": try call.fail("org.example.Odd", "")
            default: break
            }
        }
        defer { withExtendedLifetime(peer) {} }
        let manager = SystemdManager(try daemon.connect())
        let stop = try #require(failure { _ = try manager.stopUnit("a.service") })
        #expect(stop.kind == .notFound)
        #expect(
            stop.description == "org.freedesktop.systemd1.Manager.StopUnit: Unit a.service not loaded. "
                + "(org.freedesktop.systemd1.NoSuchUnit)")
        #expect(failure { _ = try manager.startTransientUnit("a.service", properties: []) }?.kind == .exists)
        #expect(failure { try manager.killUnit("a.service", signal: 9) }?.kind == .accessDenied)
        let odd = try #require(failure { try manager.setUnitProperties("a.service", properties: []) })
        #expect(odd.kind == .other)
        #expect(odd.name == "org.example.Odd")
        // The private bus's policy forbids this one.
        let refused = try #require(failure { try manager.resetFailedUnit("a.service") })
        #expect(refused.kind == .accessDenied)
        #expect(refused.name == "org.freedesktop.DBus.Error.AccessDenied")
    }

    @Test("a bus that is not there, and a service that is not there, are unavailable")
    func unavailable() throws {
        #expect(failure { _ = try Bus.open(address: "unix:path=/tmp/none/none") }?.kind == .unavailable)
        #expect(failure { _ = try Bus.open(address: "nonsense") }?.kind == .unavailable)
        let daemon = try PrivateBus()
        let error = failure { _ = try SystemdManager(try daemon.connect()).version() }
        #expect(error?.kind == .unavailable)
        #expect(error?.name == "org.freedesktop.DBus.Error.ServiceUnknown")
    }

    @Test("a peer that does not answer costs no more than the timeout, and its late answer harms nothing")
    func noReply() throws {
        let daemon = try PrivateBus()
        let release = DispatchSemaphore(value: 0)
        let peer = try Peer(on: daemon, names: systemd) { call in
            if call.member == "KillUnit" { release.wait() }
            if call.member == "Get" {
                try call.reply(variant: "s") { try $0.append("257.1") }
            } else {
                try call.reply()
            }
        }
        defer { withExtendedLifetime(peer) {} }
        let bus = try daemon.connect()
        let manager = SystemdManager(bus)
        bus.callTimeout = .milliseconds(50)
        let begin = ContinuousClock.now
        #expect(failure { try manager.killUnit("a.service", signal: 9) }?.kind == .timedOut)
        #expect((Duration.milliseconds(50)...Duration.seconds(5)).contains(begin.duration(to: .now)))
        release.signal()
        bus.callTimeout = .seconds(20)
        #expect(try manager.version() == "257.1")
    }

    @Test("a job that does not end is given up at the deadline, and can be waited for again")
    func deadline() throws {
        let daemon = try PrivateBus()
        let peer = try Peer(on: daemon, names: systemd) { call in
            if call.member == "StartUnit" { try call.reply { try $0.append(job, as: "o") } }
            if call.member == "KillUnit" {
                try call.jobRemoved(job, "a.service", "done")
                try call.reply()
            }
        }
        defer { withExtendedLifetime(peer) {} }
        let manager = SystemdManager(try daemon.connect())
        let started = try manager.startUnit("a.service")
        #expect(failure { _ = try started.wait(until: .now + .milliseconds(20)) }?.kind == .timedOut)
        try manager.killUnit("a.service", signal: 9)
        #expect(try started.wait(until: .now) == .done)
    }

    @Test("the deadline holds against a peer that never stops talking")
    func flood() throws {
        let daemon = try PrivateBus()
        let enough = Record()
        let peer = try Peer(on: daemon, names: systemd) { call in
            guard call.member == "StartUnit" else { return }
            try call.reply { try $0.append(job, as: "o") }
            while enough.lines.isEmpty {
                try call.jobRemoved("/org/freedesktop/systemd1/job/8", "a.service", "done")
            }
        }
        defer { withExtendedLifetime(peer) {} }
        defer { enough.add("enough") }
        let started = try SystemdManager(try daemon.connect()).startUnit("a.service")
        let begin = ContinuousClock.now
        #expect(failure { _ = try started.wait(until: .now + .milliseconds(50)) }?.kind == .timedOut)
        #expect(begin.duration(to: .now) < .seconds(5))
    }

    @Test("a daemon that dies in the middle of a call ends it, and every later one")
    func disconnect() throws {
        let daemon = try PrivateBus()
        let peer = try Peer(on: daemon, names: systemd) { call in
            if call.member == "KillUnit" { daemon.kill() }
        }
        defer { withExtendedLifetime(peer) {} }
        let manager = SystemdManager(try daemon.connect())
        #expect(failure { try manager.killUnit("a.service", signal: 9) }?.kind == .disconnected)
        #expect(failure { _ = try manager.version() }?.kind == .disconnected)
        #expect(failure { _ = try manager.bus.process() }?.kind == .disconnected)
    }

    @Test(
        "a reply that is not what systemd documents is an error, never a trap",
        arguments: ["number", "text", "elsewhere", "prefix", "empty", "right"])
    func malformed(reply: String) throws {
        let daemon = try PrivateBus()
        let peer = try Peer(on: daemon, names: systemd) { call in
            guard call.member == "StartUnit" else { return }
            try call.reply {
                switch reply {
                case "number": try $0.append(UInt32(7))
                case "text": try $0.append(job)
                case "elsewhere": try $0.append("/org/freedesktop/login1/job/7", as: "o")
                case "prefix": try $0.append("/org/freedesktop/systemd1/jobs", as: "o")
                case "right": try $0.append(job, as: "o")
                default: break
                }
            }
        }
        defer { withExtendedLifetime(peer) {} }
        let manager = SystemdManager(try daemon.connect())
        if reply == "right" {
            #expect(try manager.startUnit("a.service").objectPath == job)
        } else {
            #expect(failure { _ = try manager.startUnit("a.service") }?.kind == .malformedReply)
        }
    }

    @Test("units are listed in one call, by name", arguments: [true, false])
    func listing(valid: Bool) throws {
        let daemon = try PrivateBus()
        let record = Record()
        let peer = try Peer(on: daemon, names: systemd) { call in
            record.add(try call.dump())
            try call.reply {
                try $0.open("a", "(ssssssouso)")
                for name in ["b", "a"] {
                    try $0.open("r", "ssssssouso")
                    for text in ["\(name).service", "D", "loaded", "active", "running", ""] { try $0.append(text) }
                    try $0.append(valid ? "/org/freedesktop/systemd1/unit/\(name)" : "/other/\(name)", as: "o")
                    try $0.append(UInt32(name == "b" ? 9 : 0))
                    try $0.append("")
                    try $0.append("/", as: "o")
                    try $0.close()
                }
                try $0.close()
            }
        }
        defer { withExtendedLifetime(peer) {} }
        let manager = SystemdManager(try daemon.connect())
        guard valid else {
            #expect(failure { _ = try manager.listUnits(patterns: ["*"]) }?.kind == .malformedReply)
            return
        }
        let units = try manager.listUnits(patterns: ["sandbox-*.service"])
        #expect(record.lines == ["[] [s'sandbox-*.service']"])
        #expect(units.map(\.name) == ["a.service", "b.service"])
        #expect(
            units[1]
                == UnitStatus(
                    name: "b.service", description: "D", loadState: "loaded", activeState: "active",
                    subState: "running", objectPath: "/org/freedesktop/systemd1/unit/b", jobID: 9))
    }

    /// Answers the questions for a unit's properties.
    @Sendable
    private static func answer(_ call: Call, _ overrides: [String: String] = [:]) throws {
        _ = try call.message.readString()
        let property = try call.message.readString()
        switch property {
        case "MainPID": try call.reply(variant: "u") { try $0.append(UInt32(42)) }
        case "ExecMainCode", "ExecMainStatus": try call.reply(variant: "i") { try $0.append(Int32(1)) }
        case "StateChangeTimestamp", "ActiveEnterTimestamp":
            try call.reply(variant: "t") { try $0.append(UInt64(5)) }
        case "InvocationID": try call.reply(variant: "ay") { try $0.append([1, 2] as [UInt8]) }
        default: try call.reply(variant: "s") { try $0.append(overrides[property] ?? property) }
        }
    }

    @Test("the state of a unit is read in full; a property of another type is an error")
    func snapshot() throws {
        let daemon = try PrivateBus()
        let peer = try Peer(on: daemon, names: systemd) { call in
            if call.message.path?.hasSuffix("/odd_2eservice") == true {
                try call.reply(variant: "as") { try $0.append(["x"]) }
            } else {
                try Self.answer(call)
            }
        }
        defer { withExtendedLifetime(peer) {} }
        let manager = SystemdManager(try daemon.connect())
        let snapshot = try manager.snapshot(of: "a.service")
        #expect(snapshot.activeState == "ActiveState" && snapshot.result == "Result")
        #expect(snapshot.mainPID == 42 && snapshot.execMainStatus == 1 && snapshot.stateChangeTimestamp == 5)
        #expect(snapshot.invocationID == [1, 2] && snapshot.controlGroup == "ControlGroup" && !snapshot.isGone)
        #expect(try manager.snapshot(of: "a.socket").mainPID == 0)
        #expect(failure { _ = try manager.snapshot(of: "odd.service") }?.kind == .malformedReply)
    }

    @Test(
        "a watched unit ends by its state, by being unloaded, or was never there",
        arguments: [
            ("inactive", UnitWatch.End.inactive), ("failed", .failed), ("removed", .gone), ("not-found", .gone),
        ])
    func watch(how: String, end: UnitWatch.End) throws {
        let daemon = try PrivateBus()
        let peer = try Peer(on: daemon, names: systemd) { call in
            guard call.member == "Get" else { return }
            try Self.answer(call, ["LoadState": how == "not-found" ? how : "loaded", "ActiveState": "active"])
            try call.message.rewind()
            guard try call.dump().contains("ActiveState"), how != "not-found" else { return }
            try Self.change(call, how)
        }
        defer { withExtendedLifetime(peer) {} }
        let watch = try SystemdManager(try daemon.connect()).watch("a.service")
        #expect(try watch.wait(until: .now + .seconds(20)) == end)
    }

    private static func change(_ call: Call, _ how: String) throws {
        if how == "removed" {
            try call.signal(
                "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager", "UnitRemoved"
            ) {
                try $0.append("a.service")
                try $0.append("/org/freedesktop/systemd1/unit/a_2eservice", as: "o")
            }
            return
        }
        try call.signal(
            "/org/freedesktop/systemd1/unit/a_2eservice", "org.freedesktop.DBus.Properties", "PropertiesChanged"
        ) {
            try $0.append("org.freedesktop.systemd1.Unit")
            try $0.open("a", "{sv}")
            for (key, value) in [("SubState", "dead"), ("ActiveState", how)] {
                try $0.open("e", "sv")
                try $0.append(key)
                try $0.open("v", "s")
                try $0.append(value)
                try $0.close()
                try $0.close()
            }
            try $0.close()
            try $0.append([String]())
        }
    }

    @Test("a change that follows the first answer is not undone by it, whoever runs the bus in between")
    func watchOrder() throws {
        let daemon = try PrivateBus()
        let peer = try Peer(on: daemon, names: systemd) { call in
            guard call.member == "Get" else { return }
            try Self.answer(call, ["LoadState": "loaded", "ActiveState": "active"])
            try call.message.rewind()
            if try call.dump().contains("ActiveState") { try Self.change(call, "inactive") }
        }
        defer { withExtendedLifetime(peer) {} }
        let bus = try daemon.connect()
        let watch = try SystemdManager(bus).watch("a.service")
        while watch.activeState != "inactive" {
            if try !bus.process() { try #require(try bus.wait(until: .now + .seconds(20))) }
        }
        #expect(try watch.end == .inactive)
    }

    @Test("a unit that goes on running is given up at the deadline")
    func watchDeadline() throws {
        let daemon = try PrivateBus()
        let peer = try Peer(on: daemon, names: systemd) { call in
            guard call.member == "Get" else { return }
            try Self.answer(call, ["LoadState": "loaded", "ActiveState": "deactivating"])
        }
        defer { withExtendedLifetime(peer) {} }
        let watch = try SystemdManager(try daemon.connect()).watch("a.service")
        #expect(try watch.wait(until: .now + .milliseconds(100)) == nil)
    }
}
