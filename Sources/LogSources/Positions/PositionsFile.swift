import Bytes
import Disk
import LogModel
import Synchronization

/// Positions of a collector that ships to a server elsewhere: what that server has acknowledged.
///
/// Two files. `positions.yaml` is Promtail's, written so that one can go back to it, read once for what Promtail left.
/// `<it>.tailrace` holds what is believed: sources by identity, with their marks, and a checksum; a damaged one is replaced
/// by the generation before (`.previous`), and if that is damaged too, by what Promtail's file says. Starting never fails.
package final class PositionsFile: Sendable {
    private struct Source: Sendable {
        var path: ByteString
        var position: SourcePosition
        /// When it was last set: of several sources of one path the latest stands in Promtail's file.
        var order: UInt64
    }

    private struct State: Sendable {
        var sources: [ByteString: Source] = [:]
        /// Sources of each path, oldest first: files by their birth, others as they were noted.
        var byPath: [ByteString: [ByteString]] = [:]
        var promtail = PromtailPositions()
        var order: UInt64 = 0
        var changed: UInt64 = 0
        var saved: UInt64 = 0
    }

    package let path: String
    private let disk: any Disk
    private let readOnly: Bool
    private let state: Mutex<State>
    /// Saves follow one another. When positions of files that are gone are looked for next, monotonic nanoseconds.
    private let saving: Mutex<Int64>
    private let monotonic: @Sendable () -> Int64

    private static let magic: StaticString = "tailrace positions 1\n"

    /// Rotated files of one path that stay known.
    static let generationsMax = 32
    /// How often positions of files that are gone are looked for, nanoseconds.
    private static let cleaningInterval: Int64 = 3_600_000_000_000

    private var sidePath: String { path + ".tailrace" }
    private var previousPath: String { path + ".tailrace.previous" }

    /// Loads what is there; damage is reported, never thrown. `readOnly`: `save` does nothing (dry runs).
    package convenience init(path: String, disk: any Disk = PosixDisk(), readOnly: Bool = false, events: SourceEvents = SourceEvents()) {
        self.init(path: path, disk: disk, readOnly: readOnly, events: events, monotonic: { Monotonic.now() })
    }

    init(
        path: String, disk: any Disk = PosixDisk(), readOnly: Bool = false, events: SourceEvents = SourceEvents(),
        monotonic: @escaping @Sendable () -> Int64
    ) {
        self.path = path
        self.disk = disk
        self.readOnly = readOnly
        self.monotonic = monotonic
        // Not at once: at start file systems may not be there yet.
        saving = Mutex(monotonic() &+ Self.cleaningInterval)
        var loaded = State()
        // Whoever removes the positions file wants to begin anew: what stands beside it is then not believed.
        var isThere = true
        do {
            isThere = try disk.size(of: path) != nil
            if isThere {
                let yaml = try disk.contents(of: path)
                loaded.promtail = withExtendedLifetime(yaml) { PromtailPositions(parsing: yaml.view) }
                if loaded.promtail.damaged > 0 {
                    events.tell(
                        .warning, path, "\(loaded.promtail.damaged) lines of the positions file are damaged and were left out")
                }
            }
        } catch { events.tell(.warning, path, "\(error); its positions are not used") }
        for candidate in isThere ? [path + ".tailrace", path + ".tailrace.previous"] : [] {
            do {
                guard try disk.size(of: candidate) != nil else { continue }
                let side = try disk.contents(of: candidate)
                loaded.sources = try withExtendedLifetime(side) { try Self.decode(side.view) }
                for (key, source) in loaded.sources.sorted(by: { $0.value.order < $1.value.order }) {
                    Self.insert(key, into: &loaded.byPath[source.path, default: []])
                    loaded.order = source.order
                }
                break
            } catch {
                events.tell(.warning, candidate, "\(error); the generation before is used")
            }
        }
        state = Mutex(loaded)
    }

    // MARK: Looking up

    package func positions(withPrefix prefix: ByteString) -> [(source: ByteString, position: SourcePosition)] {
        state.withLock { state in
            state.sources.filter { $0.key.bytes.starts(with: prefix.bytes) }.map { ($0.key, $0.value.position) }
        }
    }

    package func position(of source: ByteString) -> SourcePosition? { state.withLock { $0.sources[source]?.position } }

    /// Whether a source is known to have got as far as `offset`, or was let go of: one of too many generations, or of a path that is gone.
    package func hasReached(_ source: ByteString, path: String, _ offset: UInt64) -> Bool {
        let isKnown: Bool? = state.withLock { state in
            if let known = state.sources[source] { return known.position.offset >= offset }
            guard let born = FileSourceKey(source)?.born, let all = state.byPath[ByteString(path)], all.count >= Self.generationsMax,
                let oldest = all.first.flatMap({ FileSourceKey($0)?.born })
            else { return nil }
            return born < oldest
        }
        return isKnown ?? ((try? disk.size(of: path)) == nil)
    }

    /// What Promtail knew of a path. nil once there is a position of our own for it: the two would be of different files
    /// after a rotation.
    package func importedOffset(path: String) -> UInt64? {
        let key = ByteString(path)
        return state.withLock { state in
            if state.byPath[key] != nil { return nil }
            return state.promtail.entries[key].flatMap { UInt64($0.string) }
        }
    }

    /// The journal cursor that Promtail left for a job.
    package func importedCursor(jobName: String) -> String? {
        state.withLock { state in
            if state.sources[JournalSource.source(jobName: jobName)] != nil { return nil }
            return state.promtail.entries[ByteString("cursor-\(jobName)")]?.string
        }
    }

    // MARK: Changing

    /// Notes a position. `path`: of the batch that was acknowledged. Durable with the next `save`.
    package func set(_ source: ByteString, path: String, _ position: SourcePosition) {
        let path = ByteString(path)
        state.withLock { state in
            state.order += 1
            state.changed += 1
            let isNew = state.sources[source] == nil
            state.sources[source] = Source(path: path, position: position, order: state.order)
            if isNew { Self.add(source, path, &state) }
            if source.hasPrefix("journal:") {
                let key = ByteString(Array("cursor-".utf8) + source.bytes.dropFirst("journal:".utf8.count))
                state.promtail.entries[key] = position.detail
            } else if let id = DockerSource.container(ofKey: source) {
                // Promtail goes on by whole seconds.
                state.promtail.entries[ByteString("cursor-\(id)")] = ByteString(String(position.offset / 1_000_000_000))
            } else if Self.isLatest(source, path, state) {
                state.promtail.entries[path] = ByteString(String(position.offset))
            }
        }
    }

    /// A rotated file that is still read must not take over its successor's entry.
    private static func isLatest(_ source: ByteString, _ path: ByteString, _ state: State) -> Bool {
        guard let born = FileSourceKey(source)?.born else { return true }
        return !(state.byPath[path] ?? []).contains { (FileSourceKey($0)?.born ?? 0) > born }
    }

    /// Files by when they were first read, not by when they were noted: what a spool still knows of an old generation, noted after
    /// a kill, would push out younger ones, and a collector that finds a gap among them reads those again.
    private static func insert(_ source: ByteString, into sources: inout [ByteString]) {
        guard let born = FileSourceKey(source)?.born else { return sources.append(source) }
        let place = sources.lastIndex { (FileSourceKey($0)?.born ?? 0) <= born }
        sources.insert(source, at: place.map { $0 + 1 } ?? 0)
    }

    /// Notes a new source of a path, and forgets the oldest where there are too many; that may be the new one.
    private static func add(_ source: ByteString, _ path: ByteString, _ state: inout State) {
        insert(source, into: &state.byPath[path, default: []])
        guard let count = state.byPath[path]?.count, count > generationsMax else { return }
        for old in state.byPath[path]?.prefix(count - generationsMax) ?? [] {
            state.sources[old] = nil
            if let id = DockerSource.container(ofKey: old) { state.promtail.entries[ByteString("cursor-\(id)")] = nil }
        }
        state.byPath[path]?.removeFirst(count - generationsMax)
    }

    /// Throws where the file could not be written: its directory is not there, or not writable.
    package func probe() throws(DiskError) {
        if readOnly { return }
        let name = path + ".probe"
        let file = try disk.open(name, .create)
        file.close()
        try disk.unlink(name)
    }

    /// Writes both files where anything changed since the last time. On an error the files are as they were; try again later.
    package func save() throws(DiskError) {
        if readOnly { return }
        let failure: DiskError? = saving.withLock { nextCleaning in
            let now = monotonic()
            if now >= nextCleaning {
                nextCleaning = now &+ Self.cleaningInterval
                forgetGoneFiles()
            }
            let (sources, promtail, changed, saved) = state.withLock { ($0.sources, $0.promtail, $0.changed, $0.saved) }
            if changed == saved { return nil }
            do throws(DiskError) {
                let side = Self.encode(sources).take()
                defer { withExtendedLifetime(side) {} }
                if try disk.size(of: sidePath) != nil { try disk.rename(sidePath, to: previousPath) }
                try disk.atomicReplace(sidePath, with: side.view)
                let yaml = ByteArena()
                promtail.encode(into: yaml)
                defer { withExtendedLifetime(yaml) {} }
                try disk.atomicReplace(path, with: yaml.view)
            } catch { return error }
            state.withLock { $0.saved = changed }
            return nil
        }
        if let failure { throw failure }
    }

    /// Drops what is known of files that are gone for good: a node that runs a pod a minute would remember half a million a year.
    private func forgetGoneFiles() {
        let all = state.withLock { $0.sources.map { (source: $0.key, path: $0.value.path) } }
        let gone = GoneFiles(now: Timestamp.now().nanoseconds).among(all)
        if gone.isEmpty { return }
        state.withLock { state in
            for (source, path) in gone where state.sources.removeValue(forKey: source) != nil {
                state.changed += 1
                state.byPath[path]?.removeAll { $0 == source }
                if state.byPath[path]?.isEmpty ?? false {
                    state.byPath[path] = nil
                    state.promtail.entries[path] = nil
                }
            }
        }
    }

    // MARK: Format

    // magic, count, then source, path, offset, detail, order of each (varints, strings with their length); CRC32C of it all.
    private static func encode(_ sources: [ByteString: Source]) -> ByteArena {
        let out = ByteArena(capacity: 4096)
        out.append(magic)
        out.append(varint: UInt64(sources.count))
        for (key, source) in sources.sorted(by: { $0.key < $1.key }) {
            out.append(prefixed: key)
            out.append(prefixed: source.path)
            out.append(varint: source.position.offset)
            out.append(prefixed: source.position.detail)
            out.append(varint: source.order)
        }
        out.append(littleEndian: CRC32C.of(out.view))
        return out
    }

    private static func decode(_ bytes: ByteView) throws(DecodeError) -> [ByteString: Source] {
        guard bytes.hasPrefix(magic), bytes.count >= 4 else { throw DecodeError("not a positions file") }
        let body = bytes.prefix(bytes.count - 4)
        var tail = ByteReader(bytes.suffix(4))
        guard try tail.littleEndian(UInt32.self) == CRC32C.of(body) else { throw DecodeError("checksum mismatch") }
        var reader = ByteReader(body)
        try reader.seek(to: magic.utf8CodeUnitCount)
        let count = try reader.count()
        var sources: [ByteString: Source] = [:]
        for _ in 0..<count {
            let key = ByteString(try reader.prefixed())
            let path = ByteString(try reader.prefixed())
            let offset = try reader.varint()
            let detail = ByteString(try reader.prefixed())
            sources[key] = Source(
                path: path, position: SourcePosition(offset: offset, detail: detail), order: try reader.varint())
        }
        return sources
    }
}
