extension Ruleset {
    /// The ruleset as it is after these changes of elements, to be compared with what the kernel has.
    ///
    /// Changes of sets it does not have are left out, as are those of dynamic sets, whose elements are no part of it.
    public func changed(by changes: [ElementChange]) -> Ruleset {
        var result = self
        for change in changes {
            guard let index = result.sets.firstIndex(where: { $0.name == change.set && !$0.isDynamic }) else {
                continue
            }
            func key(_ element: SetElement) -> SetElement {
                SetElement(from: element.lower, through: element.upper == element.lower ? nil : element.upper)
            }
            let keys = Set(change.elements.map(key))
            switch change {
            case .add(_, let elements):
                let there = Set(result.sets[index].elements.map(key))
                result.sets[index].elements += elements.filter { !there.contains(key($0)) }
            case .remove:
                result.sets[index].elements.removeAll { keys.contains(key($0)) }
            case .refresh(_, let elements):
                result.sets[index].elements.removeAll { keys.contains(key($0)) }
                result.sets[index].elements += elements
            }
        }
        return result
    }
}

extension ElementChange {
    /// The set's name.
    public var set: String {
        switch self {
        case .add(let set, _), .remove(let set, _), .refresh(let set, _): set
        }
    }

    /// The elements.
    public var elements: [SetElement] {
        switch self {
        case .add(_, let elements), .remove(_, let elements), .refresh(_, let elements): elements
        }
    }
}
