import Redaction
import Testing

/// Lines that were cut before they came here: the beginning of a key at their end is a key.
@Suite struct CutLineTests {
    private static let long = String(repeating: "word ", count: 250)

    @Test(arguments: [
        ("key ghp_a1B2c3", "key [REDACTED:api_key]"), ("sk-proj-aB3dE5", "[REDACTED:api_key]"), ("AKIAIOSF", "[REDACTED:api_key]"),
        ("xoxb-1234", "[REDACTED:api_key]"), ("api_key=abc1", "api_key=[REDACTED:secret]"),
    ])
    func aKeyAtTheEndOfALongLine(_ end: String, _ wanted: String) throws {
        let bench = try Bench()
        #expect(bench(Self.long + end) == Self.long + wanted)
        // A short line was not cut, and the same in the middle is whole.
        #expect(bench("word " + end) == "word " + end)
        #expect(bench(Self.long + end + " word") == Self.long + end + " word")
    }

    @Test func aValueWithoutItsQuote() throws {
        #expect(try Bench()(Self.long + "{\"token\": \"abc1") == Self.long + "{\"token\": \"[REDACTED:secret]")
    }

    @Test(arguments: ["task-abcdef", "the sk-", "AKIA", "ghp_", "desk-proj", "tokens: 12", "password reset"])
    func wordsStay(_ end: String) throws { #expect(try Bench()(Self.long + end) == Self.long + end) }
}
