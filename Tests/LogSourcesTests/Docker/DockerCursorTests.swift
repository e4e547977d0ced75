import Bytes
import LogModel
import Testing

@testable import LogSources

@Suite struct DockerCursorTests {
    private let second: Int64 = 1_000_000_000

    private func read(_ cursor: inout DockerCursor, _ lines: [(Int64, String)]) -> [String] {
        cursor.restart()
        let since = cursor.since ?? 0
        return lines.filter { $0.0 >= since }.filter { line in line.1.withView { cursor.take(line.0, $0) } != nil }.map(\.1)
    }

    /// Every place at which reading may have stopped, in a log with equal times and swapped ones.
    @Test func everyPlaceIsResumedExactly() {
        let t = 100 * second
        let log: [(Int64, String)] = [
            (t, "a"), (t, "a"), (t, "b"), (t + 5, "c"), (t + 3, "d"), (t + 4, "e"), (t + 6, "f"), (t + 6, "f"), (t + 2 * second, "g"),
            (t + 2 * second, "g"), (t + 2 * second - 7, "h"), (t + 9 * second, "i"),
        ]
        for stop in 0...log.count {
            var first = DockerCursor()
            let before = read(&first, Array(log[..<stop]))
            var second = DockerCursor(stop == 0 ? nil : first.position)
            #expect(before + read(&second, log) == log.map(\.1), "stopped at \(stop)")
            // A stage that held the last line back commits the offset before it, with the words of the batch.
            if stop > 1 {
                var shorter = DockerCursor()
                _ = read(&shorter, Array(log[..<(stop - 1)]))
                var third = DockerCursor(SourcePosition(offset: shorter.ordinal, detail: first.position.detail))
                #expect(read(&third, log) == log[(stop - 1)...].map(\.1), "held back at \(stop)")
            }
        }
    }

    /// A host whose clock was wrong and was set back by ten minutes, before reading stopped. (Where it was set back while nobody
    /// read, the daemon holds back what is older than what was asked for.)
    @Test func aClockThatGoesBack() {
        let t = 10_000 * second
        var log: [(Int64, String)] = (0..<5).map { (t + Int64($0) * second, "fast \($0)") }
        log += (0..<5).map { (t - 600 * second + Int64($0) * second, "right \($0)") }
        for stop in 6...log.count {
            var first = DockerCursor()
            let before = read(&first, Array(log[..<stop]))
            var second = DockerCursor(first.position)
            #expect(before + read(&second, log) == log.map(\.1), "stopped at \(stop)")
        }
    }

    /// The daemon has rotated the log away that the position is in.
    @Test func aLogThatWasRotatedAway() {
        let t = 100 * second
        var cursor = DockerCursor()
        #expect(read(&cursor, [(t, "a"), (t + 1, "b")]).count == 2)
        var next = DockerCursor(cursor.position)
        #expect(read(&next, [(t + 2, "c"), (t + 3, "d")]) == ["c", "d"])
    }
}
