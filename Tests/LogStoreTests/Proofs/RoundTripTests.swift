import Bytes
import LogModel
import LogTestKit
import Metrics
import Testing

@testable import LogStore

/// I1 under whatever lines there may be: written, sealed, merged twice and read, they are the same bytes in the same
/// order. Ten million lines with `TAILRACE_TORTURE=1`.
@Suite struct RoundTripTests {
    private static let rounds = isTorture ? 200 : 3
    private static let rows = isTorture ? 50_000 : 4_000

    private static let setup = settings {
        $0.headSize = 256 << 20
        $0.walFileSize = 256 << 20
        $0.segmentSize = 1 << 30
    }

    @Test(.timeLimit(.minutes(60))) func oddLinesComeBackSealedAndMergedTwice() async throws {
        let clock = ContinuousClock()
        let start = clock.now
        var total = 0
        var bytes = 0
        var forms: Set<ColumnForm> = []
        for round in 0..<Self.rounds {
            let rows = Self.rows(seed: UInt64(round) &* 977 &+ 5, isLong: Self.rounds < 10 || round % 10 == 0)
            total += rows.count
            bytes += rows.reduce(0) { $0 + $1.line.count }
            var setup = Self.setup
            setup.codec = [.zstd, .none, .zstd, .zlib][round % 4]
            let store = try open(SimDisk(), setup)
            let quarter = rows.count / 4
            for part in 0..<4 {
                var batch = batch(Array(rows[part * quarter..<(part == 3 ? rows.count : (part + 1) * quarter)]))
                // With a key the store does not look for lines that it has already.
                batch.key = BatchKey(client: "odd", epoch: 1, sequence: UInt64(part + 1))
                _ = try await store.append(batch)
                try await store.flush()
                if part % 2 == 1 { try await store.compact() }
            }
            let found = try LogStoreTests.rows(store)
            let expected = rows.enumerated().sorted { a, b in
                (a.element.labels, a.element.timestamp, a.offset) < (b.element.labels, b.element.timestamp, b.offset)
            }.map(\.element)
            if found != expected {
                let at = zip(found, expected).enumerated().first { $0.element.0 != $0.element.1 }
                Issue.record(
                    "round \(round): \(found.count) of \(expected.count) rows; the first that differs is \(at?.offset ?? -1): \(at?.element.1.line.prefix(400) ?? [])"
                )
            }
            for segment in store.core.snapshot().segments {
                for group in segment.groups { forms.formUnion(group.columns.map(\.form)) }
            }
            #expect(store.core.snapshot().segments.count == 1)
            #expect(store.core.metrics.uncutSegments.value == 0)
            #expect(try store.catalogue(tenant: .fake, range: .all).damaged == [])
            await store.close()
            if isTorture, round % 10 == 9 { print("round trip: \(total) lines, \(bytes / 1_000_000) MB so far") }
        }
        // Says little unless the lines went through every form.
        #expect(forms == Set(ColumnForm.allCases).subtracting([.raw]))
        if isTorture {
            let took = (clock.now - start).components
            let seconds = Double(took.seconds) + Double(took.attoseconds) / 1e18
            print("round trip: \(total) lines, \(bytes / 1_000_000) MB, \(Int(Double(total) / seconds)) lines a second")
        }
    }

    /// Three streams, most times ascending, some equal, some late.
    private static func rows(seed: UInt64, isLong: Bool) -> [StoredRow] {
        var lines = OddLines(
            seed: seed, longStrings: isLong ? (isTorture ? 6 : 2) : 0, longest: isTorture ? 10 << 20 : 1 << 20)
        var random = SeededRandom(seed ^ 0xABCD)
        let labels = [label(["s": "a"]), label(["s": "b"]), label(["s": "c", "t": "x"])]
        let sets = [Labels(), Labels(), Labels(), label(["trace": "1"]), label(["trace": "2", "user": ""])]
        var time = noon
        return (0..<rows).map { _ in
            if random.chance(0.7) { time += Int64(random.below(3_000_000)) }
            let late = random.below(50) == 0 ? Int64(random.below(1_000_000_000)) : 0
            return StoredRow(
                labels: labels[random.below(3)], timestamp: time - late, line: lines.next(),
                metadata: sets[random.below(sets.count)])
        }
    }
}
