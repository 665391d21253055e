internal import EgressPolicy

extension Transaction.Subject {
    /// What a message of a table is about, in words.
    ///
    /// - Parameters:
    ///   - offset: where in the message the kernel found fault, in bytes from its header.
    ///   - message: the message.
    func text(in table: String, at offset: Int? = nil, of message: Message? = nil) -> String {
        switch self {
        case .transaction, .table:
            return "table '\(table)'"
        case .chain(let chain):
            return "table '\(table)' chain '\(chain)'"
        case .set(let set):
            return "table '\(table)' set '\(set)'"
        case .rule(let name, let chain, let position):
            return "table '\(table)' chain '\(chain)' rule \(position) '\(name)'"
        case .elements(let elements, let set):
            let subject = "table '\(table)' set '\(set.name)'"
            guard let offset, let message, let index = message.element(at: offset),
                let element = elements.element(number: index, in: set)
            else { return "\(subject) elements" }
            return "\(subject) element '\(element.text)'"
        }
    }
}

extension Message {
    /// Which of the elements listed in a message an offset points into; nil if none.
    fileprivate func element(at offset: Int) -> Int? {
        let place = bytes.startIndex + offset
        // The protocol's header, struct nfgenmsg, has 4 bytes; the list is NFTA_SET_ELEM_LIST_ELEMENTS.
        guard let list = attributes(after: 4).first(where: { $0.type == 3 }) else { return nil }
        for (index, element) in list.nested.enumerated()
        where element.value.startIndex - 4 <= place && place < element.value.endIndex { return index }
        return nil
    }
}

extension ArraySlice<SetElement> {
    /// The element that the kernel's `number`th, of those these were written as, belongs to.
    fileprivate func element(number: Int, in set: RuleSetDefinition) -> SetElement? {
        guard set.hasRangeEnds else { return dropFirst(number).first }
        var seen = 0
        return first { element in
            var end: [UInt8] = []
            KeyCoding.encode(element.upper ?? element.lower, into: &end)
            seen += RangeEnd.after(end) == nil ? 1 : 2
            return number < seen
        }
    }
}
