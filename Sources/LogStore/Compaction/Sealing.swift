import Bytes
import Disk
import LogModel
import Metrics

/// Turns a head into segments, one for each UTC day that it holds, and publishes them.
///
/// Order: write, sync each file, read back and compare, sync the directory, manifest edit, publish. Until the edit is
/// tried nothing has changed, and the files are removed again; when it is durable the log may go.
struct Sealing {
    let core: StoreCore

    /// More days than this in one head are put together by twos, fours …: an import of old lines must not make a
    /// thousand files.
    static let partitionsMax = 32

    func seal(_ head: Head) throws(StoreError) {
        let streams = core.streams.all()
        let order = SealOrder(head, streams)

        try core.manifest.prepare()
        var opened: [Segment] = []
        do throws(StoreError) {
            for partition in order.parts.isEmpty ? [] : partitions(order) {
                opened.append(try write(head, partition, order, streams, core.manifest.segmentNumber()))
            }
            do throws(DiskError) { if !opened.isEmpty { try core.disk.syncDirectory(core.settings.directory) } } catch {
                throw StoreError(error, "sealing")
            }
        } catch {
            for segment in opened { segment.retire() }
            throw error
        }
        var edit = ManifestEdit(added: opened.map { SegmentEntry($0.info, size: $0.size) })
        edit.floor = head.lastSequence
        edit.nextSegment = core.manifest.manifest.nextSegment
        edit.positions = head.positions
        edit.keys = head.keys.windows.map { (client: $0.key, window: $0.value) }
        if !edit.keys.isEmpty { edit.keysExpireBefore = core.clock.wall.nanoseconds - core.settings.batchKeyAge }
        try core.manifest.commit(edit, files: opened)
        core.publish(adding: opened, removing: [], sealed: head.id)
    }

    private struct Partition {
        var day: Int64
        var days: Int64
        /// Times from `low` to below `high`; the last one's end is open.
        var low: Int64
        var high: Int64?
    }

    private func partitions(_ order: SealOrder) -> [Partition] {
        let (first, last) = (SegmentFormat.day(order.first), SegmentFormat.day(order.last))
        if first == last { return [Partition(day: first, days: 1, low: order.first, high: nil)] }
        var days: Set<Int64> = []
        var previous = Int64.min
        for reference in order.references {
            let day = SegmentFormat.day(reference.timestamp)
            if day != previous { days.insert(day) }
            previous = day
        }
        func floored(_ day: Int64, _ width: Int64) -> Int64 {
            (day >= 0 ? day / width : -((width - 1 - day) / width)) * width
        }
        var width: Int64 = 1
        while Set(days.map { floored($0, width) }).count > Self.partitionsMax { width *= 2 }
        return Set(days.map { floored($0, width) }).sorted().map { day in
            let (low, below) = day.multipliedReportingOverflow(by: SegmentFormat.dayNanoseconds)
            let (high, above) = (day + width).multipliedReportingOverflow(by: SegmentFormat.dayNanoseconds)
            return Partition(day: day, days: width, low: below ? .min : low, high: above ? nil : high)
        }
    }

    private func write(
        _ head: Head,
        _ partition: Partition,
        _ order: SealOrder,
        _ streams: [StreamTable.Stream],
        _ number: UInt64
    ) throws(StoreError) -> Segment {
        do throws(StoreError) {
            return try write(head, partition, order, streams, number, cuts: true)
        } catch {
            // Lines that do not come back from columns as they went in are kept whole: nothing may depend on the
            // shredder being right.
            guard error.kind == .damaged else { throw error }
            core.metrics.uncutSegments.add()
            return try write(head, partition, order, streams, number, cuts: false)
        }
    }

    private func write(
        _ head: Head,
        _ partition: Partition,
        _ order: SealOrder,
        _ streams: [StreamTable.Stream],
        _ number: UInt64,
        cuts: Bool
    ) throws(StoreError) -> Segment {
        let path = core.path(StoreNames.segmentName(number))
        do throws(StoreError) {
            try core.codecs.with { codec throws(StoreError) in
                let writer = try SegmentWriter(
                    disk: core.disk,
                    path: path,
                    number: number,
                    codec: core.settings.codec,
                    level: core.settings.codecLevel,
                    textLevel: core.settings.textLevel(isMerge: false),
                    packer: codec,
                    cuts: cuts
                )
                for part in order.parts {
                    let rows = order.slice(part, from: partition.low, to: partition.high)
                    if rows.isEmpty { continue }
                    writer.begin(streams[Int(part.stream)].tenant, streams[Int(part.stream)].labels)
                    for reference in rows {
                        let batch = head.batches[Int(reference.batch)]
                        let row = batch.rows[Int(reference.row)]
                        try writer.append(
                            row.timestamp,
                            metadata: row.metadata == 0 ? nil : batch.metadataBytes(row.metadata),
                            line: batch.line(row)
                        )
                    }
                }
                _ = try writer.finish(
                    walFirst: head.firstSequence,
                    walLast: head.lastSequence,
                    day: partition.day,
                    days: partition.days
                )
            }
            let table = core.streams
            let segment = try Segment.open(disk: core.disk, path: path) { table.register($0, $1) }
            if core.settings.verifySeals { try verify(segment, head, partition, order) }
            return segment
        } catch {
            try? core.disk.unlink(path)
            throw error
        }
    }

    /// Reads the segment back and compares every row with the head.
    private func verify(
        _ segment: Segment,
        _ head: Head,
        _ partition: Partition,
        _ order: SealOrder
    ) throws(StoreError) {
        let different = StoreError(
            .damaged,
            "segment \(segment.path) does not read back as it was written: the log is kept, sealing is tried again"
        )
        let reader = SegmentCursor(segment: segment, codecs: core.codecs)
        for part in order.parts {
            let rows = order.slice(part, from: partition.low, to: partition.high)
            if rows.isEmpty { continue }
            for reference in rows {
                let batch = head.batches[Int(reference.batch)]
                let row = batch.rows[Int(reference.row)]
                guard try reader.advance(), reader.stream == part.stream, reader.timestamp == row.timestamp else {
                    throw different
                }
                let line = try reader.line()
                let set = reader.metadata
                guard line == batch.line(row),
                    row.metadata == 0 ? set == nil : set == batch.metadataBytes(row.metadata)
                else { throw different }
            }
        }
        guard try !reader.advance() else { throw different }
    }
}
