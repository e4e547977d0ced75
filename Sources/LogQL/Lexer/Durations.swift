import Bytes
import LogModel

/// Why a text is not a duration, in the words of Prometheus.
struct DurationError: Error, Equatable {
    var reason: String
}

extension LogQL {
    /// A duration in Prometheus' notation (`1h30m`, `500ms`, `0`), as parameters of requests have it; throws its words.
    package static func nanoseconds(prometheus text: String) throws(LogQLError) -> Int64 {
        let bytes = ByteString(text)
        do throws(DurationError) { return try bytes.withView(Durations.parsePrometheus) } catch {
            throw LogQLError(plain: error.reason)
        }
    }
}

/// The two notations of durations.
enum Durations {
    /// As a literal in a query: Prometheus' notation, or Go's.
    static func parse(_ text: ByteView) -> Int64? { (try? parsePrometheus(text)) ?? parseGo(text) }

    private static let nanosecond: UInt64 = 1
    private static let second: UInt64 = 1_000_000_000
    private static let maximum = UInt64(Int64.max)

    /// Whole numbers with units from large to small, each at most once: `1h30m`, `1d`; or `0`.
    static func parsePrometheus(_ text: ByteView) throws(DurationError) -> Int64 {
        if text.isEmpty { throw DurationError(reason: "empty duration string") }
        if text.count == 1, text[0] == UInt8(ascii: "0") { return 0 }
        // What Grafana puts a duration in place of; whoever pastes such a query elsewhere must write one.
        let hint = text[0] == UInt8(ascii: "$") ? " (Grafana fills this in; elsewhere write a duration, such as 5m)" : ""
        let malformed = DurationError(reason: "not a valid duration string: \(GoQuote.quote(text.string))\(hint)")
        let units: [(name: StaticString, size: UInt64)] = [
            ("y", 365 * 86_400 * second), ("w", 7 * 86_400 * second), ("d", 86_400 * second), ("h", 3_600 * second),
            ("m", 60 * second), ("s", second), ("ms", second / 1_000),
        ]
        var total: UInt64 = 0
        var lastUnit = -1
        var at = 0
        while at < text.count {
            guard text[at].isDigit else { throw malformed }
            var value: UInt64 = 0
            while at < text.count, text[at].isDigit {
                let (tens, over) = value.multipliedReportingOverflow(by: 10)
                let (sum, over2) = tens.addingReportingOverflow(UInt64(text[at] - 0x30))
                if over || over2 { throw malformed }
                value = sum
                at += 1
            }
            let from = at
            while at < text.count, !text[at].isDigit { at += 1 }
            guard at > from else { throw malformed }
            let unit = text[from..<at]
            guard let index = units.firstIndex(where: { unit == ByteView($0.name) }) else {
                let name = GoQuote.quote(unit.string)
                throw DurationError(reason: "unknown unit \(name) in duration \(GoQuote.quote(text.string))")
            }
            guard index > lastUnit else { throw malformed }
            lastUnit = index
            let (part, over) = value.multipliedReportingOverflow(by: units[index].size)
            let (sum, over2) = total.addingReportingOverflow(part)
            guard !over, !over2, sum <= maximum else { throw DurationError(reason: "duration out of range") }
            total = sum
        }
        return Int64(total)
    }

    /// Go's: a sign, then decimal numbers with units in any order: `-1h15m30.918s`; or `0`.
    static func parseGo(_ text: ByteView) -> Int64? {
        var at = 0
        var negative = false
        if let sign = text.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
            negative = sign == UInt8(ascii: "-")
            at = 1
        }
        guard at < text.count else { return nil }
        if text.count - at == 1, text[at] == UInt8(ascii: "0") { return 0 }
        var total: UInt64 = 0
        while at < text.count {
            var whole: UInt64 = 0
            var fraction = 0.0
            var scale = 1.0
            let from = at
            while at < text.count, text[at].isDigit {
                let (tens, over) = whole.multipliedReportingOverflow(by: 10)
                let (sum, over2) = tens.addingReportingOverflow(UInt64(text[at] - 0x30))
                if over || over2 { return nil }
                whole = sum
                at += 1
            }
            var digits = at - from
            if at < text.count, text[at] == UInt8(ascii: ".") {
                at += 1
                while at < text.count, text[at].isDigit {
                    // Digits below 1e-18 of a unit cannot matter.
                    if scale < 1e18 {
                        fraction = fraction * 10 + Double(text[at] - 0x30)
                        scale *= 10
                    }
                    digits += 1
                    at += 1
                }
            }
            guard digits > 0 else { return nil }
            let unitStart = at
            while at < text.count, !text[at].isDigit, text[at] != UInt8(ascii: ".") { at += 1 }
            guard let unit = goUnit(text[unitStart..<at]) else { return nil }
            let (part, over) = whole.multipliedReportingOverflow(by: unit)
            let small = UInt64(fraction * (Double(unit) / scale))
            let (sum, over2) = total.addingReportingOverflow(part)
            let (sum2, over3) = sum.addingReportingOverflow(small)
            guard !over, !over2, !over3, sum2 <= maximum else { return nil }
            total = sum2
        }
        return negative ? -Int64(total) : Int64(total)
    }

    private static func goUnit(_ name: ByteView) -> UInt64? {
        switch name.string {
        case "ns": nanosecond
        case "us", "µs", "μs": 1_000
        case "ms": 1_000_000
        case "s": second
        case "m": 60 * second
        case "h": 3_600 * second
        default: nil
        }
    }
}

/// Sizes in bytes, as go-humanize reads them.
enum Sizes {
    /// `1.5KB` = 1500, `2KiB` = 2048, `1k` = 1000; case does not matter. A fraction of a byte is cut off.
    static func parse(_ text: ByteView) -> UInt64? {
        var end = 0
        while end < text.count, text[end].isDigit || text[end] == UInt8(ascii: ".") { end += 1 }
        guard let number = Double(text[0..<end].string), let unit = unit(text[end..<text.count].string) else {
            return nil
        }
        let value = number * Double(unit)
        return value < 0x1p64 ? UInt64(value) : nil
    }

    private static func unit(_ name: String) -> UInt64? {
        switch String(decoding: name.utf8.map(\.lowercased), as: UTF8.self) {
        case "", "b": 1
        case "k", "kb": 1_000
        case "m", "mb": 1_000_000
        case "g", "gb": 1_000_000_000
        case "t", "tb": 1_000_000_000_000
        case "p", "pb": 1_000_000_000_000_000
        case "ki", "kib": 1 << 10
        case "mi", "mib": 1 << 20
        case "gi", "gib": 1 << 30
        case "ti", "tib": 1 << 40
        case "pi", "pib": 1 << 50
        default: nil
        }
    }
}
