import Bytes
import Disk
import Glibc
import LogModel
import Synchronization
import Testing

@testable import LogSources

/// Promise: whatever moment the collector is killed at, and whatever rotation does meanwhile, each line is delivered once.
///
/// Writers number their lines. The collector is killed after a random number of lines (the sink refuses a batch, as one that
/// was not committed), started again at random times, while files are rotated by rename, also twice while nobody looks.
@Suite(.serialized) struct RestartTests {
    struct Plan: Sendable, CustomTestStringConvertible {
        var pattern: String
        var seed: UInt64
        var testDescription: String { "\(pattern) \(seed)" }
    }

    /// SplitMix64: the same plan each time for a seed.
    struct Random: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    @Test(arguments: ["*.log", "*.log*"].flatMap { pattern in (1...3).map { Plan(pattern: pattern, seed: $0) } })
    func nothingIsLostAndNothingComesTwice(_ plan: Plan) throws {
        let directory = TemporaryDirectory()
        let sink = RecordingSink()
        let targets = [try target(directory(plan.pattern))]
        let done = Monitor(false)
        let kills = Monitor(0)
        let sources = 4
        // A name must have been read once before files that came and went under it can be told from older ones.
        for source in 0..<sources { directory.append("s\(source).log", "src=\(source) seq=0\n") }
        #expect(try Running(targets, sink, once: true).finish() == nil)
        let linesEach = 8_000
        let writer = Worker("test-writer") {
            var random = Random(state: plan.seed)
            var next = [Int](repeating: 1, count: sources)
            var rotation = 0
            while next.contains(where: { $0 < linesEach }) {
                let source = Int.random(in: 0..<sources, using: &random)
                var text = ""
                for _ in 0..<Int.random(in: 1...60, using: &random) where next[source] < linesEach {
                    text += "src=\(source) seq=\(next[source]) " + String(repeating: "f", count: Int.random(in: 0...300, using: &random)) + "\n"
                    next[source] += 1
                }
                // In pieces, so that lines are seen unfinished.
                let bytes = Array(text.utf8)
                let cut = Int.random(in: 0...bytes.count, using: &random)
                directory.append("s\(source).log", bytes: [UInt8](bytes[..<cut]))
                directory.append("s\(source).log", bytes: [UInt8](bytes[cut...]))
                if Int.random(in: 0..<20, using: &random) == 0 {
                    rotation += 1
                    directory.rename("s\(source).log", "s\(source).log.\(rotation)")
                    if Bool.random(using: &random), next[source] < linesEach {
                        // A writer that has not been told of the rotation yet.
                        directory.append("s\(source).log.\(rotation)", "src=\(source) seq=\(next[source]) late\n")
                        next[source] += 1
                    }
                    directory.append("s\(source).log", bytes: [])
                }
                if Int.random(in: 0..<8, using: &random) == 0 { usleep(UInt32.random(in: 0...3_000, using: &random)) }
                // However busy the machine is, each fifth of the lines sees a restart.
                let fifth = next.reduce(0, +) * 5 / (sources * linesEach)
                _ = kills.wait(timeout: 60_000_000_000) { $0 >= fifth ? true : nil }
            }
            done.change { $0 = true }
        }
        var random = Random(state: plan.seed &* 77)
        while !done.withLock({ $0 }), kills.withLock({ $0 }) < 500 {
            sink.state.change { $0.linesLeft = Int.random(in: 1...1_500, using: &random) }
            let run = try Running(targets, sink) { $0.blockSize = Int.random(in: 300...20_000, using: &random) }
            let wait = Int64.random(in: 1_000_000...150_000_000, using: &random)
            if run.outcome.wait(timeout: wait, { $0.isOver ? true : nil }) == nil { run.source.stop() }
            _ = run.finish()
            kills.change { $0 += 1 }
        }
        writer?.join()
        let restarts = kills.withLock { $0 }
        sink.state.change { $0.linesLeft = .max }
        let last = try Running(targets, sink)
        #expect(sink.wait(lines: sources * linesEach))
        last.stop()
        var seen: [String: Int] = [:]
        for line in sink.lines {
            let parts = line.split(separator: " ")
            guard parts.count >= 2, line.hasPrefix("src=") else {
                Issue.record("a torn line: \(line.prefix(80))")
                continue
            }
            seen["\(parts[0]) \(parts[1])", default: 0] += 1
        }
        var lost: [String] = []
        for source in 0..<sources {
            for sequence in 0..<linesEach where seen["src=\(source) seq=\(sequence)"] == nil {
                lost.append("src=\(source) seq=\(sequence)")
            }
        }
        let twice = seen.filter { $0.value > 1 }
        print("restarts: \(restarts) kills, \(sink.counter(.rotations)) rotations seen")
        #expect(lost.isEmpty, "lost \(lost.count), first \(lost.prefix(3)), after \(restarts) kills")
        #expect(twice.isEmpty, "twice \(twice.count), first \(twice.keys.sorted().prefix(3)), after \(restarts) kills")
        #expect(sink.problems.isEmpty)
        #expect(restarts > 3)
    }

    /// A key that was written into a directory of logs got the inode number of a deleted log, and was shipped after the next restart.
    @Test(arguments: [("id_rsa", [String]()), ("x.log.1", ["PRIVATE"])])
    func aReusedInodeNumberMakesNoLog(_ name: String, _ expected: [String]) throws {
        let directory = TemporaryDirectory()
        directory.write("x.log", "one\ntwo\n")
        let first = RecordingSink()
        #expect(try Running([target(directory("*.log"))], first, once: true).finish() == nil)
        unlink(directory("x.log"))
        directory.write(name, "PRIVATE\n")
        // As if the number had come round.
        let (source, position) = try #require(first.state.withLock { $0.positions.first })
        let key = try #require(FileSourceKey(source))
        let id = try System.status(of: ByteString(directory(name)), followingLinks: false).id
        let again = FileSourceKey(id: id, fingerprint: key.fingerprint, born: key.born, slot: key.slot).text
        let second = RecordingSink(positions: [again: position])
        #expect(try Running([target(directory("*.log"))], second, once: true).finish() == nil)
        #expect(second.lines == expected, "what came under a rotated name since then is read, and nothing else")
    }

    @Test(arguments: [
        ("/a.log.1", true), ("/a.log-20261121", true), ("/a.log.2026-11-21T00:00:00Z", true), ("/a.log.1.gz", false),
        ("/a.log", false), ("/a.log.bak", false), ("/a.logger.1", false), ("/b.log.1", false), ("/a.log.", false),
    ])
    func namesOfRotation(_ path: String, _ isOne: Bool) { #expect(RotatedName.isOne(ByteString(path), of: "/a.log") == isOne) }

    @Test func aHintNamesTheCommand() {
        let directory = TemporaryDirectory()
        directory.write("a b.log", "")
        chmod(directory("a b.log"), 0o600)
        let words = PermissionHint.text(for: SystemError("open", ByteString(directory("a b.log")), code: EACCES))
        #expect(words.contains("setfacl -m u:"))
        #expect(words.contains(":r '\(directory("a b.log"))'"))
    }

    @Test func oldFilesWaitForAChange() throws {
        let directory = TemporaryDirectory()
        directory.write("old.log", "old\n")
        var times = [timeval(tv_sec: 1_000_000, tv_usec: 0), timeval(tv_sec: 1_000_000, tv_usec: 0)]
        utimes(directory("old.log"), &times)
        directory.write("new.log", "new\n")
        let sink = RecordingSink()
        let run = try Running([target(directory("*.log"))], sink) { $0.ignoreOlder = .seconds(3600) }
        #expect(sink.wait(lines: 1))
        #expect(sink.lines == ["new"])
        directory.append("old.log", "awake\n")
        #expect(sink.wait(lines: 3))
        run.stop()
        #expect(sink.lines == ["new", "old", "awake"])
    }

    @Test func unfinishedLinesOfManyFilesShareOneLimit() throws {
        let directory = TemporaryDirectory()
        let long = String(repeating: "x", count: 300_000)
        for i in 0..<20 { directory.write("\(i).log", long) }
        let sink = RecordingSink()
        let run = try Running([target(directory("*.log"))], sink) { $0.unfinishedBytesMax = 1 << 20 }
        #expect(sink.wait { ($0.counters[.bytes] ?? 0) == 20 * 300_000 })
        for i in 0..<20 { directory.append("\(i).log", "end\n") }
        #expect(sink.wait(lines: 20))
        run.stop()
        #expect(sink.lines.filter { $0.utf8.count == 300_003 }.count >= 2)
        #expect(sink.lines.allSatisfy { $0.utf8.count >= 64 << 10 })
        #expect(sink.counter(.linesCut) >= 10)
        #expect(sink.problems.isEmpty)
    }
}
