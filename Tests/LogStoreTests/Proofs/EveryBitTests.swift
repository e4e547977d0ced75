import Bytes
import Disk
import LogModel
import LogTestKit
import Metrics
import Testing

@testable import LogStore

/// I5, bit by bit: in a small but complete store – manifest, segments of every form of column, a log with rows that are
/// not sealed – every bit of headers, indexes, layouts, dictionaries, trailers, the manifest and the log's header is turned
/// over, and one bit of every byte of pages and records. Whatever is asked then – lines, lines under a condition, counts,
/// a census – nothing is altered or made up, and what is missing is reported. One flip in 150 without
/// `TAILRACE_TORTURE=1`.
@Suite struct EveryBitTests {
    private static let setup = settings {
        $0.headSize = 1 << 20
        $0.walFileSize = 1 << 20
        $0.mergeFan = 3
    }

    private static func row(_ i: Int) -> StoredRow {
        let line: String
        switch i % 6 {
        case 0: line = "worker \(i) took 0\(i % 7).\(i % 10) s"
        case 1: line = "\u{1}raw \(String(UInt64(i) &* 0x9E37_79B9_7F4A_7C15, radix: 36)) \(String(UInt64(i) &* 0xBF58_476D_1CE4_E5B9, radix: 36))"
        default:
            line =
                #"{"ts": "2024-01-\#(10 + i % 20)T10:00:0\#(i % 10)Z", "level": "\#(i % 9 == 2 ? "error" : "info")", "id": "\#(String(UInt64(i) &* 0x9E37_79B9_7F4A_7C15 | 1 << 63, radix: 16))", "n": \#(i * 7919 % 5000), "r": 0.\#(i % 90 + 10), "c": "same", "x": "\#(letters(i))", "m": "step \#(i % 7) of job \#(i)"}"#
        }
        return StoredRow(
            labels: label(["s": "\(i % 2)"]), timestamp: noon + Int64(i) * second, line: Array(line.utf8),
            metadata: i % 5 == 0 ? label(["m": "\(i % 3)"]) : Labels())
    }

    /// The files, and the rows that are in them.
    private static func complete() async throws -> (image: SimDisk, rows: [StoredRow]) {
        let disk = SimDisk()
        let store = try open(disk, setup)
        let rows = (0..<260).map(row)
        for (part, range) in [0..<60, 60..<120, 120..<200, 200..<220, 220..<240].enumerated() {
            _ = try await store.append(batch(Array(rows[range])))
            try await store.flush()
            if part == 1 || part == 3 { try await store.compact() }
        }
        for range in [240..<250, 250..<260] { _ = try await store.append(batch(Array(rows[range]))) }
        let image = disk.crashed(.nothing)
        await store.close()
        return (image, rows)
    }

    private struct Flip {
        var path: String
        var byte: Int
        var bit: Int
    }

    private static func flips(_ image: SimDisk) throws -> [Flip] {
        var flips: [Flip] = []
        func every(_ path: String, _ range: Range<Int>) {
            for byte in range { for bit in 0..<8 { flips.append(Flip(path: path, byte: byte, bit: bit)) } }
        }
        func one(_ path: String, _ range: Range<Int>) {
            for byte in range { flips.append(Flip(path: path, byte: byte, bit: (byte * 5 + 3) % 8)) }
        }
        let table = StreamTable()
        for path in image.paths.sorted() {
            guard let bytes = image.bytes(of: path) else { continue }
            if path.contains("/segment-") {
                let segment = try Segment.open(disk: image, path: path) { table.register($0, $1) }
                var end = SegmentFormat.headerSize
                for group in segment.groups {
                    var chunks = [group.times, group.templateOf] + group.columns.map(\.body)
                    for column in group.columns { chunks += column.pages.map(\.chunk) + (column.filter.map { [$0] } ?? []) }
                    if let metadata = group.metadata { chunks += [metadata.rows, metadata.sets] }
                    for chunk in chunks { end = max(end, chunk.offset + chunk.packed) }
                }
                every(path, 0..<SegmentFormat.headerSize)
                one(path, SegmentFormat.headerSize..<end)
                // Dictionaries, layout, index, trailer.
                every(path, end..<bytes.count)
            } else if path.contains("/wal-") {
                let used = (bytes.lastIndex { $0 != 0 } ?? -1) + 1
                every(path, 0..<min(used, WalFormat.dataStart))
                if used > WalFormat.dataStart { one(path, WalFormat.dataStart..<used) }
            } else if path.contains("manifest-") || path.hasSuffix("CURRENT") {
                every(path, 0..<bytes.count)
            }
        }
        return flips
    }

    @Test(.timeLimit(.minutes(60))) func everyFlipIsFoundContainedAndAltersNothing() async throws {
        let (image, rows) = try await Self.complete()
        let whole = Self.Answers(rows)
        let core = try recovered(image.copy(), Self.setup)
        let healthy = try Self.ask(core)
        #expect(healthy.lines == whole.lines && healthy.counts == whole.counts && healthy.matches == whole.matches)
        #expect(core.damage.all.isEmpty)
        let forms = Set(core.snapshot().segments.flatMap { $0.groups.flatMap { $0.columns.map(\.form) } })
        #expect(forms == Set(ColumnForm.allCases).subtracting([.raw]))
        var flips = try Self.flips(image)
        let all = flips.count
        if !isTorture {
            var random = SeededRandom(12)
            flips = flips.filter { _ in random.below(150) == 0 }
        }
        var lost = 0
        for flip in flips {
            let damaged = image.copy()
            guard var bytes = damaged.bytes(of: flip.path) else { continue }
            bytes[flip.byte] ^= 1 << UInt8(flip.bit)
            damaged.setBytes(bytes, of: flip.path)
            let place = "\(flip.path), byte \(flip.byte) of \(bytes.count), bit \(flip.bit)"
            do {
                let core = try recovered(damaged, Self.setup)
                let found = try Self.ask(core)
                if let fault = found.fault(against: whole) {
                    Issue.record("\(place): \(fault)")
                    return
                }
                let isComplete = found.lines == whole.lines && found.matches == whole.matches && found.counts == whole.counts
                if !isComplete {
                    lost += 1
                    // The last record of a log cannot be told from one that was never finished.
                    let isLast = flip.path.contains("/wal-") && found.lines.count >= whole.lines.count - 10
                    if core.damage.all.isEmpty, !isLast {
                        Issue.record("\(place): \(whole.lines.count - found.lines.count) lines are missing, and nothing is reported")
                        return
                    }
                }
            } catch let error as StoreError {
                // A version that is not ours is refused by name; nothing is served then.
                if error.kind != .invalid { Issue.record("\(place): \(error)") }
            }
        }
        #expect(lost > flips.count / 10)
        if isTorture { print("every bit: \(all) flips, \(lost) of them cost lines, none altered one") }
    }

    /// What a store answers to a few questions.
    private struct Answers {
        var lines: [String: Int] = [:]
        var matches: [String: Int] = [:]
        var counts: [String: Int] = [:]
        var census: [String: Int] = [:]

        init() {}

        init(_ rows: [StoredRow]) {
            for row in rows {
                let name = "\(row.labels) \(row.timestamp) \(row.metadata) \(row.line)"
                lines[name, default: 0] += 1
                if String(decoding: row.line, as: UTF8.self).contains("job 1") { matches[name, default: 0] += 1 }
                counts["\(row.labels)", default: 0] += 1
            }
        }

        /// What is wrong, other than that something is missing.
        func fault(against whole: Answers) -> String? {
            for (name, count) in lines where count > whole.lines[name] ?? 0 { return "a line that was never written: \(name)" }
            for (name, count) in matches where count > whole.matches[name] ?? 0 { return "a wrong match: \(name)" }
            for (name, count) in counts where count > whole.counts[name] ?? 0 { return "\(count) rows of \(name)" }
            if let rows = census["rows"], rows > whole.lines.count { return "a census of \(rows) rows" }
            return nil
        }
    }

    private static func ask(_ core: StoreCore) throws -> Answers {
        var answers = Answers()
        func scan(_ predicate: Predicate, _ keep: ([UInt8]) -> Bool, _ into: inout [String: Int]) throws {
            var scan = StoreScan(core: core, request: ScanRequest(tenant: .fake, range: .all, matchers: [], predicate: predicate))
            try scan.run { block in
                try block.loadLines()
                for row in 0..<block.count where block.undecided[row] || block.selected[row] {
                    let line = block.line(row).copy()
                    guard block.selected[row] || keep(line) else { continue }
                    let labels = block.streams[Int(block.streamOf[row])].labels
                    into["\(labels) \(block.timestamps[row]) \(block.metadataSets[Int(block.metadataOf[row])]) \(line)", default: 0] += 1
                }
                return .more
            }
        }
        try scan(.all, { _ in true }, &answers.lines)
        try scan(
            .lineContains("job 1"), { String(decoding: $0, as: UTF8.self).contains("job 1") }, &answers.matches)
        let day: Int64 = 86_400 * second
        let counts = StoreCounts(
            core: core, tenant: .fake, matchers: [],
            grid: TimeGrid(start: Timestamp(nanoseconds: noon + day), step: day, count: 1, window: 2 * day),
            budget: QueryBudget(), cancel: CancelFlag())
        for stream in try counts.run() { answers.counts["\(stream.labels)"] = stream.rows[0] }
        let census = try StoreCensus.run(
            core,
            CensusRequest(
                tenant: .fake, matchers: [],
                windows: [
                    TimeRange(Timestamp(nanoseconds: noon), Timestamp(nanoseconds: noon + 100 * second)),
                    TimeRange(Timestamp(nanoseconds: noon + 100 * second), Timestamp(nanoseconds: noon + day)),
                ]))
        answers.census["rows"] = census.rows.reduce(0, +)
        return answers
    }
}

/// Letters that no two numbers share: values that no form but raw takes, where there are enough of them.
func letters(_ i: Int) -> String {
    var random = SeededRandom(UInt64(i))
    return String((0..<16 + i % 9).map { _ in Character(UnicodeScalar(UInt8(97 + random.below(26)))) })
}
