import Bytes

/// Counts lines one by one: those that are in no column yet.
///
/// Lines are gathered and cut by the shredder that segments are written with, so that a row costs what its distinct
/// values cost. Call `finish` at the end. Memory: 4 MiB of lines and their columns.
package final class LineCensus {
    private let census: Census
    private let text = ByteArena(capacity: 64 << 10)
    private var table = LineTable()
    private var cellOf: [UInt32] = []
    private var shredder = LineShredder()
    private let splitter = TextSplitter()
    private let exemplar = ByteArena(capacity: 1024)
    private var leaves = JSONLeaves()
    /// By the shredder's column; −2: not asked yet, −1: not counted.
    private var fieldOf: [Int] = []
    /// By the shredder's template.
    private var featuresOf: [[Int]?] = []

    private static let bytesMax = 4 << 20
    private static let rowsMax = 32_768
    /// A shredder that knows this many shapes is replaced: its limits are for a segment.
    private static let templatesMax = 2_048

    package init(_ census: Census) { self.census = census }

    package func add(_ line: ByteView, cell: Int) {
        if text.count + line.count > Self.bytesMax || cellOf.count == Self.rowsMax { flush() }
        census.add(rows: 1, cell: cell)
        if line.count > Self.bytesMax {
            count(line: line, cell: cell, 1)
            return
        }
        table.append(start: text.count, length: line.count)
        text.append(line)
        cellOf.append(UInt32(cell))
    }

    package func finish() { flush() }

    private func flush() {
        defer {
            text.reset()
            table.reset()
            cellOf.removeAll(keepingCapacity: true)
        }
        guard !cellOf.isEmpty else { return }
        if shredder.templateCount > Self.templatesMax || shredder.columnCount > 512 {
            shredder = LineShredder()
            fieldOf = []
            featuresOf = []
        }
        guard let cut = shredder.run(text.view, table) else {
            for row in 0..<cellOf.count { count(line: text.view[table[row]], cell: Int(cellOf[row]), 1) }
            return
        }
        for column in fieldOf.count..<shredder.columnCount {
            let (path, kind) = shredder.column(column)
            fieldOf.append(census.field(path: ByteString(path), kind: kind) ?? -1)
        }
        let templates = shredder.templateCount
        featuresOf += [[Int]?](repeating: nil, count: templates - featuresOf.count)
        var tally: [Int: Int] = [:]
        for (row, template) in cut.enumerated() { tally[Int(template) * census.cells + Int(cellOf[row]), default: 0] += 1 }
        for (key, rows) in tally {
            for feature in features(of: key / census.cells) { census.add(feature, cell: key % census.cells, rows) }
        }
        let isOneCell = cellOf.allSatisfy { $0 == cellOf[0] }
        for column in 0..<shredder.columnCount {
            guard fieldOf[column] >= 0, !census.skips(fieldOf[column]), let values = shredder.values(of: column) else {
                continue
            }
            var cells: [UInt32] = []
            if !isOneCell {
                let has = (0..<templates).map { shredder.template($0, has: column) }
                for (row, template) in cut.enumerated() where has[Int(template)] { cells.append(cellOf[row]) }
            }
            let first = Int(cellOf[0])
            count(values, in: fieldOf[column]) { isOneCell ? first : Int(cells[$0]) }
        }
    }

    private func features(of template: Int) -> [Int] {
        if let known = featuresOf[template] { return known }
        var columns: [Int] = []
        if template > 0 {
            var rest = shredder.template(template)
            while rest.count >= 8 {
                var reader = ByteReader(rest)
                guard let length = try? reader.littleEndian(UInt32.self), (try? reader.bytes(Int(length))) != nil,
                    let column = try? reader.littleEndian(UInt32.self), column != .max
                else { break }
                columns.append(Int(column))
                rest = rest.suffix(from: reader.offset)
            }
        }
        let found = census.features(ofFields: columns.map { fieldOf[$0] }.filter { $0 >= 0 })
        featuresOf[template] = found
        return found
    }

    // MARK: Values

    /// Counts values of a field, `cell` giving that of each. Equal ones, and those that differ in their numbers, are
    /// looked at once.
    package func count(_ values: ValueList, in field: Int, cell: (Int) -> Int) {
        guard !census.skips(field) else { return }
        if values.count >= 64 {
            let dictionary = ValueDictionary(entriesMax: 65_536, bytesMax: 8 << 20)
            if let codes = dictionary.encode(values, freshMax: values.count / 2) {
                let entries = dictionary.entries
                var counts = [UInt32](repeating: 0, count: entries.count * census.cells)
                for (i, code) in codes.enumerated() { counts[Int(code) * census.cells + cell(i)] &+= 1 }
                for entry in 0..<entries.count { add(entries[entry], in: field, counts[...], entry) }
                return
            }
            if let types = splitter.split(values, typesMax: values.count / 4) {
                var counts = [UInt32](repeating: 0, count: splitter.typeCount * census.cells)
                for (i, type) in types.enumerated() { counts[Int(type) * census.cells + cell(i)] &+= 1 }
                var isDone = [Bool](repeating: true, count: splitter.typeCount)
                for type in 0..<splitter.typeCount {
                    isDone[type] = count(spelling: splitter.type(type).spelling, in: field, counts[...], type)
                }
                for (i, type) in types.enumerated() where !isDone[Int(type)] { count(values[i], in: field, cell: cell(i), 1) }
                return
            }
        }
        for i in 0..<values.count { count(values[i], in: field, cell: cell(i), 1) }
    }

    /// Counts what a type of text stands for: `counts` has the cells of each type. False when its values must be looked
    /// at one by one, for they are words or objects.
    package func count(spelling: ByteView, in field: Int, _ counts: ArraySlice<UInt32>, _ type: Int) -> Bool {
        exemplar.reset()
        TextJoiner.exemplar(of: spelling, into: exemplar)
        if census.fields[field].kind == .line ? JSONLeaves.mayBeObject(exemplar.view) : !Census.isText(exemplar.view) {
            return false
        }
        add(exemplar.view, in: field, counts, type)
        return true
    }

    /// Counts a value as often as its cells say.
    package func add(_ value: ByteView, in field: Int, _ counts: ArraySlice<UInt32>, _ place: Int) {
        for cell in 0..<census.cells {
            let rows = Int(counts[counts.startIndex + place * census.cells + cell])
            if rows > 0 { count(value, in: field, cell: cell, rows) }
        }
    }

    package func count(_ value: ByteView, in field: Int, cell: Int, _ rows: Int) {
        if census.fields[field].kind == .line {
            count(line: value, cell: cell, rows)
        } else {
            census.add(census.feature(of: value, in: field), cell: cell, rows)
        }
    }

    /// A whole line: the fields of an object that no template took, or the form of a text.
    private func count(line: ByteView, cell: Int, _ rows: Int) {
        if JSONLeaves.mayBeObject(line), leaves.read(line) {
            var fields: [Int] = []
            for i in 0..<leaves.count {
                guard let field = census.field(path: leaves.path(i), kind: leaves.kind(i)) else { continue }
                fields.append(field)
                guard !census.skips(field) else { continue }
                census.add(census.feature(of: leaves.value(i, in: line), in: field), cell: cell, rows)
            }
            for feature in census.features(ofFields: fields) { census.add(feature, cell: cell, rows) }
        } else if let field = census.field(path: ByteString([0]), kind: .line) {
            census.add(census.feature(of: line, in: field), cell: cell, rows)
        }
    }
}
