import Foundation
import Glibc
import Testing

@testable import SystemdBus

@Suite("machined", .timeLimit(.minutes(1)))
struct MachineTests {
    private static let path = "/org/freedesktop/machine1/machine/demo"

    private static func properties(_ message: Message, without missing: String = "", name: String = "demo") throws {
        try message.open("a", "{sv}")
        func entry(_ key: String, _ type: String, _ fill: () throws -> Void) throws {
            guard key != missing else { return }
            try message.open("e", "sv")
            try message.append(key)
            try message.open("v", type)
            try fill()
            try message.close()
            try message.close()
        }
        for (key, value) in [
            ("Name", name), ("Unit", "sandbox-demo.service"), ("State", "running"), ("Class", "container"),
            ("RootDirectory", "/r"),
        ] { try entry(key, "s") { try message.append(value) } }
        try entry("Leader", "u") { try message.append(UInt32(42)) }
        try entry("Timestamp", "t") { try message.append(UInt64(5)) }
        // A type nothing here reads is passed over.
        try entry("NetworkInterfaces", "ai") {
            try message.open("a", "i")
            try message.append(Int32(3))
            try message.close()
        }
        try message.close()
    }

    @Test("a machine is found with its properties, in one round trip")
    func found() throws {
        let daemon = try PrivateBus()
        let peer = try Peer(on: daemon, names: machined) { call in
            if call.member == "GetMachine" { try call.reply { try $0.append(Self.path, as: "o") } }
            if call.member == "GetAll" { try call.reply { try Self.properties($0) } }
        }
        defer { withExtendedLifetime(peer) {} }
        let machine = try MachineManager(try daemon.connect()).machine(named: "demo")
        #expect(
            machine
                == Machine(
                    name: "demo", leader: 42, unit: "sandbox-demo.service", state: "running",
                    machineClass: "container", rootDirectory: "/r", timestamp: 5, objectPath: Self.path))
    }

    @Test("no such machine is nil, and a name cannot leave its place in the path")
    func absent() throws {
        let daemon = try PrivateBus()
        let record = Record()
        let peer = try Peer(on: daemon, names: machined) { call in
            if call.member == "GetAll" { record.add(call.message.path ?? "") }
            try call.fail(
                call.member == "GetMachine"
                    ? "org.freedesktop.machine1.NoSuchMachine" : "org.freedesktop.DBus.Error.UnknownObject", "None.")
        }
        defer { withExtendedLifetime(peer) {} }
        let manager = MachineManager(try daemon.connect())
        #expect(try manager.machine(named: "../manager") == nil)
        #expect(try manager.machine(named: "demo") == nil)
        #expect(record.lines.first == "/org/freedesktop/machine1/machine/_2e_2e_2fmanager")
    }

    @Test(
        "properties that are missing, twice there or another machine's are an error",
        arguments: ["Leader", "Unit", "Timestamp", "twice", "other"])
    func malformed(how: String) throws {
        let daemon = try PrivateBus()
        let peer = try Peer(on: daemon, names: machined) { call in
            if call.member == "GetMachine" { try call.reply { try $0.append(Self.path, as: "o") } }
            guard call.member == "GetAll" else { return }
            try call.reply { message in
                switch how {
                case "other": try Self.properties(message, name: "other")
                case "twice":
                    try message.open("a", "{sv}")
                    for _ in 0..<2 {
                        try message.open("e", "sv")
                        try message.append("Name")
                        try message.open("v", "s")
                        try message.append("demo")
                        try message.close()
                        try message.close()
                    }
                    try message.close()
                default: try Self.properties(message, without: how)
                }
            }
        }
        defer { withExtendedLifetime(peer) {} }
        let manager = MachineManager(try daemon.connect())
        #expect(failure { _ = try manager.machine(named: "demo") }?.kind == .malformedReply)
    }

    @Test("a list is read up to its bound and not beyond", arguments: [0, 100_000, 100_001])
    func bound(count: Int) throws {
        let daemon = try PrivateBus()
        let peer = try Peer(on: daemon, names: machined) { call in
            try call.reply {
                try $0.open("a", "(ssso)")
                for _ in 0..<count {
                    try $0.open("r", "ssso")
                    for text in ["m", "container", "x"] { try $0.append(text) }
                    try $0.append(Self.path, as: "o")
                    try $0.close()
                }
                try $0.close()
            }
        }
        defer { withExtendedLifetime(peer) {} }
        let manager = MachineManager(try daemon.connect())
        if count <= Message.arrayLimit {
            #expect(try manager.list().count == count)
        } else {
            #expect(failure { _ = try manager.list() }?.kind == .malformedReply)
        }
    }

    @Test("a terminal's descriptor arrives, close-on-exec, and is the caller's")
    func terminal() throws {
        let daemon = try PrivateBus()
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        let (read, write) = (ends[0], ends[1])
        defer { close(read) }
        let peer = try Peer(on: daemon, names: machined) { call in
            try call.reply {
                try $0.append(descriptor: write)
                try $0.append("/dev/pts/0")
            }
        }
        let pty = try MachineManager(try daemon.connect()).openPTY(machine: "demo")
        defer { close(pty.fileDescriptor) }
        withExtendedLifetime(peer) {}
        #expect(pty.path == "/dev/pts/0")
        #expect(pty.fileDescriptor != write && inode(pty.fileDescriptor) == inode(read))
        #expect(fcntl(pty.fileDescriptor, F_GETFD) == FD_CLOEXEC)
        close(write)
        #expect(Glibc.write(pty.fileDescriptor, "x", 1) == 1)
    }

    @Test(
        "addresses have the length of their family",
        arguments: [(AF_INET, 4), (AF_INET6, 16), (AF_INET, 5), (99, 4)])
    func addresses(family: Int32, length: Int) throws {
        let daemon = try PrivateBus()
        let peer = try Peer(on: daemon, names: machined) { call in
            try call.reply {
                try $0.open("a", "(iay)")
                try $0.open("r", "iay")
                try $0.append(family)
                try $0.append([UInt8](repeating: 10, count: length))
                try $0.close()
                try $0.close()
            }
        }
        defer { withExtendedLifetime(peer) {} }
        let manager = MachineManager(try daemon.connect())
        if (family, length) == (AF_INET, 4) || (family, length) == (AF_INET6, 16) {
            #expect(
                try manager.addresses("demo")
                    == [MachineAddress(family: family, bytes: [UInt8](repeating: 10, count: length))])
        } else {
            #expect(failure { _ = try manager.addresses("demo") }?.kind == .malformedReply)
        }
    }

    @Test("a machine's coming and going is waited for by signals, with a deadline")
    func watch() throws {
        let daemon = try PrivateBus()
        let peer = try Peer(on: daemon, names: machined) { call in
            func signal(_ member: String, _ name: String) throws {
                try call.signal("/org/freedesktop/machine1", "org.freedesktop.machine1.Manager", member) {
                    try $0.append(name)
                    try $0.append(Self.path, as: "o")
                }
            }
            switch call.member {
            case "GetMachine":
                try call.fail("org.freedesktop.machine1.NoSuchMachine", "None.")
                try signal("MachineNew", "other")
            case "KillMachine":
                try signal("MachineNew", "demo")
                try call.reply()
            default:
                try call.reply()
                try signal("MachineRemoved", "demo")
            }
        }
        defer { withExtendedLifetime(peer) {} }
        let manager = MachineManager(try daemon.connect())
        let watch = try manager.watch("demo")
        #expect(try watch.wait(until: false, deadline: .now + .seconds(20)))
        #expect(try !watch.wait(until: true, deadline: .now + .milliseconds(50)))
        try manager.killMachine("demo", signal: 9)
        #expect(try watch.wait(until: true, deadline: .now))
        try manager.terminate("demo")
        #expect(try watch.wait(until: false, deadline: .now + .seconds(20)))
    }
}
