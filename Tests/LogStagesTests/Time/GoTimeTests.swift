import Bytes
import LogModel
import Testing

@testable import LogStages

@Suite("Times by Go's layouts")
struct GoTimeTests {
    /// 2026-11-21T08:09:05.0123Z
    static let moment = GoInstant(unixSeconds: 1_795_248_545, nanosecond: 12_300_000)

    @Test(
        "Writing",
        arguments: [
            ("2006-01-02T15:04:05Z07:00", "2026-11-21T08:09:05Z"),
            ("2006-01-02T15:04:05.000Z07:00", "2026-11-21T08:09:05.012Z"),
            ("2006-01-02T15:04:05.999999999Z07:00", "2026-11-21T08:09:05.0123Z"),
            ("15:04:05,000000", "08:09:05,012300"), ("15:04:05.00000000000", "08:09:05.012300000"),
            ("15:04:05.9", "08:09:05"), ("15:04:05.0007", "08:09:05.0007"),
            ("Mon Jan _2 15:04:05 MST 2006", "Sat Nov 21 08:09:05 UTC 2026"),
            ("Monday, January 2, 06 3:4:5 PM", "Saturday, November 21, 26 8:9:5 AM"),
            ("03:04pm", "08:09am"), ("002 __2", "325 325"), ("1/2/06", "11/21/26"), ("-0700 -07 -07:00:00", "+0000 +00 +00:00:00"),
            ("Z0700 Z07", "Z Z"), ("Month", "Month"), ("Janet Jan", "Janet Nov"), ("_2006", "_2026"), ("no layout", "no layout"),
        ])
    func writing(layout: String, expected: String) {
        #expect(GoTime.format(Self.moment, layout: layout) == expected)
    }

    @Test("Zones when writing")
    func zonesWhenWriting() throws {
        let berlin = try #require(GoZone(named: "Europe/Berlin"))
        var instant = Self.moment
        instant.zone = berlin
        #expect(GoTime.format(instant, layout: GoTime.rfc3339) == "2026-11-21T09:09:05+01:00")
        #expect(GoTime.format(instant, layout: "MST -0700 -07") == "CET +0100 +01")
        instant.zone = .fixed(name: "", offset: -(5 * 3600 + 30 * 60))
        #expect(GoTime.format(instant, layout: "15:04 MST Z07:00 -070000") == "02:39 -0530 -05:30 -053000")
        instant.zone = .fixed(name: "", offset: 3 * 3600)
        #expect(GoTime.format(instant, layout: "MST") == "+03")
    }

    @Test("The zero time is of the year 1")
    func zeroTime() {
        #expect(GoTime.format(.zero, layout: GoTime.rfc3339) == "0001-01-01T00:00:00Z")
        #expect(GoInstant.zero.timestamp == nil)
        #expect(GoInstant.zero.isZero)
    }

    @Test(
        "Reading: text, layout, RFC 3339 in UTC",
        arguments: [
            ("2026-11-21T08:09:05Z", GoTime.rfc3339, "2026-11-21T08:09:05Z"),
            ("2026-11-21T08:09:05.0123Z", GoTime.rfc3339, "2026-11-21T08:09:05.0123Z"),
            ("2026-11-21T08:09:05+05:30", GoTime.rfc3339Nano, "2026-11-21T02:39:05Z"),
            ("2026-11-21T08:09:05.1234567891234-00:00", GoTime.rfc3339Nano, "2026-11-21T08:09:05.123456789Z"),
            ("2026-11-21T08:09:05", "2006-01-02T15:04:05", "2026-11-21T08:09:05Z"),
            ("2026-11-21T08:09:05,5", "2006-01-02T15:04:05", "2026-11-21T08:09:05.5Z"),
            ("2026-11-21T08:09:05.123456", "2006-01-02T15:04:05.000000", "2026-11-21T08:09:05.123456Z"),
            ("2026-11-21T08:09:05.123456", "2006-01-02T15:04:05.999", "2026-11-21T08:09:05.123456Z"),
            ("2026-11-21 08:09:05,123", "2006-01-02 15:04:05,000", "2026-11-21T08:09:05.123Z"),
            ("2026-11-21 8:09:05", "2006-01-02 15:04:05", "2026-11-21T08:09:05Z"),
            ("2026-11-21   08:09:05", "2006-01-02 15:04:05", "2026-11-21T08:09:05Z"),
            ("2024-02-29T00:00:00Z", GoTime.rfc3339, "2024-02-29T00:00:00Z"),
            ("Sat Nov 21 08:09:05 2026", GoTime.ansic, "2026-11-21T08:09:05Z"),
            ("sat nov  1 08:09:05 2026", GoTime.ansic, "2026-11-01T08:09:05Z"),
            ("Sat Nov 21 08:09:05 UTC 2026", GoTime.unixDate, "2026-11-21T08:09:05Z"),
            ("Sat Nov 21 08:09:05 CEST 2026", GoTime.unixDate, "2026-11-21T08:09:05Z"),
            ("Sat Nov 21 08:09:05 -0130 2026", GoTime.rubyDate, "2026-11-21T09:39:05Z"),
            ("21 Nov 26 08:09 UTC", GoTime.rfc822, "2026-11-21T08:09:00Z"),
            ("21 Nov 70 08:09 +0100", GoTime.rfc822Z, "1970-11-21T07:09:00Z"),
            ("Saturday, 21-Nov-26 08:09:05 UTC", GoTime.rfc850, "2026-11-21T08:09:05Z"),
            ("Sat, 21 Nov 2026 08:09:05 +0000", GoTime.rfc1123Z, "2026-11-21T08:09:05Z"),
            ("21/Nov/2026:08:09:05 +0100", "02/Jan/2006:15:04:05 -0700", "2026-11-21T07:09:05Z"),
            ("12:30 PM 2026", "3:04 PM 2006", "2026-01-01T12:30:00Z"), ("12:30 AM 2026", "3:04 PM 2006", "2026-01-01T00:30:00Z"),
            ("2026 325", "2006 002", "2026-11-21T00:00:00Z"), ("2024 060", "2006 002", "2024-02-29T00:00:00Z"),
            ("20261121080905", "20060102150405", "2026-11-21T08:09:05Z"),
            ("1677-09-21T00:12:44Z", GoTime.rfc3339, "1677-09-21T00:12:44Z"),
            ("2262-04-11T23:47:16Z", GoTime.rfc3339, "2262-04-11T23:47:16Z"),
        ])
    func reading(text: String, layout: String, expected: String) throws {
        let instant = try GoTime.parse(text, layout: layout)
        #expect(GoTime.format(GoInstant(unixSeconds: instant.unixSeconds, nanosecond: instant.nanosecond), layout: GoTime.rfc3339Nano) == expected)
        // The fast way in agrees with the general one.
        let fast = text.withView { GoLayout(layout).nanoseconds($0, zone: .utc) }
        #expect(fast == instant.timestamp?.nanoseconds)
    }

    @Test(
        "Refusing, in Go's words",
        arguments: [
            ("2026-11-21", GoTime.rfc3339, #"parsing time "2026-11-21" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "T""#),
            ("2026-13-21T08:09:05Z", GoTime.rfc3339, #"parsing time "2026-13-21T08:09:05Z": month out of range"#),
            ("2026-02-29T08:09:05Z", GoTime.rfc3339, #"parsing time "2026-02-29T08:09:05Z": day out of range"#),
            ("2026-02-01T24:09:05Z", GoTime.rfc3339, #"parsing time "2026-02-01T24:09:05Z": hour out of range"#),
            ("2026-02-01T23:60:05Z", GoTime.rfc3339, #"parsing time "2026-02-01T23:60:05Z": minute out of range"#),
            ("2026-02-01T23:59:60Z", GoTime.rfc3339, #"parsing time "2026-02-01T23:59:60Z": second out of range"#),
            ("2026-02-01T23:59:05Z!", GoTime.rfc3339, #"parsing time "2026-02-01T23:59:05Z!": extra text: "!""#),
            ("2026-02-01T23:59:05.12", "2006-01-02T15:04:05.000", #"parsing time "2026-02-01T23:59:05.12" as "2006-01-02T15:04:05.000": cannot parse ".12" as ".000""#),
            ("2026-02-01T23:59:05", "2006-01-02T15:04:05.000", #"parsing time "2026-02-01T23:59:05" as "2006-01-02T15:04:05.000": cannot parse "" as ".000""#),
            ("Foo 1", "Jan 2", #"parsing time "Foo 1" as "Jan 2": cannot parse "Foo 1" as "Jan""#),
            ("", GoTime.rfc3339, #"parsing time "" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "2006""#),
        ])
    func refusing(text: String, layout: String, words: String) {
        #expect(throws: GoTimeError(description: words)) { try GoTime.parse(text, layout: layout) }
        #expect(text.withView { GoLayout(layout).nanoseconds($0, zone: .utc) } == nil)
    }

    @Test("A clock in a zone: summer, winter, the hour that is not, the hour that is twice")
    func clocksInZones() throws {
        let berlin = try #require(GoZone(named: "Europe/Berlin"))
        let layout = GoLayout("2006-01-02 15:04:05")
        func utc(_ text: String) -> String? {
            text.withView { layout.nanoseconds($0, zone: berlin) }.map {
                GoTime.format(Timestamp(nanoseconds: $0), layout: "2006-01-02 15:04:05")
            }
        }
        #expect(utc("2026-07-01 12:00:00") == "2026-07-01 10:00:00")
        #expect(utc("2026-01-01 12:00:00") == "2026-01-01 11:00:00")
        #expect(utc("2026-03-29 02:30:00") == "2026-03-29 01:30:00")
        #expect(utc("2026-10-25 02:30:00") == "2026-10-25 01:30:00" || utc("2026-10-25 02:30:00") == "2026-10-25 00:30:00")
        // Behind the table's last transition the rule at its end tells.
        #expect(utc("2090-07-01 12:00:00") == "2090-07-01 10:00:00")
        #expect(utc("2090-01-01 12:00:00") == "2090-01-01 11:00:00")
    }

    @Test("Names that lead out of the zone directory are none", arguments: ["../../etc/passwd", "/etc/localtime", "Nowhere/City", "a//b", "."])
    func badZones(name: String) { #expect(GoZone(named: name) == nil) }

    @Test("Rules of POSIX' TZ variable")
    func posixRules() throws {
        let rule = try #require(PosixZoneRule("EST5EDT,M3.2.0,M11.1.0"))
        // 2026-03-08T07:00:00Z and 2026-11-01T06:00:00Z
        #expect(rule.span(at: 1_772_953_199, from: .min).name == "EST")
        #expect(rule.span(at: 1_772_953_200, from: .min).name == "EDT")
        #expect(rule.span(at: 1_793_512_799, from: .min).offset == -4 * 3600)
        #expect(rule.span(at: 1_793_512_800, from: .min).offset == -5 * 3600)
        #expect(PosixZoneRule("<+0330>-3:30")?.standard == PosixZoneRule.Name(text: "+0330", offset: 12_600))
        #expect(PosixZoneRule("NZST-12NZDT,M9.5.0,M4.1.0/3")?.span(at: 1_767_225_600, from: .min).name == "NZDT")
        // As far away as an integer goes: this was an overflow.
        for far in [Int64.min, .max] { #expect(rule.span(at: far, from: .min).name == "EST") }
        for wrong in ["", "X", "EST", "EST5EDT,M13.1.0,M1.1.0", "EST5EDT,M3.2.0", "EST5EDT,M3.2.0,M11.1.0,x"] {
            #expect(PosixZoneRule(wrong) == nil, "\(wrong)")
        }
    }

    @Test("A TZif file that lies about its lengths is an error, not a trap")
    func damagedZoneFile() {
        let good: [UInt8] = Array("TZif2".utf8) + [UInt8](repeating: 0, count: 39)
        for length in 0...good.count {
            #expect(throws: DecodeError.self) { try Array(good.prefix(length)).withView { v throws(DecodeError) in try TimeZoneTable(file: v) } }
        }
        var lying = good
        lying[32] = 0x7F
        #expect(throws: DecodeError.self) { try lying.withView { v throws(DecodeError) in try TimeZoneTable(file: v) } }
    }
}
