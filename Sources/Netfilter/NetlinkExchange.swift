internal import Glibc

extension NetlinkSocket {
    /// Sends requests as one piece, and collects what the kernel answers to any of them.
    ///
    /// - Returns: the messages whose numbers are from `first` on, in the order they came. What is left of earlier
    ///   requests is dropped.
    private func exchange(
        _ messages: [UInt8], since first: UInt32, _ operation: String
    ) throws(NetlinkError) -> [Message] {
        while try receive(operation) != nil {}
        try send(messages, operation)
        var answers: [Message] = []
        while let piece = try receive(operation) {
            answers += piece.filter { $0.sequence &- first < 1 << 31 }
            // The kernel makes the next piece of a dump when the one before has been received.
        }
        return answers
    }

    /// Sends one request that asks for an acknowledgement, and waits for that.
    ///
    /// - Parameter detail: what it is about, for the error.
    func perform(_ request: [UInt8], _ operation: String, detail: String?) throws(NetlinkError) {
        for message in try exchange(request, since: request[...].number(at: 8), operation) {
            guard let answer = Answer(message) else { continue }
            guard answer.errno != 0 else { return }
            throw NetlinkError(operation: operation, answer: answer, detail: detail)
        }
        throw NetlinkError(operation: operation, errno: EBADMSG, detail: detail)
    }

    /// Sends one request and collects its answers that are neither an acknowledgement nor an error.
    func ask(_ request: [UInt8], _ operation: String) throws(NetlinkError) -> [Message] {
        var objects: [Message] = []
        for message in try exchange(request, since: request[...].number(at: 8), operation) {
            if let answer = Answer(message) {
                guard answer.errno == 0 else { throw NetlinkError(operation: operation, answer: answer, detail: nil) }
            } else {
                objects.append(message)
            }
        }
        return objects
    }

    /// Sends one request for several objects, and collects them.
    ///
    /// - Throws: `EINTR` if they changed meanwhile, so that the answer may be neither the old nor the new.
    func dump(_ request: [UInt8], _ operation: String, detail: String?) throws(NetlinkError) -> [Message] {
        var objects: [Message] = []
        var isInterrupted = false
        for message in try exchange(request, since: request[...].number(at: 8), operation) {
            isInterrupted = isInterrupted || message.flags & NetlinkConstant.interrupted != 0
            guard let answer = Answer(message) else {
                objects.append(message)
                continue
            }
            guard answer.errno == 0 else {
                throw NetlinkError(operation: operation, answer: answer, detail: detail)
            }
            if isInterrupted { throw NetlinkError(operation: operation, errno: EINTR, detail: detail) }
            return objects
        }
        throw NetlinkError(operation: operation, errno: EBADMSG, detail: detail)
    }

    /// Sends one transaction (linux/netfilter/nfnetlink.h) and waits for the acknowledgement of `last`, its last
    /// message but the one that ends it.
    ///
    /// - Returns: nil when it is done; otherwise the number of the first message the kernel did not like, and its
    ///   answer. Then nothing was changed.
    func commit(
        _ transaction: [UInt8], last: UInt32, _ operation: String
    ) throws(NetlinkError) -> (sequence: UInt32, answer: Answer)? {
        var isAcknowledged = false
        var refusal: (sequence: UInt32, answer: Answer)?
        for message in try exchange(transaction, since: transaction[...].number(at: 8), operation) {
            guard let answer = Answer(message) else { continue }
            if answer.errno == 0 {
                isAcknowledged = isAcknowledged || message.sequence == last
            } else if refusal == nil {
                refusal = (message.sequence, answer)
            }
        }
        if let refusal { return refusal }
        guard isAcknowledged else { throw NetlinkError(operation: operation, errno: EBADMSG) }
        return nil
    }
}

extension NetlinkError {
    /// The kernel's answer as an error.
    init(operation: String, answer: Answer, detail: String?) {
        let parts = [detail, answer.text].compactMap { $0 }
        self.init(
            operation: operation, errno: answer.errno, detail: parts.isEmpty ? nil : parts.joined(separator: ": "))
    }
}
