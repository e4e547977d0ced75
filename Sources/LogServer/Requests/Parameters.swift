import Bytes
import LogModel
import LogQL
import LokiWire

/// Loki's rules for the values of parameters, and its words for bad ones.
enum Parameters {
    /// Points of one series that a range query may ask for.
    static let pointsMax: Int64 = 11_000

    struct Bounds: Equatable {
        var start: Int64
        var end: Int64
    }

    /// `start`, `end` and `since`; one hour by default, and an end in the future does not move the default start.
    static func bounds(_ form: Form, now: Int64) throws(Refusal) -> Bounds {
        var since: Int64 = 3_600_000_000_000
        if !form["since"].isEmpty {
            do throws(Refusal) { since = try prometheusDuration(form["since"]) } catch {
                throw Refusal(400, "could not parse 'since' parameter: \(error.message)")
            }
        }
        let end = try named("end") { () throws(Refusal) in try timestamp(form["end"], default: now) }
        let fallback = Timestamp(nanoseconds: min(end, now)).advanced(by: -since).nanoseconds
        let start = try named("start") { () throws(Refusal) in try timestamp(form["start"], default: fallback) }
        return Bounds(start: start, end: end)
    }

    private static func named<R>(_ name: String, _ body: () throws(Refusal) -> R) throws(Refusal) -> R {
        do throws(Refusal) { return try body() } catch {
            throw Refusal(400, "could not parse '\(name)' parameter: \(error.message)")
        }
    }

    static let endBeforeStart = Refusal(400, "end timestamp must not be before or equal to start time")

    /// With a dot: seconds, rounded to milliseconds. Up to ten characters: seconds; more: nanoseconds. Else RFC 3339.
    static func timestamp(_ text: String, default fallback: Int64) throws(Refusal) -> Int64 {
        if text.isEmpty { return fallback }
        if text.utf8.contains(0x2E), let seconds = float(text), seconds.isFinite {
            let whole = seconds.rounded(.towardZero)
            let fraction = ((seconds - whole) * 1_000).rounded() / 1_000
            return clamp(whole * 1e9, plus: Int64(fraction * 1e9))
        }
        if let number = Int64(text) {
            if text.utf8.count > 10 { return number }
            let (product, overflow) = number.multipliedReportingOverflow(by: 1_000_000_000)
            return overflow ? (number < 0 ? .min : .max) : product
        }
        if let time = text.withView({ RFC3339.parse($0) }) { return time }
        throw Refusal(
            400,
            "strconv.ParseInt: parsing \(GoQuote.quote(text)): \(isDigits(text) ? "value out of range" : "invalid syntax")")
    }

    private static func clamp(_ value: Double, plus more: Int64) -> Int64 {
        guard value > -9.2e18 else { return .min }
        guard value < 9.2e18 else { return .max }
        return Timestamp(nanoseconds: Int64(value)).advanced(by: more).nanoseconds
    }

    /// Seconds as a number, or a Prometheus duration; nanoseconds.
    static func secondsOrDuration(_ text: String) throws(Refusal) -> Int64 {
        // Go's `ParseFloat` reads these too, and then: not a number is less than nothing, infinity is too much.
        if text.lowercased() == "nan" { return .min }
        let infinities = ["inf": 1.0, "infinity": 1.0, "-inf": -1.0, "-infinity": -1.0]
        if let seconds = float(text) ?? infinities[text.lowercased()].map({ $0 * .infinity }) {
            let value = seconds * 1e9
            guard value <= 9.223372036854775e18, value >= -9.223372036854775e18 else {
                throw Refusal(400, "cannot parse \(GoQuote.quote(text)) to a valid duration. It overflows int64")
            }
            return Int64(value)
        }
        if let duration = try? prometheusDuration(text) { return duration }
        throw Refusal(400, "cannot parse \(GoQuote.quote(text)) to a valid duration")
    }

    /// A decimal number as Go's `ParseFloat` takes it, without its hexadecimal forms.
    static func float(_ text: String) -> Double? {
        guard let first = text.utf8.first, first.isDigit || first == 0x2D || first == 0x2B || first == 0x2E,
            text.utf8.allSatisfy({ $0.isDigit || "+-.eE".utf8.contains($0) })
        else { return nil }
        return Double(text)
    }

    /// `1h30m`, `1500ms`, `2d`: descending units, whole numbers; `0` alone. As the ranges of queries.
    static func prometheusDuration(_ text: String) throws(Refusal) -> Int64 {
        do throws(LogQLError) { return try LogQL.nanoseconds(prometheus: text) } catch {
            throw Refusal(400, error.message)
        }
    }

    /// `limit`: 100 by default.
    static func limit(_ form: Form, name: String = "limit", default fallback: Int = 100) throws(Refusal) -> Int {
        let text = form[name]
        if text.isEmpty { return fallback }
        let limit = try integer(text)
        guard limit > 0 else { throw Refusal(400, "limit must be a positive value") }
        return try inRange(limit, name == "line_limit" ? name : "limit")
    }

    /// Numbers that Loki sends on as 32 bits.
    static func inRange(_ value: Int, _ name: String) throws(Refusal) -> Int {
        guard value >= 0, value <= Int(UInt32.max) else {
            throw Refusal(400, "\(name) value \(value) is out of range [0, \(UInt32.max)]")
        }
        return value
    }

    static func integer(_ text: String) throws(Refusal) -> Int {
        if let value = Int(text) { return value }
        let reason = isDigits(text) ? "value out of range" : "invalid syntax"
        throw Refusal(400, "strconv.Atoi: parsing \(GoQuote.quote(text)): \(reason)")
    }

    /// A sign or none, then digits.
    private static func isDigits(_ text: String) -> Bool {
        let digits = text.utf8.first == 0x2D || text.utf8.first == 0x2B ? text.utf8.dropFirst() : text.utf8[...]
        return !digits.isEmpty && digits.allSatisfy(\.isDigit)
    }

    /// The query, with the line filter that the old parameter `regexp` adds to it.
    static func logQuery(_ form: Form, allowEmpty: Bool) throws(Refusal) -> String {
        let regexp = form["regexp"]
        if regexp.isEmpty { return form["query"] }
        do throws(LogQLError) {
            var log = try LogQL.parseLog(form["query"], allowEmpty: allowEmpty)
            log.stages.append(.lineFilter(LogQL.LineFilter(.matches, [.text(ByteString(regexp))])))
            return log.description
        } catch {
            throw Refusal(400, error.message)
        }
    }

    static func direction(_ form: Form) throws(Refusal) -> Direction {
        switch form["direction"].lowercased() {
        case "", "backward": return .backward
        case "forward": return .forward
        default: throw Refusal(400, "invalid direction '\(form["direction"])'")
        }
    }

    /// `step`; by default a 250th of the range in whole seconds, but one second at least.
    static func step(_ form: Form, _ bounds: Bounds) throws(Refusal) -> Int64 {
        let text = form["step"]
        if text.isEmpty {
            let span = Double(bounds.end) - Double(bounds.start)
            return max(Int64((span / 250 / 1e9).rounded(.down)), 1) * 1_000_000_000
        }
        let step = try secondsOrDuration(text)
        guard step > 0 else {
            throw Refusal(
                400, "zero or negative query resolution step widths are not accepted. Try a positive integer")
        }
        return step
    }

    /// Refuses a step that makes too many points. Log queries are checked as well, as Loki does.
    static func checkResolution(_ bounds: Bounds, step: Int64) throws(Refusal) {
        let (span, overflow) = bounds.end.subtractingReportingOverflow(bounds.start)
        guard !overflow, span / step <= pointsMax else {
            throw Refusal(
                400,
                "exceeded maximum resolution of 11,000 points per time series. Try increasing the value of the step "
                    + "parameter")
        }
    }

    static func interval(_ form: Form) throws(Refusal) -> Int64 {
        if form["interval"].isEmpty { return 0 }
        let interval = try secondsOrDuration(form["interval"])
        guard interval >= 0 else { throw Refusal(400, "interval must be >= 0") }
        return interval
    }
}
