internal import CSandboxShims
internal import Glibc

/// Carries bytes and signals between the caller and a program inside until the program ends.
///
/// The program never gets a descriptor of the caller's, only pipes or a pty made for it: a directory on standard
/// input would otherwise be a way out, and a terminal one to type into.
public struct Session: ~Copyable {
    /// How a session ended.
    public struct Outcome: Sendable, Equatable {
        /// How the program ended.
        public let end: ChildEnd
        /// Whether it was ended because its time was up.
        public let timedOut: Bool
        /// Whether the caller was interrupted while the program ran.
        public let interruptedBy: Int32?
    }

    /// Where the bytes of the program's standard output and error go besides the caller's own descriptors.
    public enum Sink: Sendable {
        /// To the caller's descriptors 1 and 2.
        case caller
        /// Collected, up to so many bytes; the rest is dropped.
        case collected(limit: Int)
    }

    private static let forwarded: [Int32] = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT]
    /// After its time is up a program gets SIGTERM, and this many microseconds later SIGKILL.
    private static let killDelay: Int64 = 2_000_000
    /// What the program wrote before it ended is in its pipes, which hold no more than this (pipe(7)). What others that
    /// it left behind go on writing is not waited for.
    private static let drainLimit = 1 << 20

    private let signals: Descriptor

    /// Blocks the signals that are forwarded, so that none is lost between the start of the program and `run`.
    public init() throws(SystemError) {
        let numbers = Self.forwarded + [0]
        signals = Descriptor(owning: try checked(unsafe sbx_signal_fd(numbers), "watch signals"))
    }

    /// One direction of bytes, with what has been read and not yet written.
    private struct Flow {
        let source: Int32
        let sink: Int32
        /// Collect up to so many bytes instead of writing them.
        var collects: Int?
        var pending: [UInt8] = []
        var collected: [UInt8] = []
        var ended = false
        /// Whether the program is gone, and how much was read since.
        var drains = false
        var drained = 0

        init(from source: Int32, to sink: Int32, collects: Int? = nil) {
            self.source = source
            self.sink = sink
            self.collects = collects
        }

        var isDone: Bool { ended && pending.isEmpty }

        /// What poll(2) should watch: the source, and the sink for room or for a reader that goes away.
        var watched: [pollfd] {
            [
                pollfd(fd: !ended && pending.isEmpty ? source : -1, events: Int16(POLLIN), revents: 0),
                pollfd(fd: isDone ? -1 : sink, events: pending.isEmpty ? 0 : Int16(POLLOUT), revents: 0),
            ]
        }

        /// Moves what can be moved. Returns whether anything was read.
        mutating func move(_ source: pollfd, _ sink: pollfd) -> Bool {
            var hasRead = false
            if source.revents != 0 { hasRead = read() }
            if !pending.isEmpty { write() }
            if sink.revents & Int16(POLLERR) != 0 { abandon() }
            return hasRead
        }

        private mutating func read() -> Bool {
            var buffer = [UInt8](repeating: 0, count: 65536)
            let count = unsafe Glibc.read(source, &buffer, buffer.count)
            if count > 0 {
                if drains { drained += count }
                if let limit = collects {
                    collected.append(contentsOf: buffer[..<min(count, max(0, limit - collected.count))])
                } else {
                    pending = Array(buffer[..<count])
                }
                return true
            }
            // EIO: the last holder of a pty's other side closed it.
            if count == 0 || (errno != EINTR && errno != EAGAIN) { ended = true }
            return false
        }

        private mutating func write() {
            let count = unsafe Glibc.write(sink, pending, pending.count)
            if count > 0 {
                pending.removeFirst(count)
            } else if errno != EINTR && errno != EAGAIN {
                abandon()
            }
        }

        /// The reader is gone; the writer learns it from its own next write, as in a pipeline.
        private mutating func abandon() {
            pending = []
            ended = true
        }
    }

    /// Runs a program with pipes of its own.
    ///
    /// - Parameters:
    ///   - input: the caller's descriptor to read from, or nil for an empty input.
    ///   - sink: where the output goes.
    ///   - timeout: seconds until the program is ended.
    ///   - start: starts the program on the streams it is given.
    /// - Returns: how it ended and, when collected, what it wrote.
    public func run(
        input: Int32?, sink: Sink = .caller, timeout: Double?,
        start: (EntryStreams) throws(EntryError) -> ProcessHandle
    ) throws -> (outcome: Outcome, output: [UInt8]) {
        var forInput = try Pipe()
        var forOutput = try Pipe()
        var forError = try Pipe()
        let child = try start(
            .descriptors(input: forInput.readEnd, output: forOutput.writeEnd, error: forError.writeEnd))
        forInput.closeReadEnd()
        forOutput.closeWriteEnd()
        forError.closeWriteEnd()

        var limit: Int?
        if case .collected(let bytes) = sink { limit = bytes }
        var flows = [
            Flow(from: input ?? -1, to: forInput.writeEnd), Flow(from: forOutput.readEnd, to: 1, collects: limit),
            Flow(from: forError.readEnd, to: 2, collects: limit),
        ]
        if input == nil {
            flows[0].ended = true
            forInput.closeWriteEnd()
        }
        for number in [forInput.writeEnd, forOutput.readEnd, forError.readEnd] where number >= 0 {
            makeNonBlocking(number)
        }
        let outcome = try pump(child: child, flows: &flows, timeout: timeout, inputDone: { forInput.closeWriteEnd() })
        return (outcome, flows[1].collected + flows[2].collected)
    }

    /// Runs a program on a pty.
    ///
    /// - Parameters:
    ///   - terminal: the caller's terminal; raw while the program runs, restored on every way out.
    ///   - controller: the outer side of the pty.
    ///   - timeout: seconds until the program is ended.
    ///   - start: starts the program on the inner side.
    public func run(
        terminal: Int32, controller: borrowing Descriptor, timeout: Double?,
        start: () throws(EntryError) -> ProcessHandle
    ) throws -> Outcome {
        let outer = controller.number
        _ = sbx_terminal_copy_size(terminal, outer)
        let child = try start()
        let saved = unsafe sbx_terminal_raw(terminal)
        defer { unsafe sbx_terminal_restore(terminal, saved) }
        makeNonBlocking(outer)
        var flows = [Flow(from: terminal, to: outer), Flow(from: outer, to: 1)]
        return try pump(
            child: child, flows: &flows, timeout: timeout, resized: { _ = sbx_terminal_copy_size(terminal, outer) })
    }

    /// Moves bytes and signals until the program has ended and what it left in its pipes is written. Whoever else
    /// still holds those pipes (a program left in the background) is not waited for.
    private func pump(
        child: borrowing ProcessHandle, flows: inout [Flow], timeout: Double?, inputDone: () -> Void = {},
        resized: () -> Void = {}
    ) throws(SystemError) -> Outcome {
        var watch = Watch(timeout: timeout)
        var inputOpen = !flows[0].isDone
        while true {
            let end = watch.end
            var polled = [
                pollfd(fd: signals.number, events: Int16(POLLIN), revents: 0),
                pollfd(fd: end == nil ? child.descriptor.number : -1, events: Int16(POLLIN), revents: 0),
            ]
            // Once the program is gone its input goes nowhere.
            if end != nil { flows[0].ended = true }
            for flow in flows { polled += flow.watched }
            let stillWrites = flows[1...].contains { !$0.pending.isEmpty }
            _ = unsafe poll(&polled, nfds_t(polled.count), end != nil && !stillWrites ? 0 : watch.pollTimeout())

            try watch.handle(signals: signals, child: child, resized: resized)
            var hasRead = false
            for index in flows.indices {
                if end != nil, index > 0, flows[index].drained > Self.drainLimit { flows[index].ended = true }
                let moved = flows[index].move(polled[2 + 2 * index], polled[3 + 2 * index])
                if index > 0 { hasRead = hasRead || moved }
            }
            if inputOpen, flows[0].isDone {
                inputOpen = false
                inputDone()
            }
            if end != nil { for index in flows.indices { flows[index].drains = true } }
            // Whoever does not read what is left is not waited for once the caller wants to go.
            let isOver = flows[1...].allSatisfy { $0.pending.isEmpty } || watch.interruptedAfterEnd
            if let end, !hasRead || watch.interruptedAfterEnd, isOver {
                return Outcome(end: end, timedOut: watch.timedOut, interruptedBy: watch.interruptedBy)
            }
        }
    }

    /// The program's end, its time limit and the signals that arrive meanwhile.
    private struct Watch {
        var end: ChildEnd?
        var timedOut = false
        var interruptedBy: Int32?
        /// Whether the caller was asked to stop when the program was gone already.
        var interruptedAfterEnd = false
        private var nextSignal: Int32 = SIGTERM
        private var deadline: Int64?

        init(timeout: Double?) {
            deadline = timeout.map { sbx_monotonic_us() + Int64($0 * 1_000_000) }
        }

        /// Milliseconds for poll(2).
        func pollTimeout() -> Int32 {
            guard end == nil, let deadline else { return -1 }
            return Int32(clamping: max(0, (deadline - sbx_monotonic_us() + 999) / 1000))
        }

        mutating func handle(
            signals: borrowing Descriptor, child: borrowing ProcessHandle, resized: () -> Void
        ) throws(SystemError) {
            while case let signal = sbx_next_signal(signals.number), signal != 0 {
                if signal == SIGWINCH { resized() }
                if [SIGINT, SIGTERM, SIGHUP, SIGQUIT].contains(signal) {
                    interruptedBy = signal
                    interruptedAfterEnd = end != nil
                }
                if end == nil { child.send(signalToGroup: signal) }
            }
            if end == nil { end = try child.reap() }
            guard end == nil, let limit = deadline, sbx_monotonic_us() >= limit else { return }
            timedOut = true
            child.send(signalToGroup: nextSignal)
            deadline = nextSignal == SIGKILL ? nil : limit + Session.killDelay
            nextSignal = SIGKILL
        }
    }
}

/// A pipe whose ends are closed one by one (pipe2(2), O_CLOEXEC).
public struct Pipe: ~Copyable {
    /// Descriptor to read from; -1 once it is closed.
    public private(set) var readEnd: Int32
    /// Descriptor to write to; -1 once it is closed.
    public private(set) var writeEnd: Int32

    /// Makes a pipe.
    public init() throws(SystemError) {
        var ends: (Int32, Int32) = (-1, -1)
        let result = unsafe withUnsafeMutableBytes(of: &ends) { raw in
            guard let base = raw.baseAddress else { return -EINVAL }
            return unsafe sbx_pipe(base.assumingMemoryBound(to: Int32.self))
        }
        try checked(result, "make a pipe")
        (readEnd, writeEnd) = ends
    }

    deinit {
        if readEnd >= 0 { close(readEnd) }
        if writeEnd >= 0 { close(writeEnd) }
    }

    /// Closes the end that is read from.
    public mutating func closeReadEnd() {
        if readEnd >= 0 { close(readEnd) }
        readEnd = -1
    }

    /// Closes the end that is written to.
    public mutating func closeWriteEnd() {
        if writeEnd >= 0 { close(writeEnd) }
        writeEnd = -1
    }
}

private func makeNonBlocking(_ descriptor: Int32) {
    let flags = fcntl(descriptor, F_GETFL)
    if flags >= 0 { _ = fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) }
}
