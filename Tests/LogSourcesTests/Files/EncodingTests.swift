import Bytes
import Glibc
import LogModel
import Testing

@testable import LogSources

@Suite(.serialized) struct EncodingTests {
    private func target(_ path: String, _ encoding: String) throws -> FileTarget {
        var settings = FileTargetSettings(job: 0, jobName: "e", path: path, labels: Labels(["job": "e"]))
        settings.encoding = try TextEncoding(encoding)
        return try FileTarget(settings, hostname: "host")
    }

    private func utf16(_ text: String, little: Bool, mark: Bool) -> [UInt8] {
        ((mark ? [0xFEFF] : []) + Array(text.utf16)).flatMap { unit in
            let pair = [UInt8(unit >> 8), UInt8(unit & 0xFF)]
            return little ? pair.reversed() : pair
        }
    }

    /// U+0A0A, U+010A and U+0A00 have bytes 0x0A and are no newlines; the last two lines hold a pair and a carriage return.
    static let text = "erste Zeile\nਊ Ċ \u{0A00}\n\nA 😀 Ω\r\nlast"
    static let lines = ["erste Zeile", "ਊ Ċ \u{0A00}", "", "A 😀 Ω", "last"]

    @Test(arguments: [
        ("utf-16le", true, false), ("UTF-16LE", true, true), ("UTF-16BE", false, false), ("utf-16be", false, true),
        ("UTF-16", true, false), ("UTF-16", true, true), ("UTF-16", false, false), ("UTF-16", false, true),
        // The mark is right where the configuration is not.
        ("UTF-16BE", true, true),
    ])
    func utf16IsDecodedBeforeItIsSplit(_ name: String, _ little: Bool, _ mark: Bool) throws {
        let bytes = utf16(Self.text, little: little, mark: mark)
        for blockSize in [4096, 7, 2] {
            let directory = TemporaryDirectory()
            directory.append("a.log", bytes: bytes)
            let sink = RecordingSink()
            let run = try Running([target(directory("a.log"), name)], sink, once: true) { $0.blockSize = blockSize }
            #expect(run.finish() == nil)
            #expect(sink.lines == Self.lines, "\(name) in blocks of \(blockSize)")
            // Positions are bytes of the file.
            #expect(sink.all.last?.end == UInt64(bytes.count))
            #expect(sink.problems.isEmpty)
        }
    }

    /// What follows a restart has no byte order mark of its own.
    @Test func filesGrowAndRestartsGoOn() throws {
        let directory = TemporaryDirectory()
        directory.append("a.log", bytes: utf16("eins\nzw", little: true, mark: true))
        let sink = RecordingSink()
        let running = try Running([target(directory("a.log"), "utf-16")], sink)
        #expect(sink.wait(lines: 1))
        directory.append("a.log", bytes: utf16("ei\n", little: true, mark: false))
        #expect(sink.wait(lines: 2))
        // Half a code unit, and the other half later.
        directory.append("a.log", bytes: [0x64])
        directory.append("a.log", bytes: [0x00] + utf16("rei\n", little: true, mark: false))
        #expect(sink.wait(lines: 3))
        running.stop()
        directory.append("a.log", bytes: utf16("vier\n", little: true, mark: false))
        #expect(try Running([target(directory("a.log"), "utf-16")], sink, once: true).finish() == nil)
        #expect(sink.lines == ["eins", "zwei", "drei", "vier"])
        #expect(sink.problems.isEmpty)
    }

    @Test(arguments: [
        ("ISO-8859-1", [0x67, 0x72, 0xFC, 0xDF, 0x65], "grüße"), ("iso-8859-15", [0xA4], "€"), ("iso-8859-5", [0xBF], "П"),
        ("windows-1252", [0x80, 0x20, 0x93], "€ “"), ("windows-1251", [0xCF], "П"), ("cp1250", [0x8C], "Ś"),
        ("GBK", [0xD6, 0xD0, 0xCE, 0xC4], "中文"), ("Shift_JIS", [0x93, 0xFA, 0x83, 0x5C], "日ソ"), ("KOI8-R", [0xF0], "П"),
    ] as [(String, [UInt8], String)])
    func otherEncodings(_ name: String, _ bytes: [UInt8], _ text: String) throws {
        let directory = TemporaryDirectory()
        directory.append("a.log", bytes: bytes + [0x0A] + bytes + [0x0D, 0x0A])
        let sink = RecordingSink()
        #expect(try Running([target(directory("a.log"), name)], sink, once: true).finish() == nil)
        #expect(sink.lines == [text, text])
        #expect(sink.counter(.charactersReplaced) == 0)
    }

    @Test func whatMakesNoSenseIsReplacedAndCounted() throws {
        let directory = TemporaryDirectory()
        // A lone surrogate.
        directory.append("a.log", bytes: [0x41, 0x00, 0x00, 0xD8, 0x42, 0x00, 0x0A, 0x00, 0x43, 0x00, 0x0A, 0x00])
        let sink = RecordingSink()
        #expect(try Running([target(directory("a.log"), "utf-16le")], sink, once: true).finish() == nil)
        #expect(sink.lines == ["A\u{FFFD}B", "C"])
        #expect(sink.counter(.charactersReplaced) == 1)
    }

    @Test func linesOverTheLimitAreCutBetweenCharacters() throws {
        let directory = TemporaryDirectory()
        directory.append("a.log", bytes: utf16(String(repeating: "Ω", count: 5_000) + "\nnext\n", little: false, mark: true))
        let sink = RecordingSink()
        let run = try Running([target(directory("a.log"), "utf-16be")], sink, once: true) {
            $0.maxLineBytes = 101
            $0.blockSize = 256
        }
        #expect(run.finish() == nil)
        #expect(sink.lines.last == "next")
        #expect(sink.lines.count == 2)
        #expect(sink.lines[0].allSatisfy { $0 == "Ω" })
        #expect(sink.lines[0].utf8.count <= 101)
    }

    @Test func encodingsThatCannotBeReadAreRefused() {
        for name in ["klingon", "", "ISO-2022-JP", "utf-7", "a/b"] {
            #expect(throws: DecodeError.self, "\(name)") { try TextEncoding(name) }
        }
    }
}
