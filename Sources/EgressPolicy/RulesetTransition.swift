extension Ruleset {
    /// The element changes that make the sets of this ruleset those of `other`, when nothing else is different: counters,
    /// quotas and what rules remembered stay as they are then.
    ///
    /// - Returns: nil when more than elements is different.
    public func elementChanges(to other: Ruleset) -> [ElementChange]? {
        let own = normalized
        let wanted = other.normalized
        guard own.withoutElements == wanted.withoutElements else { return nil }
        var changes: [ElementChange] = []
        for (old, new) in zip(own.sets, wanted.sets) where !new.isDynamic {
            let before = Dictionary(old.elements.map { ($0.place, $0) }) { first, _ in first }
            let after = Dictionary(new.elements.map { ($0.place, $0) }) { first, _ in first }
            let removed = old.elements.filter { after[$0.place] == nil }
            let added = new.elements.filter { before[$0.place] == nil }
            // An element that is there keeps its time when it is added again.
            let changed = new.elements.filter { element in
                before[element.place].map { $0 != element || element.timeout != nil } ?? false
            }
            if !removed.isEmpty { changes.append(.remove(set: new.name, elements: removed)) }
            if !added.isEmpty { changes.append(.add(set: new.name, elements: added)) }
            if !changed.isEmpty { changes.append(.refresh(set: new.name, elements: changed)) }
        }
        return changes
    }

    private var withoutElements: Ruleset {
        var bare = self
        for index in bare.sets.indices { bare.sets[index].elements = [] }
        return bare
    }
}

extension SetElement {
    /// Where the element is in its set, whatever else is said of it.
    fileprivate var place: [[KeyValue]] { [lower, upper ?? lower] }
}
