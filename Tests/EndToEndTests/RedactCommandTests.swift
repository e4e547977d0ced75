import Bytes
import Glibc
import LogService
import Testing

/// `tailrace redact` as a filter.
@Suite struct RedactCommandTests {
    private static let text = "first\r\nmail alice@example.com\r\n\n{\"card\":4111111111111111}\n\u{FF} no newline: bob@example.com"

    @Test func linesGoThroughAndTheRestStays() throws {
        let folder = try Scratch()
        let file = folder.write("a.log", Self.text)
        let out = try TailraceProcess.run(["redact", file], in: folder)
        #expect(out.status == 0)
        #expect(out.output == "first\r\nmail [REDACTED:email]\r\n\n{\"card\":\"[REDACTED:card]\"}\n\u{FF} no newline: [REDACTED:email]")
        // Twice is once; several files follow one another.
        let again = folder.write("b.log", out.output + "\n")
        #expect(try TailraceProcess.run(["redact", again, again], in: folder).output == out.output + "\n" + out.output + "\n")
        #expect(try TailraceProcess.run(["redact", folder.path("absent")], in: folder).status == 2)
    }

    @Test func checkSaysWhetherAnythingIsThere() throws {
        let folder = try Scratch()
        let dirty = try TailraceProcess.run(["redact", "--check", "--stats", folder.write("a.log", Self.text)], in: folder)
        #expect(dirty.status == 1)
        #expect(dirty.output.contains("lines 5\nchanged 3\ndropped 0\nunscanned 0\n"), "\(dirty.output)")
        #expect(dirty.output.contains("\ncard 1\n") && dirty.output.contains("\nemail 2\n"))
        #expect(!dirty.output.contains("alice"))
        let clean = try TailraceProcess.run(["redact", "--check", folder.write("b.log", "nothing here\n")], in: folder)
        #expect(clean.status == 0 && clean.output == "")
    }

    @Test func theBlockOfAConfigurationHolds() throws {
        let folder = try Scratch()
        let key = folder.write("key", "0123456789abcdef0123456789abcdef\n")
        let config = folder.write(
            "c.yaml", "redaction: {rules: [{detector: email, mode: pseudonym}, {name: badge, regex: 'badge-\\d+'}], keys: [{id: k1, file: \(key)}], fields: [openai]}\n")
        let file = folder.write("a.log", "alice@example.com badge-17\nAlice@example.com\n{\"prompt\":\"hi\"}\n")
        let out = try TailraceProcess.run(["redact", "--config", config, file], in: folder)
        let lines = out.output.split(separator: "\n").map(String.init)
        #expect(out.status == 0)
        #expect(lines.count == 3 && lines[0] == lines[1] + " [REDACTED:badge]" && lines[1].hasPrefix("email:k1:"), "\(out.output)")
        #expect(lines.last == #"{"prompt":"[REDACTED:openai]"}"#)
        #expect(try TailraceProcess.run(["redact", "--config", folder.write("d.yaml", "{}\n"), file], in: folder).status == 2)
        #expect(try TailraceProcess.run(["redact", "--config", folder.write("e.yaml", "redaction: {mode: sha256}\n"), file], in: folder).status == 2)
    }

    /// A line without an end would take all memory: a placeholder stands for it, and what follows is looked at.
    @Test func endlessLinesAreNotPassedOn() throws {
        let folder = try Scratch()
        let long = folder.write("a.log", "alice@example.com" + String(repeating: "x", count: 40 << 20) + "\nbob@example.com\n")
        let out = try TailraceProcess.run(["redact", long], in: folder)
        #expect(out.output == "[REDACTED:unscanned]\n[REDACTED:email]\n")
    }
}
