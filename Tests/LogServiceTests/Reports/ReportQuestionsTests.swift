import Bytes
import LogModel
import LogStages
import Testing

@testable import LogService

@Suite struct ReportQuestionsTests {
    private static let hour = ReportWindows.hour
    private static let start = Timestamp(nanoseconds: 1_793_491_200_000_000_000)  // 2026-11-01

    @Test func queriesAreWrittenForColumns() {
        let selector = #"{job="llm-api"}"#
        #expect(
            MetricQuery.count(["status!=\"\""], by: ["model", "status"]).text(selector, range: "1h")
                == #"sum by (model, status) (count_over_time({job="llm-api"} | json | status!="" [1h]))"#)
        #expect(
            MetricQuery.sum("tokens").text(selector, range: "1d", skipsErrors: true)
                == #"sum(sum_over_time({job="llm-api"} | json | __error__="" | unwrap tokens | __error__="" [1d]))"#)
        #expect(
            MetricQuery.quantile(0.95, "d", by: ["user"]).with(.count("<= 5000")).text(selector, range: "1h")
                == #"count(quantile_over_time(0.95, {job="llm-api"} | json | unwrap d [1h]) by (user) <= 5000)"#)
        #expect(
            MetricQuery.sum("tokens", by: ["user"]).with(.top(3)).text(selector, range: "1h")
                == #"topk(3, sum by (user) (sum_over_time({job="llm-api"} | json | unwrap tokens [1h])))"#)
        #expect(
            [Self.hour, 90 * ReportWindows.minute, 26 * Self.hour, 48 * Self.hour, 1_500_000_000, 1_001_000_000].map { MetricQuery.range($0) }
                == ["1h", "90m", "26h", "2d", "1500ms", "1001ms"])
        #expect(LogQLText.pattern("a.b+c|d e_9é") == #"a\.b\+c\|d\ e_9é"#)
    }

    @Test func binsCoverARangeAndNothingElse() throws {
        let range = TimeRange(Self.start.advanced(by: 1_000_000), Self.start.advanced(by: 5 * Self.hour + 7))
        for aligned in [false, true] {
            let bins = ReportWindows.bins(range, Self.hour, aligned: aligned)
            #expect(bins.first?.start == range.start && bins.last?.end == range.end)
            #expect(zip(bins, bins.dropFirst()).allSatisfy { $0.end == $1.start })
            #expect(bins.count == (aligned ? 6 : 5))
            if aligned { #expect(bins[1].start.nanoseconds % Self.hour == 0) }
        }
        #expect(ReportWindows.bins(TimeRange(Self.start, Self.start), Self.hour).isEmpty)
        #expect(ReportWindows.length(TimeRange(Self.start, Self.start.advanced(by: 7 * ReportWindows.day)), most: 200) == Self.hour)
        #expect(ReportWindows.length(TimeRange(Self.start, Self.start.advanced(by: Self.hour)), most: 200) == ReportWindows.minute)
    }

    @Test func daysAreThoseOfTheZone() throws {
        let from = try #require(HumanTime.moment("2026-10-24T12:00:00Z", now: Self.start))
        let to = try #require(HumanTime.moment("2026-10-27T00:00:00Z", now: Self.start))
        let utc = ReportWindows.days(TimeRange(from, to), zone: nil)
        #expect(utc.map(\.name) == ["2026-10-24", "2026-10-25", "2026-10-26"])
        #expect(utc.map { Int($0.window.seconds) } == [43_200, 86_400, 86_400])
        guard let berlin = TimeZoneTable.named("Europe/Berlin") else { return }
        // Clocks go back on the 25th: it has 25 hours.
        let days = ReportWindows.days(TimeRange(from, to), zone: berlin)
        #expect(days.map(\.name) == ["2026-10-24", "2026-10-25", "2026-10-26", "2026-10-27"])
        #expect(days.map { Int($0.window.seconds) } == [36_000, 90_000, 86_400, 3_600])
        #expect(zip(days, days.dropFirst()).allSatisfy { $0.window.end == $1.window.start })
    }

    @Test func neighboursOfEqualLengthAreAskedAtOnce() {
        let bins = ReportWindows.bins(TimeRange(Self.start.advanced(by: 60_000_000_000), Self.start.advanced(by: 5 * Self.hour + 1_000_000)), Self.hour, aligned: true)
        #expect(ReportSource.runs(bins) == [0..<1, 1..<5, 5..<6])
        #expect(ReportSource.runs([]).isEmpty)
        // What a server refuses is asked in pieces: more than 11,000 points, more than 721 hours.
        let minutes = ReportWindows.bins(TimeRange(Self.start, Self.start.advanced(by: 8 * ReportWindows.day)), ReportWindows.minute)
        #expect(ReportSource.runs(minutes).map(\.count) == [10_000, 1_520])
        let days = ReportWindows.bins(TimeRange(Self.start, Self.start.advanced(by: 70 * ReportWindows.day)), ReportWindows.day)
        #expect(ReportSource.runs(days).map(\.count) == [30, 30, 10])
    }

    @Test(arguments: [
        (#"{"timestamp": "2026-11-01T00:00:09.096027", "a": 1}"#, Int64(1_793_491_209_096_027_000)),
        (#"{"a": {"timestamp": "2020-01-01T00:00:00Z"}, "ts": 1793491209}"#, 1_793_491_209_000_000_000),
        (#"{"time": "2026-11-01T01:00:09+01:00"}"#, 1_793_491_209_000_000_000),
        (#"{"ts": 1793491209.5}"#, 1_793_491_209_500_000_000), (#"{"ts": "1793491209096"}"#, 1_793_491_209_096_000_000),
        ("2026-11-01T00:00:09Z INFO x", 1_793_491_209_000_000_000), ("2026-11-01 00:00:09,250 - x", 1_793_491_209_250_000_000),
    ])
    func timesAreFoundInLines(line: String, expected: Int64) {
        var clock = LineClock()
        let bytes = ByteString(line)
        #expect(bytes.withView { clock.time(of: $0) } == expected)
    }

    @Test func aLineWithoutATimeHasThatOfTheLineBefore() {
        var clock = LineClock()
        func time(_ text: String) -> Int64? { ByteString(text).withView { clock.time(of: $0) } }
        #expect(time("Traceback (most recent call last):") == nil)
        #expect(time(#"{"broken": "#) == nil)
        let first = time(#"{"timestamp": "2026-11-01T00:00:09"}"#)
        #expect(first != nil && time("  File x") == first && time(#"{"timestamp": "soon"}"#) == first && time("") == first)
        // The year is the nearest one.
        #expect(time("(EngineCore pid=7) INFO 08-01 21:24:09 [loggers.py:273] Engine 000") != first)
    }

    @Test func fieldsAreFoundElsewhere() throws {
        var fields = ReportFields()
        try fields.set("user=client_id")
        try fields.set("prompt=usage_prompt_tokens")
        #expect(fields.user == "client_id" && fields.promptTokens == "usage_prompt_tokens")
        for bad in ["user", "user=", "who=x", "user=a b", "user=a|b", "user=1a"] {
            #expect(throws: ReportFailure.self, "\(bad)") { try fields.set(bad) }
        }
    }

    @Test func rangesAreMilliseconds() throws {
        var words = ReportWords(kind: .slo)
        let now = Self.start.advanced(by: 1_234_567)
        let usual = try ReportRequest.make(words, now: now, everything: nil)
        #expect(usual.range == TimeRange(usual.range.end.advanced(by: -7 * ReportWindows.day - 1_000_000), Self.start.advanced(by: 2_000_000)))
        let all = TimeRange(Self.start.advanced(by: 5), Self.start.advanced(by: 6))
        #expect(try ReportRequest.make(words, now: now, everything: all).range == TimeRange(Self.start, Self.start.advanced(by: 1_000_000)))
        words.since = "1h"
        #expect(try ReportRequest.make(words, now: now, everything: all).range.seconds >= 3_600)
        words.from = "2h"
        #expect(throws: ReportFailure.self) { try ReportRequest.make(words, now: now, everything: nil) }
    }

    @Test(arguments: [
        ("alice@example.com", true), ("x alice%40example y", true), ("\"a b\"@example.com", true), ("user_42", false), ("a @ b", false),
        ("@handle", false), ("pii:k1:0f3a", false), ("münchen@bücher.example", true),
    ])
    func addressesAreSeen(text: String, isAddress: Bool) { #expect(SafeText.holdsMail(text) == isAddress) }
}
