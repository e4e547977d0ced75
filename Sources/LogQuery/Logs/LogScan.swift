import Bytes
import LogModel
import LogStages

/// Runs a log query over the blocks of a scan. `holdsEntries`: the receiver of merged entries keeps them all, which then
/// counts as memory of the query.
///
/// Two ways. With a limit, each block contributes its best entries and the store is told how far it still must look.
/// Without one (or when entries are thinned out, where each depends on the one before), rows of overlapping blocks are
/// merged, and a row is handed on as soon as no later block can come before it.
struct LogScan: ~Copyable {
    private let pipeline: StagePipeline
    /// Whether a template runs over each row.
    private let isCostly: Bool
    private let categorized: Bool
    private let keepsStored: Bool
    private let holdsEntries: Bool
    private let backward: Bool
    private var merger: RowMerger
    private var stream = UInt32.max
    private var metadata: UInt32 = .max
    private var block: ColumnBlock?

    init(_ stages: [PipelineStage], backward: Bool, categorized: Bool, keepsStored: Bool, holdsEntries: Bool) {
        pipeline = StagePipeline(stages)
        isCostly = stages.contains(where: \.isTemplate)
        self.backward = backward
        self.categorized = categorized
        self.keepsStored = keepsStored
        self.holdsEntries = holdsEntries
        merger = RowMerger(backward: backward)
    }

    var streams: StreamRanks { merger.streams }

    /// Takes from a block what belongs to the best entries.
    mutating func select(_ block: ColumnBlock, into selection: inout EntrySelection, _ guard: inout QueryGuard) throws
        -> ScanFlow
    {
        try `guard`.check()
        try block.loadLines()
        merger.removeAll()
        merger.add(block)
        selection.beginBlock()
        var rows = 0
        var bytes = 0
        while let (block, row, key) = merger.next() {
            guard selection.wants(key, merger.streams) else { break }
            rows += 1
            let size = block.line(row).count
            try `guard`.worked(size, isCostly: isCostly)
            bytes += size
            guard let entry = evaluate(block, row, key) else { continue }
            try `guard`.hold(entry.footprint)
            selection.append(entry)
        }
        `guard`.budget.counted(lines: rows, bytes: bytes)
        for dropped in selection.endBlock(merger.streams) { `guard`.release(dropped.footprint) }
        merger.removeAll()
        self.block = nil
        return selection.horizon.map { .narrow($0) } ?? .more
    }

    /// Takes a block in and hands on the rows that come before everything the store has yet to bring. `emit` says
    /// what it made of each.
    mutating func merge(_ block: ColumnBlock, _ guard: inout QueryGuard, _ emit: (SelectedEntry, inout QueryGuard) throws -> EntryFlow)
        throws
        -> ScanFlow
    {
        try `guard`.check()
        try block.loadLines()
        // Forward: blocks come by their first time, so nothing before this block's first can come any more.
        if let border = backward ? block.timestamps.max() : block.timestamps.min() {
            if try !drain(until: border, &`guard`, emit) { return .stop }
        }
        merger.add(block)
        return .more
    }

    /// Hands on the rest.
    mutating func finishMerge(_ guard: inout QueryGuard, _ emit: (SelectedEntry, inout QueryGuard) throws -> EntryFlow) throws {
        _ = try drain(until: nil, &`guard`, emit)
    }

    private mutating func drain(
        until border: Int64?,
        _ guard: inout QueryGuard,
        _ emit: (SelectedEntry, inout QueryGuard) throws -> EntryFlow
    ) throws -> Bool {
        var rows = 0
        var bytes = 0
        defer { `guard`.budget.counted(lines: rows, bytes: bytes) }
        while let head = merger.head {
            if let border, backward ? head.time <= border : head.time >= border { break }
            guard let (block, row, key) = merger.next() else { break }
            rows += 1
            let size = block.line(row).count
            try `guard`.worked(size, isCostly: isCostly)
            bytes += size
            guard let entry = evaluate(block, row, key) else { continue }
            switch try emit(entry, &`guard`) {
            case .skipped: continue
            case .kept: if holdsEntries { try `guard`.hold(entry.footprint) }
            case .stop: return false
            }
        }
        return true
    }

    private mutating func evaluate(_ block: ColumnBlock, _ row: Int, _ key: RowMerger.Key) -> SelectedEntry? {
        let rowStream = block.streamOf[row]
        let rowMetadata = block.metadataOf[row]
        if block !== self.block || rowStream != stream {
            pipeline.setStream(block.streams[Int(rowStream)].labels)
            pipeline.setMetadata(block.metadataSets[Int(rowMetadata)])
            self.block = block
            stream = rowStream
            metadata = rowMetadata
        } else if rowMetadata != metadata {
            pipeline.setMetadata(block.metadataSets[Int(rowMetadata)])
            metadata = rowMetadata
        }
        guard pipeline.run(block.line(row), timestamp: key.time) else { return nil }
        return SelectedEntry(
            key: key,
            line: ByteString(pipeline.state.line),
            labels: categorized ? pipeline.state.labels([.stream]) : pipeline.state.labels(),
            metadata: categorized ? pipeline.state.labels([.metadata]) : Labels(),
            parsed: categorized ? pipeline.state.labels([.parsed]) : Labels(),
            stored: keepsStored ? block.metadataSets[Int(rowMetadata)] : Labels()
        )
    }
}

/// What the receiver of entries in order says to each.
enum EntryFlow { case kept, skipped, stop }
