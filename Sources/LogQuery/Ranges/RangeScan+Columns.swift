import Bytes
import LogModel
import LogStages

extension RangeScan {
    /// Takes in the rows of a block by their columns; those of which columns do not tell all go through the pipeline, in
    /// their place, so that sums come out as if all had.
    mutating func add(_ block: ColumnBlock, _ columns: ColumnPlan, _ guard: inout QueryGuard) throws {
        let requests = fields(columns, block)
        let fields = requests.isEmpty ? [:] : try block.columns(requests)
        // Where there is nothing to decide, all rows are chosen.
        let decidesNothing = if case .all = plan.predicate.predicate { true } else { false }
        let chosen = decidesNothing ? block.selected.union(block.undecided) : block.selected
        var slow = decidesNothing ? Bitmap(count: block.count) : block.undecided
        var sources: [Source] = []
        for name in columns.names { sources.append(source(name, fields, block)) }
        let sample = columns.unwrap.map { source($0, fields, block) }
        for source in sources + (sample.map { [$0] } ?? []) { slow.formUnion(source.slow) }
        if requests.isEmpty, !plan.predicate.asksFields {
            // Nobody has looked whether the lines are JSON at all.
            slow = Bitmap(count: block.count, repeating: true)
        }
        let fails = block.metadataSets.map { $0["__error__"] != nil }
        if fails.contains(true) {
            for row in 0..<block.count where fails[Int(block.metadataOf[row])] { slow[row] = true }
        }
        slow.formIntersection(chosen.union(block.undecided))
        var lines = Bitmap(count: block.count)
        if !slow.isEmpty {
            // Only the lines that are needed are put together; what is damaged leaves the block.
            block.selected = lines
            block.undecided = slow
            try block.loadLines()
            lines = block.undecided
        }
        var direct = chosen
        direct.subtract(slow)
        if let sample { direct.formIntersection(sample.column?.present ?? Bitmap(count: block.count)) }
        var rows = 0
        var bytes = 0
        let arrivalBase = block.order &<< 24
        let ranks = block.streams.map { ranking.rank(of: $0.id) }
        current = (.max, .max)
        var values = [ByteView?](repeating: nil, count: sources.count)
        let numbers = SampleNumbers(sample)
        let counts = columns.unwrap == nil
        var table = ColumnSeries(sources, streams: block.streams.count)
        for word in direct.words.indices {
            let here = direct.words[word]
            var bits = here | lines.words[word]
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
                var number: Int32
                if here >> UInt64(bit) & 1 == 1 {
                    try `guard`.worked(0, isCostly: false)
                    value = counts ? 1 : numbers.value(row)
                    number = table.known(row, stream)
                    if number < 0 {
                        for (i, source) in sources.enumerated() { values[i] = source.value(row, stream) }
                        number = try admit(series.number(of: values), &`guard`)
                        table.remember(row, stream, number)
                    }
                } else {
                    let line = block.line(row)
                    bytes += line.count
                    try `guard`.worked(line.count, isCostly: isCostly)
                    if !run(block, row, line, time) { continue }
                    value = counts ? 1 : pipeline.state.sample
                    number = try numberOfLine(&`guard`)
                }
                let arrival = arrivalBase &+ UInt64(row)
                let sample = Sample(time: time, value: value, arrival: arrival, stream: ranks[stream])
                try take(sample, number, cell, &`guard`)
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

    /// The fields that not all streams of the block have as a label of their own.
    private func fields(_ columns: ColumnPlan, _ block: ColumnBlock) -> [FieldRequest] {
        var requests: [FieldRequest] = []
        if let unwrap = columns.unwrap, !columns.names.contains(unwrap) {
            requests.append(FieldRequest(name: unwrap.bytes, asNumber: true))
        }
        for name in columns.names where block.streams.contains(where: { $0.labels[name.bytes] == nil }) {
            requests.append(FieldRequest(name: name.bytes, asNumber: false))
        }
        return requests
    }

    private func source(_ name: LabelName, _ fields: [ByteString: FieldColumn], _ block: ColumnBlock) -> Source {
        let own = ValueBuffer()
        let ofStream = block.streams.map { stream -> Int? in
            guard let value = stream.labels[name.bytes] else { return nil }
            value.withView { own.append($0) }
            return own.count - 1
        }
        let column = fields[name.bytes]
        // What was not asked for is a label of every stream of the block.
        let isAsked = ofStream.contains { $0 == nil }
        var slow = column?.open ?? Bitmap(count: block.count, repeating: isAsked)
        let isUnwrapped = plan.columns?.unwrap == name
        if isUnwrapped, ofStream.contains(where: { $0 != nil }) {
            for row in 0..<block.count where ofStream[Int(block.streamOf[row])] != nil { slow[row] = true }
        }
        // What becomes of a value that is no number, the pipeline knows.
        if isUnwrapped, let column, case .texts(let codes, let table) = column.values {
            let list = table.list
            var odd = Bitmap(count: list.count)
            for i in 0..<list.count { if case .failure = GoFloat.parse(list[i]) { odd[i] = true } }
            if !odd.isEmpty {
                for row in 0..<block.count where column.present[row] && odd[Int(codes[row])] { slow[row] = true }
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
    private var parsed: [Double] = []
    private var isDirect = false

    init(_ source: RangeScan.Source?) {
        switch source?.column?.values {
        case .numbers(let values):
            numbers = values
            isDirect = true
        case .texts(let codes, let table):
            self.codes = codes
            let list = table.list
            parsed.reserveCapacity(list.count)
            for i in 0..<list.count {
                if case .success(let number) = GoFloat.parse(list[i]) { parsed.append(number) } else { parsed.append(0) }
            }
        case nil: break
        }
    }

    /// Only of rows that have the field, as a number.
    @inline(__always)
    func value(_ row: Int) -> Double { isDirect ? numbers[row] : parsed[Int(codes[row])] }
}

/// Series by stream and code, where one column at most tells them apart and its table is small.
private struct ColumnSeries {
    /// −1 where not known yet.
    private var numbers: [Int32] = []
    private var width = 1
    /// Empty where streams alone tell series apart.
    private var codes: [UInt32] = []
    private var present: [UInt64] = []

    init(_ sources: [RangeScan.Source], streams: Int) {
        let varying = sources.filter { source in source.ofStream.contains { $0 == nil } }
        if varying.count > 1 { return }
        if let column = varying.first?.column {
            guard case .texts(let codes, let table) = column.values, table.count < 1 << 14 else { return }
            self.codes = codes
            present = column.present.words
            width = table.count + 1
        }
        guard streams * width <= 1 << 18 else {
            width = 0
            return
        }
        numbers = [Int32](repeating: -1, count: streams * width)
    }

    @inline(__always)
    private func place(_ row: Int, _ stream: Int) -> Int {
        if codes.isEmpty { return stream * width }
        return stream * width + (present[row >> 6] >> UInt64(row & 63) & 1 == 1 ? Int(codes[row]) + 1 : 0)
    }

    /// −1 where it is not known.
    @inline(__always)
    func known(_ row: Int, _ stream: Int) -> Int32 { numbers.isEmpty ? -1 : numbers[place(row, stream)] }

    @inline(__always)
    mutating func remember(_ row: Int, _ stream: Int, _ number: Int32) {
        if !numbers.isEmpty { numbers[place(row, stream)] = number }
    }
}
