import Bytes
import LogModel

/// Tells whether any row of a row group may satisfy a predicate, from hints alone: most groups that a search for an id
/// goes through are left after a look at their filters. A no is certain, a yes is not.
struct GroupPruning {
    let hints: ColumnHints
    let memo: PredicateMemo
    /// The labels of a stream, by the store's number; nil where nobody asks for its rows.
    let labels: (UInt32) -> Labels?
    private var known: [GroupPredicate.Needle: Bool] = [:]

    init(_ hints: ColumnHints, memo: PredicateMemo, labels: @escaping (UInt32) -> Labels?) {
        self.hints = hints
        self.memo = memo
        self.labels = labels
    }

    private var group: RowGroup { hints.segment.groups[hints.group] }

    mutating func mayHold(_ predicate: Predicate) throws(StoreError) -> Bool {
        switch predicate {
        case .all, .not: return true
        case .and(let parts):
            for part in parts { if !(try mayHold(part)) { return false } }
            return true
        case .or(let parts):
            for part in parts { if try mayHold(part) { return true } }
            return parts.isEmpty
        case .lineContains(let needle): return try mayContain(needle)
        case .lineMatches(let pattern):
            guard let needle = pattern.requires else { return true }
            return try mayContain(needle)
        case .field(let test): return try mayPass(test)
        }
    }

    private mutating func mayContain(_ needle: ByteString) throws(StoreError) -> Bool {
        if needle.count > NeedlePlan.needleMax {
            return try mayContain(needle.withView { ByteString($0.prefix(NeedlePlan.needleMax)) })
        }
        let templates = hints.layout.templates
        for template in group.templates {
            let plan = memo.plan(needle, hints.segment.serial, template) {
                needle.withView { NeedlePlan($0, templates.pieces(of: Int(template)), templates) }
            }
            if plan.isAlways || !plan.isExact { return true }
            terms: for term in plan.terms {
                for condition in term {
                    let text = needle.withView { ByteString($0[condition.part]) }
                    if !(try mayHold(text, condition.place, condition.column)) { continue terms }
                }
                return true
            }
        }
        return false
    }

    private mutating func mayHold(_ text: ByteString, _ place: NeedlePlan.Place, _ column: Int) throws(StoreError) -> Bool {
        let key = GroupPredicate.Needle(column: column, place: place, text: text)
        if let known = known[key] { return known }
        let hints = hints
        let result = try text.withView { view throws(StoreError) in try hints.mayHold(view, place, column) }
        known[key] = result
        return result
    }

    /// A field that must be equal to a text; labels of the same name that streams or metadata bring come first.
    private mutating func mayPass(_ test: FieldTest) throws(StoreError) -> Bool {
        guard let text = test.text, GroupFields.isPlainText(text), group.metadata == nil else { return true }
        if case .no = test.decide(nil) {} else { return true }
        for run in hints.segment.runs[group.runs] {
            if let labels = labels(hints.segment.stream(of: run)), labels[test.name] != nil { return true }
        }
        let lookup = FieldLookup(test.name, hints.layout)
        for template in group.templates {
            switch lookup.place(in: template) {
            case .missing: continue
            case .unknown: return true
            case .column(let column):
                if hints.layout.columns[column].kind == .atom { return true }
                guard let chunk = hints.chunk(of: column) else { continue }
                // A value with escapes or other letters may become the same label.
                guard let charset = hints.charset(of: chunk), ByteSet.plain.isSuperset(of: charset) else { return true }
                if try mayHold(text, .whole, column) { return true }
            }
        }
        return false
    }
}
