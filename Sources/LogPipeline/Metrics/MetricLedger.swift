import Bytes
import Synchronization

/// Which lines the derived metrics of a process have counted, so that a restart goes on with their numbers and counts no
/// line again.
///
/// Lines are counted when they pass, which is before they are durable anywhere: after a restart some are read again. Numbers are
/// therefore saved together with how far each source has been counted, and lines before that place pass the metrics by.
/// Lines that a stage holds back are known one by one, since those behind them have been counted already.
///
/// Invariants:
/// - A snapshot is of one moment between batches: no runner is in the middle of one.
/// - What was counted is never counted again from the same source. What was counted after the last snapshot is missing after a
///   crash.
/// - Locks are taken in the order gate, turns, state.
package final class MetricLedger: Sendable {
    /// How far one source has been counted.
    struct Mark: Sendable, Equatable {
        /// Lines that begin before this offset have come to the metrics, but for those that wait.
        var upTo: UInt64
        /// Lines that wait: where the first line of each begins, and the stage that it goes on with.
        var waiting: [UInt64: Int] = [:]

        /// Whether a line that begins at `from` has come to the operation `at` already.
        func hasCounted(_ from: UInt64, at: Int) -> Bool {
            guard from < upTo else { return false }
            return waiting[from].map { at < $0 } ?? true
        }
    }

    /// What one runner has counted: locked while it runs a batch.
    final class Turn: Sendable {
        let marks = Mutex<[ByteString: Mark]>([:])
    }

    private struct State {
        var turns: [Turn] = []
        /// Of earlier runs, of runners that are gone, and of what runners no longer keep themselves.
        var earlier: [ByteString: Mark] = [:]
        /// Its sources, those first heard of in front.
        var order: [ByteString] = []
    }

    private let state = Mutex(State())
    /// Held by snapshots, and while a runner begins.
    private let gate = Mutex<Void>(())

    /// Sources that stay known. Chosen: files rotate, and a mark takes some hundred bytes.
    static let sourcesMax = 8_192
    /// Sources that a runner keeps itself.
    static let turnMax = 1_024

    func begin() -> Turn {
        let turn = Turn()
        gate.withLock { _ in state.withLock { $0.turns.append(turn) } }
        return turn
    }

    /// The runner is gone; what it has counted stays known.
    func end(_ turn: Turn) {
        turn.marks.withLock { marks in
            absorb(&marks)
            state.withLock { state in state.turns.removeAll { $0 === turn } }
        }
    }

    /// Takes marks over from a runner.
    func absorb(_ marks: inout [ByteString: Mark]) {
        let taken = marks
        marks = [:]
        state.withLock { state in for (source, mark) in taken { Self.note(source, mark, &state) } }
    }

    /// What others have counted of a source, in this run or before it. Not while a turn is locked.
    func mark(of source: ByteString, besides own: Turn) -> Mark? {
        for turn in state.withLock({ $0.turns }) where turn !== own {
            if let mark = turn.marks.withLock({ $0[source] }) { return mark }
        }
        return state.withLock { state in
            if let known = state.earlier[source] { return known }
            guard let stem = Self.stem(source) else { return nil }
            let alike = state.earlier.filter { Self.stem($0.key) == stem }
            return alike.count == 1 ? alike.first?.value : nil
        }
    }

    /// The name of a file as a source ends with the time when it was first seen. One that was read and never committed has
    /// another time after a restart: without that, device, inode and beginning tell that it is the same.
    private static func stem(_ source: ByteString) -> [UInt8]? {
        guard source.hasPrefix("file:") else { return nil }
        let bytes = source.bytes
        guard let dot = bytes.lastIndex(of: UInt8(ascii: ".")) else { return nil }
        return Array(bytes[..<dot]) + Array(bytes[dot...].drop { $0 != UInt8(ascii: "+") })
    }

    private static func note(_ source: ByteString, _ mark: Mark, _ state: inout State) {
        if state.earlier.updateValue(mark, forKey: source) == nil { state.order.append(source) }
        guard state.order.count > sourcesMax else { return }
        for old in state.order.prefix(sourcesMax / 2) { state.earlier[old] = nil }
        state.order.removeFirst(sourcesMax / 2)
    }

    // MARK: Snapshots

    /// Takes over what an earlier run has counted.
    func restore(_ marks: [ByteString: Mark]) {
        state.withLock { state in for (source, mark) in marks { Self.note(source, mark, &state) } }
    }

    /// Calls `body` while no line is being counted, with how far sources have been.
    func stopped(_ body: ([ByteString: Mark]) -> Void) {
        gate.withLock { _ in
            let turns = state.withLock { $0.turns }
            hold(turns[...], [:], body)
        }
    }

    private func hold(_ turns: ArraySlice<Turn>, _ found: [ByteString: Mark], _ body: ([ByteString: Mark]) -> Void) {
        guard let turn = turns.first else {
            let earlier = state.withLock { $0.earlier }
            return body(earlier.merging(found) { _, live in live })
        }
        turn.marks.withLock { marks in hold(turns.dropFirst(), found.merging(marks) { _, later in later }, body) }
    }
}
