import LogModel

/// Streams of one tenant that a query is about, as the parts of a snapshot see them.
struct Selection {
    let view: Snapshot
    let wanted: StreamSet
    let streams: [StreamTable.Stream]
    /// Their numbers when they are few: then they are looked up in a segment rather than the segment's streams in them.
    private let few: [UInt32]?
    private static let fewMax = 64

    init(core: StoreCore, tenant: Tenant, matchers: [LabelMatcher]) {
        // The snapshot first: streams of its rows are in the table by then.
        view = core.snapshot()
        (wanted, streams) = core.streams.match(tenant, matchers)
        few =
            wanted.count <= Self.fewMax
            ? (0..<UInt32(streams.count)).filter { [wanted] in wanted.contains($0) } : nil
    }

    var isEmpty: Bool { wanted.isEmpty }

    /// Runs of the wanted streams in a segment that overlap the range, in the order of its rows.
    func runs(_ segment: Segment, _ range: TimeRange) -> [Int] {
        var result: [Int] = []
        func take(_ local: Int) {
            for run in segment.runsOfStream[local]..<segment.runsOfStream[local + 1] {
                let span = segment.runs[run]
                if range.overlaps(first: Timestamp(nanoseconds: span.first), last: Timestamp(nanoseconds: span.last)) {
                    result.append(run)
                }
            }
        }
        if let few, few.count * 8 < segment.streams.count {
            for local in few.compactMap({ segment.local($0) }).sorted() { take(local) }
        } else {
            for (local, stream) in segment.streams.enumerated() where wanted.contains(stream) { take(local) }
        }
        return result
    }

    func overlaps(_ segment: Segment, _ range: TimeRange) -> Bool {
        range.overlaps(
            first: Timestamp(nanoseconds: segment.info.first),
            last: Timestamp(nanoseconds: segment.info.last)
        )
    }

    func overlaps(_ batch: HeadBatch, _ range: TimeRange) -> Bool {
        !batch.rows.isEmpty
            && range.overlaps(first: Timestamp(nanoseconds: batch.first), last: Timestamp(nanoseconds: batch.last))
    }

    func overlaps(_ run: HeadBatch.Run, _ range: TimeRange) -> Bool {
        wanted.contains(run.stream)
            && range.overlaps(first: Timestamp(nanoseconds: run.first), last: Timestamp(nanoseconds: run.last))
    }
}
