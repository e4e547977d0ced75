import Bytes
import LogModel

/// A store of a few entries, in blocks of a size to choose, for tests of what is above a store.
final class MemoryStore: StoreReader, @unchecked Sendable {
    // Sendable: filled before it is queried.
    struct Entry {
        var stream: UInt32
        var time: Int64
        var line: ByteString
        var metadata: Labels
    }

    /// What the store does with the predicate of a scan.
    enum Pushdown {
        /// Leaves every row to the evaluator.
        case none
        /// Drops what is surely false, and selects what is surely true.
        case lines
    }

    private(set) var streams: [Labels] = []
    private(set) var entries: [Entry] = []
    /// Rows of a block.
    var blockSize: Int
    var pushdown: Pushdown
    var scans = 0
    var linesLoaded = 0

    init(blockSize: Int = 1000, pushdown: Pushdown = .none) {
        self.blockSize = blockSize
        self.pushdown = pushdown
    }

    @discardableResult
    func add(
        _ labels: KeyValuePairs<String, String>,
        _ seconds: Double,
        _ line: String,
        _ metadata: KeyValuePairs<String, String> = [:]
    )
        -> MemoryStore
    {
        add(Labels(labels), Int64((seconds * 1e9).rounded()), ByteString(line), Labels(metadata))
    }

    @discardableResult
    func add(_ labels: Labels, _ time: Int64, _ line: ByteString, _ metadata: Labels = Labels()) -> MemoryStore {
        let id: Int
        if let known = streams.firstIndex(of: labels) {
            id = known
        } else {
            id = streams.count
            streams.append(labels)
        }
        entries.append(Entry(stream: UInt32(id), time: time, line: line, metadata: metadata))
        return self
    }

    // MARK: StoreReader

    func streams(tenant: Tenant, matchers: [LabelMatcher], range: TimeRange) throws -> [StreamSummary] {
        streams.indices.compactMap { id in
            guard matchers.matches(streams[id]) else { return nil }
            let mine = entries.filter { $0.stream == id && range.contains(Timestamp(nanoseconds: $0.time)) }
            guard let first = mine.map(\.time).min(), let last = mine.map(\.time).max() else { return nil }
            return StreamSummary(
                id: UInt32(id),
                labels: streams[id],
                first: Timestamp(nanoseconds: first),
                last: Timestamp(nanoseconds: last),
                rows: mine.count,
                bytes: mine.reduce(0) { $0 + $1.line.count },
                chunks: 1
            )
        }
    }

    func scan(_ request: ScanRequest, sink: (ColumnBlock) throws -> ScanFlow) throws {
        scans += 1
        var range = request.range
        var blocks: [(first: Int64, last: Int64, order: Int)] = []
        for start in stride(from: 0, to: entries.count, by: blockSize) {
            // Of the rows that will be handed over: the order of blocks is theirs.
            let times = entries[start..<min(entries.count, start + blockSize)].filter {
                range.contains(Timestamp(nanoseconds: $0.time)) && request.matchers.matches(streams[Int($0.stream)])
            }.map(\.time)
            if let first = times.min(), let last = times.max() { blocks.append((first, last, start)) }
        }
        switch request.direction {
        case .forward: blocks.sort { $0.first < $1.first }
        case .backward: blocks.sort { $0.last > $1.last }
        }
        for block in blocks {
            guard let made = self.block(block.order, request, range) else { continue }
            switch try sink(made) {
            case .more: break
            case .narrow(let wanted):
                range = TimeRange(max(range.start, wanted.start), min(range.end, wanted.end))
            case .stop: return
            }
        }
    }

    private func block(_ start: Int, _ request: ScanRequest, _ range: TimeRange) -> ColumnBlock? {
        var rows = entries[start..<min(entries.count, start + blockSize)].enumerated().filter { _, entry in
            range.contains(Timestamp(nanoseconds: entry.time)) && request.matchers.matches(streams[Int(entry.stream)])
        }
        rows.sort { a, b in
            (a.element.stream, a.element.time, a.offset) < (b.element.stream, b.element.time, b.offset)
        }
        if rows.isEmpty { return nil }
        var used: [UInt32] = []
        var sets: [Labels] = []
        var streamOf: [UInt32] = []
        var metadataOf: [UInt32] = []
        var selected = Bitmap(count: rows.count)
        var undecided = Bitmap(count: rows.count)
        for (i, (_, entry)) in rows.enumerated() {
            if !used.contains(entry.stream) { used.append(entry.stream) }
            if !sets.contains(entry.metadata) { sets.append(entry.metadata) }
            streamOf.append(UInt32(used.firstIndex(of: entry.stream) ?? 0))
            metadataOf.append(UInt32(sets.firstIndex(of: entry.metadata) ?? 0))
            switch pushdown == .none ? nil : request.predicate.decided(entry.line) {
            case true: selected[i] = true
            case false: break
            case nil: undecided[i] = true
            }
        }
        let lines = rows.map(\.element.line)
        return ColumnBlock(
            timestamps: rows.map(\.element.time),
            streamOf: streamOf,
            streams: used.map { StreamRef(id: $0, labels: streams[Int($0)]) },
            metadataOf: metadataOf,
            metadataSets: sets,
            order: UInt64(start),
            selected: selected,
            undecided: undecided
        ) { [self] _ in
            linesLoaded += lines.count
            let arena = ByteArena()
            var starts: [Int] = []
            var lengths: [UInt32] = []
            for line in lines {
                starts.append(arena.count)
                lengths.append(UInt32(line.count))
                arena.append(line)
            }
            return ColumnBlock.LineTable(bytes: arena.take(), starts: starts, lengths: lengths)
        }
    }

    func counts(
        tenant: Tenant,
        matchers: [LabelMatcher],
        grid: TimeGrid,
        budget: QueryBudget,
        cancel: CancelFlag
    ) throws -> [StreamCounts] {
        streams.indices.filter { matchers.matches(streams[$0]) }.map { id in
            var rows = [Int](repeating: 0, count: grid.count)
            var bytes = rows
            for i in 0..<grid.count {
                let last = grid.start.advanced(by: Int64(i) * grid.step)
                let border = last.advanced(by: -grid.window).nanoseconds
                let end = last.nanoseconds
                for entry in entries where entry.stream == id && entry.time > border && entry.time <= end {
                    rows[i] += 1
                    bytes[i] += entry.line.count
                }
            }
            let mayHaveErrors = entries.contains { $0.stream == id && $0.metadata["__error__"] != nil }
            return StreamCounts(labels: streams[id], rows: rows, bytes: bytes, mayHaveErrors: mayHaveErrors)
        }
    }

    func catalogue(tenant: Tenant, range: TimeRange) throws -> Catalogue { Catalogue(streams: streams.count) }
}

extension Predicate {
    /// nil: not for this store to say.
    fileprivate func decided(_ line: ByteString) -> Bool? {
        switch self {
        case .all: return true
        case .and(let parts):
            let outcomes = parts.map { $0.decided(line) }
            return outcomes.contains(false) ? false : outcomes.contains(nil) ? nil : true
        case .or(let parts):
            let outcomes = parts.map { $0.decided(line) }
            return outcomes.contains(true) ? true : outcomes.contains(nil) ? nil : false
        case .not(let part): return part.decided(line).map { !$0 }
        case .lineContains(let needle): return line.withView { view in needle.withView { view.contains($0) } }
        case .lineMatches(let pattern): return line.withView { pattern.matches($0) }
        case .field: return nil
        }
    }
}
