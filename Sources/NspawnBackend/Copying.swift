internal import LinuxKit
internal import SandboxEngine
public import SandboxModel

extension NspawnBackend {
    /// Copies a file or directory out of a running sandbox. The host resolves no path inside and follows no link: the
    /// inner half runs as the agent, the outer half treats every byte of its stream as hostile.
    ///
    /// - Parameters:
    ///   - path: what to copy, as the agent sees it.
    ///   - destination: absolute path on the host without links; an existing directory is copied into.
    ///   - note: told about each thing that was left out (links, special files).
    public func copyOut(
        _ record: SandboxRecord, _ run: RunRecord, _ path: String, to destination: String,
        note: @escaping (String) -> Void
    ) throws(SandboxError) {
        let target = try CopyTarget.find(destination, name: Self.lastName(path))
        try half(record, run, ["out", path]) { (pipe: inout Pipe, _) in
            pipe.closeWriteEnd()
            var receiver = CopyReceiver(
                path, input: pipe.readEnd, target: target, note: note, interruption: interruptions)
            try receiver.receive()
        }
    }

    /// Copies a file or directory of the host into a running sandbox, where it belongs to the agent.
    ///
    /// - Parameters:
    ///   - source: absolute path on the host without links.
    ///   - path: where it goes, as the agent sees it; an existing directory is copied into.
    ///   - note: told about each thing that was left out.
    public func copyIn(
        _ record: SandboxRecord, _ run: RunRecord, _ source: String, to path: String, note: @escaping (String) -> Void
    ) throws(SandboxError) {
        try half(record, run, ["in", path, Self.lastName(source)]) { (answers: inout Pipe, input: inout Pipe) in
            input.closeReadEnd()
            answers.closeWriteEnd()
            let sender = CopySender(output: input.writeEnd, note: note)
            let sent = Result { try sender.send(source) }
            input.closeWriteEnd()
            let answer = try Self.answer(answers.readEnd)
            guard answer.isEmpty else {
                throw SandboxError(.cannotCreate, String(decoding: answer, as: UTF8.self))
            }
            try sent.get()
        }
    }

    /// What the inner half complained about; empty when all went well.
    private static func answer(_ descriptor: Int32) throws(SystemError) -> [UInt8] {
        var bytes: [UInt8] = []
        while case let part = try Streams.read(descriptor, limit: 4096), !part.isEmpty {
            if bytes.count < 4096 { bytes += part }
        }
        return bytes
    }

    /// The last name of a path; empty for a root or a path that ends in `.`.
    static func lastName(_ path: String) -> String {
        let name = path.split(separator: "/").last.map(String.init) ?? ""
        return name == "." || name == ".." ? "" : name
    }

    /// Runs the inner half with the payload's posture and pipes of ours.
    private func half(
        _ record: SandboxRecord, _ run: RunRecord, _ arguments: [String],
        _ body: (inout Pipe, inout Pipe) throws -> Void
    ) throws(SandboxError) {
        do {
            let program = try Files.open(noLinks: "\(paths.programs)/sandbox-copy", .read)
            var output = try Pipe()
            var input = try Pipe()
            let user = try SandboxUsers.resolve(nil, in: record.template.agent)
            let entry = try entry(
                record,
                EntryRequest(
                    arguments: ["sandbox-copy"] + arguments, environment: [:],
                    directory: record.workspace == nil ? user.home : "/workspace", user: user,
                    streams: .caller(input: false), timeout: nil))
            let child = try entry.start(
                leader: try ProcessHandle(pid: run.leader, startTime: run.leaderStart), cgroup: try Cgroup.payload(run),
                streams: .descriptors(input: input.readEnd, output: output.writeEnd, error: output.writeEnd),
                program: program.number)
            let result = Result { try body(&output, &input) }
            // Whatever the inner half still wants to say or hear, it is over.
            output.closeReadEnd()
            input.closeWriteEnd()
            if case .failure = result { try child.send(signal: 9) }
            _ = try child.waitForEnd()
            try result.get()
        } catch let error as SandboxError {
            throw error
        } catch let error as CopyFrame.Violation {
            throw SandboxError(.dataError, "the sandbox sent \(error.reason): copying stopped")
        } catch {
            throw SandboxError(.internal, "copy", cause: "\(error)")
        }
    }
}

/// Where a copy goes on the host: a directory that is open, and a name in it.
final class CopyTarget {
    let directory: Descriptor
    let name: String
    /// Owner of what is made: the owner of the directory it is put into.
    let uid: UInt32
    let gid: UInt32

    static func find(_ destination: String, name: String) throws(SandboxError) -> CopyTarget {
        do throws(SystemError) {
            if let directory = try? Files.open(noLinks: destination, .directory), !name.isEmpty {
                return try CopyTarget(directory, name)
            }
            let parts = destination.split(separator: "/")
            guard let last = parts.last, !destination.hasSuffix("/") else {
                throw SystemError("open", destination, errno: 2)
            }
            let parent = "/" + parts.dropLast().joined(separator: "/")
            return try CopyTarget(try Files.open(noLinks: parent, .directory), String(last))
        } catch {
            throw explain(error, destination)
        }
    }

    private init(_ directory: consuming Descriptor, _ name: String) throws(SystemError) {
        let status = try directory.status()
        uid = status.uid
        gid = status.gid
        self.directory = directory
        self.name = name
    }

    static func explain(_ error: SystemError, _ path: String) -> SandboxError {
        if error.errno == 40 {
            return SandboxError(
                .permission, "'\(path)' is or goes through a symbolic link", hint: "name the place it leads to")
        }
        return SandboxError(error.isNotFound ? .notFound : .cannotCreate, "'\(path)'", cause: error.reason)
    }
}
