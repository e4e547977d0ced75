import Bytes
import LogModel
import LogStages
import LokiWire

/// Times, durations and sizes: a format and a text, and files of time zones.
@Sendable func fuzzValues(_ input: ByteView) throws(FuzzTarget.Breach) {
    let parts = input.records(2)
    let (format, text) = (parts[0].string, parts[1])
    let layout = GoLayout(format)
    if let instant = try? layout.parse(text) {
        let out = ByteArena()
        layout.format(instant, into: out)
        _ = GoTime.format(instant, layout: format)
        _ = layout.nanoseconds(text, zone: .utc)
    }
    _ = TimeFormat(format).nanoseconds(text, zone: .utc, now: Timestamp(nanoseconds: 1_700_000_000_000_000_000))
    if let zone = GoZone(named: format) {
        for seconds in [Int64.min, -1, 0, 1_700_000_000, Int64.max] { _ = zone.lookup(seconds) }
    }
    // Templates can compute any moment.
    let far = (0..<min(8, text.count)).reduce(Int64(0)) { $0 << 8 | Int64(text[$1]) }
    for seconds in [far, ~far] {
        for zone in [GoZone.utc, GoZone(named: "America/New_York") ?? .utc] {
            _ = GoTime.format(GoInstant(unixSeconds: seconds, nanosecond: 1, zone: zone), layout: format)
            _ = zone.unixSeconds(clock: seconds)
        }
    }
    if let table = try? TimeZoneTable(file: text) {
        for seconds in [Int64.min, -1, 0, 1_700_000_000, Int64.max] { _ = table.span(at: seconds) }
    }
    if let nanoseconds = RFC3339.parse(text) {
        let again = RFC3339.text(nanoseconds)
        try expect(again.withView { RFC3339.parse($0) } == nanoseconds, "\(text) is \(nanoseconds), printed as \(again)")
    }
    if case .success(let nanoseconds) = GoDuration.parse(text) {
        let printed = GoDuration.text(nanoseconds)
        guard case .success(nanoseconds) = printed.withView({ GoDuration.parse($0) }) else {
            throw FuzzTarget.Breach("\(text) is \(nanoseconds), printed as \(printed)")
        }
    }
    _ = ByteSize.parse(text)
    _ = LogStages.GoFloat.parse(text)
}
