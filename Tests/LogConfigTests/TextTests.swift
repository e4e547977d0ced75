import LogConfig
import Testing

@testable import enum LogConfig.EditDistance

@Suite struct GoDurationTests {
    @Test(
        arguments: [
            ("1s", 1_000_000_000), ("1h30m", 5_400_000_000_000), ("1.5s", 1_500_000_000), ("300ms", 300_000_000),
            ("2us", 2_000),
            ("2\u{B5}s", 2_000), ("2\u{3BC}s", 2_000), ("5ns", 5), ("0", 0), ("-1s", -1_000_000_000),
            (".5m", 30_000_000_000), ("1h0m1s", 3_601_000_000_000),
            ("", nil), ("1", nil), ("s", nil), ("1d", nil), ("1 s", nil), ("1s ", nil), ("99999999999999h", nil),
            ("1x", nil), ("1h-3m", nil), (".s", nil),
            ("9223372036s", 9_223_372_036_000_000_000), ("9223372037s", nil),
        ] as [(String, Int64?)]
    )
    func goForm(_ text: String, _ wanted: Int64?) { #expect(GoDuration.parse(text) == wanted) }

    @Test(
        arguments: [
            ("1d", 86_400_000_000_000), ("1w", 604_800_000_000_000), ("1d12h", 129_600_000_000_000), ("1y", nil),
        ] as [(String, Int64?)]
    )
    func withDays(_ text: String, _ wanted: Int64?) { #expect(GoDuration.parse(text, days: true) == wanted) }
}

@Suite struct ByteSizeTests {
    @Test(
        arguments: [
            ("0", 0), ("1048576", 1_048_576), ("256kb", 262_144), ("256KB", 262_144), ("256 KiB", 262_144),
            ("1.5gb", 1_610_612_736), ("10GiB", 10_737_418_240),
            ("1b", 1), ("5m", 5_242_880), ("1T", 1 << 40), ("", nil), ("kb", nil), ("-1", nil), ("1x", nil),
            ("1.2.3kb", nil), ("99999999999999tb", nil),
        ] as [(String, Int?)]
    )
    func sizes(_ text: String, _ wanted: Int?) { #expect(ByteSize.parse(text) == wanted) }
}

@Suite struct EditDistanceTests {
    @Test(
        arguments: [
            ("batchwiat", "batchwait"), ("batch_wait", "batchwait"), ("URL", "url"),
            ("backof_config", "backoff_config"), ("zzz", nil), ("", nil),
        ] as [(String, String?)]
    )
    func nearest(_ word: String, _ wanted: String?) {
        #expect(EditDistance.nearest(word, in: ["batchwait", "batchsize", "url", "backoff_config"]) == wanted)
    }
}

@Suite struct EnvironmentExpansionTests {
    private static let values = ["A": "value", "EMPTY": "", "PATH": "/usr/local/bin", "\u{E9}": "accent"]

    private func expand(_ text: String) throws(EnvironmentExpansion.Failure) -> String {
        String(decoding: try EnvironmentExpansion.expand(Array(text.utf8), lookup: { Self.values[$0] }), as: UTF8.self)
    }

    @Test(arguments: [
        ("x ${A} y", "x value y"), ("${NONE}", ""), ("$A", "$A"), ("$$", "$"), ("$${A}", "${A}"), ("a\\\\b", "a\\b"),
        ("a\\d", "a\\d"), ("a\\/b", "a/b"),
        ("${NONE:-d}", "d"), ("${A:-d}", "value"), ("${EMPTY:=d}", "d"), ("${NONE:?d}", "d"), ("${A:+d}", "value"),
        ("${NONE=d}", "d"),
        ("${NONE:-x${A}y}", "xvaluey"), ("${NONE:-${NONE:-z}}", "z"), ("${A:1}", "alue"), ("${A:1:2}", "al"),
        ("${A:-2}", "value"), ("${A:99}", ""),
        ("${A:default}", "value"), ("${#A}", "5"), ("${A^}", "Value"), ("${A^^}", "VALUE"),
        ("${PATH#/*/}", "local/bin"), ("${PATH##*/}", "bin"),
        ("${PATH%/*}", "/usr/local"), ("${PATH%%/l*}", "/usr"), ("${A/a/o}", "volue"),
        ("${PATH//\\//-}", "-usr-local-bin"), ("${A/#va/VA}", "VAlue"),
        ("${A/%ue/UE}", "valUE"), ("${\u{E9}}", "accent"), ("no variables", "no variables"), ("100%", "100%"),
        ("end$", "end$"),
    ])
    func forms(_ text: String, _ wanted: String) throws { #expect(try expand(text) == wanted) }

    @Test(arguments: [
        ("${}", 1, 1), ("a\n b ${A", 2, 4), ("${A-d}", 1, 1), ("${A!}", 1, 1), ("# a stray ${ here", 1, 11),
        ("${A:-x", 1, 1),
    ])
    func mistakes(_ text: String, _ line: Int, _ column: Int) {
        do throws(EnvironmentExpansion.Failure) {
            _ = try expand(text)
            Issue.record("accepted \(text)")
        } catch {
            #expect(error.mark == YAMLMark(line: line, column: column))
        }
    }

    @Test func nestingIsBounded() {
        let text = String(repeating: "${X:-", count: 1000) + String(repeating: "}", count: 1000)
        #expect(throws: EnvironmentExpansion.Failure.self) { try expand(text) }
    }
}
