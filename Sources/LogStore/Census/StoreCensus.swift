import Bytes
import Disk
import LogModel
import Synchronization

/// Counts what rows look like, from columns.
///
/// A row group costs its columns of codes and of a few kinds of values; ids, times and measurements are not even read
/// once a field is known to hold them. Lines are never put together. Groups and runs that lie wholly in a window need no
/// times; of others the times are read and the rows inside are found by search. Rows that are not sealed yet are cut as
/// if they were (`LineCensus`).
struct StoreCensus {
    private let core: StoreCore
    private let selection: Selection
    private let request: CensusRequest
    private let census: Census
    private let lines: LineCensus
    /// By the store's number of a stream: its group, and the features of its labels.
    private var groupOf: [UInt32: Int] = [:]
    private var labelsOf: [UInt32: [Int]] = [:]

    private init(_ core: StoreCore, _ request: CensusRequest, _ selection: Selection) {
        self.core = core
        self.request = request
        self.selection = selection
        census = Census(cells: request.cells)
        lines = LineCensus(census)
    }

    /// So many parts are counted at once where there are processors. A constant, so that an answer depends on none.
    private static let partsMax = 4

    static func run(_ core: StoreCore, _ request: CensusRequest) throws -> Census {
        let selection = Selection(core: core, tenant: request.tenant, matchers: request.matchers)
        let range = request.range
        guard !selection.isEmpty, !range.isEmpty else { return Census(cells: request.cells) }
        let segments = selection.view.segments.filter { selection.overlaps($0, range) }
        // The head is counted beside the segments, by the first part.
        let count = max(1, min(partsMax, segments.count))
        let parts = Mutex<[Part]>([])
        WorkerPool.processors.run(count) { number in
            var part = StoreCensus(core, request, selection)
            do {
                if number == 0 { try part.addHeads(range) }
                for at in stride(from: number, to: segments.count, by: count) { try part.add(segments[at], range) }
                part.lines.finish()
                let done = Part(number: number, result: .success(part.census))
                parts.withLock { $0.append(done) }
            } catch {
                let done = Part(number: number, result: .failure(error))
                parts.withLock { $0.append(done) }
            }
        }
        let done = parts.withLock { $0 }.sorted { $0.number < $1.number }
        let census = try done[0].result.get()
        for part in done.dropFirst() { census.absorb(try part.result.get()) }
        census.settle()
        return census
    }

    /// What one part counted. Sendable: made by one thread, read by another when all have ended.
    private struct Part: @unchecked Sendable {
        var number: Int
        var result: Result<Census, any Error>
    }

    private mutating func addHeads(_ range: TimeRange) throws {
        for head in selection.view.heads {
            for batch in head.batches where selection.overlaps(batch, range) { try add(batch) }
        }
    }

    private func check() throws {
        if request.cancel.isCancelled { throw QueryError(.cancelled, "the query was cancelled") }
    }

    // MARK: Segments

    private mutating func add(_ segment: Segment, _ range: TimeRange) throws {
        var counter: SegmentCensus?
        var slots: [CensusSlot] = []
        var group = -1
        var times: [Int64]?
        for index in selection.runs(segment, range) + [-1] {
            let run = index < 0 ? nil : segment.runs[index]
            if let run, Int(run.group) == group {} else {
                if !slots.isEmpty { try count(segment, group, slots, &counter) }
                slots = []
                times = nil
                group = run.map { Int($0.group) } ?? -1
            }
            guard let run else { break }
            let stream = segment.stream(of: run)
            let cells = self.group(of: stream) * request.windows.count
            let rows = Int(run.firstRow)..<Int(run.firstRow + run.rows)
            do throws(StoreError) {
                try cut(run, rows, cells, segment, &times, &slots)
            } catch {
                core.report(error)
            }
        }
        do throws(StoreError) { try counter?.finish() } catch {
            core.report(error)
        }
    }

    /// Adds the rows of a run that lie in windows.
    private mutating func cut(
        _ run: Run,
        _ rows: Range<Int>,
        _ cells: Int,
        _ segment: Segment,
        _ times: inout [Int64]?,
        _ slots: inout [CensusSlot]
    ) throws(StoreError) {
        let first = Timestamp(nanoseconds: run.first)
        let last = Timestamp(nanoseconds: run.last)
        var found: [CensusSlot] = []
        for (number, window) in request.windows.enumerated() where window.overlaps(first: first, last: last) {
            if window.contains(first), window.contains(last) {
                found.append(CensusSlot(range: rows, cell: cells + number))
                break
            }
            let all: [Int64]
            if let times { all = times } else {
                all = try core.codecs.with { codec throws(StoreError) in
                    try segment.times(group: Int(run.group), codec: codec)
                }
                times = all
            }
            let low = lowerBound(all, rows.lowerBound, rows.upperBound, window.start.nanoseconds)
            let high = lowerBound(all, low, rows.upperBound, window.end.nanoseconds)
            if low < high { found.append(CensusSlot(range: low..<high, cell: cells + number)) }
        }
        found.sort { $0.range.lowerBound < $1.range.lowerBound }
        let labels = self.labels(of: segment.stream(of: run))
        for slot in found {
            slots.add(slot.range, cell: slot.cell)
            census.add(rows: slot.range.count, cell: slot.cell)
            for feature in labels { census.add(feature, cell: slot.cell, slot.range.count) }
        }
    }

    private func count(_ segment: Segment, _ group: Int, _ slots: [CensusSlot], _ counter: inout SegmentCensus?) throws {
        try check()
        do throws(StoreError) {
            if counter == nil { counter = SegmentCensus(segment, core.codecs, census, lines) }
            try counter?.add(group, slots)
        } catch {
            core.report(error)
        }
    }

    // MARK: Streams

    private mutating func group(of stream: UInt32) -> Int {
        if let known = groupOf[stream] { return known }
        let found = request.group(of: selection.streams[Int(stream)].labels)
        groupOf[stream] = found
        return found
    }

    private mutating func labels(of stream: UInt32) -> [Int] {
        if let known = labelsOf[stream] { return known }
        var found: [Int] = []
        for pair in selection.streams[Int(stream)].labels.pairs {
            guard let field = census.field(path: pair.name, kind: .string, isLabel: true) else { continue }
            let feature = pair.value.withView { census.feature(of: $0, in: field) }
            if feature >= 0 { found.append(feature) }
        }
        labelsOf[stream] = found
        return found
    }

    // MARK: Heads

    private mutating func add(_ batch: HeadBatch) throws {
        try check()
        let wanted = batch.streams.map { selection.wanted.contains($0) }
        for row in batch.rows where wanted[Int(row.stream)] {
            guard let window = request.window(of: row.timestamp) else { continue }
            let stream = batch.streams[Int(row.stream)]
            let cell = group(of: stream) * request.windows.count + window
            for feature in labels(of: stream) { census.add(feature, cell: cell, 1) }
            lines.add(batch.line(row), cell: cell)
        }
    }
}

extension LogStore: CensusReader {
    package func census(_ request: CensusRequest) throws -> Census? {
        try StoreCensus.run(core, request)
    }
}

extension StoreView: CensusReader {
    package func census(_ request: CensusRequest) throws -> Census? { try StoreCensus.run(core, request) }
}
