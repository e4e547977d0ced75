import Bytes
import LogModel
import LogQL
import LogStages

/// Runs the pipeline over the blocks of a scan and gathers samples by series.
///
/// A line costs no allocation once its series is known. Where no stage touches labels, the series of a line follows from
/// its stream and metadata and is looked up in a table.
struct RangeScan: ~Copyable {
    let plan: RangePlan
    let pipeline: StagePipeline
    var series: SeriesTable
    let collector: SampleCollector
    var lot = SampleLot()
    var finder: CellFinder
    let ranking: StreamRanking
    /// Whether a template runs over each row.
    let isCostly: Bool
    /// Values of the counted label, numbered.
    private var values: [ByteString: Int] = [:]
    /// Stream and metadata that the pipeline was told of last: indices into the block at hand.
    var current: (stream: UInt32, metadata: UInt32) = (.max, .max)
    var lists = RowLists()
    /// Whether a line came out of the pipeline with an error, which failed the query.
    private(set) var hasFailedLine = false

    init(_ plan: RangePlan, ranking: StreamRanking = StreamRanking()) {
        self.ranking = ranking
        self.plan = plan
        isCostly = plan.stages.contains(where: \.isTemplate)
        pipeline = StagePipeline(plan.stages, hints: plan.hints)
        series = SeriesTable(plan.identity)
        collector = SampleCollector.make(plan.op, plan.grid)
        finder = CellFinder(plan.grid)
    }

    /// Takes in the rows of a block.
    mutating func add(_ block: ColumnBlock, _ guard: inout QueryGuard) throws {
        try `guard`.check()
        // Before anything is decided: rows whose time cannot be read leave the block.
        if plan.grid.steps.count > 1 { _ = block.timestamps }
        if let columns = plan.columns { return try add(block, columns, &`guard`) }
        // Where the store has decided and nothing else is asked of lines, none is read.
        let trustsStore = plan.predicate.isExact
        let countsBytes = if case .bytes = plan.contribution { true } else { false }
        if trustsStore, !countsBytes, !plan.changesLabels, plan.lineFilters != nil, !metadataMatters(block) {
            // What is decided is counted by stream.
            try take(SettledRows(rows: block.selected), block, nil, &`guard`)
            if block.undecided.isEmpty { return }
            block.selected = Bitmap(count: block.count)
        }
        let readsLines =
            plan.needsLines
            && (plan.changesLabels || countsBytes || !trustsStore || !block.undecided.isEmpty)
        // As above; the rows that follow need time and metadata.
        _ = block.timestamps
        if block.hasMetadata { _ = block.metadataOf }
        if readsLines { try block.loadLines() }
        // Series by stream and metadata, −1 where not known yet; empty where it does not follow from them.
        var known: [Int32] = []
        let sets = max(1, block.metadataSets.count)
        if !plan.changesLabels, block.streams.count * sets <= 1 << 16 {
            known = [Int32](repeating: -1, count: block.streams.count * sets)
        }
        // Then line filters decide alone, and not even they where the store has decided.
        let filters = known.isEmpty ? nil : plan.lineFilters
        var rows = 0
        var bytes = 0
        // Rows of a block are fewer than 2²⁴; only the order of blocks that hold equal times of a stream matters.
        let arrivalBase = block.order &<< 24
        let ranks = block.streams.map { ranking.rank(of: $0.id) }
        current = (.max, .max)
        for word in block.selected.words.indices {
            let selected = block.selected.words[word]
            var bits = selected | block.undecided.words[word]
            while bits != 0 {
                let bit = bits.trailingZeroBitCount
                let row = word << 6 + bit
                bits &= bits - 1
                rows += 1
                let time = block.timestamps[row]
                let cell = finder.cell(at: time)
                if cell.isEmpty { continue }
                let line = readsLines ? block.line(row) : ByteView()
                bytes += line.count
                try `guard`.worked(line.count, isCostly: isCostly)
                let stream = Int(block.streamOf[row])
                let value: Double
                let number: Int32
                if let filters {
                    let isDecided = trustsStore && selected >> UInt64(bit) & 1 == 1
                    if !isDecided, !Self.keeps(filters, line) { continue }
                    let at = stream * sets + Int(block.metadataOf[row])
                    if known[at] < 0 {
                        // The filters hold, so the labels are those of the stream and the metadata.
                        showStored(block, row)
                        known[at] = try numberOfLine(&`guard`)
                    }
                    number = known[at]
                    value = countsBytes ? Double(line.count) : 1
                } else {
                    if !run(block, row, line, time) { continue }
                    switch plan.contribution {
                    case .one: value = 1
                    case .bytes: value = Double(pipeline.state.line.count)
                    case .unwrapped: value = pipeline.state.sample
                    case .distinct(let name):
                        // As with `unwrap`: no value, no sample.
                        guard let text = pipeline.state.visibleValue(name), !text.isEmpty else { continue }
                        value = Double(try valueNumber(of: text, &`guard`))
                    }
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

    @inline(__always)
    private static func keeps(_ filters: [LineFilter], _ line: ByteView) -> Bool {
        for filter in filters where !filter.matches(line) { return false }
        return true
    }

    /// Whether the metadata of rows may make series, or errors.
    private func metadataMatters(_ block: ColumnBlock) -> Bool {
        guard block.hasMetadata else { return false }
        if plan.identity.mode == .without || block.mayHaveMetadata("__error__") { return true }
        return plan.identity.names.contains { block.mayHaveMetadata($0.bytes) }
    }

    /// Leaves the labels of a row in the state as no stage has touched them.
    private mutating func showStored(_ block: ColumnBlock, _ row: Int) {
        let stream = block.streamOf[row]
        let metadata = block.metadataOf[row]
        pipeline.setStream(block.streams[Int(stream)].labels)
        pipeline.setMetadata(block.metadataSets[Int(metadata)])
        current = (stream, metadata)
        pipeline.begin()
    }

    /// Leaves the labels of a stream in the state, without metadata.
    mutating func show(_ stream: StreamRef) {
        pipeline.setStream(stream.labels)
        pipeline.setMetadata(Labels())
        current = (.max, .max)
        pipeline.begin()
    }

    /// Runs the pipeline over a row; false: the line is dropped.
    mutating func run(_ block: ColumnBlock, _ row: Int, _ line: ByteView, _ time: Int64) -> Bool {
        let stream = block.streamOf[row]
        let metadata = block.metadataOf[row]
        if stream != current.stream {
            pipeline.setStream(block.streams[Int(stream)].labels)
            pipeline.setMetadata(block.metadataSets[Int(metadata)])
            current = (stream, metadata)
        } else if metadata != current.metadata {
            pipeline.setMetadata(block.metadataSets[Int(metadata)])
            current.metadata = metadata
        }
        return pipeline.run(line, timestamp: time)
    }

    /// The series of the line in `state`; fails the query for a line with an error.
    mutating func numberOfLine(_ guard: inout QueryGuard) throws(QueryError) -> Int32 {
        if pipeline.state.hasError, !(plan.preservesParserErrors && isParserError) {
            hasFailedLine = true
            throw PipelineFailure.error(pipeline.state.labels())
        }
        return try admit(series.number(of: pipeline.state), &`guard`)
    }

    /// Accounts for a series that is new.
    mutating func admit(_ found: (number: Int32, isNew: Bool), _ guard: inout QueryGuard) throws(QueryError) -> Int32 {
        if found.isNew {
            try `guard`.hold(SeriesTable.footprint(series.labels[Int(found.number)]))
        }
        return found.number
    }

    @inline(__always)
    mutating func take(
        _ sample: Sample,
        _ series: Int32,
        _ cell: WindowGrid.Cell,
        _ guard: inout QueryGuard
    ) throws(QueryError) {
        lot.append(series, cell, sample)
        if lot.isFull { try flush(&`guard`) }
    }

    /// The number of a value of the counted label: the same for equal values.
    private mutating func valueNumber(of value: ByteView, _ guard: inout QueryGuard) throws(QueryError) -> Int {
        let text = ByteString(value)
        if let known = values[text] { return known }
        let number = values.count
        values[text] = number
        try `guard`.hold(text.count + 96)
        return number
    }

    private var isParserError: Bool {
        guard let text = pipeline.state.errorText else { return false }
        return text == ByteView("JSONParserErr") || text == ByteView("LogfmtParserErr")
    }

    mutating func flush(_ guard: inout QueryGuard) throws(QueryError) {
        if lot.count == 0 { return }
        try `guard`.hold(collector.add(lot))
        lot.clear()
    }

    /// Takes in what another scan of the same plan has gathered.
    mutating func absorb(_ other: borrowing RangeScan, _ guard: inout QueryGuard) throws(QueryError) {
        let (numbers, fresh) = series.absorb(other.series)
        for labels in fresh { try `guard`.hold(SeriesTable.footprint(labels)) }
        try `guard`.hold(collector.absorb(other.collector, numbers))
    }

    /// The series, in order of their labels.
    mutating func finish(_ guard: inout QueryGuard) throws(QueryError) -> [StepSeries] {
        if plan.op == .absent {
            return AbsentSeries.series(plan.matchers, present: collector.values(of: 0))
        }
        let labels = series.labels
        let order = labels.indices.sorted { labels[$0] < labels[$1] }
        var result: [StepSeries] = []
        result.reserveCapacity(order.count)
        for number in order {
            try `guard`.hold(plan.grid.steps.count * 8 + 64)
            let values = StepSeries(labels: labels[number], values: collector.values(of: number))
            if !values.isEmpty { result.append(values) }
            if result.count & 255 == 0 { try `guard`.check() }
        }
        return result
    }
}

/// An order of streams for samples of equal time: by labels, descending (so that the last sample of a group is that of the
/// stream whose labels come first). Loki lets a hash decide; this order is the same in every store and after every
/// restart. Without streams: no order, which is fine where none matters.
struct StreamRanking {
    private var ranks: [UInt32: UInt32] = [:]

    init() {}

    init(_ streams: [StreamSummary]) {
        for (i, stream) in streams.sorted(by: { $1.labels < $0.labels }).enumerated() {
            ranks[stream.id] = UInt32(i) + 1
        }
    }

    func rank(of id: UInt32) -> UInt32 { ranks[id] ?? 0 }
}

/// What a metric query says when a line came out of the pipeline with an error.
enum PipelineFailure {
    /// `labels`: all labels of the line, the error among them. In Loki's words.
    static func error(_ labels: Labels) -> QueryError {
        let name = labels["__error__"]?.string ?? ""
        return QueryError(
            .invalid,
            """
            pipeline error: '\(name)' for series: '\(labels.description)'.
            Use a label filter to intentionally skip this error. (e.g | __error__!="\(name)").
            To skip all potential errors you can match empty errors.(e.g __error__="")
            The label filter can also be specified after unwrap. (e.g | unwrap latency | __error__="" )

            """
        )
    }
}
