import Bytes
import Disk
import Glibc
import LogModel
import Testing

@testable import LogSources

@Suite("Standard input")
struct StdinSourceTests {
    /// Writes the parts into a pipe, one after another, and returns what the source made of them.
    private func lines(_ parts: [String], maxLineBytes: Int = 1 << 20) throws -> [RecordingSink.Line] {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        let (reading, writing) = (ends[0], ends[1])
        defer { close(reading) }
        let sink = RecordingSink()
        let source = StdinSource(
            descriptor: reading, labels: Labels(["job": "stdin"]), job: 0, maxLineBytes: maxLineBytes, sink: sink)
        let writer = Running {
            for part in parts {
                var bytes = Array(part.utf8)[...]
                while !bytes.isEmpty {
                    let count = bytes.withUnsafeBytes { write(writing, $0.baseAddress, $0.count) }
                    if count <= 0 { return }
                    bytes = bytes.dropFirst(count)
                }
            }
            close(writing)
        }
        try source.run()
        writer.wait()
        return sink.all
    }

    /// A thread of the test.
    private final class Running {
        private var thread = pthread_t()
        private final class Box {
            let body: @Sendable () -> Void
            init(_ body: @escaping @Sendable () -> Void) { self.body = body }
        }
        init(_ body: @escaping @Sendable () -> Void) {
            let box = Unmanaged.passRetained(Box(body))
            pthread_create(
                &thread, nil,
                { argument in
                    if let argument { Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body() }
                    return nil
                }, box.toOpaque())
        }
        func wait() { pthread_join(thread, nil) }
    }

    @Test("Lines across reads; blank ones are skipped, a last one without newline counts")
    func plain() throws {
        let found = try lines(["one\ntw", "o\r\n\n", "\nthree"])
        #expect(found.map(\.text) == ["one", "two", "three"])
        #expect(found.allSatisfy { $0.labels == Labels(["job": "stdin"]) && $0.source.isEmpty })
        #expect(zip(found, found.dropFirst()).allSatisfy { $0.timestamp < $1.timestamp })
        #expect(try lines([]).isEmpty)
        #expect(try lines(["\n\n"]).isEmpty)
    }

    @Test("A line that is too long is cut, and what follows it is not lost", arguments: [10, 70_000, 200_000])
    func tooLong(maxLineBytes: Int) throws {
        let long = String(repeating: "x", count: maxLineBytes * 3)
        let found = try lines(["a\n", long, "\nb\n", long], maxLineBytes: maxLineBytes)
        #expect(found.map { $0.text.count } == [1, maxLineBytes, 1, maxLineBytes])
    }

    @Test("A closed sink ends it")
    func closed() throws {
        let sink = RecordingSink()
        sink.state.change { $0.linesLeft = 0 }
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        defer { close(ends[0]) }
        #expect(write(ends[1], "x\n", 2) == 2)
        close(ends[1])
        #expect(throws: SinkClosed.self) {
            try StdinSource(descriptor: ends[0], labels: Labels(), job: 0, maxLineBytes: 100, sink: sink).run()
        }
    }
}
