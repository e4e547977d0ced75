import Bytes
import LogModel
import Testing

@testable import LogStages

@Suite("Formats of the timestamp stage")
struct TimeFormatTests {
    static let utc = "2006-01-02T15:04:05.999999999Z07:00"

    private func read(_ text: String, _ format: String, zone: GoZone = .utc, now: String = "2026-11-21T08:00:00Z") throws
        -> String?
    {
        let now = try #require(try GoTime.parse(now, layout: GoTime.rfc3339).timestamp)
        return text.withView { TimeFormat(format).nanoseconds($0, zone: zone, now: now) }
            .map { GoTime.format(Timestamp(nanoseconds: $0), layout: Self.utc) }
    }

    @Test(
        "Counts since 1970",
        arguments: [
            ("1562708916", "Unix", "2019-07-09T21:48:36Z"), ("1562708916.919", "Unix", "2019-07-09T21:48:36.919Z"),
            ("1562708916.000000123", "Unix", "2019-07-09T21:48:36.000000123Z"), ("-1.5", "Unix", "1969-12-31T23:59:58.5Z"),
            ("1562708916414", "UnixMs", "2019-07-09T21:48:36.414Z"), ("1562708916414123", "UnixUs", "2019-07-09T21:48:36.414123Z"),
            ("1562708916000000123", "UnixNs", "2019-07-09T21:48:36.000000123Z"), ("", "Unix", nil), ("x", "UnixMs", nil),
            ("1.", "Unix", "1970-01-01T00:00:01Z"), (".", "Unix", nil), ("9223372036854775808", "UnixNs", nil),
            ("9223372036854775807", "UnixMs", nil), ("1.2.3", "Unix", nil), ("12.5", "UnixMs", nil),
        ] as [(String, String, String?)])
    func counts(text: String, format: String, expected: String?) throws {
        #expect(try read(text, format) == expected)
    }

    @Test(
        "Layouts without a year",
        arguments: [
            ("Jul 15 01:02:03", "2026-11-21T08:00:00Z", "2026-07-15T01:02:03Z"),
            ("Dec 31 23:59:59", "2027-01-01T00:00:01Z", "2026-12-31T23:59:59Z"),
            ("Jan  1 00:00:01", "2026-12-31T23:59:59Z", "2027-01-01T00:00:01Z"),
            ("Feb 29 00:00:00", "2027-03-01T00:00:00Z", "2027-03-01T00:00:00Z"),
        ])
    func yearless(text: String, now: String, expected: String) throws {
        #expect(try read(text, "Jan _2 15:04:05", now: now) == expected)
    }

    @Test("The location counts for own layouts, not for named ones")
    func location() throws {
        let zone = try #require(GoZone(named: "America/New_York"))
        #expect(try read("2026-11-21 03:00:00", "2006-01-02 15:04:05", zone: zone) == "2026-11-21T08:00:00Z")
        #expect(try read("Sat Nov 21 03:00:00 2026", "ANSIC", zone: zone) == "2026-11-21T03:00:00Z")
        #expect(try read("Nov 21 03:00:00", "Jan 2 15:04:05", zone: zone) == "2026-11-21T08:00:00Z")
        #expect(try read("2026-11-21 03:00:00Z", "2006-01-02 15:04:05Z07:00", zone: zone) == "2026-11-21T03:00:00Z")
    }
}
