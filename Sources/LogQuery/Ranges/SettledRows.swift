import Bytes
import LogModel
import LogStages

/// Rows of a block whose samples and series follow from columns, and what tells them.
struct SettledRows {
    var rows: Bitmap
    /// The sample of each row of the block; nil: each counts one.
    var numbers: [Double]?
    /// What beside its stream tells the series of a row: below `width`. Empty where the stream alone does.
    private(set) var codes: [UInt32] = []
    private(set) var width = 1
    /// Whether codes could not be had: then each row is looked up by its values.
    private(set) var isScattered = false

    /// More series a stream than this are not worth a table.
    private static let widthMax = 4096
    /// Nor is a table of more entries, whatever the streams.
    private static let tableMax = 1 << 18

    init(rows: Bitmap) { self.rows = rows }

    /// Puts the codes of the sources that differ within a stream together.
    mutating func group(by sources: [RangeScan.Source], in block: ColumnBlock) {
        for source in sources where source.ofStream.contains(where: { $0 == nil }) {
            // Rows without a column have no such label.
            guard let column = source.column else { continue }
            guard case .texts(let own, let table) = column.values, (table.count + 1) * width <= Self.widthMax,
                (table.count + 1) * width * block.streams.count <= Self.tableMax
            else {
                isScattered = true
                return
            }
            let base = UInt32(width)
            let isFull = column.present.isFull
            if codes.isEmpty, isFull {
                codes = own
                width = max(1, table.count)
                continue
            }
            if codes.isEmpty { codes = [UInt32](repeating: 0, count: block.count) }
            RowBits.combine(&codes, own, over: column.present.words, base: base)
            width *= table.count + 1
        }
    }
}

extension RangeScan {
    /// Takes in settled rows, stream by stream and cell by cell. `sources`: of the labels that make a series; nil where
    /// the stream has them all.
    mutating func take(
        _ settled: SettledRows,
        _ block: ColumnBlock,
        _ sources: [Source]?,
        _ guard: inout QueryGuard
    ) throws {
        if settled.rows.isEmpty { return }
        `guard`.budget.counted(lines: settled.rows.population, bytes: 0)
        // Series by stream and code, −1 where not known yet.
        var known = [Int32](repeating: -1, count: settled.isScattered ? 0 : block.streams.count * settled.width)
        current = (.max, .max)
        for span in block.spans {
            try `guard`.worked(span.rows.count, isCostly: false)
            var rest = span.rows
            while !rest.isEmpty {
                let (cell, rows) = stretch(&rest, block)
                if cell.isEmpty || settled.rows.population(rows) == 0 { continue }
                // Few rows are not worth a look at all codes.
                if settled.isScattered || (settled.width > rows.count * 8 + 64 && sources != nil) {
                    try scatter(settled, rows, span.stream, cell, block, sources ?? [], &`guard`)
                } else {
                    try take(settled, rows, span.stream, cell, block, sources, &known, &`guard`)
                }
            }
        }
        try flush(&`guard`)
    }

    /// Cuts the rows of one cell off the front of rows of one stream.
    private mutating func stretch(
        _ rest: inout Range<Int>,
        _ block: ColumnBlock
    ) -> (cell: WindowGrid.Cell, rows: Range<Int>) {
        let rows = rest
        if plan.grid.steps.count == 1 {
            rest = rows.upperBound..<rows.upperBound
            return (WindowGrid.Cell(first: 0, end: 1), rows)
        }
        let (cell, last) = finder.stretch(at: block.timestamps[rows.lowerBound])
        // Times ascend within a stream: look ahead in growing steps, then halve.
        var low = rows.lowerBound + 1
        var step = 16
        while low + step < rows.upperBound, block.timestamps[low + step] <= last {
            low += step
            step *= 2
        }
        var high = min(rows.upperBound, low + step)
        while low < high {
            let middle = (low + high) / 2
            if block.timestamps[middle] <= last { low = middle + 1 } else { high = middle }
        }
        rest = low..<rows.upperBound
        return (cell, rows.lowerBound..<low)
    }

    private mutating func take(
        _ settled: SettledRows,
        _ rows: Range<Int>,
        _ stream: Int,
        _ cell: WindowGrid.Cell,
        _ block: ColumnBlock,
        _ sources: [Source]?,
        _ known: inout [Int32],
        _ guard: inout QueryGuard
    ) throws {
        let words = settled.rows.words
        guard !settled.codes.isEmpty else {
            let count = settled.rows.population(rows)
            if known[stream] < 0 { known[stream] = try number(rows.lowerBound, stream, block, sources, &`guard`) }
            guard let numbers = settled.numbers else {
                return try `guard`.hold(collector.add(ones: count, times: [], to: known[stream], cell))
            }
            if count == rows.count {
                return try `guard`.hold(
                    collector.add(numbers[rows], times: times(rows, block), to: known[stream], cell))
            }
            lists.list(words, rows)
            return try add(numbers, 0..<count, known[stream], cell, block, &`guard`)
        }
        // Where samples count one, groups are counted; one row of each tells its series.
        let isCount = settled.numbers == nil
        let isKnown = isCount && known[stream * settled.width..<(stream + 1) * settled.width].allSatisfy { $0 >= 0 }
        let groups = isKnown
            ? lists.count(words, rows, by: settled.codes, width: settled.width)
            : lists.sort(words, rows, by: settled.codes, width: settled.width)
        guard let groups else { throw QueryError(.failed, "a column holds a code that is none") }
        for group in groups {
            let place = stream * settled.width + group.code
            if known[place] < 0 {
                known[place] = try number(Int(lists.rows[group.places.lowerBound]), stream, block, sources, &`guard`)
            }
            if let numbers = settled.numbers {
                try add(numbers, group.places, known[place], cell, block, &`guard`)
            } else {
                try `guard`.hold(collector.add(ones: group.places.count, times: [], to: known[place], cell))
            }
        }
    }

    /// Adds the samples of some listed rows.
    private mutating func add(
        _ numbers: [Double],
        _ places: Range<Int>,
        _ series: Int32,
        _ cell: WindowGrid.Cell,
        _ block: ColumnBlock,
        _ guard: inout QueryGuard
    ) throws(QueryError) {
        let values = lists.gather(numbers, places)
        let times = needsTimes ? lists.rows[places].map { block.timestamps[Int($0)] } : []
        try `guard`.hold(collector.add(values[...], times: times[...], to: series, cell))
    }

    private var needsTimes: Bool { plan.grid.steps.count > 1 }

    private func times(_ rows: Range<Int>, _ block: ColumnBlock) -> ArraySlice<Int64> {
        needsTimes ? block.timestamps[rows] : []
    }

    /// The series of a row.
    private mutating func number(
        _ row: Int,
        _ stream: Int,
        _ block: ColumnBlock,
        _ sources: [Source]?,
        _ guard: inout QueryGuard
    ) throws -> Int32 {
        guard let sources else {
            // No stage touches labels: they are those of the stream, and metadata does not matter.
            show(block.streams[stream])
            return try numberOfLine(&`guard`)
        }
        return try admit(series.number(of: sources.map { $0.value(row, stream) }), &`guard`)
    }

    /// Takes in rows one by one.
    private mutating func scatter(
        _ settled: SettledRows,
        _ rows: Range<Int>,
        _ stream: Int,
        _ cell: WindowGrid.Cell,
        _ block: ColumnBlock,
        _ sources: [Source],
        _ guard: inout QueryGuard
    ) throws {
        lists.list(settled.rows.words, rows)
        var values = [ByteView?](repeating: nil, count: sources.count)
        for row in lists.rows {
            try `guard`.worked(0, isCostly: false)
            for (i, source) in sources.enumerated() { values[i] = source.value(Int(row), stream) }
            let number = try admit(series.number(of: values), &`guard`)
            let time = needsTimes ? block.timestamps[Int(row)] : 0
            try take(Sample(time: time, value: settled.numbers?[Int(row)] ?? 1), number, cell, &`guard`)
        }
    }
}
