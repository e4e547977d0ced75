import Bytes
import LogModel

/// Times in texts, by Go's rules: reference layouts, and the names that Promtail and Loki give to some of them.
package enum GoTime {
    package static let ansic = "Mon Jan _2 15:04:05 2006"
    package static let unixDate = "Mon Jan _2 15:04:05 MST 2006"
    package static let rubyDate = "Mon Jan 02 15:04:05 -0700 2006"
    package static let rfc822 = "02 Jan 06 15:04 MST"
    package static let rfc822Z = "02 Jan 06 15:04 -0700"
    package static let rfc850 = "Monday, 02-Jan-06 15:04:05 MST"
    package static let rfc1123 = "Mon, 02 Jan 2006 15:04:05 MST"
    package static let rfc1123Z = "Mon, 02 Jan 2006 15:04:05 -0700"
    package static let rfc3339 = "2006-01-02T15:04:05Z07:00"
    package static let rfc3339Nano = "2006-01-02T15:04:05.999999999Z07:00"

    /// The layout behind a name of Go's `time` package, as configurations use them.
    package static func layout(named name: String) -> String? {
        switch name {
        case "ANSIC": ansic
        case "UnixDate": unixDate
        case "RubyDate": rubyDate
        case "RFC822": rfc822
        case "RFC822Z": rfc822Z
        case "RFC850": rfc850
        case "RFC1123": rfc1123
        case "RFC1123Z": rfc1123Z
        case "RFC3339": rfc3339
        case "RFC3339Nano": rfc3339Nano
        default: nil
        }
    }

    /// `time.ParseInLocation`. Texts without a zone are read as clocks in `zone`. For many texts keep a `GoLayout`.
    package static func parse(
        _ text: ByteView, layout: String, zone: GoZone = .utc
    ) throws(GoTimeError) -> GoInstant { try GoLayout(layout).parse(text, zone: zone) }

    package static func parse(
        _ text: String, layout: String, zone: GoZone = .utc
    ) throws(GoTimeError) -> GoInstant {
        let layout = GoLayout(layout)
        let outcome: Result<GoInstant, GoTimeError> = text.withView { view in
            do throws(GoTimeError) { return .success(try layout.parse(view, zone: zone)) } catch {
                return .failure(error)
            }
        }
        return try outcome.get()
    }

    /// `t.Format(layout)`.
    package static func format(_ instant: GoInstant, layout: String) -> String {
        let out = ByteArena(capacity: 64)
        GoLayout(layout).format(instant, into: out)
        return out.view.string
    }

    package static func format(_ timestamp: Timestamp, layout: String, zone: GoZone = .utc) -> String {
        format(GoInstant(timestamp, zone: zone), layout: layout)
    }
}

/// Why a text is no time of a layout, in the words of Go's `time.ParseError`.
package struct GoTimeError: Error, Sendable, Equatable, CustomStringConvertible {
    package var description: String
}

extension GoLayout {
    package func parse(_ text: ByteView, zone: GoZone = .utc) throws(GoTimeError) -> GoInstant {
        var reader = GoTimeReader(text, self)
        do throws(GoTimeReader.Failure) {
            return try reader.read(in: zone)
        } catch {
            let quoted = GoQuote.quote(text.string)
            switch error {
            case .mismatch(let element, let at):
                throw GoTimeError(
                    description: "parsing time \(quoted) as \(GoQuote.quote(self.text)): cannot parse "
                        + "\(GoQuote.quote(text.suffix(from: at).string)) as \(GoQuote.quote(element))")
            case .outOfRange(let what):
                throw GoTimeError(description: "parsing time \(quoted): \(what) out of range")
            case .extraText(let at):
                throw GoTimeError(
                    description: "parsing time \(quoted): extra text: \(GoQuote.quote(text.suffix(from: at).string))")
            }
        }
    }

    /// Appends the time.
    package func format(_ instant: GoInstant, into out: ByteArena) { GoTimeWriter.write(instant, self, into: out) }

    /// Nanoseconds since 1970, or nil: no such time, or outside the years 1677 to 2262. Allocates nothing for the
    /// usual layouts. Layouts without a year are `yearless`'s business.
    @inline(__always)
    package func nanoseconds(_ text: ByteView, zone: GoZone) -> Int64? {
        if let shape, let reading = FastTimestamp.read(text, shape) {
            let seconds: Int64
            if let offset = reading.offset { seconds = reading.clock &- offset } else {
                seconds = zone.unixSeconds(clock: reading.clock)
            }
            let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
            if overflow { return nil }
            let (sum, carry) = scaled.addingReportingOverflow(reading.nanosecond)
            return carry ? nil : sum
        }
        return slowNanoseconds(text, zone: zone)
    }

    @inline(never)
    private func slowNanoseconds(_ text: ByteView, zone: GoZone) -> Int64? {
        var reader = GoTimeReader(text, self)
        return (try? reader.read(in: zone))?.timestamp?.nanoseconds
    }

    /// The time in a text whose layout has no year: this year; but December read in January is last year's, and
    /// January read in December next year's. February 29 moves to March 1 where the year has none.
    func yearless(_ text: ByteView, zone: GoZone, now: Timestamp) -> Int64? {
        var reader = GoTimeReader(text, self)
        guard let read = try? reader.read(in: zone) else { return nil }
        let fields = read.fields
        let today = GoInstant(now, zone: zone).fields
        guard fields.year == 0 else { return nil }
        var year = today.year
        if fields.month == 12, today.month == 1 { year -= 1 }
        if fields.month == 1, today.month == 12 { year += 1 }
        let days = Civil.days(year: year, month: fields.month, day: 1) + Int64(fields.day - 1)
        let clock = days * 86_400 + Int64(fields.hour * 3600 + fields.minute * 60 + fields.second)
        let seconds = read.zone.unixSeconds(clock: clock)
        return GoInstant(unixSeconds: seconds, nanosecond: read.nanosecond).timestamp?.nanoseconds
    }
}
