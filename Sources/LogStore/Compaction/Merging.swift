import Bytes
import Disk
import LogModel
import Metrics

/// Puts neighbouring segments of one partition together, so that many small ones from quiet hours do not pile up.
///
/// Size-tiered: segments of about one size are merged `mergeFan` at a time, up to `segmentSize` bytes of lines. Only
/// neighbours in order of arrival are merged, so that rows equal in stream and time keep their order. Rows are read and
/// written again, streaming; Σ digest of the outputs must equal Σ digest of the inputs, read back from the disk.
struct Merging {
    let core: StoreCore

    /// Segments to merge next, oldest first; nil when nothing is due. `all`: merge whatever fits together.
    static func choose(
        _ segments: [Segment],
        settings: StoreSettings,
        excluded: Set<UInt64>,
        all: Bool
    ) -> [Segment]? {
        struct Partition: Hashable {
            var day: Int64
            var days: Int64
        }
        var order: [Partition] = []
        var byPartition: [Partition: [Segment]] = [:]
        for segment in segments {
            let partition = Partition(day: segment.info.day, days: segment.info.days)
            if byPartition[partition] == nil { order.append(partition) }
            byPartition[partition, default: []].append(segment)
        }
        let fan = all ? 2 : max(2, settings.mergeFan)
        for partition in order {
            guard let members = byPartition[partition], members.count >= fan else { continue }
            for tier in 0...tierMax {
                var group: [Segment] = []
                var bytes = 0
                for segment in members + [nil] as [Segment?] {
                    let fits = segment.map {
                        !excluded.contains($0.info.number) && (all || self.tier($0.info.lineBytes) <= tier)
                            && $0.info.lineBytes + bytes <= settings.segmentSize && group.count < Self.inputsMax
                    }
                    if fits == true, let segment {
                        group.append(segment)
                        bytes += segment.info.lineBytes
                        if !all, group.count == max(fan, Self.inputsMax) { return group }
                        continue
                    }
                    if group.count >= fan || (group.count >= 2 && bytes >= settings.segmentSize / 2) { return group }
                    group = []
                    bytes = 0
                    if let segment, !excluded.contains(segment.info.number),
                        all || self.tier(segment.info.lineBytes) <= tier,
                        segment.info.lineBytes <= settings.segmentSize
                    {
                        group = [segment]
                        bytes = segment.info.lineBytes
                    }
                }
            }
        }
        return nil
    }

    /// Inputs of one merge: each holds the columns of a row group, about 1 MB.
    static let inputsMax = 16
    private static let tierMax = 4

    /// Below 1 MB of lines 0, below 8 MB 1, and so on.
    static func tier(_ bytes: Int) -> Int {
        var tier = 0
        var limit = 1 << 20
        while bytes >= limit, tier < tierMax {
            tier += 1
            limit *= 8
        }
        return tier
    }

    /// Which input could not be read, beside the error.
    struct Failure: Error {
        var error: StoreError
        var input: Segment?
    }

    /// Merges and publishes. On an error nothing has changed.
    func merge(_ inputs: [Segment], isStopping: () -> Bool) throws(Failure) {
        do throws(StoreError) { try core.manifest.prepare() } catch { throw Failure(error: error) }
        let number = core.manifest.segmentNumber()
        let path = core.path(StoreNames.segmentName(number))
        let merged: Segment
        do throws(Failure) {
            merged = try write(inputs, number, path, isStopping, cuts: true)
        } catch {
            // As in sealing: what does not come back from columns is kept whole.
            guard error.error.kind == .damaged, error.input == nil else { throw error }
            core.metrics.uncutSegments.add()
            merged = try write(inputs, number, path, isStopping, cuts: false)
        }
        do throws(DiskError) { try core.disk.syncDirectory(core.settings.directory) } catch {
            merged.retire()
            throw Failure(error: StoreError(error, "merging segments"))
        }
        var edit = ManifestEdit(
            added: [SegmentEntry(merged.info, size: merged.size)],
            removed: inputs.map(\.info.number)
        )
        edit.nextSegment = core.manifest.manifest.nextSegment
        do throws(StoreError) { try core.manifest.commit(edit, files: [merged]) } catch { throw Failure(error: error) }
        core.publish(adding: [merged], removing: inputs)
        core.metrics.merges.add()
        core.metrics.mergedBytes.add(merged.info.lineBytes)
    }

    private func write(
        _ inputs: [Segment],
        _ number: UInt64,
        _ path: String,
        _ isStopping: () -> Bool,
        cuts: Bool
    ) throws(Failure) -> Segment {
        let streams = core.streams.all()
        let numbers = Set(inputs.flatMap(\.streams)).sorted { a, b in
            let (x, y) = (streams[Int(a)].rank, streams[Int(b)].rank)
            return x != y ? x < y : a < b
        }
        var expected: UInt64 = 0
        var rows = 0
        for input in inputs {
            expected &+= input.info.digest
            rows += input.info.rows
        }
        let codec = PageCodec()
        let writer: SegmentWriter
        do throws(StoreError) {
            writer = try SegmentWriter(
                disk: core.disk,
                path: path,
                number: number,
                codec: core.settings.codec,
                level: core.settings.codecLevel,
                textLevel: core.settings.textLevel(isMerge: true),
                packer: codec,
                cuts: cuts
            )
        } catch { throw Failure(error: error) }
        do throws(Failure) {
            let cursors = inputs.map {
                SegmentCursor(segment: $0, codecs: core.codecs, stretchBytes: SegmentCursor.shared / inputs.count)
            }
            var live: [Bool] = []
            for cursor in cursors { live.append(try reading(cursor) { c throws(StoreError) in try c.advance() }) }
            for stream in numbers {
                if isStopping() { throw Failure(error: CommitQueue.closing) }
                writer.begin(streams[Int(stream)].tenant, streams[Int(stream)].labels)
                try copy(stream, cursors, &live, writer)
            }
            if live.contains(true) {
                throw Failure(error: StoreError(.damaged, "streams of a segment are out of order"), input: inputs.first)
            }
            let info: SegmentInfo
            do throws(StoreError) {
                (info, _) = try writer.finish(
                    walFirst: inputs.map(\.info.walFirst).min() ?? 0,
                    walLast: inputs.map(\.info.walLast).max() ?? 0,
                    day: inputs[0].info.day,
                    days: inputs[0].info.days,
                    replaces: inputs.map(\.info.number)
                )
            } catch { throw Failure(error: error) }
            guard info.rows == rows, info.digest == expected else {
                throw Failure(error: StoreError(.damaged, "a merge into \(path) lost rows: the inputs are kept"))
            }
            let table = core.streams
            do throws(StoreError) {
                let segment = try Segment.open(disk: core.disk, path: path) { table.register($0, $1) }
                if core.settings.verifySeals { try verify(segment, isStopping) }
                return segment
            } catch { throw Failure(error: error) }
        } catch {
            writer.abandon()
            try? core.disk.unlink(path)
            throw error
        }
    }

    /// All rows of one stream, by time; where times are equal, older inputs first.
    private func copy(
        _ stream: UInt32,
        _ cursors: [SegmentCursor],
        _ live: inout [Bool],
        _ writer: SegmentWriter
    ) throws(Failure) {
        while true {
            var best = -1
            // The next time of any other input: up to it the best one is copied without looking around.
            var bound: Int64?
            var boundInput = 0
            for (i, cursor) in cursors.enumerated() where live[i] && cursor.stream == stream {
                let time = cursor.timestamp
                if best < 0 || time < cursors[best].timestamp {
                    if best >= 0 {
                        bound = cursors[best].timestamp
                        boundInput = best
                    }
                    best = i
                } else if bound == nil || time < bound ?? .max {
                    bound = time
                    boundInput = i
                }
            }
            if best < 0 { return }
            let cursor = cursors[best]
            repeat {
                let line = try reading(cursor) { c throws(StoreError) in try c.line() }
                do throws(StoreError) {
                    try writer.append(cursor.timestamp, metadata: cursor.metadata, line: line)
                } catch { throw Failure(error: error) }
                live[best] = try reading(cursor) { c throws(StoreError) in try c.advance() }
                if !live[best] || cursor.stream != stream { break }
                guard let bound else { continue }
                if cursor.timestamp > bound || (cursor.timestamp == bound && boundInput < best) { break }
            } while true
        }
    }

    private func reading<R>(
        _ cursor: SegmentCursor,
        _ body: (SegmentCursor) throws(StoreError) -> R
    ) throws(Failure) -> R {
        do throws(StoreError) { return try body(cursor) } catch { throw Failure(error: error, input: cursor.segment) }
    }

    func verify(_ segment: Segment, _ isStopping: () -> Bool) throws(StoreError) {
        let cursor = SegmentCursor(segment: segment, codecs: core.codecs)
        var digest: UInt64 = 0
        var count = 0
        while try cursor.advance() {
            digest &+= XXH3.of(try cursor.line(), seed: UInt64(bitPattern: cursor.timestamp))
            count += 1
            if count % 65_536 == 0, isStopping() { throw CommitQueue.closing }
        }
        guard digest == segment.info.digest, count == segment.info.rows else {
            throw StoreError(
                .damaged,
                "segment \(segment.path) does not read back as it was written: its inputs are kept"
            )
        }
    }
}
