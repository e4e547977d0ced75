import Bytes
import LogModel
import Synchronization

/// Reads compressed files: each once, from its beginning to its end, and what is added to it later.
///
/// The position is the number of lines delivered, committed with them, so that nothing comes twice after a restart: it is unpacked
/// again and as many lines are passed over. A file that ends in the middle is read on when it grows; one that is overwritten is
/// new. Whether a file is done is remembered too: it is not opened again.
package final class ArchiveSource: CollectorSource {
    private enum Outcome {
        /// Nothing to do until the file changes.
        case settled
        /// It could not be read; that may pass.
        case failed
        case stopped
    }

    /// How far archives were read, by inode.
    private typealias Known = [UInt64: [(key: ArchiveKey, lines: UInt64, mark: ArchiveMark)]]

    /// A file that was looked at in this run.
    private struct Seen {
        var since: Int64
        /// As it was when it was read last; nil: not yet.
        var status: FileStatus?
    }

    package let name = "archives"
    private let settings: FileSourceSettings
    private let sink: any LineSink
    private let events: SourceEvents
    private let once: Bool
    private let owned: Mutex<[String: [FileTarget]]>
    private let stopped = Atomic<Bool>(false)
    private let ready = Atomic<Bool>(false)
    private let wakeUp: WakeUp

    /// Files that are remembered as looked at; beyond it those that are gone are forgotten.
    private static let seenMax = 100_000

    package init(
        targets: [FileTarget], settings: FileSourceSettings = FileSourceSettings(), sink: any LineSink, once: Bool = false,
        events: SourceEvents = SourceEvents()
    ) throws(SystemError) {
        owned = Mutex(["": targets])
        self.settings = settings
        self.sink = sink
        self.events = events
        self.once = once
        wakeUp = try WakeUp()
    }

    package var isReady: Bool { ready.load(ordering: .relaxed) }

    package func stop() {
        stopped.store(true, ordering: .relaxed)
        wakeUp.signal()
    }

    /// As `FileSource.replace`; a file that is being read is read to its end.
    package func replace(_ targets: [FileTarget], of owner: String) {
        owned.withLock { $0[owner] = targets }
        wakeUp.signal()
    }

    private var isStopped: Bool { stopped.load(ordering: .relaxed) }

    package func run() throws {
        var known: Known = [:]
        for (source, position) in sink.positions(withPrefix: ArchiveKey.prefix) {
            guard let key = ArchiveKey(source), let mark = ArchiveMark(position.detail) else { continue }
            known[key.id.inode, default: []].append((key, position.offset, mark))
        }
        var seen: [FileID: Seen] = [:]
        var said: Set<String> = []
        while !isStopped {
            let now = Monotonic.now()
            var next = now &+ settings.resyncInterval.nanoseconds
            var present: Set<FileID> = []
            var isWaiting = false
            for (target, match) in matches(&said) {
                present.insert(match.status.id)
                let one = seen[match.status.id] ?? Seen(since: now)
                seen[match.status.id] = one
                if let status = one.status, status == match.status { continue }
                let due = one.since &+ (target.decompression?.initialDelay ?? .zero).nanoseconds
                if due > now {
                    next = min(next, due)
                    isWaiting = true
                    continue
                }
                // As it was before it was read: what changes meanwhile is looked at once more.
                switch try read(match, target, &known, &said) {
                case .settled: seen[match.status.id]?.status = match.status
                case .failed: break  // Tried again at the next look.
                case .stopped: return
                }
            }
            ready.store(true, ordering: .relaxed)
            if once, !isWaiting { return }
            if seen.count > Self.seenMax || seen.count > 2 * present.count + 64 { seen = seen.filter { present.contains($0.key) } }
            let wait = max(0, (next &- Monotonic.now()) / 1_000_000 + 1)
            if System.waitReadable([wakeUp.readable], milliseconds: Int(min(wait, 60_000)))[0] { wakeUp.clear() }
        }
    }

    /// What there is now, each file once, oldest first: that is the order in which its lines were written.
    private func matches(_ said: inout Set<String>) -> [(FileTarget, GlobExpansion.Match)] {
        let targets = owned.withLock { owned in owned.sorted { $0.key < $1.key }.flatMap(\.value) }
        var expansion = GlobExpansion()
        var found: [(FileTarget, GlobExpansion.Match)] = []
        var taken: Set<FileID> = []
        for target in targets {
            guard let settings = target.decompression else { continue }
            for match in expansion.files(of: target.glob, excluding: target.exclude)
            where settings.covers(match.path) && taken.insert(match.status.id).inserted {
                found.append((target, match))
            }
        }
        for problem in expansion.problems { say("cannot be read: \(problem.words)", problem.path, &said) }
        return found.sorted { ($0.1.status.modified, $0.1.path) < ($1.1.status.modified, $1.1.path) }
    }

    private func read(
        _ match: GlobExpansion.Match, _ target: FileTarget, _ known: inout Known, _ said: inout Set<String>
    ) throws -> Outcome {
        let path = match.path
        do {
            let file = try System.open(path)
            defer { System.close(file) }
            let size = try System.status(of: file, path).size
            var mark = try ArchiveMark(file, size: size, path: path)
            var key = ArchiveKey(id: match.status.id, hash: mark.hash, born: UInt64(bitPattern: Timestamp.now().nanoseconds))
            var passed: UInt64 = 0
            let candidates = known[match.status.id.inode] ?? []
            if let index = try candidates.firstIndex(where: { try $0.mark.holds(file, size: size, path) }) {
                let before = candidates[index]
                if before.mark.isDone(at: before.lines), before.mark.size == size { return .settled }
                (key, passed) = (before.key, before.lines)
                mark.length = before.mark.length
                mark.hash = before.mark.hash
                mark.path = before.mark.path
            } else if let imported = sink.importedOffset(path: path.string) {
                // Promtail counts lines too.
                passed = imported
            }
            let beginning = try System.bytes(file, 0..<min(size, 8), path)
            if beginning.isEmpty { return .settled }
            guard let format = beginning.withView({ StreamDecompressor.Format(beginning: $0) }) ?? target.decompression?.format else {
                fail("is no gzip, bzip2 or zstd file; with `format: z` it is read as zlib", path, &said)
                return .settled
            }
            events.count(.filesOpened, 1)
            var text = try ArchiveText(
                file, size: size, path: path, format: format, encoding: target.encoding, maxLineBytes: settings.maxLineBytes)
            var delivered = passed
            // One part is held back: the last one carries that the file is done.
            var held: ArchiveText.Part?
            var labels = target.labels
            labels["filename"] = mark.path
            while let part = try text.next() {
                if isStopped { return .stopped }
                guard let last = part.lines.last, last.end > passed else { continue }
                if let held {
                    try deliver(held, key, mark, target, labels, &delivered)
                    // At once: should reading fail further on, it is tried again behind this.
                    note(key, delivered, mark, &known)
                }
                held = part
            }
            let cuts = text.takeCuts()
            for (counter, amount) in [
                (SourceCounter.linesCut, cuts.lines), (.bytesCut, cuts.bytes), (.nulBytesSkipped, cuts.nul),
                (.charactersReplaced, UInt64(text.charactersReplaced)), (.bytes, size),
            ] where amount > 0 { events.count(counter, amount) }
            mark.done = text.ending == .complete ? text.number : 0
            if let held { try deliver(held, key, mark, target, labels, &delivered) }
            note(key, delivered, mark, &known)
            switch text.ending {
            case .complete?:
                events.count(.filesFinished, 1)
                if text.hasTrailingBytes { say("has bytes behind its end, which are left out", path, &said) }
            case .truncated?:
                fail("ends in the middle, behind line \(delivered); it is read on when it grows", path, &said)
            case .damaged(let words)?:
                fail("is damaged behind line \(delivered) (\(words)); it is looked at again when it changes", path, &said)
            case nil: break
            }
        } catch let error as SystemError {
            if error.isMissing { return .settled }
            fail(error.isForbidden ? PermissionHint.text(for: error) : "cannot be read: \(error)", path, &said)
            return .failed
        } catch let error as DecodeError {
            fail("cannot be read: \(error.message)", path, &said)
        }
        return .settled
    }

    private func deliver(
        _ part: ArchiveText.Part, _ key: ArchiveKey, _ mark: ArchiveMark, _ target: FileTarget, _ labels: Labels,
        _ delivered: inout UInt64
    ) throws {
        let lines = part.lines.filter { $0.end > delivered }
        guard let last = lines.last else { return }
        events.count(.lines, UInt64(lines.count))
        try sink.deliver(
            LineBatch(
                source: key.text, path: mark.path.string, job: target.job, labelSets: [labels], bytes: part.bytes.take(),
                lines: lines, from: delivered, to: SourcePosition(offset: last.end, detail: mark.detail)))
        delivered = last.end
    }

    private func note(_ key: ArchiveKey, _ lines: UInt64, _ mark: ArchiveMark, _ known: inout Known) {
        known[key.id.inode, default: []].removeAll { $0.key == key }
        known[key.id.inode, default: []].append((key, lines, mark))
    }

    private func fail(_ words: String, _ path: ByteString, _ said: inout Set<String>) {
        events.count(.readErrors, 1)
        say(words, path, &said)
    }

    private func say(_ words: String, _ path: ByteString, _ said: inout Set<String>) {
        guard said.count < 10_000, said.insert("\(path) \(words)").inserted else { return }
        events.tell(.error, path.string, "\(path) \(words)")
    }
}
