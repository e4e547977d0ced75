import Bytes
import LogModel

/// A `format` of the collector's `timestamp` stage: a name, or a Go layout.
package enum TimeFormat: Sendable {
    case layout(GoLayout)
    /// A layout without a year.
    case yearless(GoLayout)
    /// A named layout of Go's: `location` does not count.
    case named(GoLayout)
    /// Seconds, with or without a fraction.
    case unix
    case unixMilliseconds
    case unixMicroseconds
    case unixNanoseconds

    package init(_ text: String) {
        switch text {
        case "Unix": self = .unix
        case "UnixMs": self = .unixMilliseconds
        case "UnixUs": self = .unixMicroseconds
        case "UnixNs": self = .unixNanoseconds
        default:
            if let named = GoTime.layout(named: text) {
                self = .named(GoLayout(named))
            } else {
                let layout = GoLayout(text)
                self = layout.hasYear ? .layout(layout) : .yearless(layout)
            }
        }
    }

    /// Nanoseconds since 1970, or nil where the text is no such time. `now` is asked for only by layouts without year.
    @inline(__always)
    package func nanoseconds(_ text: ByteView, zone: GoZone, now: @autoclosure () -> Timestamp) -> Int64? {
        switch self {
        case .layout(let layout): layout.nanoseconds(text, zone: zone)
        case .named(let layout): layout.nanoseconds(text, zone: .utc)
        case .yearless(let layout): layout.yearless(text, zone: zone, now: now())
        case .unix: UnixTime.seconds(text)
        case .unixMilliseconds: UnixTime.integer(text, scale: 1_000_000)
        case .unixMicroseconds: UnixTime.integer(text, scale: 1_000)
        case .unixNanoseconds: UnixTime.integer(text, scale: 1)
        }
    }
}

/// Counts of seconds and parts of them since 1970.
package enum UnixTime {
    /// A whole number of units that are `scale` nanoseconds each; nil on overflow and for anything else.
    package static func integer(_ text: ByteView, scale: Int64) -> Int64? {
        guard let value = whole(text) else { return nil }
        let (scaled, overflow) = value.multipliedReportingOverflow(by: scale)
        return overflow ? nil : scaled
    }

    /// `1562708916`, `1562708916.919`; digits beyond the ninth of the fraction are cut off. Exact, unlike a `Double`.
    package static func seconds(_ text: ByteView) -> Int64? {
        guard let point = text.firstIndex(of: UInt8(ascii: ".")) else { return integer(text, scale: 1_000_000_000) }
        let negative = text.first == UInt8(ascii: "-")
        guard let seconds = point == 0 ? 0 : integer(text.prefix(point), scale: 1_000_000_000) else { return nil }
        var value: Int64 = 0
        var digits = 0
        for i in (point + 1)..<text.count {
            guard text[i].isDigit else { return nil }
            if digits < 9 {
                value = value * 10 + Int64(text[i] - 0x30)
                digits += 1
            }
        }
        guard digits > 0 || point > 0 else { return nil }
        let fraction = value * Int64(FastTimestamp.scales[digits])
        let (sum, overflow) =
            negative ? seconds.subtractingReportingOverflow(fraction) : seconds.addingReportingOverflow(fraction)
        return overflow ? nil : sum
    }

    private static func whole(_ text: ByteView) -> Int64? {
        var i = 0
        var negative = false
        if let sign = text.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
            negative = sign == UInt8(ascii: "-")
            i = 1
        }
        guard i < text.count, text.count - i <= 19 else { return nil }
        var value: Int64 = 0
        while i < text.count {
            guard text[i].isDigit else { return nil }
            let (scaled, over) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = scaled.addingReportingOverflow(Int64(text[i] - 0x30))
            if over || carry { return nil }
            value = sum
            i += 1
        }
        return negative ? -value : value
    }
}
