import Bytes
import Disk
import LogModel
import Metrics

/// Brings a store back from its files: manifest, segments it lists, records of the log behind them.
///
/// Unlisted files are leftovers of work that was never finished and are removed – unless the manifest is damaged: then
/// what they hold may be all there is, and they are taken in where the log no longer has their rows.
struct Recovery {
    let settings: StoreSettings
    let disk: any Disk
    let clock: any TimeSource
    let metrics: StoreMetrics

    struct Result {
        var core: StoreCore
        var wal: WalWriter
        var keys: BatchKeys
    }

    func run() throws(StoreError) -> Result {
        let names: [String]
        do throws(DiskError) { names = try disk.list(settings.directory) } catch {
            throw StoreError(error, "opening data directory \(settings.directory)")
        }
        var reading = try ManifestLog.read(disk: disk, directory: settings.directory, names: names)
        var replay = try WalReplay.read(disk: disk, directory: settings.directory, names: names)
        // The log is shortened only after the edit that makes it possible: one that begins later than the manifest ends
        // means that an edit is lost.
        if let first = replay.first, first > reading.manifest.floor + 1 { reading.incomplete = true }
        let highest = names.compactMap { StoreNames.segment($0) }.max() ?? 0
        reading.manifest.nextSegment = max(reading.manifest.nextSegment, highest + 1)

        let log = ManifestLog(
            disk: disk,
            directory: settings.directory,
            lastNumber: reading.lastNumber,
            keepsOld: reading.incomplete
        )
        let core = StoreCore(settings: settings, disk: disk, clock: clock, metrics: metrics, manifest: log)
        for text in reading.damaged { core.damage.add(text) }
        var manifest = reading.manifest
        var segments: [Segment] = []
        for entry in manifest.segments.values.sorted(by: { $0.number < $1.number }) {
            if let segment = load(entry, core) { segments.append(segment) }
        }
        // An edit that is lost may be the one that let the log go up to a record, while a later one – a merge – lists that
        // record's rows. Heads are sealed in order, so whatever a listed segment reaches to is sealed; the log's copy of it
        // would be served a second time.
        if reading.incomplete {
            for segment in segments { manifest.floor = max(manifest.floor, segment.info.walLast) }
        }
        let adopted = try unlisted(names, &manifest, &segments, reading.incomplete, replay.first, core)

        // A new manifest file when there is none, or when the old one cannot be trusted.
        if !reading.exists || reading.incomplete || adopted {
            try log.commit(manifest.snapshot)
        } else {
            log.adopt(manifest)
        }
        core.publish(adding: segments, removing: [])
        for (source, position) in manifest.positions { core.positions.set(source, position) }
        var keys = manifest.keys
        keys.expire(before: clock.wall.nanoseconds - settings.batchKeyAge)

        let last = try replayLog(&replay, manifest.floor, core, &keys)
        for text in replay.damaged { core.damage.add(text) }
        metrics.tornBytes.add(replay.tornBytes)
        if replay.tornBytes > 0 {
            core.damage.note(
                "write-ahead log in \(settings.directory): its last \(replay.tornBytes) bytes were cut off in writing and "
                    + "are left out; under `fsync: always` nothing acknowledged was in them")
        }
        let wal = WalWriter(
            disk: disk,
            directory: settings.directory,
            fileSize: settings.walFileSize,
            next: last + 1,
            lastNumber: replay.lastNumber,
            closed: closedFiles(replay)
        )
        for file in replay.files { file.handle.close() }
        removeTemporaries(names)
        core.count()
        return Result(core: core, wal: wal, keys: keys)
    }

    private func load(_ entry: SegmentEntry, _ core: StoreCore) -> Segment? {
        let path = core.path(StoreNames.segmentName(entry.number))
        let what = "\(entry.rows) lines, times \(entry.first)–\(entry.last) ns, left out, the file is kept"
        let span = entry.first <= entry.last ? entry.first...entry.last : nil
        let table = core.streams
        do throws(StoreError) {
            let segment = try Segment.open(disk: disk, path: path) { table.register($0, $1) }
            guard segment.info.number == entry.number, segment.info.rows == entry.rows, segment.size == entry.size
            else {
                core.damage.add("segment \(path) is not the one that the manifest lists (\(what))", span: span)
                return nil
            }
            return segment
        } catch {
            core.damage.add("\(error.message) (\(what))", span: span)
            return nil
        }
    }

    /// Deals with segment files that the manifest does not list. Returns whether the manifest was changed.
    private func unlisted(
        _ names: [String],
        _ manifest: inout Manifest,
        _ segments: inout [Segment],
        _ incomplete: Bool,
        _ firstLogged: UInt64?,
        _ core: StoreCore
    ) throws(StoreError) -> Bool {
        let present = Set(names.compactMap { StoreNames.segment($0) })
        var changed = false
        for number in present.sorted() where manifest.segments[number] == nil {
            let path = core.path(StoreNames.segmentName(number))
            guard incomplete else {
                try? disk.unlink(path)
                continue
            }
            let table = core.streams
            let segment: Segment
            do throws(StoreError) {
                segment = try Segment.open(disk: disk, path: path) { table.register($0, $1) }
            } catch {
                core.damage.add("\(error.message) (in no manifest, left out, the file is kept)")
                continue
            }
            let info = segment.info
            let isReplaced = segments.contains { $0.info.replaces.contains(number) }
            let logHasIt = firstLogged.map { info.walFirst >= $0 && info.walLast > manifest.floor } ?? false
            let inputsStand =
                !info.replaces.isEmpty
                && info.replaces.allSatisfy { old in
                    segments.contains { $0.info.number == old }
                }
            if isReplaced || logHasIt || inputsStand {
                segment.retire()
                continue
            }
            // What it was merged from goes: its rows are in it.
            for old in info.replaces where manifest.segments[old] != nil {
                manifest.segments[old] = nil
                segments.removeAll { $0.info.number == old }
            }
            manifest.segments[number] = SegmentEntry(info, size: segment.size)
            manifest.floor = max(manifest.floor, info.walLast)
            segments.append(segment)
            core.damage.add("segment \(path) was in no manifest and was taken in again")
            changed = true
        }
        return changed
    }

    private func replayLog(
        _ replay: inout WalReplay,
        _ floor: UInt64,
        _ core: StoreCore,
        _ keys: inout BatchKeys
    ) throws(StoreError) -> UInt64 {
        let table = core.streams
        let now = clock.monotonic
        var newKeys = keys
        var headNumber: UInt64 = 1
        let last = try replay.apply(behind: floor) { sequence, record throws(StoreError) in
            let decoded: BatchRecord.Decoded
            do throws(DecodeError) {
                decoded = try BatchRecord.decode(record, sequence: sequence) { table.register($0, $1) }
            } catch {
                core.damage.add("write-ahead log: record \(sequence) cannot be decoded: \(error)")
                return
            }
            if let key = decoded.key { newKeys.insert(key, now: decoded.receivedAt) }
            core.positions.apply(decoded.advances)
            let batch = decoded.batch
            let advances = decoded.advances
            let key = decoded.key
            let receivedAt = decoded.receivedAt
            core.update { state in
                state.filling.add(batch, advances: advances, key: key, receivedAt: receivedAt, now: now)
            }
            // A log longer than the heads: sealed on the way, so that memory stays bounded.
            if core.snapshot().filling.footprint >= 2 * settings.headSize {
                let head = core.snapshot().filling
                headNumber += 1
                let next = headNumber &+ (1 << 62)
                core.update { state in
                    state.sealing = state.filling
                    state.filling = Head(id: next)
                }
                try Sealing(core: core).seal(head)
            }
        }
        keys = newKeys
        if !core.snapshot().filling.isEmpty {
            // What was read may be in the page cache only; from now on it counts as stored.
            for file in replay.files {
                do throws(DiskError) { try file.handle.sync() } catch {
                    core.damage.add("write-ahead log: \(error)")
                }
            }
        }
        return max(last, floor)
    }

    private func closedFiles(_ replay: WalReplay) -> [WalWriter.ClosedFile] {
        var closed = replay.files.map {
            WalWriter.ClosedFile(number: $0.number, last: $0.last, isDamaged: $0.isDamaged)
        }
        for file in replay.unreadable {
            closed.append(WalWriter.ClosedFile(number: file.number, last: 0, isDamaged: file.hasRecords))
        }
        return closed.sorted { $0.number < $1.number }
    }

    /// Files that an atomic replace left half-way, and manifests that nothing names.
    private func removeTemporaries(_ names: [String]) {
        for name in names
        where name == StoreNames.current + ".tmp"
            || name.hasSuffix(StoreNames.unfinished) && StoreNames.wal(String(name.dropLast(StoreNames.unfinished.count))) != nil
        {
            try? disk.unlink(DiskPath.join(settings.directory, name))
        }
    }
}
