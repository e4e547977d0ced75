import Bytes
import LogModel
import LogStages

extension RangeScan {
    /// Takes in the rows of a block by their columns; those of which columns do not tell all go through the pipeline, in
    /// their place, so that sums come out as if all had.
    mutating func add(_ block: ColumnBlock, _ columns: ColumnPlan, _ guard: inout QueryGuard) throws {
        let fields = try block.columns(block)
        // Where there is nothing to decide, all rows are chosen.
        let decidesNothing = if case .all = plan.predicate.predicate { true } else { false }
        let chosen = decidesNothing ? block.selected.union(block.undecided) : block.selected
        var slow = decidesNothing ? Bitmap(count: block.count) : block.undecided
        var sources: [Source] = []
        for name in columns.names { sources.append(source(name, fields, block)) }
        let sample = columns.unwrap.map { source($0, fields, block) }
        for source in sources + (sample.map { [$0] } ?? []) { slow.formUnion(source.slow) }
        slow.formIntersection(chosen.union(block.undecided))
        var lines = Bitmap(count: block.count)
        if !slow.isEmpty {
            // Only the lines that are needed are put together; what is damaged leaves the block.
            block.selected = lines
            block.undecided = slow
            try block.loadLines()
            lines = block.undecided
        }
        var rows = 0
        var bytes = 0
        let arrivalBase = block.order &<< 24
        let ranks = block.streams.map { ranking.rank(of: $0.id) }
        current = (.max, .max)
        var values = [ByteView?](repeating: nil, count: sources.count)
        let numbers = SampleNumbers(sample)
        var table = ColumnSeries(sources, streams: block.streams.count)
        for word in chosen.words.indices {
            let direct = chosen.words[word] & ~slow.words[word]
            var bits = direct | lines.words[word]
            while bits != 0 {
                let bit = bits.trailingZeroBitCount
                let row = word << 6 + bit
                bits &= bits - 1
                rows += 1
                let time = block.timestamps[row]
                let cell = finder.cell(at: time)
                if cell.isEmpty { continue }
                let stream = Int(block.streamOf[row])
                let value: Double
                let number: Int32
                if direct >> UInt64(bit) & 1 == 1 {
                    try `guard`.worked(0, isCostly: false)
                    if let sample {
                        guard sample.column?.present[row] == true else { continue }
                        guard let read = numbers.value(row) else { continue }
                        value = read
                    } else {
                        value = 1
                    }
                    if let known = table.known(row, stream) {
                        number = known
                    } else {
                        for (i, source) in sources.enumerated() { values[i] = source.value(row, stream) }
                        let (found, isNew) = series.number(of: values)
                        if isNew {
                            let labels = series.labels[Int(found)]
                            try `guard`.hold(labels.pairs.reduce(256) { $0 + $1.name.count + $1.value.count + 96 })
                        }
                        table.remember(row, stream, found)
                        number = found
                    }
                } else {
                    let line = block.line(row)
                    bytes += line.count
                    try `guard`.worked(line.count, isCostly: isCostly)
                    if !run(block, row, line, time) { continue }
                    value = columns.unwrap == nil ? 1 : pipeline.state.sample
                    number = try numberOfLine(&`guard`)
                }
                lot.append(
                    number,
                    cell,
                    Sample(time: time, value: value, arrival: arrivalBase &+ UInt64(row), stream: ranks[stream])
                )
                if lot.isFull { try flush(&`guard`) }
            }
        }
        `guard`.budget.counted(lines: rows, bytes: bytes)
        try flush(&`guard`)
    }

    /// Where the value of a label comes from, row by row.
    struct Source {
        /// By stream: its own label, which then hides a field of the same name; a place in `own`.
        var ofStream: [Int?]
        var own: ValueBuffer
        var column: FieldColumn?
        /// Rows that only the pipeline can tell.
        var slow: Bitmap

        func value(_ row: Int, _ stream: Int) -> ByteView? {
            if let place = ofStream[stream] { return own.list[place] }
            guard let column, column.present[row], case .texts(let codes, let table) = column.values else { return nil }
            return table.list[Int(codes[row])]
        }
    }

    private func source(_ name: LabelName, _ fields: [ByteString: FieldColumn], _ block: ColumnBlock) -> Source {
        let own = ValueBuffer()
        let ofStream = block.streams.map { stream -> Int? in
            guard let value = stream.labels[name.bytes] else { return nil }
            value.withView { own.append($0) }
            return own.count - 1
        }
        let column = fields[name.bytes]
        var slow = column?.open ?? Bitmap(count: block.count, repeating: true)
        let isUnwrapped = plan.columns?.unwrap == name
        if ofStream.contains(where: { $0 != nil }) {
            for row in 0..<block.count where ofStream[Int(block.streamOf[row])] != nil { slow[row] = isUnwrapped }
        }
        if let column {
            // An empty value and one that is no number: the pipeline knows what becomes of them.
            if case .texts(let codes, let table) = column.values {
                let list = table.list
                var odd = Bitmap(count: list.count)
                for i in 0..<list.count {
                    if list[i].isEmpty { odd[i] = true }
                    if isUnwrapped, case .failure = GoFloat.parse(list[i]) { odd[i] = true }
                }
                if !odd.isEmpty {
                    for row in 0..<block.count where column.present[row] && odd[Int(codes[row])] {
                        if ofStream[Int(block.streamOf[row])] == nil { slow[row] = true }
                    }
                }
            }
        }
        // Metadata comes before fields, and behind `| json` it may hide the label of the stream.
        let hides = block.metadataSets.map { $0[name.bytes] != nil }
        if hides.contains(true) {
            for row in 0..<block.count where hides[Int(block.metadataOf[row])] { slow[row] = true }
        }
        return Source(ofStream: ofStream, own: own, column: column, slow: slow)
    }
}

/// The numbers of a field; texts are read once for each entry of their table.
private struct SampleNumbers {
    private var numbers: [Double] = []
    private var codes: [UInt32] = []
    private var parsed: [Double?] = []

    init(_ source: RangeScan.Source?) {
        switch source?.column?.values {
        case .numbers(let values): numbers = values
        case .texts(let codes, let table):
            self.codes = codes
            let list = table.list
            parsed.reserveCapacity(list.count)
            for i in 0..<list.count {
                if case .success(let number) = GoFloat.parse(list[i]) { parsed.append(number) } else { parsed.append(nil) }
            }
        case nil: break
        }
    }

    @inline(__always)
    func value(_ row: Int) -> Double? {
        if !numbers.isEmpty { return numbers[row] }
        return codes.isEmpty ? nil : parsed[Int(codes[row])]
    }
}

/// Series by stream and code, where one column at most tells them apart and its table is small.
private struct ColumnSeries {
    private var known: [Int32] = []
    private var width = 1
    private var codes: [UInt32]?
    private var present: Bitmap?

    init(_ sources: [RangeScan.Source], streams: Int) {
        let varying = sources.filter { source in source.ofStream.contains { $0 == nil } }
        if varying.count > 1 { return }
        if let column = varying.first?.column {
            guard case .texts(let codes, let table) = column.values, table.count < 1 << 14 else { return }
            self.codes = codes
            present = column.present
            width = table.count + 1
        }
        guard streams * width <= 1 << 18 else { return }
        known = [Int32](repeating: -1, count: streams * width)
    }

    @inline(__always)
    private func place(_ row: Int, _ stream: Int) -> Int {
        guard let codes, let present else { return stream * width }
        return stream * width + (present[row] ? Int(codes[row]) + 1 : 0)
    }

    @inline(__always)
    func known(_ row: Int, _ stream: Int) -> Int32? {
        if known.isEmpty { return nil }
        let number = known[place(row, stream)]
        return number < 0 ? nil : number
    }

    @inline(__always)
    mutating func remember(_ row: Int, _ stream: Int, _ number: Int32) {
        if !known.isEmpty { known[place(row, stream)] = number }
    }
}
