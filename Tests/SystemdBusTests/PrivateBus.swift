import CSystemd
import Foundation
import Glibc
import Testing

@testable import SystemdBus

/// A dbus-daemon of the test's own, on a socket in a temporary directory; killed with the last reference.
final class PrivateBus: @unchecked Sendable {
    let address: String
    private let directory: URL
    private let daemon = Process()

    init() throws {
        directory = URL(fileURLWithPath: "/tmp/bus-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let configuration = directory.appendingPathComponent("bus.conf")
        try """
        <!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
          "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
        <busconfig>
          <type>custom</type>
          <listen>unix:path=\(directory.path)/socket</listen>
          <auth>EXTERNAL</auth>
          <policy context="default">
            <allow user="*"/>
            <allow own="*"/>
            <allow send_destination="*"/>
            <allow receive_sender="*"/>
            <deny send_interface="org.freedesktop.systemd1.Manager" send_member="ResetFailedUnit"/>
          </policy>
        </busconfig>
        """.write(to: configuration, atomically: true, encoding: .utf8)
        let output = Pipe()
        daemon.executableURL = URL(fileURLWithPath: "/usr/bin/dbus-daemon")
        daemon.arguments = ["--config-file=\(configuration.path)", "--nofork", "--print-address=1"]
        daemon.standardOutput = output
        // It complains about limits it may not raise, and about each call the policy refuses.
        daemon.standardError = FileHandle.nullDevice
        try daemon.run()
        // The daemon prints its address once it listens.
        var line: [UInt8] = []
        while let byte = try output.fileHandleForReading.read(upToCount: 1)?.first, byte != UInt8(ascii: "\n") {
            line.append(byte)
        }
        address = String(decoding: line, as: UTF8.self)
        try #require(address.hasPrefix("unix:path="))
    }

    deinit {
        kill()
        try? FileManager.default.removeItem(at: directory)
    }

    /// Ends the daemon at once.
    func kill() {
        guard daemon.isRunning else { return }
        Glibc.kill(daemon.processIdentifier, SIGKILL)
        daemon.waitUntilExit()
    }

    func connect() throws -> Bus { try Bus.open(address: address) }
}

/// What stands in for systemd and machined: answers calls on a thread of its own.
final class Peer: @unchecked Sendable {
    typealias Handler = @Sendable (Call) throws -> Void

    private let handle: OpaquePointer
    private let handler: Handler
    private let stop: (read: Int32, write: Int32)
    private let done = DispatchSemaphore(value: 0)

    /// Connects, takes the names, and answers until it is released.
    init(on bus: PrivateBus, names: [String], _ handler: @escaping Handler) throws {
        var raw: OpaquePointer?
        sd_bus_new(&raw)
        handle = try #require(raw)
        self.handler = handler
        var ends: [Int32] = [0, 0]
        pipe(&ends)
        stop = (ends[0], ends[1])
        try #require(sd_bus_set_address(handle, bus.address) >= 0)
        try #require(sd_bus_set_bus_client(handle, 1) >= 0)
        try #require(sd_bus_start(handle) >= 0)
        for name in names { try #require(sd_bus_request_name(handle, name, 0) >= 0) }
        let loop = Loop(handle: handle, stop: stop.read, handler: handler, done: done)
        Thread.detachNewThread { loop.run() }
    }

    deinit {
        close(stop.write)
        done.wait()
        close(stop.read)
        sd_bus_close_unref(handle)
    }

    private struct Loop: @unchecked Sendable {
        let handle: OpaquePointer
        let stop: Int32
        let handler: Handler
        let done: DispatchSemaphore

        func run() {
            defer { done.signal() }
            while true {
                var raw: OpaquePointer?
                let result = sd_bus_process(handle, &raw)
                if let raw {
                    let message = Message(taking: raw, operation: "call")
                    if message.kind == .methodCall {
                        do { try handler(Call(handle: handle, message: message)) } catch { Issue.record(error) }
                    }
                }
                if result < 0 { return }
                if result > 0 { continue }
                let events = Int16(truncatingIfNeeded: sd_bus_get_events(handle))
                var descriptors = [
                    pollfd(fd: sd_bus_get_fd(handle), events: events, revents: 0),
                    pollfd(fd: stop, events: Int16(POLLIN), revents: 0),
                ]
                poll(&descriptors, 2, -1)
                if descriptors[1].revents != 0 { return }
            }
        }
    }
}

/// A call that has arrived at a `Peer`.
struct Call {
    let handle: OpaquePointer
    let message: Message

    var member: String { message.member ?? "" }
    var sender: String { String(cString: sd_bus_message_get_sender(message.handle)) }

    func reply(_ fill: (Message) throws -> Void = { _ in }) throws {
        var raw: OpaquePointer?
        try #require(sd_bus_message_new_method_return(message.handle, &raw) >= 0)
        let reply = Message(taking: try #require(raw), operation: "reply")
        try fill(reply)
        try #require(sd_bus_send(handle, reply.handle, nil) >= 0)
    }

    func reply(variant type: String, _ fill: (Message) throws -> Void) throws {
        try reply {
            try $0.open("v", type)
            try fill($0)
            try $0.close()
        }
    }

    func fail(_ name: String, _ text: String) throws {
        var raw: OpaquePointer?
        try name.withCString { name in
            try text.withCString { text in
                var error = sd_bus_error(name: name, message: text, _need_free: 0)
                try #require(sd_bus_message_new_method_error(message.handle, &raw, &error) >= 0)
            }
        }
        let reply = Message(taking: try #require(raw), operation: "reply")
        try #require(sd_bus_send(handle, reply.handle, nil) >= 0)
    }

    func signal(
        _ path: String, _ interface: String, _ member: String, to destination: String? = nil,
        from other: OpaquePointer? = nil, _ fill: (Message) throws -> Void
    ) throws {
        var raw: OpaquePointer?
        try #require(sd_bus_message_new_signal(other ?? handle, &raw, path, interface, member) >= 0)
        let signal = Message(taking: try #require(raw), operation: "signal")
        if let destination { try #require(sd_bus_message_set_destination(signal.handle, destination) >= 0) }
        try fill(signal)
        try #require(sd_bus_send(other ?? handle, signal.handle, nil) >= 0)
        try #require(sd_bus_flush(other ?? handle) >= 0)
    }

    func jobRemoved(
        _ path: String, _ unit: String, _ result: String, to destination: String? = nil,
        from other: OpaquePointer? = nil
    ) throws {
        try signal(
            "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager", "JobRemoved", to: destination, from: other
        ) {
            try $0.append(UInt32(7))
            try $0.append(path, as: "o")
            try $0.append(unit)
            try $0.append(result)
        }
    }

    /// The arguments as text, by libsystemd's own account of their types.
    func dump() throws -> String {
        var parts: [String] = []
        while sd_bus_message_at_end(message.handle, 0) == 0 { parts.append(try dumpOne()) }
        return parts.joined(separator: " ")
    }

    private func dumpOne() throws -> String {
        var type: CChar = 0
        var raw: UnsafePointer<CChar>?
        try #require(sd_bus_message_peek_type(message.handle, &type, &raw) > 0)
        let code = Character(UnicodeScalar(UInt8(type)))
        switch code {
        case "s", "o", "g":
            var text: UnsafePointer<CChar>?
            try #require(sd_bus_message_read_basic(message.handle, type, &text) > 0)
            return "\(code)'\(String(cString: try #require(text)))'"
        case "y", "b", "i", "u", "x", "t", "h":
            var number: UInt64 = 0
            try #require(sd_bus_message_read_basic(message.handle, type, &number) > 0)
            if code == "h" { return "h:\(inode(Int32(number)))" }
            if code == "i" { return "i\(Int32(truncatingIfNeeded: number))" }
            if code == "x" { return "x\(Int64(bitPattern: number))" }
            return "\(code)\(number)"
        default:
            let contents = String(cString: try #require(raw))
            try #require(sd_bus_message_enter_container(message.handle, type, contents) > 0)
            let inner = try dump()
            try #require(sd_bus_message_exit_container(message.handle) > 0)
            return code == "a" ? "[\(inner)]" : code == "v" ? "<\(inner)>" : "(\(inner))"
        }
    }
}

/// What tells whether two descriptors are one file.
func inode(_ descriptor: Int32) -> UInt64 {
    var status = stat()
    return fstat(descriptor, &status) == 0 ? UInt64(status.st_ino) : 0
}

/// What other threads leave for the test.
final class Record: @unchecked Sendable {
    private let lock = NSLock()
    private var stored: [String] = []
    func add(_ line: String) { lock.withLock { stored.append(line) } }
    var lines: [String] { lock.withLock { stored } }
}

/// The error of something that must fail on the bus.
func failure(_ body: () throws -> Void, at location: SourceLocation = #_sourceLocation) -> BusError? {
    do {
        try body()
        Issue.record("nothing was thrown", sourceLocation: location)
    } catch let error as BusError {
        return error
    } catch {
        Issue.record(error, sourceLocation: location)
    }
    return nil
}

let systemd = ["org.freedesktop.systemd1"]
let machined = ["org.freedesktop.machine1"]
let job = "/org/freedesktop/systemd1/job/7"
