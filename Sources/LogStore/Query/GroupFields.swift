import Bytes
import LogModel

/// Brings labels of `| json` for stretches of a row group, from columns.
struct GroupFields {
    private let reader: GroupReader

    init(_ reader: GroupReader) { self.reader = reader }

    /// Values that are not what they are written as: escapes, bytes that are not ASCII.
    static func isPlain(_ value: ByteView) -> Bool { value.allSatisfy { $0 < 0x80 && $0 != 0x5C } }

    static func isPlainText(_ text: ByteString) -> Bool { text.withView { isPlain($0) } }

    /// What a label is in the rows of a stretch. `times`: of its entries, asked for where a column of times is spelled out.
    func column(
        _ request: FieldRequest,
        _ rows: Range<Int>,
        times: () throws(StoreError) -> ArraySlice<Int64>
    ) throws(StoreError) -> FieldColumn {
        try reader.load()
        let lookup = FieldLookup(request.name, reader.layout)
        var places: [UInt32: FieldLookup.Place] = [:]
        var columns: [Int] = []
        for template in reader.segment.groups[reader.group].templates {
            let place = lookup.place(in: template)
            places[template] = place
            if case .column(let column) = place, !columns.contains(column) { columns.append(column) }
        }
        let present = try presence(columns, places, rows)
        var open = Bitmap(count: rows.count)
        if places.values.contains(.unknown) {
            for (i, row) in rows.enumerated() where places[reader.templateOf[row]] == .unknown { open[i] = true }
        }
        if request.asNumber, let numbers = try numbers(columns, rows, present) {
            return FieldColumn(values: .numbers(numbers), present: present, open: open)
        }
        return try texts(columns, rows, present: present, open: open, times)
    }

    private func presence(
        _ columns: [Int],
        _ places: [UInt32: FieldLookup.Place],
        _ rows: Range<Int>
    ) throws(StoreError) -> Bitmap {
        if columns.isEmpty { return Bitmap(count: rows.count) }
        if !places.values.contains(where: { if case .column = $0 { false } else { true } }) {
            return Bitmap(count: rows.count, repeating: true)
        }
        var bits = Bitmap(count: rows.count)
        for column in columns {
            bits.formUnion(Bitmap(words: reader.presence(of: column, rows: rows), count: rows.count))
        }
        // A column that another template has too, where more than one field makes the label, is not to be trusted there.
        for (template, place) in places where place == .unknown {
            for (i, row) in rows.enumerated() where reader.templateOf[row] == template { bits[i] = false }
        }
        return bits
    }

    /// nil unless all columns are of numbers that doubles hold as the parser reads them.
    private func numbers(_ columns: [Int], _ rows: Range<Int>, _ present: Bitmap) throws(StoreError) -> [Double]? {
        guard columns.count == 1, let column = columns.first, let chunk = reader.chunk(of: column),
            chunk.form == .integers || chunk.form == .decimals
        else { return nil }
        let (values, format) = try reader.numbers(of: column, ranks: reader.ranks(of: column, rows: rows))
        var divisor = 1.0
        if let format {
            // Both operands are exact, so the quotient is the nearest double, which is what reading the digits gives.
            guard let bounds = chunk.numbers, bounds.lowerBound > -(1 << 53), bounds.upperBound < 1 << 53 else { return nil }
            for _ in 0..<format.scale { divisor *= 10 }
        }
        let numbers = Doubles.scaled(values, by: divisor)
        if numbers.count == rows.count { return numbers }
        return RowBits.expand(numbers, over: reader.presence(of: column, rows: rows), rows: rows.count)
    }

    private func texts(
        _ columns: [Int],
        _ rows: Range<Int>,
        present: Bitmap,
        open: Bitmap,
        _ times: () throws(StoreError) -> ArraySlice<Int64>
    ) throws(StoreError) -> FieldColumn {
        var present = present
        var open = open
        var codes = [UInt32](repeating: 0, count: rows.count)
        // One dictionary serves as it is; of several columns a table is put together.
        if columns.count == 1, let chunk = reader.chunk(of: columns[0]), chunk.form == .dictionary {
            let column = columns[0]
            let found = try reader.codes(of: column, ranks: reader.ranks(of: column, rows: rows))
            let entries = try reader.entries(of: column)
            let odd = try reader.oddEntries(of: column)
            let isAtom = reader.layout.columns[column].kind == .atom
            if found.count == rows.count {
                codes = found
            } else if let spread = RowBits.expand(
                found, over: reader.presence(of: column, rows: rows), rows: rows.count)
            {
                codes = spread
            } else {
                throw reader.segment.fault("column \(column): rows and values differ", reader.group)
            }
            if !odd.isEmpty {
                for row in 0..<rows.count where present[row] && odd[Int(codes[row])] {
                    present[row] = false
                    // A null makes no label.
                    if !isAtom { open[row] = true }
                }
            }
            return FieldColumn(values: .texts(codes, entries), present: present, open: open)
        }
        let table = ValueBuffer(capacity: 4096, values: rows.count)
        for column in columns {
            let ranks = reader.ranks(of: column, rows: rows)
            let bits = Bitmap(words: reader.presence(of: column, rows: rows), count: rows.count)
            let values = try reader.values(of: column, ranks: ranks) { () throws(StoreError) in
                zip(rows.indices, try times()).filter { bits[$0.0 - rows.lowerBound] }.map(\.1)
            }
            let list = values.list
            let isAtom = reader.layout.columns[column].kind == .atom
            var rank = 0
            for row in 0..<rows.count where bits[row] {
                guard rank < list.count else { break }
                let value = list[rank]
                rank += 1
                guard present[row] else { continue }
                if isAtom, value == ByteView("null") {
                    present[row] = false
                } else if value.isEmpty || !Self.isPlain(value) {
                    present[row] = false
                    open[row] = true
                } else {
                    codes[row] = UInt32(table.count)
                    table.append(value)
                }
            }
        }
        return FieldColumn(values: .texts(codes, table), present: present, open: open)
    }
}
