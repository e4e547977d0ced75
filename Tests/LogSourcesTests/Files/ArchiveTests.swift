import Bytes
import Disk
import Glibc
import LogModel
import Testing

@testable import LogSources

/// Made with gzip, bzip2, zstd and zlib's own tools from `one\ntwo\r\nthree`.
private enum Packed {
    static let text = "one\ntwo\r\nthree"
    static let gzip: [UInt8] = [
        31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 203, 207, 75, 229, 42, 41, 207, 231, 229, 42, 201, 40, 74, 77,
        5, 0, 205, 131, 185, 143, 14, 0, 0, 0,
    ]
    static let bzip2: [UInt8] = [
        66, 90, 104, 57, 49, 65, 89, 38, 83, 89, 177, 104, 143, 173, 0, 0, 4, 193, 128, 0, 18, 2, 65, 148,
        128, 32, 0, 49, 6, 76, 65, 3, 77, 30, 165, 91, 122, 187, 4, 16, 252, 93, 201, 20, 225, 66, 66, 197,
        162, 62, 180,
    ]
    static let zstd: [UInt8] = [
        40, 181, 47, 253, 4, 88, 113, 0, 0, 111, 110, 101, 10, 116, 119, 111, 13, 10, 116, 104, 114, 101, 101, 46,
        151, 3, 7,
    ]
    static let zlib: [UInt8] = [
        120, 156, 203, 207, 75, 229, 42, 41, 207, 231, 229, 42, 201, 40, 74, 77, 5, 0, 36, 15, 4, 214,
    ]
    /// `line 0` to `line 4999`.
    static let more: [UInt8] = Gzip.stored((0..<5_000).map { "line \($0)\n" }.joined())
    /// 20,000,000 times `a`, then a newline and `end`.
    static let bomb: [UInt8] = [
        66, 90, 104, 57, 49, 65, 89, 38, 83, 89, 213, 29, 10, 162, 0, 153, 50, 195, 0, 128, 16, 0, 8, 38,
        1, 0, 8, 32, 0, 80, 134, 0, 77, 85, 60, 163, 212, 220, 218, 224, 74, 81, 94, 226, 21, 9, 71, 103,
        104, 37, 40, 175, 197, 220, 145, 78, 20, 36, 53, 71, 66, 168, 128,
    ]
}

/// A gzip file without compression.
private enum Gzip {
    static func stored(_ text: String) -> [UInt8] {
        let bytes = Array(text.utf8)
        var out: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF]
        var crc: UInt32 = 0xFFFF_FFFF
        for start in stride(from: 0, to: bytes.count, by: 10_000) {
            let block = bytes[start..<min(start + 10_000, bytes.count)]
            let count = UInt16(block.count)
            out.append(start + 10_000 >= bytes.count ? 1 : 0)
            out += [UInt8(count & 0xFF), UInt8(count >> 8), UInt8(~count & 0xFF), UInt8(~count >> 8)]
            out += block
            for byte in block {
                crc ^= UInt32(byte)
                for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
            }
        }
        for word in [~crc, UInt32(bytes.count)] { for shift in [0, 8, 16, 24] { out.append(UInt8(word >> UInt32(shift) & 0xFF)) } }
        return out
    }
}

@Suite(.serialized) struct ArchiveTests {
    /// `one`, `two`, `three`.
    static var sample: [UInt8] { Packed.gzip }

    private func target(
        _ path: String, _ format: StreamDecompressor.Format? = nil, encoding: String? = nil, delay: Duration = .zero
    ) throws -> FileTarget {
        var settings = FileTargetSettings(job: 0, jobName: "a", path: path, labels: Labels(["job": "a"]))
        settings.decompression = Decompression(initialDelay: delay, format: format)
        settings.encoding = try encoding.map { try TextEncoding($0) }
        return try FileTarget(settings, hostname: "host")
    }

    private func once(_ target: FileTarget, _ sink: RecordingSink, maxLineBytes: Int = 16 << 20) throws {
        var settings = FileSourceSettings()
        settings.maxLineBytes = maxLineBytes
        try ArchiveSource(targets: [target], settings: settings, sink: sink, once: true, events: sink.events).run()
    }

    @Test func everyFormatByMagicAndByName() throws {
        let directory = TemporaryDirectory()
        for (name, bytes) in [("a.gz", Packed.gzip), ("b.bz2", Packed.bzip2), ("c.zst", Packed.zstd)] {
            directory.append(name, bytes: bytes)
        }
        directory.write("d.log", "plain\n")
        let sink = RecordingSink()
        try once(target(directory("*")), sink)
        #expect(sink.lines.count == 9)
        #expect(Set(sink.lines) == ["one", "two", "three"])
        #expect(Set(sink.all.map(\.path)) == [directory("a.gz"), directory("b.bz2"), directory("c.zst")])
        #expect(sink.all.first { $0.path.hasSuffix("a.gz") }?.labels == Labels(["filename": directory("a.gz"), "job": "a"]))
        #expect(sink.all.map(\.end) == [1, 2, 3, 1, 2, 3, 1, 2, 3])
        // Again, in another process: nothing.
        try once(target(directory("*")), sink)
        #expect(sink.lines.count == 9)
        #expect(sink.problems.isEmpty)
        // zlib has no mark: the format says so, whatever the name.
        let other = TemporaryDirectory()
        other.append("x.log", bytes: Packed.zlib)
        let second = RecordingSink()
        try once(target(other("x.log"), .zlib), second)
        #expect(second.lines == ["one", "two", "three"])
    }

    @Test func plainFilesOfSuchAJobAreTailedOnce() throws {
        let directory = TemporaryDirectory()
        directory.append("a.log.1.gz", bytes: Packed.gzip)
        directory.write("a.log", "plain\n")
        let sink = RecordingSink()
        #expect(try Running([target(directory("*"))], sink, once: true).finish() == nil)
        #expect(sink.lines == ["plain"])
        try once(target(directory("*")), sink)
        #expect(sink.lines == ["plain", "one", "two", "three"])
    }

    @Test func membersBehindEachOtherAreOneText() throws {
        let directory = TemporaryDirectory()
        directory.append("a.gz", bytes: Packed.gzip + Packed.gzip + [0, 0, 0])
        directory.append("b.bz2", bytes: Packed.bzip2 + Packed.bzip2)
        directory.append("c.zst", bytes: Packed.zstd + Packed.zstd)
        let sink = RecordingSink()
        try once(target(directory("*")), sink)
        #expect(sink.lines == [[String]](repeating: ["one", "two", "threeone", "two", "three"], count: 3).flatMap { $0 })
        #expect(sink.state.withLock { $0.reports.map(\.message) }.filter { $0.contains("behind its end") }.count == 1)
        #expect(sink.counter(.readErrors) == 0)
    }

    /// An archive that was still being copied: what is whole is delivered, the rest when it is there, nothing twice.
    @Test func truncatedArchivesAreSaidAndReadOn() throws {
        let directory = TemporaryDirectory()
        for cut in [3, 12, Packed.more.count / 2, Packed.more.count - 1] {
            let name = "cut\(cut).gz"
            directory.append(name, bytes: [UInt8](Packed.more.prefix(cut)))
            let sink = RecordingSink()
            try once(target(directory(name)), sink)
            #expect(sink.counter(.readErrors) == 1)
            #expect(sink.state.withLock { $0.reports.contains { $0.message.contains("ends in the middle") } })
            let before = sink.lines.count
            directory.append(name, bytes: [UInt8](Packed.more.dropFirst(cut)))
            try once(target(directory(name)), sink)
            #expect(sink.lines.count == 5_000, "cut at \(cut), \(before) lines before")
            #expect(sink.lines == (0..<5_000).map { "line \($0)" })
            #expect(sink.problems.isEmpty)
        }
    }

    @Test func damageIsSaid() throws {
        let directory = TemporaryDirectory()
        var bytes = Packed.more
        bytes[bytes.count / 2] ^= 0xFF
        directory.append("a.gz", bytes: bytes)
        directory.append("b.gz", bytes: Array("not compressed\n".utf8))
        let sink = RecordingSink()
        try once(target(directory("*")), sink)
        #expect(sink.counter(.readErrors) == 2)
        #expect(sink.state.withLock { $0.reports.contains { $0.message.contains("is damaged behind line") } })
        #expect(sink.state.withLock { $0.reports.contains { $0.message.contains("is no gzip") } })
    }

    /// Wherever the sink fails, a restart goes on there.
    @Test func restartsRepeatNothing() throws {
        let directory = TemporaryDirectory()
        directory.append("a.gz", bytes: Packed.more)
        let sink = RecordingSink()
        sink.state.change { $0.linesLeft = 3_000 }
        #expect(throws: SinkClosed.self) { try once(target(directory("a.gz")), sink) }
        sink.state.change { $0.linesLeft = .max }
        try once(target(directory("a.gz")), sink)
        #expect(sink.lines == (0..<5_000).map { "line \($0)" })
        // Appended to: only what is new.
        directory.append("a.gz", bytes: Packed.gzip)
        try once(target(directory("a.gz")), sink)
        #expect(sink.lines.dropFirst(5_000) == ["one", "two", "three"])
        // Overwritten: from its beginning.
        directory.truncate("a.gz")
        directory.append("a.gz", bytes: Packed.gzip)
        try once(target(directory("a.gz")), sink)
        #expect(sink.lines.count == 5_006)
        #expect(sink.problems.isEmpty)
    }

    @Test func positionsOfPromtailAreLines() throws {
        let directory = TemporaryDirectory()
        directory.append("a.gz", bytes: Packed.gzip)
        let sink = RecordingSink()
        sink.state.change { $0.imported[directory("a.gz")] = 2 }
        try once(target(directory("a.gz")), sink)
        #expect(sink.lines == ["three"])
    }

    /// A line of 20 MB out of 63 bytes: cut at the limit, and the line behind it is whole.
    @Test func bombsStayWithinTheLineLimit() throws {
        let directory = TemporaryDirectory()
        directory.append("a.bz2", bytes: Packed.bomb)
        let sink = RecordingSink()
        try once(target(directory("a.bz2")), sink, maxLineBytes: 100_000)
        #expect(sink.lines.map(\.utf8.count) == [100_000, 3])
        #expect(sink.counter(.linesCut) == 1)
    }

    /// An archive that could not be opened because there were too many files open counted as looked at until it changed, which
    /// archives do not.
    @Test(arguments: [("open", EMFILE), ("read", EIO)]) func whatCouldNotBeReadIsTriedAgain(_ call: String, _ code: Int32) throws {
        let directory = TemporaryDirectory()
        let path = ByteString(directory("a.gz"))
        directory.append("a.gz", bytes: Packed.more)
        let sink = RecordingSink()
        var settings = FileSourceSettings()
        settings.resyncInterval = .milliseconds(20)
        let source = try ArchiveSource(targets: [target(directory("*.gz"))], settings: settings, sink: sink, events: sink.events)
        SystemFaults.arm(call, path, code: code, times: 2)
        let worker = Worker("test-archives") { try? source.run() }
        #expect(sink.wait(lines: 5_000))
        source.stop()
        worker?.join()
        #expect(SystemFaults.left(path) == 0)
        #expect(sink.lines == (0..<5_000).map { "line \($0)" })
        #expect(sink.counter(.readErrors) == 2)
        #expect(sink.state.withLock { $0.reports.count } == 1)
        #expect(sink.problems.isEmpty)
    }

    /// The first part was delivered, then the disk failed: tried again, it must go on behind that part, under the same name.
    @Test func aFailureInTheMiddleRepeatsNothing() throws {
        let directory = TemporaryDirectory()
        let path = ByteString(directory("a.gz"))
        let count = 200_000
        directory.append("a.gz", bytes: Gzip.stored((0..<count).map { "line \($0)\n" }.joined()))
        let sink = RecordingSink()
        var settings = FileSourceSettings()
        settings.resyncInterval = .milliseconds(20)
        let source = try ArchiveSource(targets: [target(directory("*.gz"))], settings: settings, sink: sink, events: sink.events)
        sink.stall(true)
        let worker = Worker("test-archives") { try? source.run() }
        // It waits in the first delivery.
        #expect(sink.wait { $0.counters[.lines] ?? 0 > 0 })
        SystemFaults.arm("read", path, code: EIO)
        sink.stall(false)
        #expect(sink.wait(lines: count))
        source.stop()
        worker?.join()
        #expect(SystemFaults.left(path) == 0)
        #expect(sink.lines == (0..<count).map { "line \($0)" })
        #expect(sink.state.withLock { $0.positions.count } == 1)
        #expect(sink.problems.isEmpty)
    }

    @Test func newArchivesAreFoundAfterTheirDelay() throws {
        let directory = TemporaryDirectory()
        let sink = RecordingSink()
        var settings = FileSourceSettings()
        settings.resyncInterval = .milliseconds(20)
        let source = try ArchiveSource(
            targets: [target(directory("*.gz"), delay: .milliseconds(60))], settings: settings, sink: sink, events: sink.events)
        let worker = Worker("test-archives") { try? source.run() }
        directory.append("a.gz", bytes: Packed.gzip)
        #expect(sink.wait(lines: 3))
        source.stop()
        worker?.join()
        #expect(sink.lines == ["one", "two", "three"])
    }
}
