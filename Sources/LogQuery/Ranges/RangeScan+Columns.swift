import Bytes
import LogModel
import LogStages

extension RangeScan {
    /// Takes in the rows of a block by their columns; those of which columns do not tell all go through the pipeline, in
    /// their place, so that sums come out as if all had.
    mutating func add(_ block: ColumnBlock, _ columns: ColumnPlan, _ guard: inout QueryGuard) throws {
        // Before anything is decided: rows whose metadata matters and cannot be read leave the block.
        let asked = columns.names + (columns.unwrap.map { [$0] } ?? [])
        if block.mayHaveMetadata("__error__") || asked.contains(where: { block.mayHaveMetadata($0.bytes) }) {
            _ = block.metadataOf
        }
        let requests = fields(columns, block)
        let fields = requests.isEmpty ? [:] : try block.columns(requests)
        // Where there is nothing to decide, all rows are chosen.
        let decidesNothing = if case .all = plan.predicate.predicate { true } else { false }
        let chosen = decidesNothing ? block.selected.union(block.undecided) : block.selected
        var slow = decidesNothing ? Bitmap(count: block.count) : block.undecided
        var sources: [Source] = []
        for name in columns.names { sources.append(source(name, fields, block)) }
        let unwrapped = columns.unwrap.map { source($0, fields, block) }
        for source in sources + (unwrapped.map { [$0] } ?? []) { slow.formUnion(source.slow) }
        if requests.isEmpty, !plan.predicate.asksFields {
            // Nobody has looked whether the lines are JSON at all.
            slow = Bitmap(count: block.count, repeating: true)
        }
        if block.mayHaveMetadata("__error__") {
            let fails = block.metadataSets.map { $0["__error__"] != nil }
            if fails.contains(true) {
                for row in 0..<block.count where fails[Int(block.metadataOf[row])] { slow[row] = true }
            }
        }
        slow.formIntersection(chosen.union(block.undecided))
        var settled = SettledRows(rows: chosen)
        settled.rows.subtract(slow)
        if let unwrapped { settled.rows.formIntersection(unwrapped.column?.present ?? Bitmap(count: block.count)) }
        settled.numbers = unwrapped.map { Self.numbers($0, count: block.count) }
        settled.group(by: sources, in: block)
        try take(settled, block, sources, &`guard`)
        if slow.isEmpty { return }
        // The pipeline needs time and metadata; what cannot be read leaves the block.
        _ = block.timestamps
        if block.hasMetadata { _ = block.metadataOf }
        slow.formIntersection(block.selected.union(block.undecided))
        // Only the lines that are needed are put together.
        block.selected = Bitmap(count: block.count)
        block.undecided = slow
        try block.loadLines()
        try takeLines(block, &`guard`)
    }

    /// Runs the rows of a block that are still undecided through the pipeline.
    private mutating func takeLines(_ block: ColumnBlock, _ guard: inout QueryGuard) throws {
        let lines = block.undecided
        let counts = plan.columns?.unwrap == nil
        var rows = 0
        var bytes = 0
        current = (.max, .max)
        for word in lines.words.indices {
            var bits = lines.words[word]
            while bits != 0 {
                let row = word << 6 + bits.trailingZeroBitCount
                bits &= bits - 1
                rows += 1
                let time = block.timestamps[row]
                let cell = finder.cell(at: time)
                if cell.isEmpty { continue }
                let line = block.line(row)
                bytes += line.count
                try `guard`.worked(line.count, isCostly: isCostly)
                if !run(block, row, line, time) { continue }
                let sample = Sample(time: time, value: counts ? 1 : pipeline.state.sample)
                try take(sample, try numberOfLine(&`guard`), cell, &`guard`)
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
            for span in block.spans where ofStream[span.stream] != nil { slow.insert(span.rows) }
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
        if block.mayHaveMetadata(name.bytes) {
            let hides = block.metadataSets.map { $0[name.bytes] != nil }
            if hides.contains(true) {
                for row in 0..<block.count where hides[Int(block.metadataOf[row])] { slow[row] = true }
            }
        }
        return Source(ofStream: ofStream, own: own, column: column, slow: slow)
    }

    /// The number of each row that has it; texts are read once for each entry of their table.
    private static func numbers(_ source: Source, count: Int) -> [Double] {
        switch source.column?.values {
        case .numbers(let values): return values
        case .texts(let codes, let table):
            let list = table.list
            var parsed: [Double] = []
            parsed.reserveCapacity(list.count)
            for i in 0..<list.count {
                if case .success(let number) = GoFloat.parse(list[i]) { parsed.append(number) } else { parsed.append(0) }
            }
            return codes.map { Int($0) < parsed.count ? parsed[Int($0)] : 0 }
        case nil: return [Double](repeating: 0, count: count)
        }
    }
}
