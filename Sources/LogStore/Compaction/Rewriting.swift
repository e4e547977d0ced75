import Bytes
import Disk
import LogModel
import Metrics

/// Writes a segment anew, without some of its rows or with other lines in their place: deletions, the retention of single streams,
/// and what should have been redacted.
///
/// Order, as in merging: write, sync, read back, sync the directory, manifest edit (the new one in, the old one out),
/// publish. The digest of what was written must be that of the input less those of the dropped and changed rows, plus those of what
/// stands in their place, read back from the disk; so nothing but what was picked can be lost. Until the edit is durable nothing has changed.
struct Rewriting {
    let core: StoreCore

    struct Outcome {
        /// Nil: no row was left.
        var segment: Segment?
        var dropped: Int
        var changed = 0
    }

    /// Whether a sieve picks anything of a segment. Reads what may be picked, up to the first hit. Nil: a part that may
    /// be picked cannot be read, so nobody can tell.
    func picksAnything(_ segment: Segment, _ sieve: any RowSieve, isStopping: () -> Bool) throws -> Bool? {
        let streams = core.streams.all()
        let spans = segment.streams.map { sieve.begin(streams[Int($0)].tenant, streams[Int($0)].labels) }
        var current: UInt32?
        var sets = MetadataMemo()
        var hit = false
        var isDamaged = false
        try SegmentWalk(segment: segment, codecs: core.codecs).run(
            wanted: { run in
                guard let span = spans[Int(run.stream)] else { return false }
                return span.lowerBound <= run.last && run.first <= span.upperBound
            },
            fault: { fault in
                core.damage.add(fault.error.message)
                isDamaged = true
            }
        ) { stretch throws(any Error) in
            if isStopping() { return false }
            let stream = streams[Int(segment.stream(of: stretch.run))]
            if current != stretch.run.stream {
                current = stretch.run.stream
                _ = sieve.begin(stream.tenant, stream.labels)
            }
            guard let span = spans[Int(stretch.run.stream)] else { return true }
            for row in stretch.rows where span.contains(stretch.times[row]) && !stretch.damaged.contains(row) {
                let metadata = sets.labels(stretch.metadata, row, group: Int(stretch.run.group))
                if try sieve.picks(stretch.times[row], metadata: metadata, line: stretch.line(row)) {
                    hit = true
                    return false
                }
            }
            return true
        }
        return hit ? true : isDamaged ? nil : false
    }

    /// Rewrites and publishes. On an error nothing has changed.
    func rewrite(_ input: Segment, without sieve: any RowSieve, isStopping: () -> Bool) throws(Merging.Failure) -> Outcome {
        try rewrite(input, by: SieveEditor(sieve), isStopping: isStopping)
    }

    /// Rewrites and publishes. On an error nothing has changed.
    func rewrite(_ input: Segment, by editor: any RowEditor, isStopping: () -> Bool) throws(Merging.Failure) -> Outcome {
        do throws(StoreError) { try core.manifest.prepare() } catch { throw Merging.Failure(error: error) }
        let number = core.manifest.segmentNumber()
        let path = core.path(StoreNames.segmentName(number))
        var outcome: Outcome
        do throws(Merging.Failure) {
            outcome = try write(input, number, path, editor, isStopping, cuts: true)
        } catch {
            // As in sealing: what does not come back from columns is kept whole.
            guard error.error.kind == .damaged, error.input == nil else { throw error }
            core.metrics.uncutSegments.add()
            outcome = try write(input, number, path, editor, isStopping, cuts: false)
        }
        guard outcome.dropped > 0 || outcome.changed > 0 else {
            outcome.segment?.retire()
            return Outcome(segment: input, dropped: 0)
        }
        let added = outcome.segment.map { [$0] } ?? []
        do throws(DiskError) { try core.disk.syncDirectory(core.settings.directory) } catch {
            for segment in added { segment.retire() }
            throw Merging.Failure(error: StoreError(error, "rewriting a segment"))
        }
        var edit = ManifestEdit(
            added: added.map { SegmentEntry($0.info, size: $0.size) }, removed: [input.info.number])
        edit.nextSegment = core.manifest.manifest.nextSegment
        do throws(StoreError) { try core.manifest.commit(edit, files: added) } catch { throw Merging.Failure(error: error) }
        core.publish(adding: added, removing: [input])
        core.metrics.rewrites.add()
        core.metrics.rewrittenBytes.add(outcome.segment?.info.lineBytes ?? 0)
        return outcome
    }

    private func write(
        _ input: Segment, _ number: UInt64, _ path: String, _ editor: any RowEditor, _ isStopping: () -> Bool, cuts: Bool
    ) throws(Merging.Failure) -> Outcome {
        let codec = PageCodec()
        let writer: SegmentWriter
        do throws(StoreError) {
            writer = try SegmentWriter(
                disk: core.disk, path: path, number: number, codec: core.settings.codec,
                level: core.settings.codecLevel, packer: codec, cuts: cuts)
        } catch { throw Merging.Failure(error: error) }
        do throws(Merging.Failure) {
            let edits = try copy(input, into: writer, editor, isStopping)
            guard edits.dropped < input.info.rows else {
                writer.abandon()
                try? core.disk.unlink(path)
                return Outcome(segment: nil, dropped: edits.dropped)
            }
            let info: SegmentInfo
            do throws(StoreError) {
                (info, _) = try writer.finish(
                    walFirst: input.info.walFirst, walLast: input.info.walLast, day: input.info.day,
                    days: input.info.days, replaces: [input.info.number])
            } catch { throw Merging.Failure(error: error) }
            guard info.rows == input.info.rows - edits.dropped, info.digest == input.info.digest &+ edits.digest else {
                // The input does not hold what it says: reported as its damage, and it stays as it is.
                throw Merging.Failure(
                    error: StoreError(.damaged, "segment \(input.path): its lines are not those that were written (digests differ)"),
                    input: input)
            }
            let table = core.streams
            do throws(StoreError) {
                let segment = try Segment.open(disk: core.disk, path: path) { table.register($0, $1) }
                try Merging(core: core).verify(segment, isStopping)
                return Outcome(segment: segment, dropped: edits.dropped, changed: edits.changed)
            } catch { throw Merging.Failure(error: error) }
        } catch {
            writer.abandon()
            try? core.disk.unlink(path)
            throw error
        }
    }

    private struct Edits {
        var dropped = 0
        var changed = 0
        /// What the digest of all rows becomes by them.
        var digest: UInt64 = 0
    }

    /// Copies all rows as the editor has them.
    private func copy(
        _ input: Segment, into writer: SegmentWriter, _ editor: any RowEditor, _ isStopping: () -> Bool
    ) throws(Merging.Failure) -> Edits {
        let streams = core.streams.all()
        let cursor = SegmentCursor(segment: input, codecs: core.codecs)
        let encoded = ByteArena(capacity: 256)
        var current: UInt32?
        var begun: UInt32?
        var isEdited = false
        var edits = Edits()
        var count = 0
        while try reading(input, { () throws(StoreError) in try cursor.advance() }) {
            count += 1
            if count % 4096 == 0, isStopping() { throw Merging.Failure(error: CommitQueue.closing) }
            let stream = streams[Int(cursor.stream)]
            if current != cursor.stream {
                current = cursor.stream
                isEdited = editor.begin(stream.tenant, stream.labels)
            }
            let line = try reading(input) { () throws(StoreError) in try cursor.line() }
            var verdict = RowVerdict.keep
            if isEdited {
                do { verdict = try editor.verdict(cursor.timestamp, metadata: labels(cursor.metadata), line: line) } catch {
                    throw Merging.Failure(error: StoreError(.invalid, "rewriting \(input.path): \(error)"))
                }
            }
            if case .drop = verdict {
                edits.dropped += 1
                edits.digest &-= digest(line, cursor.timestamp)
                continue
            }
            // A stream without rows has no place in a segment: it begins with its first row.
            if begun != current {
                begun = current
                writer.begin(stream.tenant, stream.labels)
            }
            do throws(StoreError) {
                guard case .change(let other, let metadata) = verdict else {
                    try writer.append(cursor.timestamp, metadata: cursor.metadata, line: line)
                    continue
                }
                edits.changed += 1
                if let metadata {
                    encoded.reset()
                    metadata.encode(into: encoded)
                }
                let set = metadata.map { $0.isEmpty ? nil : encoded.view } ?? cursor.metadata
                guard let other else {
                    try writer.append(cursor.timestamp, metadata: set, line: line)
                    continue
                }
                edits.digest &+= digest(other.view, cursor.timestamp) &- digest(line, cursor.timestamp)
                try writer.append(cursor.timestamp, metadata: set, line: other.view)
            } catch { throw Merging.Failure(error: error) }
        }
        return edits
    }

    private func digest(_ line: ByteView, _ timestamp: Int64) -> UInt64 { XXH3.of(line, seed: UInt64(bitPattern: timestamp)) }

    private func labels(_ encoded: ByteView?) -> Labels {
        guard let encoded else { return Labels() }
        var reader = ByteReader(encoded)
        return (try? Labels.decode(&reader)) ?? Labels()
    }

    private func reading<R>(_ input: Segment, _ body: () throws(StoreError) -> R) throws(Merging.Failure) -> R {
        do throws(StoreError) { return try body() } catch { throw Merging.Failure(error: error, input: input) }
    }
}
