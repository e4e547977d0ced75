import Bytes
import LogModel

/// An entry that a log query keeps, with its place in the order of the answer.
struct SelectedEntry {
    var key: RowMerger.Key
    var line: ByteString
    /// Labels after the pipeline, by category. Not categorised: all in `labels`.
    var labels: Labels
    var metadata: Labels
    var parsed: Labels
    /// Metadata as stored, to tell equal entries.
    var stored: Labels

    /// Bytes of memory, roughly.
    var footprint: Int {
        func size(_ labels: Labels) -> Int {
            labels.pairs.reduce(0) { $0 + $1.name.count + $1.value.count + 2 * 32 + MemoryLayout<Label>.stride }
        }
        return 160 + line.count + size(labels) + size(metadata) + size(parsed)
    }
}

/// The best `limit` entries so far, in order, fed block by block.
///
/// A block brings its entries in order too, so a block is looked at only until `limit` entries precede its next row;
/// what lies beyond the last kept entry is never evaluated, and the store is told so.
struct EntrySelection {
    let limit: Int
    let backward: Bool
    private(set) var kept: [SelectedEntry] = []
    private var fresh: [SelectedEntry] = []
    /// How many of `kept` precede the row asked about last.
    private var passed = 0

    init(limit: Int, backward: Bool) {
        self.limit = limit
        self.backward = backward
    }

    mutating func beginBlock() {
        passed = 0
        fresh.removeAll(keepingCapacity: true)
    }

    /// Whether a row may still be among the best. Rows of a block must come in order.
    mutating func wants(_ key: RowMerger.Key, _ streams: StreamRanks) -> Bool {
        while passed < kept.count, RowMerger.Key.precedes(kept[passed].key, key, backward, streams) { passed += 1 }
        return passed + fresh.count < limit
    }

    mutating func append(_ entry: SelectedEntry) { fresh.append(entry) }

    /// Merges the block's entries in. Returns those that dropped out behind the limit.
    mutating func endBlock(_ streams: StreamRanks) -> [SelectedEntry] {
        if fresh.isEmpty { return [] }
        if kept.isEmpty {
            swap(&kept, &fresh)
            return []
        }
        var merged: [SelectedEntry] = []
        merged.reserveCapacity(kept.count + fresh.count)
        var i = 0
        var j = 0
        while i < kept.count || j < fresh.count {
            let takesFresh: Bool
            if i == kept.count {
                takesFresh = true
            } else if j == fresh.count {
                takesFresh = false
            } else {
                takesFresh = RowMerger.Key.precedes(fresh[j].key, kept[i].key, backward, streams)
            }
            if takesFresh {
                merged.append(fresh[j])
                j += 1
            } else {
                merged.append(kept[i])
                i += 1
            }
        }
        let dropped = merged.count > limit ? Array(merged[limit...]) : []
        if merged.count > limit { merged.removeSubrange(limit...) }
        kept = merged
        return dropped
    }

    /// What the store need not look beyond any more; nil while there is room.
    var horizon: TimeRange? {
        guard kept.count >= limit, let last = kept.last else { return nil }
        let time = Timestamp(nanoseconds: last.key.time)
        // Rows of the same time may still be better by their stream or arrival.
        return backward ? TimeRange(time, .max) : TimeRange(.min, time.advanced(by: 1))
    }
}

/// Keeps the first entry and then each that lies at least `interval` from the one kept before, over all streams.
struct IntervalThinning {
    /// Nanoseconds; 0 keeps everything.
    let interval: Int64
    private var last: Int64?

    init(interval: Int64) { self.interval = interval }

    mutating func keeps(_ time: Int64) -> Bool {
        guard interval > 0 else { return true }
        if let last {
            let (distance, overflow) = time.subtractingReportingOverflow(last)
            if !overflow && distance.magnitude < interval.magnitude { return false }
        }
        last = time
        return true
    }
}

/// Turns entries in the order of the answer into streams.
enum Regrouping {
    /// Groups by label set, keeps the order inside each, and sorts streams by the text of their labels.
    static func streams(_ entries: [SelectedEntry], dropsEqual: Bool) -> [ResultStream] {
        var indexOf: [Labels: Int] = [:]
        var streams: [ResultStream] = []
        var seen: Set<EntryIdentity> = []
        var seenTime: Int64?
        for entry in entries {
            if dropsEqual {
                // Entries come in order of time: what was seen at another time cannot be equal.
                if entry.key.time != seenTime {
                    seen.removeAll(keepingCapacity: true)
                    seenTime = entry.key.time
                }
                if !seen.insert(EntryIdentity(stream: entry.key.stream, line: entry.line, metadata: entry.stored))
                    .inserted
                {
                    continue
                }
            }
            let at: Int
            if let known = indexOf[entry.labels] {
                at = known
            } else {
                at = streams.count
                indexOf[entry.labels] = at
                streams.append(ResultStream(labels: entry.labels, entries: []))
            }
            streams[at].entries.append(
                ResultEntry(timestamp: entry.key.time, line: entry.line, metadata: entry.metadata, parsed: entry.parsed)
            )
        }
        let texts = streams.map(\.labels.description)
        return streams.indices.sorted { texts[$0].utf8.lexicographicallyPrecedes(texts[$1].utf8) }.map { streams[$0] }
    }

    private struct EntryIdentity: Hashable {
        var stream: UInt32
        var line: ByteString
        var metadata: Labels
    }
}
