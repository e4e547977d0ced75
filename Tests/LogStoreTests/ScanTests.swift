import Bytes
import LogModel
import LogTestKit
import Testing

@testable import LogStore

/// Random stores: rows in several segments, merged ones, and both heads.
struct RandomStore {
    let store: LogStore
    let rows: [StoredRow]

    init(_ seed: UInt64, rounds: Int = 12) async throws {
        var random = SeededRandom(seed)
        store = try open(
            SimDisk(),
            settings {
                $0.headSize = 1 << 20
                $0.segmentSize = 200 << 10
            }
        )
        var written: [StoredRow] = []
        for round in 0..<rounds {
            var some: [StoredRow] = []
            for i in 0..<random.below(400) {
                let length = random.chance(0.01) ? random.below(200_000) : random.below(300)
                some.append(
                    StoredRow(
                        labels: label(["app": "a\(random.below(5))", "host": "h\(random.below(2))"]),
                        timestamp: noon + Int64(round) * 100 * second + Int64(random.below(300)) * second / 2,
                        line: Array("\(round)/\(i) ".utf8) + [UInt8](repeating: 0x78, count: length),
                        metadata: random.chance(0.2) ? label(["m": "\(random.below(30))"]) : Labels()
                    )
                )
            }
            written += some
            // In pieces, so that heads hold several batches.
            var at = 0
            while at < some.count {
                let end = min(some.count, at + 1 + random.below(100))
                _ = try await store.append(batch(Array(some[at..<end])))
                at = end
            }
            if random.chance(0.6), round < rounds - 2 { try await store.flush() }
            if random.chance(0.2) { try await store.compact() }
        }
        rows = written
    }

    /// By stream, time and arrival: Swift's sort is stable.
    func expected(_ range: TimeRange = .all, _ keep: (StoredRow) -> Bool = { _ in true }) -> [StoredRow] {
        rows.filter { range.contains(Timestamp(nanoseconds: $0.timestamp)) && keep($0) }
            .enumerated().sorted { a, b in
                (a.element.labels, a.element.timestamp, a.offset) < (b.element.labels, b.element.timestamp, b.offset)
            }.map(\.element)
    }
}

@Suite(.eachCodec) struct ScanTests {
    private func randomRange(_ random: inout SeededRandom) -> TimeRange {
        if random.chance(0.2) { return .all }
        let start = noon + Int64(random.below(1500)) * second
        return TimeRange(
            Timestamp(nanoseconds: start),
            Timestamp(nanoseconds: start + Int64(random.below(800)) * second / 2)
        )
    }

    @Test(arguments: 0..<8)
    func everyRowOnceInTheOrderOfTheContract(seed: UInt64) async throws {
        let made = try await RandomStore(seed)
        var random = SeededRandom(seed ^ 77)
        for _ in 0..<12 {
            let range = randomRange(&random)
            let direction: Direction = random.chance(0.5) ? .forward : .backward
            let limit: Int? = random.chance(0.5) ? 1 + random.below(500) : nil
            let app = ByteString("a\(random.below(5))")
            let all = random.chance(0.5)
            let matchers = all ? [] : [try LabelMatcher("app", .equal, app)]
            var previous: Int64?
            try made.store.scan(
                ScanRequest(tenant: .fake, range: range, direction: direction, limit: limit, matchers: matchers)
            ) { block in
                #expect(block.count > 0)
                let key = direction == .forward ? block.timestamps.min() ?? 0 : -(block.timestamps.max() ?? 0)
                if let previous { #expect(previous <= key) }
                previous = key
                #expect(block.undecided.population == block.count && block.selected.isEmpty)
                for row in 1..<max(1, block.count) {
                    #expect(
                        block.streamOf[row - 1] < block.streamOf[row]
                            || (block.streamOf[row - 1] == block.streamOf[row]
                                && block.timestamps[row - 1] <= block.timestamps[row])
                    )
                }
                return .more
            }
            let found = try rows(made.store, range: range, matchers: matchers, direction: direction, limit: limit)
            let expected = made.expected(range) { all || $0.labels["app"] == app }
            #expect(found.count == expected.count)
            #expect(found == expected)
        }
        await made.store.close()
    }

    @Test(arguments: 0..<6)
    func narrowingKeepsWhatIsInside(seed: UInt64) async throws {
        let made = try await RandomStore(seed &+ 100)
        var random = SeededRandom(seed)
        for direction in [Direction.forward, .backward] {
            var range = TimeRange.all
            var found: [[UInt8]] = []
            try made.store.scan(
                ScanRequest(tenant: .fake, range: .all, direction: direction, limit: 50, matchers: [])
            ) { block in
                try block.loadLines()
                for row in 0..<block.count { found.append(block.line(row).copy()) }
                guard random.chance(0.3) else { return .more }
                range =
                    direction == .forward
                    ? TimeRange(
                        range.start,
                        min(range.end, Timestamp(nanoseconds: noon + Int64(random.below(1500)) * second))
                    )
                    : TimeRange(
                        max(range.start, Timestamp(nanoseconds: noon + Int64(random.below(1500)) * second)),
                        range.end
                    )
                return .narrow(range)
            }
            #expect(Set(found).count == found.count)
            #expect(Set(found).isSuperset(of: Set(made.expected(range).map(\.line))))
        }
        await made.store.close()
    }

    @Test func stopAndCancelEndAScan() async throws {
        let made = try await RandomStore(5)
        var blocks = 0
        try made.store.scan(ScanRequest(tenant: .fake, range: .all, matchers: [])) { _ in
            blocks += 1
            return .stop
        }
        #expect(blocks == 1)
        let cancel = CancelFlag()
        #expect(throws: QueryError.self) {
            try made.store.scan(ScanRequest(tenant: .fake, range: .all, matchers: [], cancel: cancel)) { _ in
                cancel.cancel()
                return .more
            }
        }
        await made.store.close()
    }

    @Test func aScanSeesItsSnapshotThoughTheStoreMovesOn() async throws {
        let store = try open(SimDisk())
        let rows = (0..<300).map {
            StoredRow(labels: label(["s": "\($0 % 3)"]), timestamp: noon + Int64($0), line: Array("\($0)".utf8))
        }
        for i in 0..<3 {
            _ = try await store.append(batch(Array(rows[i * 100..<i * 100 + 100])))
            try await store.flush()
        }
        // Blocks are kept over a merge and read afterwards: the files stay until then.
        var blocks: [ColumnBlock] = []
        try store.scan(ScanRequest(tenant: .fake, range: .all, matchers: [])) {
            blocks.append($0)
            return .more
        }
        try await store.compact()
        #expect(store.parts.segments == 1)
        var lines: Set<[UInt8]> = []
        for block in blocks {
            try block.loadLines()
            for row in 0..<block.count { lines.insert(block.line(row).copy()) }
        }
        #expect(lines == Set(rows.map(\.line)))
        await store.close()
    }

    @Test(arguments: 0..<8)
    func countsAgreeWithCounting(seed: UInt64) async throws {
        let made = try await RandomStore(seed &+ 200, rounds: 6)
        var random = SeededRandom(seed)
        for _ in 0..<25 {
            let grid = TimeGrid(
                start: Timestamp(nanoseconds: noon + Int64(random.below(1000) - 200) * second / 2),
                step: Int64(1 + random.below(200)) * second / 2,
                count: 1 + random.below(30),
                window: random.chance(0.2) ? 100_000 * second : Int64(1 + random.below(300)) * second / 2
            )
            let host = ByteString("h\(random.below(2))")
            let found = try made.store.counts(
                tenant: .fake,
                matchers: [try LabelMatcher("host", .equal, host)],
                grid: grid,
                budget: QueryBudget(),
                cancel: CancelFlag()
            )
            var expected: [Labels: (rows: [Int], bytes: [Int])] = [:]
            for row in made.rows where row.labels["host"] == host {
                for cell in 0..<grid.count {
                    let end = grid.start.nanoseconds + Int64(cell) * grid.step
                    guard row.timestamp > end - grid.window, row.timestamp <= end else { continue }
                    let zero = [Int](repeating: 0, count: grid.count)
                    expected[row.labels, default: (zero, zero)].rows[cell] += 1
                    expected[row.labels, default: (zero, zero)].bytes[cell] += row.line.count
                }
            }
            #expect(Set(found.map(\.labels)) == Set(expected.keys))
            for counts in found {
                #expect(counts.rows == expected[counts.labels]?.rows)
                #expect(counts.bytes == expected[counts.labels]?.bytes)
            }
        }
        await made.store.close()
    }

    @Test func countsOfExtremeGridsDoNotOverflow() async throws {
        let store = try open(SimDisk())
        let times: [Int64] = [.min, .min + 1, -1, 0, 1, .max - 1]
        _ = try await store.append(
            batch(times.map { StoredRow(labels: label(["s": "x"]), timestamp: $0, line: [1]) })
        )
        for _ in 0..<2 {
            for start in [Int64.min, 0, .max] {
                for step in [1, Int64.max] {
                    for window in [1, Int64.max] {
                        let grid = TimeGrid(
                            start: Timestamp(nanoseconds: start),
                            step: step,
                            count: 3,
                            window: window
                        )
                        let found = try store.counts(
                            tenant: .fake,
                            matchers: [],
                            grid: grid,
                            budget: QueryBudget(),
                            cancel: CancelFlag()
                        )
                        #expect(found.allSatisfy { $0.rows.allSatisfy { $0 >= 0 && $0 <= 6 } })
                    }
                }
            }
            #expect(try rows(store, range: TimeRange(.min, .max)).count == 6)
            try await store.flush()
        }
        await store.close()
    }

    /// Whoever counts without looking at rows must know where metadata may fail a query: in the head, in segments, merged.
    @Test func countsTellOfErrorsInMetadata() async throws {
        let store = try open(SimDisk(), settings())
        func row(_ app: String, _ time: Int64, _ metadata: Labels) -> StoredRow {
            StoredRow(labels: label(["app": app]), timestamp: noon + time, line: Array("x".utf8), metadata: metadata)
        }
        let grid = TimeGrid(start: Timestamp(nanoseconds: noon + second), step: second, count: 1, window: 10 * second)
        func marked() throws -> [String] {
            let budget = QueryBudget(memoryLimit: 1 << 20)
            return try store.counts(tenant: .fake, matchers: [], grid: grid, budget: budget, cancel: CancelFlag())
                .filter(\.mayHaveErrors).map(\.labels.description)
        }
        _ = try await store.append(batch([row("one", 1, label(["level": "info"]))]))
        try await store.flush()
        _ = try await store.append(batch([row("two", 2, label(["__error__": "MyErr"])), row("two", 3, Labels())]))
        #expect(try marked() == [#"{app="two"}"#])
        try await store.flush()
        #expect(try marked() == [#"{app="two"}"#])
        try await store.compact()
        // One row group now: the hint is for all of it.
        #expect(try marked().contains(#"{app="two"}"#))
    }

    @Test func countsKeepTheirBudget() async throws {
        let made = try await RandomStore(9, rounds: 3)
        let grid = TimeGrid(start: Timestamp(nanoseconds: noon), step: second, count: 10_000, window: second)
        let budget = QueryBudget(memoryLimit: 1 << 10)
        #expect(throws: QueryError.self) {
            try made.store.counts(tenant: .fake, matchers: [], grid: grid, budget: budget, cancel: CancelFlag())
        }
        #expect(budget.take(1 << 10))
        await made.store.close()
    }

    @Test func streamsTellRowsBytesAndBorders() async throws {
        let made = try await RandomStore(21)
        let found = try made.store.streams(tenant: .fake, matchers: [], range: .all)
        for summary in found {
            let mine = made.rows.filter { $0.labels == summary.labels }
            #expect(summary.rows == mine.count)
            #expect(summary.bytes == mine.reduce(0) { $0 + $1.line.count })
            #expect(summary.first.nanoseconds == mine.map(\.timestamp).min())
            #expect(summary.last.nanoseconds == mine.map(\.timestamp).max())
            #expect(summary.chunks >= 1)
        }
        #expect(Set(found.map(\.labels)) == Set(made.rows.map(\.labels)))
        let catalogue = try made.store.catalogue(tenant: .fake, range: .all)
        #expect(catalogue.rows == made.rows.count && catalogue.streams == found.count)
        #expect(catalogue.bytes == made.rows.reduce(0) { $0 + $1.line.count })
        #expect(catalogue.first?.nanoseconds == made.rows.map(\.timestamp).min())
        #expect(catalogue.stored > 0)
        let never = TimeRange(Timestamp(nanoseconds: 0), Timestamp(nanoseconds: 1))
        #expect(try made.store.streams(tenant: .fake, matchers: [], range: never).isEmpty)
        await made.store.close()
    }
}

@Suite struct LabelIndexTests {
    @Test func agreesWithMatchingEachStream() throws {
        var random = SeededRandom(4)
        let table = StreamTable()
        var all: [Labels] = []
        for _ in 0..<300 {
            var pairs: [Label] = []
            for name in ["a", "b", "c"] where random.chance(0.7) {
                pairs.append(Label(ByteString(name), ByteString("v\(random.below(6))")))
            }
            let labels = Labels(pairs)
            if table.register(.fake, labels) == UInt32(all.count) { all.append(labels) }
        }
        let values = ["", "v1", "v2", "v[0-3]", ".*", ".+", "v9", "v1|"]
        for _ in 0..<300 {
            var matchers: [LabelMatcher] = []
            for _ in 0...random.below(3) {
                let op = [LabelMatcher.Operator.equal, .notEqual, .matches, .matchesNot][random.below(4)]
                matchers.append(
                    try LabelMatcher(
                        ByteString(["a", "b", "c", "d"][random.below(4)]),
                        op,
                        ByteString(values[random.below(values.count)])
                    )
                )
            }
            let (set, streams) = table.match(.fake, matchers)
            for (i, labels) in all.enumerated() {
                #expect(set.contains(UInt32(i)) == matchers.matches(labels), "\(matchers) on \(labels)")
                #expect(streams[i].labels == labels)
            }
        }
    }
}
