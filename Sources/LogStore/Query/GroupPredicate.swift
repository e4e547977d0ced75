import Bytes
import LogModel

/// Decides a predicate for the rows of one row group from its columns.
///
/// Each part of a predicate leaves a row true, false, or open; open rows are looked at by the row evaluator. Columns are
/// read only where their length, their set of bytes or their dictionary does not settle the matter.
struct GroupPredicate {
    /// Rows that surely satisfy it, and rows of which that is not known. Disjoint.
    struct Outcome {
        var yes: Bitmap
        var open: Bitmap
    }

    private let reader: GroupReader
    private let hints: ColumnHints
    /// Of the entries; read only where a column of times must be spelled out.
    private let times: () throws(StoreError) -> [Int64]
    private let rows: Int
    /// The labels of a stream, by the store's number; nil where nobody asks for its rows.
    private let labels: (UInt32) -> Labels?
    /// Whether the structured metadata of a row may have a label.
    private let mayHaveMetadata: (ByteString) -> Bool
    private let memo: PredicateMemo
    private var presences: [Int: Bitmap] = [:]
    private var templateRows: [UInt32: Bitmap] = [:]
    private var decoded: [Int: DecodedColumn] = [:]
    private var dictionaryHits: [Needle: Bitmap] = [:]
    private var windowHits: [PredicateMemo.Matched: Bitmap] = [:]

    struct Needle: Hashable {
        var column: Int
        var place: NeedlePlan.Place
        var text: ByteString
    }

    init(
        _ reader: GroupReader,
        _ hints: ColumnHints,
        memo: PredicateMemo,
        times: @escaping () throws(StoreError) -> [Int64],
        mayHaveMetadata: @escaping (ByteString) -> Bool,
        labels: @escaping (UInt32) -> Labels?
    ) {
        self.reader = reader
        self.hints = hints
        self.memo = memo
        self.times = times
        self.mayHaveMetadata = mayHaveMetadata
        self.labels = labels
        rows = reader.segment.groups[reader.group].rows
    }

    mutating func outcome(_ predicate: Predicate) throws(StoreError) -> Outcome {
        switch predicate {
        case .all: return Outcome(yes: Bitmap(count: rows, repeating: true), open: Bitmap(count: rows))
        case .and(let parts):
            var result = Outcome(yes: Bitmap(count: rows, repeating: true), open: Bitmap(count: rows))
            for part in parts {
                var possible = result.yes
                possible.formUnion(result.open)
                if possible.isEmpty { break }
                let next = try outcome(part)
                var nextPossible = next.yes
                nextPossible.formUnion(next.open)
                possible.formIntersection(nextPossible)
                result.yes.formIntersection(next.yes)
                possible.subtract(result.yes)
                result.open = possible
            }
            return result
        case .or(let parts):
            var result = Outcome(yes: Bitmap(count: rows), open: Bitmap(count: rows))
            for part in parts {
                var next = try outcome(part)
                // A row that is open may keep an error from here, even if another part lets it pass.
                next.yes.subtract(result.open)
                result.yes.formUnion(next.yes)
                result.open.formUnion(next.open)
                result.open.subtract(result.yes)
            }
            return result
        case .not(let part):
            var inner = try outcome(part)
            inner.yes.formUnion(inner.open)
            inner.yes.invert()
            return inner
        case .lineContains(let needle): return try contains(needle)
        case .lineMatches(let pattern): return try matches(pattern)
        case .field(let test): return try field(test)
        }
    }

    private var unknown: Outcome { Outcome(yes: Bitmap(count: rows), open: Bitmap(count: rows, repeating: true)) }

    // MARK: Substrings

    private mutating func contains(_ needle: ByteString) throws(StoreError) -> Outcome {
        if needle.count > NeedlePlan.needleMax {
            var result = try contains(needle.withView { ByteString($0.prefix(NeedlePlan.needleMax)) })
            result.open.formUnion(result.yes)
            result.yes = Bitmap(count: rows)
            return result
        }
        var result = Outcome(yes: Bitmap(count: rows), open: Bitmap(count: rows))
        let layout = reader.layout.templates
        for template in reader.segment.groups[reader.group].templates {
            let plan = memo.plan(needle, reader.segment.serial, template) {
                needle.withView { NeedlePlan($0, layout.pieces(of: Int(template)), layout) }
            }
            if plan.isAlways {
                result.yes.formUnion(try rows(of: template))
            } else if !plan.isExact {
                result.open.formUnion(try rows(of: template))
            } else {
                var hits = Bitmap(count: rows)
                // Few conditions first: they decide most.
                for term in plan.terms.sorted(by: { $0.count < $1.count }) {
                    if let found = try all(term, of: needle) { hits.formUnion(found) }
                }
                if !hits.isEmpty {
                    hits.formIntersection(try rows(of: template))
                    result.yes.formUnion(hits)
                }
            }
        }
        result.open.subtract(result.yes)
        return result
    }

    /// Rows of which every condition holds; nil for none.
    private mutating func all(_ term: Set<NeedlePlan.Condition>, of needle: ByteString) throws(StoreError) -> Bitmap? {
        // What can be ruled out without reading comes before what must be read.
        for condition in term { if !(try isPossible(condition, of: needle)) { return nil } }
        var result: Bitmap?
        for condition in term {
            guard let hits = try self.rows(where: condition, of: needle) else { return nil }
            if result == nil { result = hits } else { result?.formIntersection(hits) }
            if result?.isEmpty == true { return nil }
        }
        return result
    }

    private func part(_ condition: NeedlePlan.Condition, of needle: ByteString) -> ByteString {
        needle.withView { ByteString($0[condition.part]) }
    }

    /// Whether length, bytes and filters of a column leave room for the condition.
    private func isPossible(_ condition: NeedlePlan.Condition, of needle: ByteString) throws(StoreError) -> Bool {
        let hints = hints
        return try needle.withView { view throws(StoreError) in
            try hints.mayHold(view[condition.part], condition.place, condition.column)
        }
    }

    /// Rows whose value satisfies a condition; nil for none.
    private mutating func rows(
        where condition: NeedlePlan.Condition,
        of needle: ByteString
    ) throws(StoreError) -> Bitmap? {
        let key = Needle(column: condition.column, place: condition.place, text: part(condition, of: needle))
        if let known = dictionaryHits[key] { return known.isEmpty ? nil : known }
        let found = try spread(try values(key), over: condition.column)
        dictionaryHits[key] = found
        return found.isEmpty ? nil : found
    }

    /// Values of a column that satisfy a condition, one bit each; nil for none.
    private mutating func values(_ needle: Needle) throws(StoreError) -> Bitmap? {
        guard let chunk = reader.chunk(of: needle.column) else { return nil }
        let place = NeedlePlace(needle.place)
        switch chunk.form {
        case .constant:
            let body = try reader.body(of: needle.column)
            let holds = needle.text.withView { body.holds($0, place) }
            return holds ? Bitmap(count: chunk.count, repeating: true) : nil
        case .dictionary:
            let hits = try memo.entries(needle, reader.segment.serial) { () throws(StoreError) in
                matches(try reader.entries(of: needle.column).list, needle.text, place)
            }
            if hits.isEmpty { return nil }
            if hits.isFull { return Bitmap(count: chunk.count, repeating: true) }
            return Self.pick(hits, try reader.codes(of: needle.column, ranks: 0..<chunk.count))
        case .text where needle.place == .inside && Self.isFreeOfNumbers(needle.text):
            // Then it stands in what all values of a type share.
            let text = try reader.text(of: needle.column)
            let spellings = text.spellings
            var hits = Bitmap(count: spellings.count)
            for i in 0..<spellings.count {
                hits[i] = needle.text.withView { TextJoiner.literals(of: spellings[i], contain: $0) }
            }
            if hits.isEmpty { return nil }
            do throws(DecodeError) {
                return Self.pick(hits, try text.codes(0..<chunk.count))
            } catch { throw reader.segment.fault("column \(needle.column): \(error)", reader.group) }
        case .text:
            // Where no type leaves room for the needle, none of its values has it.
            let spellings = try reader.text(of: needle.column).spellings
            if let search = needle.text.withView({ TextJoiner.Search($0) }),
                !(0..<spellings.count).contains(where: { search.mayHold(spellings[$0]) })
            {
                return nil
            }
            return matches(try self.text(of: chunk).list, needle.text, place)
        case .shape: return try ids(chunk, needle)
        default: return matches(try text(of: chunk).list, needle.text, place)
        }
    }

    /// Rows whose code is among those wanted. Codes were checked when they were decoded.
    private static func pick(_ wanted: Bitmap, _ codes: [UInt32]) -> Bitmap {
        var marks = [UInt8](repeating: 0, count: wanted.count)
        wanted.forEach(in: 0..<wanted.count) { marks[$0] = 1 }
        return Bitmap(words: RowBits.pick(codes, marks) ?? [UInt64](repeating: 0, count: (codes.count + 63) / 64), count: codes.count)
    }

    /// Values of packed ids: the needle is packed as it would lie in one, and compared.
    private func ids(_ chunk: ColumnChunk, _ needle: Needle) throws(StoreError) -> Bitmap? {
        let body = try reader.body(of: needle.column)
        do throws(DecodeError) {
            var head = ByteReader(body)
            let shape = try TextShape(decoding: &head)
            let packed = body.suffix(from: head.offset)
            let words = needle.text.withView {
                shape.match($0, NeedlePlace(needle.place), in: packed, count: chunk.count)
            }
            guard let words else { throw DecodeError("ids and rows differ") }
            return Bitmap(words: words, count: chunk.count)
        } catch { throw reader.segment.fault("column \(needle.column): \(error)", reader.group) }
    }

    private static func isFreeOfNumbers(_ text: ByteString) -> Bool {
        text.withView { view in view.indices.allSatisfy { !view[$0].isDigit && view[$0] > 3 } }
    }

    private func matches(_ list: ValueList, _ needle: ByteString, _ place: NeedlePlace) -> Bitmap {
        var words = [UInt64](repeating: 0, count: (list.count + 63) / 64)
        needle.withView { list.match($0, place, into: &words) }
        return Bitmap(words: words, count: list.count)
    }

    /// All values of a column as text.
    private mutating func text(of chunk: ColumnChunk) throws(StoreError) -> DecodedColumn {
        if let known = decoded[chunk.column] { return known }
        let column = chunk.column
        let bits = try presence(of: column)
        let times = times
        let text = try reader.values(of: column, ranks: 0..<chunk.count) { () throws(StoreError) in
            let all = try times()
            return bits.isFull ? all : all.indices.filter { bits[$0] }.map { all[$0] }
        }
        decoded[column] = text
        return text
    }

    // MARK: Regexes

    private mutating func matches(_ pattern: LineRegex) throws(StoreError) -> Outcome {
        var result = Outcome(yes: Bitmap(count: rows), open: Bitmap(count: rows))
        let layout = reader.layout.templates
        var candidates: Outcome?
        for template in reader.segment.groups[reader.group].templates {
            let plan = memo.plan(pattern, reader.segment.serial, template) {
                RegexPlan(pattern, layout.pieces(of: Int(template)), layout)
            }
            guard let plan else {
                // What a match must contain tells which rows are worth a look.
                if candidates == nil { candidates = try pattern.requires.map { needle throws(StoreError) in try contains(needle) } ?? unknown }
                guard let candidates else { continue }
                var here = candidates.yes.union(candidates.open)
                here.formIntersection(try rows(of: template))
                result.open.formUnion(here)
                continue
            }
            if plan.isAlways {
                result.yes.formUnion(try rows(of: template))
                continue
            }
            var hits = Bitmap(count: rows)
            for window in plan.windows {
                if let found = try rows(where: pattern, window) { hits.formUnion(found) }
            }
            if !hits.isEmpty {
                hits.formIntersection(try rows(of: template))
                result.yes.formUnion(hits)
            }
        }
        result.open.subtract(result.yes)
        return result
    }

    /// Rows whose value matches with the text around it; nil for none.
    private mutating func rows(where pattern: LineRegex, _ window: RegexPlan.Window) throws(StoreError) -> Bitmap? {
        let key = PredicateMemo.Matched(segment: reader.segment.serial, pattern: pattern.regex.pattern, window: window)
        if let known = windowHits[key] { return known.isEmpty ? nil : known }
        let found = try spread(try values(pattern, key), over: window.column)
        windowHits[key] = found
        return found.isEmpty ? nil : found
    }

    /// Values that match with the text around them, one bit each; nil for none.
    private mutating func values(_ pattern: LineRegex, _ key: PredicateMemo.Matched) throws(StoreError) -> Bitmap? {
        let window = key.window
        let column = window.column
        guard let chunk = reader.chunk(of: column) else { return nil }
        // Where the needle must lie in the value itself, the column may rule it out without being read.
        var needle: ByteString?
        if let requires = pattern.requires, !window.reaches(requires) {
            needle = requires
            let inside = NeedlePlan.Condition(column: column, place: .inside, part: 0..<requires.count)
            if !(try isPossible(inside, of: requires)) { return nil }
        }
        let text = ByteArena(capacity: 256)
        func holds(_ value: ByteView) -> Bool {
            text.reset()
            window.before.withView { text.append($0) }
            text.append(value)
            window.after.withView { text.append($0) }
            return pattern.regex.matches(text.view)
        }
        func matching(_ list: ValueList) -> Bitmap {
            var hits = Bitmap(count: list.count, repeating: true)
            if let needle { hits = matches(list, needle, .inside) }
            var result = Bitmap(count: list.count)
            hits.forEach(in: 0..<list.count) { if holds(list[$0]) { result[$0] = true } }
            return result
        }
        switch chunk.form {
        case .constant:
            return holds(try reader.body(of: column)) ? Bitmap(count: chunk.count, repeating: true) : nil
        case .dictionary:
            let hits = try memo.entries(key) { () throws(StoreError) in matching(try reader.entries(of: column).list) }
            if hits.isEmpty { return nil }
            if hits.isFull { return Bitmap(count: chunk.count, repeating: true) }
            return Self.pick(hits, try reader.codes(of: column, ranks: 0..<chunk.count))
        default: return matching(try self.text(of: chunk).list)
        }
    }

    // MARK: Fields

    private mutating func field(_ test: FieldTest) throws(StoreError) -> Outcome {
        var result = try verdicts(test)
        // A line that is no JSON object may pass, but with an error: the evaluator sets it.
        if reader.segment.groups[reader.group].templates.contains(0) {
            var whole = try rows(of: 0)
            whole.formIntersection(result.yes)
            result.yes.subtract(whole)
            result.open.formUnion(whole)
        }
        return result
    }

    private mutating func verdicts(_ test: FieldTest) throws(StoreError) -> Outcome {
        // A label of the same name in the metadata comes first; which rows have it is for the evaluator to see.
        if mayHaveMetadata(test.name) { return unknown }
        try reader.load()
        var result = Outcome(yes: Bitmap(count: rows), open: Bitmap(count: rows))
        var own = Bitmap(count: rows)
        for run in reader.segment.runs[reader.segment.groups[reader.group].runs] {
            guard let value = labels(reader.segment.stream(of: run)).map({ $0[test.name] }) ?? nil else { continue }
            // The label of the stream keeps its name, the field would get another.
            let verdict = value.withView { test.decide($0) }
            let rows = Int(run.firstRow)..<Int(run.firstRow + run.rows)
            own.insert(rows)
            if verdict == .yes { result.yes.insert(rows) } else if verdict == .open { result.open.insert(rows) }
        }
        if own.isFull { return result }
        let lookup = FieldLookup(test.name, reader.layout)
        var byColumn: [Int: Outcome] = [:]
        for template in reader.segment.groups[reader.group].templates {
            var here = try rows(of: template)
            here.subtract(own)
            switch lookup.place(in: template) {
            case .missing:
                switch test.decide(nil) {
                case .yes: result.yes.formUnion(here)
                case .open: result.open.formUnion(here)
                case .no: break
                }
            case .unknown: result.open.formUnion(here)
            case .column(let column):
                let decided: Outcome
                if let known = byColumn[column] {
                    decided = known
                } else {
                    decided = try outcome(test, column)
                    byColumn[column] = decided
                }
                var yes = decided.yes
                yes.formIntersection(here)
                result.yes.formUnion(yes)
                var open = decided.open
                open.formIntersection(here)
                result.open.formUnion(open)
            }
        }
        return result
    }

    /// What a test says of the rows that have a column.
    private mutating func outcome(_ test: FieldTest, _ column: Int) throws(StoreError) -> Outcome {
        guard let chunk = reader.chunk(of: column) else {
            return Outcome(yes: Bitmap(count: rows), open: Bitmap(count: rows))
        }
        let isAtom = reader.layout.columns[column].kind == .atom
        // A value with escapes or other letters may become the same label: where there is none, the values are compared as
        // they are.
        if let text = test.text, !text.isEmpty, !isAtom, GroupFields.isPlainText(text), let charset = hints.charset(of: chunk),
            ByteSet.plain.isSuperset(of: charset)
        {
            let needle = Needle(column: column, place: .whole, text: text)
            let hints = hints
            let isPossible = try text.withView { view throws(StoreError) in try hints.mayHold(view, .whole, column) }
            let yes = isPossible ? try values(needle) : nil
            return Outcome(yes: try spread(yes, over: column), open: Bitmap(count: rows))
        }
        var yes = Bitmap(count: chunk.count)
        var open = Bitmap(count: chunk.count)
        func verdict(_ value: ByteView) -> FieldTest.Verdict {
            if isAtom { return test.decide(value == ByteView("null") ? nil : value) }
            return GroupFields.isPlain(value) ? test.decide(value) : .open
        }
        switch chunk.form {
        case .constant:
            switch verdict(try reader.body(of: column)) {
            case .yes: yes = Bitmap(count: chunk.count, repeating: true)
            case .open: open = Bitmap(count: chunk.count, repeating: true)
            case .no: break
            }
        case .dictionary:
            let entries = try reader.entries(of: column).list
            var verdicts: [FieldTest.Verdict] = []
            verdicts.reserveCapacity(entries.count)
            for i in 0..<entries.count { verdicts.append(verdict(entries[i])) }
            if verdicts.allSatisfy({ $0 == .no }) { break }
            let codes = try reader.codes(of: column, ranks: 0..<chunk.count)
            var wanted = Bitmap(count: verdicts.count)
            var unsure = Bitmap(count: verdicts.count)
            for (i, verdict) in verdicts.enumerated() {
                if verdict == .yes { wanted[i] = true } else if verdict == .open { unsure[i] = true }
            }
            yes = Self.pick(wanted, codes)
            if !unsure.isEmpty { open = Self.pick(unsure, codes) }
        case .integers where test.number != nil, .decimals where test.number != nil:
            guard let (op, wanted) = test.number else { break }
            let (values, format) = try reader.numbers(of: column, ranks: 0..<chunk.count)
            var divisor = 1.0
            for _ in 0..<(format?.scale ?? 0) { divisor *= 10 }
            yes = Bitmap(
                words: RowBits.compare(Doubles.scaled(values, by: divisor), op.kernel, wanted), count: chunk.count)
            // Mantissas that a double does not hold are read from their digits.
            if format != nil, let bounds = chunk.numbers, bounds.lowerBound <= -(1 << 53) || bounds.upperBound >= 1 << 53 {
                open = Bitmap(count: chunk.count, repeating: true)
                yes = Bitmap(count: chunk.count)
            }
        default:
            let list = try self.text(of: chunk).list
            for i in 0..<list.count {
                switch verdict(list[i]) {
                case .yes: yes[i] = true
                case .open: open[i] = true
                case .no: break
                }
            }
        }
        return Outcome(yes: try spread(yes, over: column), open: try spread(open, over: column))
    }

    // MARK: Rows

    private mutating func presence(of column: Int) throws(StoreError) -> Bitmap {
        if let known = presences[column] { return known }
        try reader.load()
        let bits = Bitmap(words: reader.presence(of: column, rows: 0..<rows), count: rows)
        presences[column] = bits
        return bits
    }

    private mutating func rows(of template: UInt32) throws(StoreError) -> Bitmap {
        if let known = templateRows[template] { return known }
        try reader.load()
        let bits = Bitmap(words: reader.rows(of: template), count: rows)
        templateRows[template] = bits
        return bits
    }

    /// From values of a column to rows.
    private mutating func spread(_ values: Bitmap?, over column: Int) throws(StoreError) -> Bitmap {
        guard let values, !values.isEmpty else { return Bitmap(count: rows) }
        if values.count == rows { return values }
        let present = try presence(of: column)
        if values.isFull { return present }
        return Bitmap(words: RowBits.spread(values.words, over: present.words), count: rows)
    }
}

extension NeedlePlace {
    init(_ place: NeedlePlan.Place) {
        switch place {
        case .inside: self = .inside
        case .start: self = .start
        case .end: self = .end
        case .whole: self = .whole
        }
    }
}

extension FieldTest.Comparison {
    fileprivate var kernel: RowBits.Comparison {
        switch self {
        case .equal: .equal
        case .notEqual: .notEqual
        case .greater: .greater
        case .greaterOrEqual: .greaterOrEqual
        case .less: .less
        case .lessOrEqual: .lessOrEqual
        }
    }
}

extension ByteView {
    fileprivate func holds(_ needle: ByteView, _ place: NeedlePlace) -> Bool {
        switch place {
        case .inside: contains(needle)
        case .start: hasPrefix(needle)
        case .end: hasSuffix(needle)
        case .whole: self == needle
        }
    }
}
