import Bytes
import Disk
import LogModel
import Testing

@testable import LogSources

/// Files may be more than there are descriptors.
@Suite(.serialized) struct DescriptorTests {
    /// All descriptors were held by rotated files, and those were only let go of when nobody waited for one: the reader went round and
    /// round and read nothing more, with one processor at full load.
    @Test func rotatedFilesDoNotStarveTheNewOnes() throws {
        let directory = TemporaryDirectory()
        let count = 40
        for i in 0..<count { directory.write("\(i).log", "old \(i)\n") }
        let sink = RecordingSink()
        let run = try Running([target(directory("*.log"))], sink) { $0.maxOpenFiles = 32 }
        #expect(sink.wait(lines: count))
        for i in 0..<count { directory.rename("\(i).log", "\(i).log.1") }
        for i in 0..<count {
            directory.append("\(i).log.1", "late \(i)\n")
            directory.write("\(i).log", "new \(i)\n")
        }
        #expect(sink.wait(lines: 3 * count))
        #expect(sink.wait { $0.counters[.filesFinished] ?? 0 == UInt64(count) })
        for i in 0..<count { directory.append("\(i).log", "newer \(i)\n") }
        #expect(sink.wait(lines: 4 * count))
        run.stop()
        #expect(sink.lines.count == 4 * count)
        #expect(Set(sink.lines) == Set(["old", "late", "new", "newer"].flatMap { word in (0..<count).map { "\(word) \($0)" } }))
        #expect(sink.counter(.bytesLost) == 0)
        #expect(sink.problems.isEmpty)
    }

    /// What is silent is closed where others need its descriptor, also over many generations.
    @Test func descriptorsAreGivenBack() throws {
        let directory = TemporaryDirectory()
        let sink = RecordingSink()
        let run = try Running([target(directory("*.log"))], sink) { $0.maxOpenFiles = 32 }
        #expect(run.ready())
        for generation in 0..<6 {
            for i in 0..<20 { directory.write("\(generation)-\(i).log", "\(generation) \(i)\n") }
            #expect(sink.wait(lines: 20 * (generation + 1)))
            for i in 0..<20 { directory.remove("\(generation)-\(i).log") }
            #expect(sink.wait { $0.counters[.filesFinished] ?? 0 == UInt64(20 * (generation + 1)) })
        }
        #expect(directory.openFiles.isEmpty)
        run.stop()
        #expect(sink.lines.count == 120)
        #expect(sink.problems.isEmpty)
    }
}
