import Redaction
import Testing

/// Test numbers that payment providers publish; none belongs to anybody.
@Suite struct CardDetectorTests {
    @Test(arguments: [
        "4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111", "4222222222222", "5555555555554444",
        "5105 1051 0510 5100", "2223003122003222", "378282246310005", "3782 822463 10005", "3714-496353-98431",
        "6011111111111117", "30569309025904", "3056 930902 5904", "3530111333300000", "6200000000000005",
        "4111.1111.1111.1111", "4111+1111+1111+1111", "4111\u{A0}1111\u{A0}1111\u{A0}1111",
        "4111\u{202F}1111\u{202F}1111\u{202F}1111", "4111\u{2009}1111\u{2009}1111\u{2009}1111",
        "4111\u{2013}1111\u{2013}1111\u{2013}1111", "3782\u{A0}822463\u{A0}10005",
    ])
    func numbersAreFound(_ number: String) throws {
        let bench = try Bench(.card)
        for (before, after) in [
            ("", ""), ("pay with ", "."), ("(", ")"), ("\"", "\""), ("card=", ","), ("\u{201C}", "\u{201D}"),
            ("\n", "\n"), ("", " exp 12/27"),
        ] {
            #expect(bench(before + number + after) == before + "[REDACTED:card]" + after)
        }
    }

    @Test(arguments: [
        "4111111111111112",  // check digit
        "1234567812345670",  // Luhn, but nobody's prefix
        "411111111111",  // too short
        "41111111111111111111",  // too long
        "0000000000000000", "a4111111111111111", "4111111111111111b", "4111111111111111_x", "4111111111111111.5",
        "1.4111111111111111", "4111-1111-1111-1111-1111", "12345678-4111-1111-1111-111111111111",
        "4111 1111-1111 1111",  // two kinds of gap
        "4111  1111  1111  1111",
        "4111.1111.1111.1111.2", "3782.822463.10005", "1.4111.1111.1111.1111", "4111,1111,1111,1111", "4111 1111\u{A0}1111 1111",
        "2024 4111 1111 1111 1111 2025 2026 2027",  // a row of numbers
        "1700000000000", "1761955200377122", "1761955200377122000", "4006381333931",  // times, an article number
        "2026-11-01T00:00:00.377122", "203.0.113.58", "10.0.19041.1", "+14155550100",
    ])
    func othersStay(_ text: String) throws {
        let bench = try Bench(.card)
        #expect(bench(text) == text)
        #expect(bench("id \(text) end") == "id \(text) end")
    }

    @Test func cardsSideBySideAreNoRow() throws {
        let bench = try Bench(.card)
        #expect(
            bench("4111 1111 1111 1111 5555 5555 5555 4444 3530 1113 3330 0000")
                == "[REDACTED:card] [REDACTED:card] [REDACTED:card]"
        )
        #expect(bench("4111 1111 1111 1111 1227 123") == "[REDACTED:card] 1227 123")
    }

    @Test func numberInJSONGetsQuotes() throws {
        let bench = try Bench(.card)
        #expect(
            bench(#"{"card": 4111111111111111, "n": 4111111111111112}"#)
                == #"{"card": "[REDACTED:card]", "n": 4111111111111112}"#
        )
        // A column of floats, and a debt.
        #expect(bench(#"{"a": 4111111111111111.0, "b":-4111111111111111}"#) == #"{"a": "[REDACTED:card]", "b":"[REDACTED:card]"}"#)
        #expect(bench(#"[4111111111111111,5555555555554444]"#) == #"["[REDACTED:card]","[REDACTED:card]"]"#)
    }
}
