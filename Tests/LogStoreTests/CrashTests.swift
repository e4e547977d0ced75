import Bytes
import Disk
import Glibc
import LogModel
import LogTestKit
import Metrics
import Synchronization
import Testing

@testable import LogStore

let isTorture = getenv("TAILRACE_TORTURE") != nil

/// A store brought back without its threads: what a start after the crash would serve.
func recovered(_ disk: SimDisk, _ settings: StoreSettings) throws -> StoreCore {
    let result = try Recovery(
        settings: settings,
        disk: disk,
        clock: ManualClock(),
        metrics: StoreMetrics(Registry())
    ).run()
    return result.core
}

func lines(_ core: StoreCore) throws -> [[UInt8]] {
    var found: [(Int64, UInt64, Int, [UInt8])] = []
    var scan = StoreScan(core: core, request: ScanRequest(tenant: .fake, range: .all, matchers: []))
    try scan.run { block in
        try block.loadLines()
        for row in 0..<block.count where block.undecided[row] {
            found.append((block.timestamps[row], block.order, row, block.line(row).copy()))
        }
        return .more
    }
    return found.sorted { ($0.0, $0.1, $0.2) < ($1.0, $1.1, $1.2) }.map(\.3)
}

/// Power fails at every write and every sync; whatever the disk kept, nothing acknowledged is lost, nothing is there
/// twice, and positions agree with lines (guarantees I2 and I3).
@Suite struct CrashTests {
    static let setup = settings {
        $0.headSize = 6 << 10
        $0.walFileSize = 4 << 10
        $0.mergeFan = 3
        $0.segmentSize = 60 << 10
    }

    private final class Script: Sendable {
        struct State {
            var oracle = LineOracle()
            var images = 0
            var faults: [String] = []
        }
        let state = Mutex(State())
    }

    /// Opens an image and compares it with what was promised.
    private static func check(_ image: SimDisk, _ oracle: LineOracle, _ what: String) -> [String] {
        do {
            let core = try recovered(image, setup)
            let found = try lines(core)
            let verdict = oracle.judge(found)
            var faults = verdict.isClean ? [] : ["\(what): \(verdict)"]
            var counts: [Int: Int] = [:]
            for line in found {
                if let (source, _) = line.withView({ LineOracle.parse($0) }) { counts[source, default: 0] += 1 }
            }
            for source in 0..<3 {
                let committed = core.positions[ByteString("s\(source)")]?.offset ?? 0
                if committed != UInt64(counts[source] ?? 0) {
                    faults.append("\(what): source \(source) has \(counts[source] ?? 0) lines, position \(committed)")
                }
            }
            if !core.damage.all.isEmpty { faults.append("\(what): damage \(core.damage.all)") }
            return faults
        } catch { return ["\(what): \(error)"] }
    }

    @Test func atEveryOperationOfARun() async throws {
        let disk = SimDisk()
        let store = try open(disk, Self.setup)
        let script = Script()
        let perOperation = isTorture ? 6 : 2
        disk.onOperation { number, _, _ throws(DiskError) in
            var random = SeededRandom(UInt64(number))
            for i in 0..<perOperation {
                let survival: SimDisk.Survival =
                    switch (number + i) % 4 {
                    case 0: .nothing
                    case 1: .random(random.next())
                    case 2: .prefix(random.next())
                    default: .everything
                    }
                // First what was promised, then the image: what is acknowledged between only adds to the image.
                var oracle = script.state.withLock { $0.oracle }
                let image = disk.crashed(survival)
                let handed = script.state.withLock { $0.oracle.handedOver }
                for (source, last) in handed { oracle.hand(source, last) }
                let what = "operation \(number), \(survival)"
                var faults = Self.check(image.copy(), oracle, what)
                if number % 40 == 0 {
                    // Power fails again while the store comes back.
                    let expected = oracle
                    let nested = Hits()
                    let again = Script()
                    image.onOperation { inner, _, _ throws(DiskError) in
                        _ = nested.next()
                        let second = image.crashed(inner % 2 == 0 ? .nothing : .random(UInt64(inner)))
                        let found = Self.check(second, expected, "\(what), again at \(inner)")
                        again.state.withLock { $0.faults += found }
                    }
                    faults += Self.check(image, oracle, what)
                    image.onOperation(nil)
                    faults += again.state.withLock { $0.faults }
                }
                let found = faults
                script.state.withLock { state in
                    state.images += 1
                    state.faults += found
                }
            }
        }
        var random = SeededRandom(42)
        var next = [0, 0, 0]
        let appends = isTorture ? 1500 : 330
        for step in 0..<appends {
            let source = random.below(3)
            let count = 1 + random.below(3)
            var batch = WriteBatch(tenant: .fake)
            let stream = batch.stream(label(["source": "\(source)"]))
            let from = next[source]
            for number in from..<from + count {
                let line = LineOracle.line(source: source, number: number, length: 60 + random.below(200))
                line.withView { batch.add(timestamp: noon + Int64(number), stream: stream, line: $0) }
                script.state.withLock { $0.oracle.hand(source, number) }
            }
            batch.advances = [
                SourceAdvance(
                    source: ByteString("s\(source)"),
                    from: UInt64(from),
                    to: SourcePosition(offset: UInt64(from + count))
                )
            ]
            _ = try await store.append(batch)
            next[source] += count
            script.state.withLock { state in
                for number in from..<from + count { state.oracle.acknowledge(source, number) }
            }
            if step % 70 == 69 { try await store.flush() }
            if step % 150 == 149 { try await store.maintain() }
        }
        await store.close()
        disk.onOperation(nil)
        let (images, faults) = script.state.withLock { ($0.images, $0.faults) }
        #expect(disk.operations >= (isTorture ? 4000 : 1000))
        #expect(images >= disk.operations)
        #expect(faults.isEmpty, "\(faults.count) faults, first: \(faults.prefix(5))")
    }
}
