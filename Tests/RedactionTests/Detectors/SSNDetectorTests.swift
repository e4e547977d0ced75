import Redaction
import Testing

@Suite struct SSNDetectorTests {
    @Test(arguments: ["313-93-2516", "313 93 2516", "001-01-0001", "899-99-9999", "313\u{A0}93\u{A0}2516", "313\u{2013}93\u{2013}2516"])
    func numbersAreFound(_ number: String) throws {
        let bench = try Bench(.ssn)
        for (before, after) in [
            ("", ""), ("is ", "."), ("(", ")"), ("<", ">"), ("\u{201C}", "\u{201D}"), ("\n", "\n- next"),
        ] {
            #expect(bench(before + number + after) == before + "[REDACTED:ssn]" + after)
        }
    }

    @Test(arguments: [
        "000-12-3456", "666-12-3456", "900-12-3456", "123-00-4567", "123-45-0000", "078-05-1120", "219-09-9999",
        "313-93 2516", "1313-93-2516", "313-93-25167", "313-93-2516-1", "2-313-93-2516", "a313-93-2516", "313-93-2516x",
        "313932516", "415-555-0142", "(212) 555-0168", "2026-11-01", "313.93.2516",
    ])
    func othersStay(_ text: String) throws {
        let bench = try Bench(.ssn)
        #expect(bench(text) == text)
    }

    @Test func bareDigitsNeedAWord() throws {
        let bench = try Bench(.ssn)
        #expect(bench("ssn: 313932516") == "ssn: [REDACTED:ssn]")
        #expect(bench("Social Security number 313932516.") == "Social Security number [REDACTED:ssn].")
        #expect(bench(#"{"ssn":"313932516","id":"313932516"}"#) == #"{"ssn":"[REDACTED:ssn]","id":"313932516"}"#)
        #expect(bench(#"{"ssn":313932516}"#) == #"{"ssn":"[REDACTED:ssn]"}"#)
        #expect(bench("className 313932516") == "className 313932516")
    }
}
