import Bytes
import LogModel

/// Finds rows that are stored already: equal in stream, time, line and metadata. Owned by the committer.
///
/// Rows of the two heads are found by hash (64 bits, then compared byte by byte). Segments are asked only for rows that
/// are not newer than what is sealed of their stream, and only the runs that overlap are read, so that rows in order
/// cost one hash each. Stores that are never pushed to hash nothing.
struct DuplicateFinder {
    private let core: StoreCore
    private let secret: UInt64

    /// Hashes of a head's rows.
    private struct Index {
        var table = HashTable()
        /// Batches of the head that are in it.
        var covered = 0
    }
    private var indexes: [UInt64: Index] = [:]
    private var pending = Index()

    /// Last sealed time of each stream. May be too high after retention, never too low.
    private var sealedLast: [Int64] = []
    private var version = UInt64.max
    private var known: Set<ObjectIdentifier> = []
    private var timesCache: [(segment: Segment, group: Int, times: [Int64])] = []
    /// Half a megabyte each at most.
    private static let timesCacheMax = 12

    /// The lines that were compared with last: what is sent again comes in the order in which it is stored.
    private struct Stretch {
        var segment: Segment
        var group: Int
        var rows: Range<Int>
        var lines: GroupReader.Lines
    }
    private var stretch: Stretch?
    private var reader: GroupReader?
    private static let stretchRows = 256

    init(core: StoreCore) {
        self.core = core
        var random = SystemRandomNumberGenerator()
        secret = random.next()
    }

    /// What was pending is forgotten: it is committed, or failed.
    mutating func beginGroup() {
        if pending.covered > 0 { pending = Index() }
    }

    /// Which rows of a batch to keep; nil: all. `pending` are the batches before it that will be committed with it.
    mutating func filter(_ record: BatchRecord, pending others: [BatchRecord]) throws(StoreError) -> [Bool]? {
        let view = core.snapshot()
        let heads = view.heads
        indexes = indexes.filter { entry in heads.contains { $0.id == entry.key } }
        for head in heads { cover(head) }
        while pending.covered < others.count {
            let other = others[pending.covered]
            let hashes = hashes(of: other)
            for (row, hash) in hashes.enumerated() {
                pending.table.insert(hash, UInt64(pending.covered) << 32 | UInt64(row))
            }
            pending.covered += 1
        }
        learn(view)

        let hashes = hashes(of: record)
        var own = HashTable(capacity: record.rows.count)
        var keep: [Bool]?
        var late: [Int] = []
        for (i, row) in record.rows.enumerated() {
            let hash = hashes[i]
            var isDuplicate = false
            for head in heads {
                isDuplicate =
                    indexes[head.id]?.table.contains(hash) { at in
                        Self.equal(record, row, head.batches[Int(at >> 32)], Int(at & 0xFFFF_FFFF))
                    } ?? false
                if isDuplicate { break }
            }
            if !isDuplicate, !others.isEmpty {
                isDuplicate = pending.table.contains(hash) { at in
                    let other = others[Int(at >> 32)]
                    return Self.equal(record, row, other, other.rows[Int(at & 0xFFFF_FFFF)])
                }
            }
            if !isDuplicate {
                isDuplicate = own.contains(hash) { Self.equal(record, row, record, record.rows[Int($0)]) }
            }
            if isDuplicate {
                if keep == nil { keep = [Bool](repeating: true, count: record.rows.count) }
                keep?[i] = false
                continue
            }
            own.insert(hash, UInt64(i))
            let stream = Int(record.streams[Int(row.stream)])
            if stream < sealedLast.count, row.timestamp <= sealedLast[stream] { late.append(i) }
        }
        for i in sealed(record, late, view) {
            if keep == nil { keep = [Bool](repeating: true, count: record.rows.count) }
            keep?[i] = false
        }
        return keep
    }

    /// The batch is now number `batch` of a head.
    mutating func committed(_ record: BatchRecord, head: UInt64, batch: Int) {
        guard let hashes = record.hashes, indexes[head]?.covered == batch else { return }
        for (row, hash) in hashes.enumerated() { indexes[head]?.table.insert(hash, UInt64(batch) << 32 | UInt64(row)) }
        indexes[head]?.covered += 1
        record.hashes = nil
    }

    // MARK: Heads

    private mutating func cover(_ head: Head) {
        var index = indexes.removeValue(forKey: head.id) ?? Index()
        while index.covered < head.batches.count {
            let batch = head.batches[index.covered]
            let sets = batch.metadata.indices.map { setHash(batch.metadataBytes(UInt32($0))) }
            for (i, row) in batch.rows.enumerated() {
                let hash = hash(
                    batch.streams[Int(row.stream)],
                    row.timestamp,
                    sets[Int(row.metadata)],
                    batch.line(row)
                )
                index.table.insert(hash, UInt64(index.covered) << 32 | UInt64(i))
            }
            index.covered += 1
        }
        indexes[head.id] = index
    }

    private func hashes(of record: BatchRecord) -> [UInt64] {
        if let known = record.hashes { return known }
        let sets = record.metadata.map { setHash(record.arena[$0]) }
        let hashes = record.rows.map {
            hash(record.streams[Int($0.stream)], $0.timestamp, sets[Int($0.metadata)], record.line($0))
        }
        record.hashes = hashes
        return hashes
    }

    private func setHash(_ set: ByteView) -> UInt64 { set.count <= 1 ? 0 : XXH3.of(set, seed: secret) }

    private func hash(_ stream: UInt32, _ time: Int64, _ set: UInt64, _ line: ByteView) -> UInt64 {
        let seed =
            UInt64(stream) &* 0x9E37_79B9_7F4A_7C15 ^ UInt64(bitPattern: time) &* 0xC2B2_AE3D_27D4_EB4F ^ set ^ secret
        // 0 marks a free place of the table.
        return max(1, XXH3.of(line, seed: seed))
    }

    private static func equal(_ a: BatchRecord, _ x: HeadRow, _ b: HeadBatch, _ at: Int) -> Bool {
        let y = b.rows[at]
        return x.timestamp == y.timestamp && x.length == y.length
            && a.streams[Int(x.stream)] == b.streams[Int(y.stream)]
            && a.line(x) == b.line(y) && a.arena[a.metadata[Int(x.metadata)]] == b.metadataBytes(y.metadata)
    }

    private static func equal(_ a: BatchRecord, _ x: HeadRow, _ b: BatchRecord, _ y: HeadRow) -> Bool {
        x.timestamp == y.timestamp && x.length == y.length
            && a.streams[Int(x.stream)] == b.streams[Int(y.stream)] && a.line(x) == b.line(y)
            && a.arena[a.metadata[Int(x.metadata)]] == b.arena[b.metadata[Int(y.metadata)]]
    }

    // MARK: Segments

    private mutating func learn(_ view: Snapshot) {
        guard version != view.version else { return }
        version = view.version
        var present: Set<ObjectIdentifier> = []
        for segment in view.segments {
            present.insert(ObjectIdentifier(segment))
            if known.contains(ObjectIdentifier(segment)) { continue }
            for run in segment.runs {
                let stream = Int(segment.stream(of: run))
                if stream >= sealedLast.count {
                    sealedLast.append(contentsOf: repeatElement(.min, count: stream + 1 - sealedLast.count))
                }
                sealedLast[stream] = max(sealedLast[stream], run.last)
            }
        }
        known = present
        timesCache.removeAll { !present.contains(ObjectIdentifier($0.segment)) }
        stretch = nil
        reader = nil
    }

    /// Those of the rows `late` that a segment holds.
    private mutating func sealed(_ record: BatchRecord, _ late: [Int], _ view: Snapshot) -> [Int] {
        guard !late.isEmpty else { return [] }
        let order = late.sorted { a, b in
            let (x, y) = (record.rows[a], record.rows[b])
            return (x.stream, x.timestamp, a) < (y.stream, y.timestamp, b)
        }
        var found: [Int] = []
        var at = 0
        while at < order.count {
            let local = record.rows[order[at]].stream
            var end = at
            while end < order.count, record.rows[order[end]].stream == local { end += 1 }
            let rows = order[at..<end]
            at = end
            guard let low = rows.first.map({ record.rows[$0].timestamp }),
                let high = rows.last.map({ record.rows[$0].timestamp })
            else { continue }
            let stream = record.streams[Int(local)]
            for segment in view.segments where segment.info.first <= high && segment.info.last >= low {
                guard let inside = segment.local(stream) else { continue }
                for run in segment.runs[segment.runsOfStream[inside]..<segment.runsOfStream[inside + 1]]
                where run.first <= high && run.last >= low {
                    found.append(contentsOf: matches(record, rows, segment, run))
                }
            }
        }
        return found
    }

    /// Rows of the batch that equal one of a run. Damage means that nothing can be compared: the rows are kept.
    private mutating func matches(
        _ record: BatchRecord,
        _ rows: ArraySlice<Int>,
        _ segment: Segment,
        _ run: Run
    ) -> [Int] {
        let group = Int(run.group)
        do throws(StoreError) {
            let times = try times(segment, group)
            var found: [Int] = []
            var metadata: MetadataColumn??
            let end = Int(run.firstRow + run.rows)
            for i in rows {
                let row = record.rows[i]
                guard row.timestamp >= run.first, row.timestamp <= run.last else { continue }
                var at = lowerBound(times, Int(run.firstRow), end, row.timestamp)
                while at < end, times[at] == row.timestamp {
                    if metadata == nil {
                        metadata = try core.codecs.with { codec throws(StoreError) in
                            try segment.metadata(group: group, codec: codec)
                        }
                    }
                    let set = (metadata ?? nil).flatMap { $0.encoded($0.setOfRow[at]) }
                    let mine = record.arena[record.metadata[Int(row.metadata)]]
                    let sameSet = set.map { $0 == mine } ?? (mine.count <= 1)
                    if sameSet, try isLine(record.line(row), segment, group, at, times) {
                        found.append(i)
                        break
                    }
                    at += 1
                }
            }
            return found
        } catch {
            core.damage.add(error.message)
            return []
        }
    }

    private mutating func isLine(
        _ line: ByteView,
        _ segment: Segment,
        _ group: Int,
        _ row: Int,
        _ times: [Int64]
    ) throws(StoreError) -> Bool {
        if let stretch, stretch.segment === segment, stretch.group == group, stretch.rows.contains(row) {
            return Self.isLine(line, stretch, row)
        }
        if reader?.segment !== segment || reader?.group != group {
            reader = try GroupReader(segment: segment, group: group, codecs: core.codecs)
        }
        guard let reader else { return false }
        let rows = row..<min(row + Self.stretchRows, times.count)
        let all = [UInt64](repeating: .max, count: (rows.count + 63) / 64)
        let lines = reader.lines(rows, wanted: all, times: times[rows])
        if let fault = lines.faults.first { throw fault }
        let read = Stretch(segment: segment, group: group, rows: rows, lines: lines)
        stretch = read
        return Self.isLine(line, read, row)
    }

    private static func isLine(_ line: ByteView, _ stretch: Stretch, _ row: Int) -> Bool {
        let at = row - stretch.rows.lowerBound
        let start = stretch.lines.starts[at]
        return stretch.lines.bytes.view[start..<start + Int(stretch.lines.lengths[at])] == line
    }

    private mutating func times(_ segment: Segment, _ group: Int) throws(StoreError) -> [Int64] {
        if let at = timesCache.firstIndex(where: { $0.segment === segment && $0.group == group }) {
            let hit = timesCache.remove(at: at)
            timesCache.append(hit)
            return hit.times
        }
        let times = try core.codecs.with { codec throws(StoreError) in try segment.times(group: group, codec: codec) }
        if timesCache.count == Self.timesCacheMax { timesCache.removeFirst() }
        timesCache.append((segment, group, times))
        return times
    }
}

/// First index in `low..<high` whose time is not below `time`; times ascend there.
func lowerBound(_ times: [Int64], _ low: Int, _ high: Int, _ time: Int64) -> Int {
    var low = low
    var high = high
    while low < high {
        let middle = (low + high) / 2
        if times[middle] < time { low = middle + 1 } else { high = middle }
    }
    return low
}

/// Hash → place, several places a hash. Open addressing with linear probing, at most half full.
struct HashTable {
    private var hashes: [UInt64]
    private var places: [UInt64]
    private var count = 0

    init(capacity: Int = 0) {
        var size = 64
        while size < capacity * 2 { size *= 2 }
        hashes = [UInt64](repeating: 0, count: size)
        places = [UInt64](repeating: 0, count: size)
    }

    /// `hash` is not 0.
    mutating func insert(_ hash: UInt64, _ place: UInt64) {
        if (count + 1) * 2 > hashes.count { grow() }
        var at = Int(truncatingIfNeeded: hash) & (hashes.count - 1)
        while hashes[at] != 0 { at = (at + 1) & (hashes.count - 1) }
        hashes[at] = hash
        places[at] = place
        count += 1
    }

    func contains(_ hash: UInt64, _ isEqual: (UInt64) -> Bool) -> Bool {
        var at = Int(truncatingIfNeeded: hash) & (hashes.count - 1)
        while hashes[at] != 0 {
            if hashes[at] == hash, isEqual(places[at]) { return true }
            at = (at + 1) & (hashes.count - 1)
        }
        return false
    }

    private mutating func grow() {
        var bigger = HashTable(capacity: hashes.count)
        for (at, hash) in hashes.enumerated() where hash != 0 { bigger.insert(hash, places[at]) }
        self = bigger
    }
}
