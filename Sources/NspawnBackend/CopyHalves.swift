internal import LinuxKit
internal import SandboxModel

/// The outer half of copying out: makes files from a stream that a sandbox wrote.
struct CopyReceiver {
    /// What was asked for, for messages.
    let source: String
    let input: Int32
    let target: CopyTarget
    let note: (String) -> Void
    let interruption: () -> Int32?
    private var made = 0
    /// More entries than any tree worth copying has.
    private static let maximumEntries = 2_000_000

    init(
        _ source: String, input: Int32, target: CopyTarget, note: @escaping (String) -> Void,
        interruption: @escaping () -> Int32?
    ) {
        self.source = source
        self.input = input
        self.target = target
        self.note = note
        self.interruption = interruption
    }

    mutating func receive() throws {
        while true {
            let (frame, length) = try CopyFrame.parse(header: try read(CopyFrame.headerSize))
            let path = try CopyFrame.check(path: try read(length))
            made += 1
            guard made <= Self.maximumEntries else { throw CopyFrame.Violation(reason: "too many entries") }
            let place = path.isEmpty ? target.name : "\(target.name)/\(path)"
            switch frame.kind {
            case .end: return
            case .error:
                let reason = String(decoding: try read(Int(frame.size)), as: UTF8.self)
                throw SandboxError(.notFound, "copy '\(source)' from the sandbox", cause: reason)
            case .skipped:
                try leaveOut(path, place, String(decoding: try read(Int(frame.size)), as: UTF8.self))
            case .link:
                // Where it would lead on the host is the sandbox's choice.
                _ = try read(Int(frame.size))
                try leaveOut(path, place, "a symbolic link")
            case .directory: try makeDirectory(place, mode: frame.mode)
            case .file: try makeFile(place, frame)
            }
        }
    }

    /// Something in a tree is left out with a note; when it is all that was asked for, nothing was copied.
    private func leaveOut(_ path: String, _ place: String, _ reason: String) throws(SandboxError) {
        guard !path.isEmpty else { throw SandboxError(.dataError, "'\(source)' cannot be copied", cause: reason) }
        note("'\(place)' is left out: \(reason)")
    }

    private func makeDirectory(_ path: String, mode: UInt32) throws(SystemError) {
        do {
            try Files.makeDirectory(
                amongOthers: path, beneath: target.directory, mode: mode | 0o700, uid: target.uid, gid: target.gid)
        } catch {
            guard error.isExisting else { throw error }
            // There already: a directory is filled, anything else (a link too) is refused.
            _ = try Files.open(path, beneath: target.directory, .directory)
        }
    }

    /// A file takes the place of one that was there, without ever opening that.
    private func makeFile(_ path: String, _ frame: CopyFrame) throws {
        let names = path.split(separator: "/").map(String.init)
        let parent = names.dropLast().joined(separator: "/")
        let directory =
            parent.isEmpty
            ? try Files.open(".", beneath: target.directory, .directory)
            : try Files.open(parent, beneath: target.directory, .directory)
        let name = names[names.count - 1]
        let temporary = ".sandboxctl-copy.\(ProcessHandle.ownPID)"
        try Files.remove(temporary, beneath: directory)
        do {
            let file = try Files.create(temporary, beneath: directory, mode: 0o600)
            var left = frame.size
            while left > 0 {
                let part = try readSome(Int(min(left, 65536)))
                // A file of holes costs the sandbox nothing: it shall not fill the host's disk either.
                if part.allSatisfy({ $0 == 0 }) { try file.skip(UInt64(part.count)) } else { try file.write(part) }
                left -= UInt64(part.count)
            }
            try file.resize(frame.size)
            try file.changeOwner(uid: target.uid, gid: target.gid)
            try file.changeMode(frame.mode)
            try Files.rename(temporary, to: name, in: directory)
        } catch {
            try? Files.remove(temporary, beneath: directory)
            throw error
        }
    }

    private func read(_ count: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count { bytes += try readSome(count - bytes.count) }
        return bytes
    }

    private func readSome(_ limit: Int) throws -> [UInt8] {
        // The sandbox decides when it writes; whoever waits for it can still be told to stop.
        repeat {
            if let signal = interruption() { throw SandboxError(.temporary, "interrupted by signal \(signal)") }
        } while try EventSet.wait([input], until: Deadline.in(seconds: 0.5)).isEmpty
        let bytes = try Streams.read(input, limit: limit)
        guard !bytes.isEmpty else { throw CopyFrame.Violation(reason: "a stream that was cut") }
        return bytes
    }
}

/// The outer half of copying in: writes a tree of the host as a stream.
struct CopySender {
    let output: Int32
    let note: (String) -> Void

    /// Sends what is at `source`, an absolute path without links.
    func send(_ source: String) throws {
        let file: Descriptor
        do throws(SystemError) {
            file = try Files.open(noLinks: source, .read)
        } catch {
            throw CopyTarget.explain(error, source)
        }
        try send(file, path: "", depth: 0)
        try write(CopyFrame(kind: .end))
    }

    private func send(_ file: borrowing Descriptor, path: String, depth: Int) throws {
        let status = try file.status()
        switch status.kind {
        case .regular:
            try write(CopyFrame(kind: .file, mode: status.mode & 0o777, path: path, size: status.size))
            var left = status.size
            while left > 0 {
                let part = try Streams.read(file.number, limit: Int(min(left, 65536)))
                // A file that shrank is filled up: the frame said its size.
                let bytes = part.isEmpty ? [UInt8](repeating: 0, count: Int(min(left, 65536))) : part
                try Streams.write(output, bytes)
                left -= UInt64(bytes.count)
            }
        case .directory:
            try write(CopyFrame(kind: .directory, mode: status.mode & 0o777, path: path))
            guard depth < CopyFrame.maximumDepth else { return note("'\(path)' is nested too deeply") }
            for name in try Files.list(file) {
                let below = path.isEmpty ? name : "\(path)/\(name)"
                if let child = try? Files.open(name, beneath: file, .read) {
                    try send(child, path: below, depth: depth + 1)
                } else if let text = try? Files.readLink(name, beneath: file) {
                    try write(CopyFrame(kind: .link, path: below, size: UInt64(text.utf8.count)))
                    try Streams.write(output, Array(text.utf8))
                } else {
                    note("'\(below)' is left out: it cannot be opened")
                }
            }
        case .link, .special: note("'\(path)' is left out: not a file or directory")
        }
    }

    private func write(_ frame: CopyFrame) throws {
        try Streams.write(output, frame.header + Array(frame.path.utf8))
    }
}
