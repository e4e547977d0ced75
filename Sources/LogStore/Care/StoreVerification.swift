import Bytes
import LogModel

/// Every byte that has a checksum, read and checked; every row put together; every digest reckoned anew.
package struct StoreVerification: Sendable {
    package struct Finding: Sendable, Equatable {
        /// Number of the segment; nil: another file.
        package var segment: UInt64?
        /// Row group; nil: the segment as a whole.
        package var group: Int?
        /// In the segment.
        package var rows: Range<Int>?
        /// Rows that cannot be read because of it.
        package var lost: Int
        package var message: String
    }

    package var findings: [Finding] = []
    package var segments = 0
    /// Rows that were read, in segments and in the log.
    package var rows = 0
    package var lineBytes = 0
    /// Bytes of segment files that were checked.
    package var bytes = 0
    package var logRecords = 0
    /// Files that were found damaged earlier and set aside, and what else is worth a word.
    package var notes: [String] = []

    package var isClean: Bool { findings.isEmpty }
    package var lost: Int { findings.reduce(0) { $0 + $1.lost } }
}

extension StoreVerification {
    /// Reads the whole store once. `progress` hears of each segment before it is read.
    package static func run(_ view: StoreView, progress: (_ done: Int, _ of: Int) -> Void = { _, _ in }) -> StoreVerification {
        var result = StoreVerification()
        for segment in view.unreadable {
            result.findings.append(
                Finding(
                    segment: segment.entry.number, rows: 0..<segment.entry.rows, lost: segment.entry.rows,
                    message: segment.error.message))
        }
        let told = Set(view.unreadable.map(\.error.message))
        for text in view.damaged where !told.contains(where: { text.hasPrefix($0) }) {
            result.findings.append(Finding(lost: 0, message: text))
        }
        result.logRecords = view.log.records
        if view.log.tornBytes > 0 {
            result.notes.append("the write-ahead log ends in \(view.log.tornBytes) bytes of a write that was never finished")
        }
        for file in view.files where file.name.hasSuffix(".damaged") {
            result.notes.append("\(file.name) was found damaged before and set aside")
        }
        let snapshot = view.core.snapshot()
        for head in snapshot.heads {
            result.rows += head.rows
            for batch in head.batches { result.lineBytes += batch.lineBytes }
        }
        for (i, segment) in snapshot.segments.enumerated() {
            progress(i, snapshot.segments.count)
            let check = SegmentCheck.run(segment, codecs: view.core.codecs)
            result.segments += 1
            result.rows += check.rows
            result.lineBytes += check.lineBytes
            result.bytes += segment.size
            result.findings += check.findings
        }
        return result
    }
}

/// One segment, checked. Its head, trailer and index were when it was opened.
struct SegmentCheck {
    private(set) var findings: [StoreVerification.Finding] = []
    /// Rows that were read.
    private(set) var rows = 0
    private(set) var lineBytes = 0

    /// `pause` is called now and then: whoever does this in the background waits in it. It returns whether to go on.
    static func run(_ segment: Segment, codecs: CodecPool, pause: () -> Bool = { true }) -> SegmentCheck {
        var check = SegmentCheck()
        check.coverage(segment, codecs)
        check.filters(segment, codecs)
        check.read(segment, codecs, pause)
        return check
    }

    private mutating func add(_ segment: Segment, group: Int? = nil, rows: Range<Int>? = nil, lost: Int = 0, _ message: String) {
        // A column that cannot be read is met by every stretch of its group: one finding, which grows.
        if let at = findings.firstIndex(where: { $0.group == group && $0.message == message }) {
            findings[at].lost += lost
            if let old = findings[at].rows, let rows {
                findings[at].rows = min(old.lowerBound, rows.lowerBound)..<max(old.upperBound, rows.upperBound)
            }
            return
        }
        findings.append(
            StoreVerification.Finding(segment: segment.info.number, group: group, rows: rows, lost: lost, message: message))
    }

    /// Chunks lie back to back from the head to the index: no byte is outside of a checksum.
    private mutating func coverage(_ segment: Segment, _ codecs: CodecPool) {
        let layout: SegmentLayout
        do throws(StoreError) {
            layout = try codecs.with { codec throws(StoreError) in try segment.layout(codec) }
        } catch {
            add(segment, rows: 0..<segment.info.rows, lost: segment.info.rows, error.message)
            return
        }
        var chunks: [Chunk] = [segment.layoutChunk]
        for group in segment.groups {
            chunks += [group.times, group.templateOf]
            if let metadata = group.metadata { chunks += [metadata.rows, metadata.sets] }
            for column in group.columns { chunks += column.chunks }
        }
        for column in layout.columns { if let held = column.dictionary { chunks += held.chunks } }
        var at = SegmentFormat.headerSize
        for chunk in chunks.sorted(by: { ($0.offset, $0.packed) < ($1.offset, $1.packed) }) {
            if chunk.offset != at { break }
            at += chunk.packed
        }
        if at != segment.size - SegmentFormat.trailerSize - segment.indexSize.packed {
            add(segment, "segment \(segment.path): bytes from \(at) on belong to nothing")
        }
    }

    /// Filters are no part of any line.
    private mutating func filters(_ segment: Segment, _ codecs: CodecPool) {
        func load(_ chunk: Chunk, _ column: Int, _ group: Int?) throws(StoreError) {
            let raw = ByteArena(capacity: chunk.raw)
            try codecs.with { codec throws(StoreError) in
                try segment.load(chunk, "a filter of column \(column)", group: group, codec: codec, into: raw)
            }
        }
        for (number, group) in segment.groups.enumerated() {
            for column in group.columns {
                do throws(StoreError) { for chunk in column.filters { try load(chunk, column.column, number) } } catch {
                    add(segment, group: number, rows: group.firstRow..<group.firstRow + group.rows, error.message)
                }
            }
        }
        guard let layout = try? codecs.with({ codec throws(StoreError) in try segment.layout(codec) }) else { return }
        for (number, column) in layout.columns.enumerated() {
            guard let chunk = column.dictionary?.trigrams else { continue }
            do throws(StoreError) { try load(chunk, number, nil) } catch { add(segment, error.message) }
        }
    }

    private mutating func read(_ segment: Segment, _ codecs: CodecPool, _ pause: () -> Bool) {
        var digest: UInt64 = 0
        var faults: [SegmentWalk.Fault] = []
        var isStopped = false
        let walk = SegmentWalk(segment: segment, codecs: codecs)
        walk.run(fault: { faults.append($0) }) { stretch in
            for row in stretch.rows where !stretch.damaged.contains(row) {
                let line = stretch.line(row)
                digest &+= XXH3.of(line, seed: UInt64(bitPattern: stretch.times[row]))
                rows += 1
                lineBytes += line.count
            }
            isStopped = !pause()
            return !isStopped
        }
        if isStopped { return }
        for fault in faults {
            add(segment, group: fault.group, rows: fault.rows, lost: fault.lost, fault.error.message)
        }
        guard faults.isEmpty else { return }
        if rows != segment.info.rows || lineBytes != segment.info.lineBytes || digest != segment.info.digest {
            add(segment, "segment \(segment.path): its lines are not those that were written (digests differ)")
        }
    }
}
