import Bytes
import Testing

@testable import LogStages

@Suite("Numbers, durations and sizes as Go reads and writes them")
struct GoNumbersTests {
    @Test(
        "ParseFloat",
        arguments: [
            ("0", 0), ("1", 1), ("-1.5", -1.5), (".5", 0.5), ("5.", 5), ("+3", 3), ("1e3", 1000), ("1E-2", 0.01),
            ("1_000", 1000), ("1_000.5e1_0", 10005000000000), ("0x1p-2", 0.25), ("0x.8p1", 1), ("0X1P+3", 8),
            ("12345678901234567890", 12345678901234567168), ("0.1", 0.1), ("1e22", 1e22), ("1e23", 1e23),
            ("179769313486231570000000000000000000000", 1.7976931348623157e38), ("inf", .infinity),
            ("-Inf", -.infinity),
            ("+INFINITY", .infinity), ("4.9e-324", 0x1p-1074), ("1e-400", 0), ("00012", 12), ("0x_1p0", 1),
            ("123456789012345678901234567890e-20", 1234567890.1234567890),
        ]
    )
    func floats(text: String, value: Double) {
        #expect(text.withView { GoFloat.parse($0) } == .success(value))
    }

    @Test(
        "ParseFloat: no numbers",
        arguments: [
            "", " ", "1 ", " 1", "abc", "0x10", "0x", "1e", "1e+", "--1", "1.2.3", "_1", "1_", "1__0", "1_.5", "+nan",
            "infi",
            "0b1", "1,000", "٣", "0x1p", "e5", ".", "+", "-.", "1e1.5",
        ]
    )
    func notFloats(text: String) {
        #expect(text.withView { GoFloat.parse($0) } == .failure(.syntax))
    }

    /// Two halves of the range, each good by itself: their sum ended the process.
    @Test func durationsThatAddUpBeyondTheRangeAreInvalid() {
        for text in ["9223372036854775808ns9223372036854775808ns", "-9223372036854775808ns1ns", "2562047h2562047h"] {
            #expect(ByteString(text).withView { GoDuration.parse($0) } == .failure(.invalid))
        }
    }

    @Test("NaN in any case, overflow is out of range")
    func special() {
        for text in ["nan", "NaN", "NAN"] {
            guard case .success(let value) = text.withView({ GoFloat.parse($0) }) else {
                Issue.record("\(text)")
                continue
            }
            #expect(value.isNaN)
        }
        #expect("1e999".withView { GoFloat.parse($0) } == .failure(.range))
        #expect("-1e400".withView { GoFloat.parse($0) } == .failure(.range))
    }

    @Test("Every double reads back from its text", arguments: 0..<4)
    func floatRoundTrip(seed: UInt64) {
        var random = SeededRandom(seed)
        for _ in 0..<2000 {
            let value = Double(bitPattern: random.next())
            guard value.isFinite else { continue }
            for text in [value.description, GoFormat.general(value), GoFormat.plain(value)] {
                #expect(text.withView { GoFloat.parse($0) } == .success(value), "\(text)")
            }
        }
    }

    @Test(
        "FormatFloat",
        arguments: [
            (3_000_000, "3e+06", "3000000"), (100_000, "100000", "100000"), (1_000_000, "1e+06", "1000000"),
            (0.0001, "0.0001", "0.0001"), (0.00001, "1e-05", "0.00001"), (1142, "1142", "1142"), (2.5, "2.5", "2.5"),
            (-0.0, "-0", "-0"), (1e100, "1e+100", "1" + String(repeating: "0", count: 100)),
            (.infinity, "+Inf", "+Inf"),
            (123456789, "1.23456789e+08", "123456789"),
            (0.0003485535029627, "0.0003485535029627", "0.0003485535029627"),
        ]
    )
    func formats(value: Double, general: String, plain: String) {
        #expect(GoFormat.general(value) == general)
        #expect(GoFormat.plain(value) == plain)
    }

    @Test(
        "ParseDuration",
        arguments: [
            ("0", 0), ("5s", 5_000_000_000), ("1h30m", 5_400_000_000_000), ("1.5h", 5_400_000_000_000),
            ("-250ms", -250_000_000), ("+1us", 1_000), ("1µs", 1_000), ("1μs", 1_000), ("100ns", 100),
            (".5s", 500_000_000),
            ("1m30.5s", 90_500_000_000), ("2562047h47m16.854775807s", .max), ("-9223372036854775808ns", .min),
            ("1.0000000000000000000001s", 1_000_000_000),
        ]
    )
    func durations(text: String, nanoseconds: Int64) {
        #expect(text.withView { GoDuration.parse($0) } == .success(nanoseconds))
    }

    @Test(
        "ParseDuration: faults",
        arguments: [
            ("", #"time: invalid duration """#), ("x", #"time: invalid duration "x""#),
            ("1", #"time: missing unit in duration "1""#),
            ("1d", #"time: unknown unit "d" in duration "1d""#), ("-", #"time: invalid duration "-""#),
            (".s", #"time: invalid duration ".s""#),
            ("9223372036854775808ns", #"time: invalid duration "9223372036854775808ns""#),
            ("1é", #"time: unknown unit "\xc3\xa9" in duration "1\xc3\xa9""#),
            ("3000000h", #"time: invalid duration "3000000h""#),
        ]
    )
    func durationFaults(text: String, words: String) {
        text.withView { view in
            guard case .failure(let failure) = GoDuration.parse(view) else {
                Issue.record("\(text) was read")
                return
            }
            #expect(GoDuration.message(failure, view) == words)
        }
    }

    @Test(
        "Duration.String",
        arguments: [
            (0, "0s"), (1, "1ns"), (1_500, "1.5µs"), (2_000_000, "2ms"), (1_500_000_000, "1.5s"),
            (90_000_000_000, "1m30s"),
            (3_600_000_000_000, "1h0m0s"), (-5_400_000_000_000, "-1h30m0s"), (.min, "-2562047h47m16.854775808s"),
        ]
    )
    func durationText(nanoseconds: Int64, text: String) { #expect(GoDuration.text(nanoseconds) == text) }

    @Test("Every duration reads back from its text", arguments: 0..<4)
    func durationRoundTrip(seed: UInt64) {
        var random = SeededRandom(seed)
        for _ in 0..<2000 {
            let value = Int64.random(in: -10_000_000_000_000...10_000_000_000_000, using: &random)
            #expect(GoDuration.text(value).withView { GoDuration.parse($0) } == .success(value))
        }
    }

    @Test(
        "Sizes",
        arguments: [
            ("42", 42), ("1.5B", 1), ("2,048", 2048), ("2Kb", 2000), ("1KiB", 1024), ("1.5 MB", 1_500_000),
            ("3mb", 3_000_000),
            ("1GB", 1_000_000_000), ("1gi", 1 << 30), ("1T", 1_000_000_000_000), ("1EiB", 1 << 60), ("0", 0),
            ("1 k ", 1000),
        ]
    )
    func sizes(text: String, bytes: UInt64) { #expect(text.withView { ByteSize.parse($0) } == .success(bytes)) }

    @Test(
        "Sizes: faults",
        arguments: [
            ("big", #"strconv.ParseFloat: parsing "": invalid syntax"#),
            ("", #"strconv.ParseFloat: parsing "": invalid syntax"#),
            ("-5B", #"strconv.ParseFloat: parsing "": invalid syntax"#), ("5XB", "unhandled size name: xb"),
            ("1.2.3MB", #"strconv.ParseFloat: parsing "1.2.3": invalid syntax"#), ("100EB", "too large: 100EB"),
            ("1_000", "unhandled size name: _000"), ("5bb", "unhandled size name: bb"),
        ]
    )
    func sizeFaults(text: String, words: String) {
        text.withView { view in
            guard case .failure(let failure) = ByteSize.parse(view) else {
                Issue.record("\(text) was read")
                return
            }
            #expect(ByteSize.message(failure, view) == words)
        }
    }

    @Test("Decimals", arguments: [(0.1, 0.2, 0.3), (5.5, -1.25, 4.25), (1e-10, 1, 1.0000000001)])
    func decimals(a: Double, b: Double, sum: Double) throws {
        let (x, y) = (try #require(Decimal38(a)), try #require(Decimal38(b)))
        #expect(x.adding(y)?.double == sum)
        #expect(x.subtracting(y)?.adding(y)?.double == a)
    }

    @Test("Random text never traps", arguments: 0..<8)
    func random(seed: UInt64) {
        var random = SeededRandom(seed)
        for _ in 0..<3000 {
            random.text("0123456789.eE+-_xXpinfaKMBhmsuµ, ", most: 24).withView { view in
                _ = GoFloat.parse(view)
                _ = GoDuration.parse(view)
                _ = ByteSize.parse(view)
                _ = GoInteger.parse(view, base: 0)
            }
        }
    }
}
