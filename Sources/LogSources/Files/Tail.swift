import Bytes
import Glibc
import LogModel
import Synchronization

/// What others may see of a file while it is read.
final class TailProgress: Sendable {
    /// `FileTarget.id`
    let target: Int
    let path: String
    let offset = Atomic<UInt64>(0)
    /// Delivered.
    let lines = Atomic<UInt64>(0)
    let size = Atomic<UInt64>(0)
    let rotated = Atomic<Bool>(false)

    init(target: Int, path: String) {
        self.target = target
        self.path = path
    }
}

/// What all tails of a source share while they read. One thread.
struct TailContext {
    let settings: FileSourceSettings
    let sink: any LineSink
    let events: SourceEvents
    var splitter: LineSplitter
    var known: KnownPositions
    /// The bytes before the read offset, read along to see that they are still there.
    let scratch: UnsafeMutableRawBufferPointer
    /// Memory of all unfinished lines.
    var pendingBytes = 0

    func count(_ counter: SourceCounter, _ amount: UInt64 = 1) {
        if amount > 0 { events.count(counter, amount) }
    }

    /// Passes on what the splitter counted.
    mutating func countSplit() {
        count(.linesCut, splitter.linesCut)
        count(.bytesCut, splitter.bytesCut)
        count(.nulBytesSkipped, splitter.nulBytes)
        splitter.linesCut = 0
        splitter.bytesCut = 0
        splitter.nulBytes = 0
    }
}

/// One file being read, whatever it is called: where it is, how far, and the unfinished line.
///
/// Invariants
/// - `pending` holds the bytes of `pendingStart..<readOffset` (less `dropped` at the end), none of them a newline;
///   `delivered ≤ pendingStart ≤ readOffset`, and what lies between the first two is NUL.
/// - `readMark` is of the bytes before `readOffset`, `mark.marker` of those before `mark.markerEnd`: that is `delivered`, or further
///   on for as long as nothing was delivered behind a position that was committed with lines held back.
/// - What may fail comes before what changes: after a `SystemError` all of this holds still.
/// - `key` is nil exactly as long as nothing was delivered of these contents.
final class Tail {
    enum Turn { case idle, more, failed(SystemError) }

    let id: FileID
    /// Which of the targets that read this file.
    let slot: Int
    private(set) var target: FileTarget
    private(set) var labels: Labels
    private(set) var progress: TailProgress
    /// Names that lead here and match; none: rotated or deleted.
    var paths: [ByteString]
    /// Where to open it.
    var location: ByteString
    /// The name it lost last.
    var lostPath: ByteString?
    /// Another file has that name now.
    var isReplaced = false
    private var isReadingCopy = false
    /// Let go of for good: it must not be read any more, though it may still stand in a list.
    var isDropped = false
    /// Its target is gone: when to stop at the latest, monotonic nanoseconds.
    var leaveBy: Int64?
    /// Monotonic nanoseconds.
    var detachedAt: Int64?
    var lastActive: Int64
    var isQueued = false
    var isBusy = false
    var hasFailed = false
    /// There was no chance yet to look up its position.
    private var isNew = true
    /// Whether an imported position or `startAt` may apply.
    private let arrival: FileArrival
    /// Read up to here, then stop: once mode.
    let limit: UInt64?

    private(set) var file: Int32 = -1
    private(set) var key: FileSourceKey?
    private var mark = FileMark()
    private(set) var delivered: UInt64 = 0
    private(set) var readOffset: UInt64 = 0
    private var readMark: FileMark.Hash = .none
    private var pending: ByteArena?
    private var pendingStart: UInt64 = 0
    /// Bytes of an overlong line that were read and not kept.
    private var dropped: UInt64 = 0
    /// Where the NUL bytes that end the file so far begin, and the mark of what is before them.
    private var nulRun: (start: UInt64, mark: FileMark.Hash)?
    private var lastSize: UInt64 = 0
    private var lastModified: Int64 = .min
    private(set) var links: UInt64 = 1
    /// Of files in another encoding, once their beginning is known.
    private var decoder: LineDecoder?
    /// Of a code unit.
    private var width: Int { decoder?.encoding.width ?? 1 }
    private var forgotten: UInt64 = 0
    /// Its share of `pendingBytes`.
    private var pendingShare = 0

    init(
        id: FileID, slot: Int, target: FileTarget, path: ByteString, file: Int32?, when: FileArrival, limit: UInt64?, now: Int64
    ) {
        self.id = id
        self.slot = slot
        self.target = target
        paths = [path]
        location = path
        arrival = when
        self.limit = limit
        self.file = file ?? -1
        lastActive = now
        (labels, progress) = Tail.labelled(target, path)
        mark.path = path
    }

    deinit { close() }

    /// Belongs to another target from now on, which reads on where the last one was.
    func adopt(_ target: FileTarget, _ path: ByteString) {
        self.target = target
        let before = progress
        (labels, progress) = Tail.labelled(target, path)
        progress.offset.store(before.offset.load(ordering: .relaxed), ordering: .relaxed)
        progress.size.store(before.size.load(ordering: .relaxed), ordering: .relaxed)
        progress.lines.store(before.lines.load(ordering: .relaxed), ordering: .relaxed)
        mark.path = path
    }

    private static func labelled(_ target: FileTarget, _ path: ByteString) -> (Labels, TailProgress) {
        var labels = target.labels
        labels["filename"] = path
        return (labels, TailProgress(target: target.id, path: path.string))
    }

    var isOpen: Bool { file >= 0 }
    var isDetached: Bool { paths.isEmpty }
    var isFinished: Bool { limit.map { readOffset >= $0 } ?? false }

    func close() {
        if file >= 0 { System.close(file) }
        file = -1
    }

    // MARK: Opening

    /// Opens the file, and the first time finds where to go on. False: another file has its name now.
    func open(_ context: inout TailContext) throws -> Bool {
        if file < 0 {
            file = try System.open(location)
            context.count(.filesOpened)
        }
        let status = try System.status(of: file, location)
        guard status.kind == .regular, status.id == id else {
            close()
            return false
        }
        if isNew {
            try resume(status, &context)
            isNew = false
        }
        return true
    }

    private func resume(_ status: FileStatus, _ context: inout TailContext) throws {
        let size = min(status.size, limit ?? .max)
        for known in context.known.candidates(id, slot: slot) {
            guard try known.mark.holds(file, size: size, offset: known.offset, location) else { continue }
            guard known.key.id.device == id.device || known.mark.fingerprint.length >= 256 else { continue }
            let before = try readMark(at: known, in: file)
            context.known.claim(known)
            key = known.key
            mark = known.mark
            begin(at: known.offset, before)
            // The name it had when it was first seen, as long as that still belongs to the target.
            if mark.path != location, target.matches(mark.path) {
                (labels, progress) = Tail.labelled(target, mark.path)
            }
            return
        }
        // Cut while nobody looked: what was not read before may stand in a copy.
        for known in context.known.candidates(id, slot: slot) where known.key.id == id {
            key = known.key
            mark = known.mark
            // The bytes before the position are in the copy, if there is one.
            begin(at: known.offset, .none)
            if try readCopy(&context, of: known) {
                context.known.claim(known)
                do { try deliverUnfinished(&context) } catch is SystemError {}
            }
            forgetContents()
        }
        guard arrival != .later else { return }
        try resolveEncoding(size)
        if let imported = context.sink.importedOffset(path: location.string), imported <= size {
            let start = try lineStart(before: imported)
            if start > 0 { try skip(to: start, &context) }
        } else if arrival == .atStart, context.settings.startAt == .end, size > 0 {
            let start = try lineStart(before: size)
            if start > 0 { try skip(to: start, &context) }
        }
    }

    private func begin(at offset: UInt64, _ before: FileMark.Hash) {
        delivered = offset
        readOffset = offset
        pendingStart = offset
        forgotten = offset
        readMark = before
        progress.offset.store(offset, ordering: .relaxed)
    }

    /// The mark of the bytes before a position: that of the position, unless lines were held back there.
    private func readMark(at known: KnownPositions.Known, in file: Int32) throws(SystemError) -> FileMark.Hash {
        if known.mark.markerEnd ?? known.offset == known.offset { return known.mark.marker }
        return try FileMark.marker(file, before: known.offset, location)
    }

    /// Start of the line that holds the byte before `offset`, or `offset` when that byte is a newline: a foreign collector
    /// may have saved a position within a line. Looks back 1 MiB; further back `offset` itself has to do.
    private func lineStart(before offset: UInt64) throws -> UInt64 {
        let offset = offset - offset % UInt64(width)
        let low = offset - min(offset, 1 << 20)
        let bytes = try System.bytes(file, low..<offset, location)
        guard UInt64(bytes.count) == offset - low else { return 0 }
        if let decoder, decoder.encoding.width > 1 {
            let last = bytes.withView { text in
                var start: Int?
                while let hit = decoder.encoding.newline(in: text, from: start ?? 0) { start = hit + decoder.encoding.width }
                return start
            }
            if let last { return low + UInt64(last) }
            return low == 0 ? 0 : offset
        }
        if let newline = bytes.lastIndex(of: 0x0A) { return low + UInt64(newline) + 1 }
        return low == 0 ? 0 : offset
    }

    /// Commits a position in a file of which nothing was read.
    private func skip(to offset: UInt64, _ context: inout TailContext) throws {
        let before = try FileMark.marker(file, before: offset, location)
        try deliver(ByteArena(capacity: 64), [], upTo: offset, before, &context)
        begin(at: offset, before)
    }

    // MARK: Reading

    /// Reads one block at most and delivers the lines that end in it.
    func turn(_ context: inout TailContext, now: Int64) throws -> Turn {
        do {
            guard try open(&context) else {
                // The name was taken over while the file was closed; what was not read is out of reach.
                context.count(.bytesLost, loseBacklog())
                return .idle
            }
            return try readBlock(&context, now)
        } catch let error as SystemError {
            return .failed(error)
        }
    }

    /// Finds out the byte order of a file in another encoding; it may be too short to tell.
    private func resolveEncoding(_ end: UInt64) throws {
        guard decoder == nil, let encoding = target.encoding, !encoding.isUTF8, end >= UInt64(encoding.width) else { return }
        let beginning = try System.bytes(file, 0..<min(end, UInt64(LineDecoder.beginningMax)), location)
        decoder = beginning.withView { LineDecoder(encoding, beginning: $0) }
    }

    private func readBlock(_ context: inout TailContext, _ now: Int64) throws -> Turn {
        let status = try System.status(of: file, location)
        links = status.links
        if status.size < readOffset {
            try startOver(&context)
            return .more
        }
        if nulRun != nil { try rereadFilledHole() }
        lastSize = status.size
        progress.size.store(status.size, ordering: .relaxed)
        let end = min(status.size, limit ?? .max)
        if readOffset >= end {
            // Cut and grown to the very same size between two looks.
            let isTouched = status.modified != lastModified
            lastModified = status.modified
            if isTouched, limit == nil, readOffset > 0, try !markHolds() {
                try startOver(&context)
                return .more
            }
            return .idle
        }
        lastModified = .min
        try resolveEncoding(end)
        // Whole code units: half of one waits for the other half.
        let most = Int(min(UInt64(context.settings.blockSize), end - readOffset))
        if let encoding = target.encoding, !encoding.isUTF8, most < encoding.width { return .idle }
        let wanted = max(most - most % width, width)
        let isOverlong = dropped > 0
        let arena = isOverlong ? ByteArena(capacity: wanted) : pending ?? ByteArena(capacity: wanted)
        let carried = arena.count
        let before = readMark.length
        guard let gotten = try read(arena, wanted, before, context.scratch) else {
            arena.truncate(to: carried)
            try startOver(&context)
            return .more
        }
        let got = gotten - gotten % width
        arena.truncate(to: carried + got)
        if got == 0 { return .idle }
        lastActive = now
        let (start, startMark) = (readOffset, readMark)
        let overlap = UnsafeRawBufferPointer(rebasing: context.scratch[..<before])
        readMark = Self.marker(arena.view, arena.count, new: carried, overlap)
        readOffset += UInt64(got)

        do {
            if isOverlong {
                try endOverlong(arena, from: start, overlap, &context)
            } else {
                try deliverLines(arena, searchFrom: carried, overlap, &context)
            }
        } catch let error as SystemError {
            takeBack(to: start, startMark, arena, carried, &context)
            throw error
        }
        context.count(.bytes, UInt64(got))
        forgetCache(context.settings, size: status.size)
        account(&context)
        return readOffset < end ? .more : .idle
    }

    /// A block was read and could not be delivered: it is read again.
    private func takeBack(
        to start: UInt64, _ startMark: FileMark.Hash, _ arena: ByteArena, _ carried: Int, _ context: inout TailContext
    ) {
        context.splitter.forgetCounts()
        if delivered > start {
            // The overlong line that ended in it is delivered; what is behind it is not.
            readOffset = delivered
            readMark = mark.marker
        } else {
            readOffset = start
            readMark = startMark
            arena.truncate(to: carried)
        }
        account(&context)
    }

    private func account(_ context: inout TailContext) {
        let share = pending?.count ?? 0
        context.pendingBytes += share - pendingShare
        pendingShare = share
    }

    /// Gives up the memory of the unfinished line.
    func release(_ context: inout TailContext) {
        pending = nil
        account(&context)
    }

    /// Reads behind `readOffset` into `arena`; nil when the bytes before are not those that were there.
    private func read(_ arena: ByteArena, _ wanted: Int, _ before: Int, _ scratch: UnsafeMutableRawBufferPointer) throws -> Int?
    {
        var failure: SystemError?
        var total = 0
        arena.appendUnsafe(capacity: wanted) { room in
            let overlap = UnsafeMutableRawBufferPointer(rebasing: scratch[..<before])
            do throws(SystemError) {
                total = try System.read(
                    file, at: readOffset - UInt64(before), overlap, UnsafeMutableRawBufferPointer(rebasing: room[..<wanted]), location)
            } catch { failure = error }
            return max(0, total - before)
        }
        if let failure { throw failure }
        let overlap = ByteView(unsafe: UnsafeRawBufferPointer(rebasing: scratch[..<before]))
        guard total >= before, FileMark.Hash(of: overlap) == readMark else { return nil }
        return total - before
    }

    private func markHolds() throws -> Bool {
        let bytes = try System.bytes(file, (readOffset - UInt64(readMark.length))..<readOffset, location)
        return bytes.withView { FileMark.Hash(of: $0) } == readMark
    }

    /// Mark of the bytes before `index` of `text`: from the part that is new, and from the bytes read along before it.
    private static func marker(_ text: ByteView, _ index: Int, new: Int, _ overlap: UnsafeRawBufferPointer) -> FileMark.Hash {
        let most = FileMark.markerMax
        if index - new >= most || overlap.isEmpty { return FileMark.Hash(of: text[new..<index].suffix(most)) }
        let joined = ByteArena(capacity: 2 * most)
        joined.append(ByteView(unsafe: overlap))
        joined.append(text[new..<index])
        return withExtendedLifetime(joined) { FileMark.Hash(of: joined.view.suffix(most)) }
    }

    private func deliverLines(
        _ arena: ByteArena, searchFrom: Int, _ overlap: UnsafeRawBufferPointer, _ context: inout TailContext
    ) throws {
        var lines: [LineBatch.Line] = []
        let text = arena.view
        let consumed = split(text, searchFrom, into: &lines, &context)
        let offset = pendingStart + UInt64(consumed)
        if consumed > 0, try !identify(text, upTo: offset, &context) {
            // Overwritten between two reads: what was read is whole all the same.
            lastModified = .min
        }
        context.countSplit()
        var rest = consumed
        var isHole = false
        // Every other byte of UTF-16 is NUL.
        if width == 1, rest < text.count, text[rest] == 0 {
            while rest < text.count, text[rest] == 0 { rest += 1 }
            context.count(.nulBytesSkipped, UInt64(rest - consumed))
            isHole = rest == text.count
        }
        let before = consumed > 0 ? Self.marker(text, consumed, new: searchFrom, overlap) : FileMark.Hash(of: ByteView(unsafe: overlap))
        let unfinished = text.count - rest
        if consumed == 0 && rest == 0 {
            nulRun = nil
            // Nothing ended: the bytes stay where they are.
            pending = arena
            limitPending(arena, context)
            return
        }
        let next: ByteArena? = unfinished > 0 ? ByteArena(capacity: unfinished) : nil
        next?.append(text.suffix(from: rest))
        if consumed > 0 {
            arena.truncate(to: consumed)
            try deliver(arena, lines, upTo: offset, before, &context)
        }
        nulRun = isHole ? nulRun ?? (offset, before) : nil
        pending = next
        pendingStart = readOffset - UInt64(unfinished)
        if let next { limitPending(next, context) }
        // Where that fails the NUL bytes are read like others, and that fails too, or does not.
        if isHole { do { try skipHole(&context) } catch is SystemError {} }
    }

    private func split(
        _ text: ByteView, _ searchFrom: Int, into lines: inout [LineBatch.Line], _ context: inout TailContext
    ) -> Int {
        guard let decoder else {
            return context.splitter.split(text, searchFrom: searchFrom, offset: pendingStart, into: &lines)
        }
        return decoder.split(text, searchFrom: searchFrom, offset: pendingStart, &context.splitter, into: &lines)
    }

    /// Cuts an unfinished line that is too long; where many files have one at the same time, earlier.
    private func limitPending(_ arena: ByteArena, _ context: TailContext) {
        let settings = context.settings
        let isCrowded = context.pendingBytes - pendingShare + arena.count > settings.unfinishedBytesMax
        var limit = isCrowded ? min(settings.maxLineBytes, max(pendingShare, 64 << 10)) : settings.maxLineBytes
        limit -= limit % width
        guard arena.count > limit else { return }
        dropped += UInt64(arena.count - limit)
        arena.truncate(to: limit)
    }

    /// Goes on in a line of which enough is kept already: only its end is looked for.
    private func endOverlong(
        _ block: ByteArena, from start: UInt64, _ overlap: UnsafeRawBufferPointer, _ context: inout TailContext
    ) throws {
        let found = decoder.map { $0.encoding.newline(in: block.view, from: 0) } ?? block.view.firstIndex(of: 0x0A)
        guard let found, let kept = pending else {
            dropped += UInt64(block.count)
            return
        }
        // The last byte of the newline.
        let newline = found + width - 1
        let end = start + UInt64(newline + 1)
        _ = try identify(kept.view, upTo: end, &context)
        context.count(.linesCut)
        context.count(.bytesCut, dropped + UInt64(newline))
        let marker = Self.marker(block.view, newline + 1, new: 0, overlap)
        try deliver(kept, [wholeLine(kept, end: end, &context)], upTo: end, marker, &context)
        dropped = 0
        let rest = ByteArena(capacity: max(64, block.count - newline - 1))
        rest.append(block.view[(newline + 1)..<block.count])
        pending = nil
        pendingStart = end
        if !rest.isEmpty {
            // The bytes before what is left, for its marks: the block itself holds them.
            let low = max(0, newline + 1 - FileMark.markerMax)
            try block.view[low..<(newline + 1)].withUnsafeBytes { raw in
                try deliverLines(rest, searchFrom: 0, raw, &context)
            }
        }
    }

    private func wholeLine(_ arena: ByteArena, end: UInt64, _ context: inout TailContext) -> LineBatch.Line {
        LineBatch.Line(
            start: 0, length: UInt32(truncatingIfNeeded: arena.count), labels: 0, timestamp: context.splitter.time(), end: end)
    }

    /// After a block of nothing but NUL: goes to where data begins again, without reading a hole of gigabytes.
    private func skipHole(_ context: inout TailContext) throws {
        let status = try System.status(of: file, location)
        let end = min(status.size, limit ?? .max)
        let data = min(System.nextData(file, after: readOffset) ?? end, end)
        guard data > readOffset else { return }
        readMark = try FileMark.marker(file, before: data, location)
        context.count(.nulBytesSkipped, data - readOffset)
        readOffset = data
        pendingStart = data
    }

    /// A run of NUL up to the end may be room that a writer has set aside: once it is written to, it is read again.
    private func rereadFilledHole() throws {
        guard let run = nulRun, try System.bytes(file, run.start..<(run.start + 1), location).first ?? 0 != 0 else { return }
        readOffset = run.start
        pendingStart = run.start
        readMark = run.mark
        nulRun = nil
    }

    /// Makes the key, or lets the fingerprint grow. False: the file does not begin as it did.
    private func identify(_ text: ByteView, upTo offset: UInt64, _ context: inout TailContext) throws -> Bool {
        let known = mark.fingerprint
        guard known.length < FileMark.fingerprintMax else { return true }
        let wanted = Int(min(offset, UInt64(FileMark.fingerprintMax)))
        // While it is small it is hashed again at each doubling.
        if key != nil, wanted < FileMark.fingerprintMax, wanted < 2 * known.length { return true }
        let bytes: [UInt8]
        if pendingStart == 0, text.count >= wanted {
            bytes = text.prefix(wanted).copy()
        } else {
            bytes = try System.bytes(file, 0..<UInt64(wanted), location)
            let old = bytes.withView { FileMark.Hash(of: $0.prefix(known.length)) }
            if key != nil, old != known { return false }
        }
        mark.fingerprint = bytes.withView { FileMark.Hash(of: $0) }
        return true
    }

    /// Hands lines over. `marker`: of the bytes before `offset`. Blocks while the sink has no room. Throws a `SystemError` only before
    /// it hands anything over.
    private func deliver(
        _ arena: ByteArena, _ lines: [LineBatch.Line], upTo offset: UInt64, _ marker: FileMark.Hash, _ context: inout TailContext
    ) throws {
        if mark.fingerprint.length == 0 { _ = try identify(ByteView(), upTo: offset, &context) }
        let key =
            self.key
            ?? FileSourceKey(
                id: id, fingerprint: mark.fingerprint.value, born: UInt64(bitPattern: context.splitter.time()), slot: slot)
        self.key = key
        mark.marker = marker
        mark.markerEnd = offset
        var (arena, lines) = (arena, lines)
        if let decoder {
            let out = ByteArena(capacity: max(64, arena.count))
            let replaced = decoder.decode(arena.view, &lines, &context.splitter, atBeginning: delivered == 0, into: out)
            context.count(.charactersReplaced, UInt64(replaced))
            context.countSplit()
            arena = out
        } else if target.encoding != nil, delivered == 0, let first = lines.first,
            arena[Int(first.start)..<Int(first.start + first.length)].hasPrefix("\u{FEFF}" as StaticString)
        {
            lines[0].start += 3
            lines[0].length -= 3
        }
        context.count(.lines, UInt64(lines.count))
        progress.lines.add(UInt64(lines.count), ordering: .relaxed)
        try context.sink.deliver(
            LineBatch(
                source: key.text, path: progress.path, job: target.job, labelSets: [labels], bytes: arena.take(), lines: lines,
                from: delivered, to: SourcePosition(offset: offset, detail: mark.detail)))
        delivered = offset
        progress.offset.store(offset, ordering: .relaxed)
    }

    // MARK: Ends

    /// Delivers what is there of a last line without a newline.
    func deliverUnfinished(_ context: inout TailContext) throws {
        guard let kept = pending, !kept.isEmpty else { return }
        _ = try identify(kept.view, upTo: readOffset, &context)
        if dropped > 0 {
            context.count(.linesCut)
            context.count(.bytesCut, dropped)
        }
        try deliver(kept, [wholeLine(kept, end: readOffset, &context)], upTo: readOffset, readMark, &context)
        pending = nil
        pendingStart = readOffset
        dropped = 0
    }

    /// The file was cut or overwritten: new contents, from 0, under a new key.
    private func startOver(_ context: inout TailContext) throws {
        // A copy that is not what it looked like: what was read of it counts.
        if isReadingCopy { throw CopyEnded() }
        _ = try readCopy(&context)
        if lastSize > readOffset { context.count(.bytesLost, lastSize - readOffset) }
        do { try deliverUnfinished(&context) } catch is SystemError {}
        context.count(.truncations)
        forgetContents()
    }

    private func forgetContents() {
        key = nil
        mark = FileMark()
        let path = paths.last ?? location
        mark.path = path
        if path.string != progress.path { (labels, progress) = Tail.labelled(target, path) }
        pending = nil
        dropped = 0
        nulRun = nil
        decoder = nil
        lastSize = 0
        begin(at: 0, .none)
    }

    private struct CopyEnded: Error {}

    /// `copytruncate` copies a file before it cuts it: what was written and not read here stands in the copy, behind the bytes that
    /// were read. Only what was written between the copy and the cut is nowhere.
    ///
    /// Reads the copy to its end, however much that is: there is no other moment at which it belongs to this file. False: there is none.
    private func readCopy(_ context: inout TailContext, of known: KnownPositions.Known? = nil) throws -> Bool {
        let mark = known?.mark ?? readUpToNow
        guard max(readOffset, mark.markerEnd ?? 0) > 0, limit == nil, let copy = try? findCopy(holding: mark) else { return false }
        let own = file
        let seen = lastSize
        file = copy
        isReadingCopy = true
        defer {
            System.close(copy)
            file = own
            isReadingCopy = false
        }
        do {
            if let known { readMark = try readMark(at: known, in: copy) }
            context.count(.copiesRead)
            while case .more = try readBlock(&context, Monotonic.now()) {}
        } catch is CopyEnded {
        } catch is SystemError {}
        lastSize = max(seen, readOffset)
        return true
    }

    /// A file beside this one whose name begins with this one's, which holds what was read here and more. nil where there is none, and
    /// where copies are read as files of their own. O(files of the directory).
    private func findCopy(holding mark: FileMark) throws -> Int32? {
        let directory = location.parent
        var names = try System.list(directory).entries.filter {
            $0.kind != .directory && $0.name != location.lastComponent && $0.name.bytes.starts(with: location.lastComponent.bytes)
        }.map(\.name)
        // `.1` before `.2`, the shorter of dates first: the newest of a long row is among the first few by one of both orders.
        names.sort { ($0.count, $0) < ($1.count, $1) }
        if names.count > 2 * Self.copiesMax { names = Array(names.prefix(Self.copiesMax) + names.suffix(Self.copiesMax)) }
        for name in names {
            let path = directory.appending(name)
            if target.matches(path) { continue }
            guard let file = try? System.open(path) else { continue }
            if let status = try? System.status(of: file, path), status.kind == .regular, status.id != id, status.size > readOffset,
                (try? mark.holds(file, size: status.size, offset: readOffset, path)) ?? false
            {
                return file
            }
            System.close(file)
        }
        return nil
    }

    /// The mark that a copy must have.
    private var readUpToNow: FileMark {
        var mark = mark
        mark.marker = readMark
        mark.markerEnd = readOffset
        return mark
    }

    /// Candidates from either end of the row.
    private static let copiesMax = 8

    /// For `KnownPositions`, when it is closed for good.
    var known: KnownPositions.Known? { key.map { KnownPositions.Known(key: $0, offset: delivered, mark: mark) } }

    /// Bytes known to be there and not read.
    var backlog: UInt64 { lastSize > readOffset ? lastSize - readOffset : 0 }

    /// The backlog, given up: it is told once.
    func loseBacklog() -> UInt64 {
        defer { lastSize = min(lastSize, readOffset) }
        return backlog
    }

    private func forgetCache(_ settings: FileSourceSettings, size: UInt64) {
        // Steps of 8 MiB, and only in a backlog: a file that is followed is read again by its writer's next block.
        let step: UInt64 = 8 << 20
        guard settings.dropsCache, readOffset - min(forgotten, readOffset) >= step else { return }
        System.forget(file, forgotten..<readOffset)
        forgotten = readOffset
    }
}
