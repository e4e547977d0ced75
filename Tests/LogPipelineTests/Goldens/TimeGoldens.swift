extension Goldens {
    private static func stamp(_ options: String) -> String {
        """
        - json: {expressions: {t: }}
        - timestamp: {source: t, \(options)}
        """
    }

    private static func read(_ name: String, _ options: String, _ values: [(String, String)], now: Int64 = Bench.now) -> Golden {
        Golden(
            name, stamp(options), values.map { .line(#"{"t":\#($0.0)}"#) }, values.map { #"{job="j"} \#($0.1) {"t":\#($0.0)}"# },
            now: now)
    }

    static let times: [Golden] = [
        read(
            "Unix: seconds with a fraction, as number and as text", "format: Unix",
            [
                ("1562708916", "2019-07-09T21:48:36Z"), ("1562708916.919", "2019-07-09T21:48:36.919Z"),
                (#""1562708916.000000123""#, "2019-07-09T21:48:36.000000123Z"),
            ]),
        read("UnixMs", "format: UnixMs", [("1562708916414", "2019-07-09T21:48:36.414Z"), (#""1562708916414""#, "2019-07-09T21:48:36.414Z")]),
        read("UnixUs", "format: UnixUs", [("1562708916414123", "2019-07-09T21:48:36.414123Z")]),
        read("UnixNs", "format: UnixNs", [(#""1562708916414123456""#, "2019-07-09T21:48:36.414123456Z")]),
        read("RFC3339 takes fractions too", "format: RFC3339", [(#""2026-11-21T07:00:00.5+03:00""#, "2026-11-21T04:00:00.5Z")]),
        read("RFC3339Nano", "format: RFC3339Nano", [(#""2026-11-21T07:00:00.000000001Z""#, "2026-11-21T07:00:00.000000001Z")]),
        read("RFC1123Z", "format: RFC1123Z", [(#""Sat, 21 Nov 2026 07:00:00 +0200""#, "2026-11-21T05:00:00Z")]),
        read("RFC822", "format: RFC822", [(#""21 Nov 26 07:00 UTC""#, "2026-11-21T07:00:00Z")]),
        read("RFC850", "format: RFC850", [(#""Saturday, 21-Nov-26 07:00:00 UTC""#, "2026-11-21T07:00:00Z")]),
        read("UnixDate", "format: UnixDate", [(#""Sat Nov 21 07:00:00 UTC 2026""#, "2026-11-21T07:00:00Z")]),
        read("RubyDate", "format: RubyDate", [(#""Sat Nov 21 07:00:00 +0100 2026""#, "2026-11-21T06:00:00Z")]),
        read(
            "a name does not look at the location", "format: ANSIC, location: Europe/Berlin",
            [(#""Sat Nov 21 07:00:00 2026""#, "2026-11-21T07:00:00Z")]),
        read(
            "a layout does", #"format: "2006-01-02 15:04:05", location: Europe/Berlin"#,
            [(#""2026-11-21 07:00:00""#, "2026-11-21T06:00:00Z"), (#""2026-07-21 07:00:00.25""#, "2026-07-21T05:00:00.25Z")]),
        read(
            "layouts: comma, day of the year, PM, zone", #"format: "2006-002 03:04:05,000 PM -0700""#,
            [(#""2026-325 07:00:00,007 PM +0000""#, "2026-11-21T19:00:00.007Z")]),
        read(
            "without a year: this one", #"format: "Jan _2 15:04:05""#,
            [(#""Jul 15 01:02:03""#, "2026-07-15T01:02:03Z"), (#""Jul  5 01:02:03""#, "2026-07-05T01:02:03Z")]),
        read(
            "without a year: a December read in January is last year's", #"format: "Jan 2 15:04:05""#,
            [(#""Dec 31 23:59:59""#, "2025-12-31T23:59:59Z")], now: 1_767_225_601_000_000_000),
        read(
            "without a year: a January read in December is next year's", #"format: "Jan 2 15:04:05""#,
            [(#""Jan 1 00:00:00""#, "2027-01-01T00:00:00Z")], now: 1_798_761_599_000_000_000),
        read(
            "fallbacks in their order", "format: RFC3339, fallback_formats: [UnixMs, Unix]",
            [("1562708916414", "2019-07-09T21:48:36.414Z"), (#""2026-11-21T07:00:00Z""#, "2026-11-21T07:00:00Z")]),
        Golden(
            "fudge: a nanosecond behind the last of the same labels; the time of reading where there is none",
            """
            - json: {expressions: {t: , l: }}
            - labels: {l: }
            - timestamp: {source: t, format: RFC3339}
            """,
            [#"{"l":"a"}"#, #"{"l":"a","t":"2026-11-21T07:00:00Z"}"#, #"{"l":"a","t":"bad"}"#, #"{"l":"b","t":"bad"}"#, #"{"l":"a"}"#],
            [
                #"{job="j", l="a"} now {"l":"a"}"#, #"{job="j", l="a"} 2026-11-21T07:00:00Z {"l":"a","t":"2026-11-21T07:00:00Z"}"#,
                #"{job="j", l="a"} 2026-11-21T07:00:00.000000001Z {"l":"a","t":"bad"}"#, #"{job="j", l="b"} now {"l":"b","t":"bad"}"#,
                #"{job="j", l="a"} 2026-11-21T07:00:00.000000002Z {"l":"a"}"#,
            ]),
        Golden(
            "skip: the time of reading", stamp("format: RFC3339, action_on_failure: skip"),
            [#"{"t":"2026-11-21T07:00:00Z"}"#, #"{"t":"bad"}"#, "{}"],
            [#"{job="j"} 2026-11-21T07:00:00Z {"t":"2026-11-21T07:00:00Z"}"#, #"{job="j"} now {"t":"bad"}"#, #"{job="j"} now+1 {}"#]),
    ]
}
