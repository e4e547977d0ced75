import Redaction
import Testing

@Suite struct IBANDetectorTests {
    @Test(arguments: [
        "DE89370400440532013000", "DE89 3704 0044 0532 0130 00", "GB29NWBK60161331926819",
        "GB29 NWBK 6016 1331 9268 19",
        "FR1420041010050500013M02606", "NL91ABNA0417164300", "ES9121000418450200051332", "BE68539007547034",
        "NO9386011117947", "CH9300762011623852957", "MT84MALT011000012345MTLCAST001S", "AT611904300234573201",
        "PL61109010140000071219812874", "LC55HEMM000100010012001200023015", "BR1800360305000010009795493C1",
        "de89370400440532013000", "De89370400440532013000", "gb29 nwbk 6016 1331 9268 19", "DE89-3704-0044-0532-0130-00",
        "DE89\u{A0}3704\u{A0}0044\u{A0}0532\u{A0}0130\u{A0}00", "DE89\u{202F}3704\u{202F}0044\u{202F}0532\u{202F}0130\u{202F}00",
    ])
    func accountsAreFound(_ number: String) throws {
        let bench = try Bench(.iban)
        for (before, after) in [
            ("", ""), ("to ", "."), ("(", ")"), ("iban=", ","), ("\u{201C}", "\u{201D}"), ("\n", " thanks"),
        ] {
            #expect(bench(before + number + after) == before + "[REDACTED:iban]" + after)
        }
    }

    @Test(arguments: [
        "DE89370400440532013001",  // check digits
        "DE8937040044053201300",  // too short
        "DE893704004405320130000",  // too long
        "XX89370400440532013000", "xDE89370400440532013000", "DE89 37040044 0532 0130 00",
        "GB29NWBK6016133192681!", "GB29 NWBK-6016-1331-9268-19", "7-DE89-3704-0044-0532-0130-00", "DE89-3704-0044-0532-0130-00-1",
        // The remainder is right, but there are letters where the country has digits.
        "be74abcdef012345", "AB12", "HTTP20", "GPU00", "DE00", "ORD-69518968",
    ])
    func othersStay(_ text: String) throws {
        let bench = try Bench(.iban)
        #expect(bench(text) == text)
    }
}
