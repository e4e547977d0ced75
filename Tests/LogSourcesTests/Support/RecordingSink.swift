import Bytes
import Disk
import LogModel

@testable import LogSources

struct SinkClosed: Error {}

/// A sink that keeps everything, checks the contract of `LineSink`, and lets tests wait for what they expect.
///
/// Every delivery is committed at once, unless `commits` is off. It may be made to block (a stall) or to fail after a number
/// of lines (a crash: what is refused was never committed).
final class RecordingSink: LineSink {
    struct Line: Equatable {
        var text: String
        var path: String
        var source: ByteString
        var labels: Labels
        var timestamp: Int64
        var end: UInt64
    }

    struct State {
        var lines: [Line] = []
        var positions: [ByteString: SourcePosition] = [:]
        var batches = 0
        var problems: [String] = []
        var isStalled = false
        var linesLeft = Int.max
        var imported: [String: UInt64] = [:]
        var counters: [SourceCounter: UInt64] = [:]
        var reports: [SourceReport] = []
        var keepsLines = true
        var bytes = 0
    }

    let state: Monitor<State>

    init(positions: [ByteString: SourcePosition] = [:]) {
        var start = State()
        start.positions = positions
        state = Monitor(start)
    }

    static let patience: Int64 = 30_000_000_000

    func deliver(_ batch: LineBatch) throws {
        _ = state.wait { $0.isStalled ? nil : true }
        try state.change { state in
            if state.linesLeft < batch.lines.count { state.linesLeft = 0 }
            if state.linesLeft <= 0 { throw SinkClosed() }
            state.linesLeft -= batch.lines.count
            state.batches += 1
            state.bytes += batch.bytes.count
            let committed = state.positions[batch.source]?.offset ?? 0
            if batch.from != committed { state.problems.append("\(batch.source) from \(batch.from), committed \(committed)") }
            if batch.to.offset < batch.from { state.problems.append("\(batch.source) runs backwards") }
            if batch.lines.last.map({ $0.end != batch.to.offset }) ?? false, !batch.source.hasPrefix("journal:") {
                state.problems.append("the last line of \(batch.source) does not end where the batch does")
            }
            if state.keepsLines {
                for i in batch.lines.indices {
                    let line = batch.lines[i]
                    state.lines.append(
                        Line(
                            text: batch.line(i).string, path: batch.path, source: batch.source,
                            labels: batch.labelSets[Int(line.labels)], timestamp: line.timestamp, end: line.end))
                }
            }
            state.positions[batch.source] = batch.to
        }
    }

    func positions(withPrefix prefix: ByteString) -> [(source: ByteString, position: SourcePosition)] {
        state.withLock { state in
            state.positions.filter { $0.key.bytes.starts(with: prefix.bytes) }.map { ($0.key, $0.value) }
        }
    }

    func importedOffset(path: String) -> UInt64? { state.withLock { $0.imported[path] } }

    var events: SourceEvents {
        SourceEvents(
            count: { [state] counter, amount in state.change { $0.counters[counter, default: 0] += amount } },
            report: { [state] report in state.change { $0.reports.append(report) } })
    }

    // MARK: Asking

    var lines: [String] { state.withLock { $0.lines.map(\.text) } }
    var all: [Line] { state.withLock { $0.lines } }
    var problems: [String] { state.withLock { $0.problems } }
    func counter(_ counter: SourceCounter) -> UInt64 { state.withLock { $0.counters[counter] ?? 0 } }

    /// Waits until the condition holds; false when it never did.
    func wait(_ condition: (State) -> Bool) -> Bool { state.wait(timeout: Self.patience) { condition($0) ? true : nil } ?? false }

    func wait(lines count: Int) -> Bool { wait { $0.lines.count >= count } }

    func stall(_ on: Bool) { state.change { $0.isStalled = on } }
}
