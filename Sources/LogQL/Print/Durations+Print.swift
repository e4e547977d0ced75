import Bytes
import Glibc

extension LogQL {
    /// Nanoseconds as Go prints a `time.Duration`: `1h30m0s`, `1.5s`, `250ms`.
    package static func goDuration(_ nanoseconds: Int64) -> String {
        if nanoseconds == 0 { return "0s" }
        let sign = nanoseconds < 0 ? "-" : ""
        let total = nanoseconds.magnitude
        func decimal(_ value: UInt64, unit: UInt64) -> String {
            var fraction = String(value % unit)
            fraction = String(repeating: "0", count: String(unit).utf8.count - 1 - fraction.utf8.count) + fraction
            while fraction.utf8.last == UInt8(ascii: "0") { fraction.removeLast() }
            return fraction.isEmpty ? "\(value / unit)" : "\(value / unit).\(fraction)"
        }
        if total < 1_000 { return "\(sign)\(total)ns" }
        if total < 1_000_000 { return "\(sign)\(decimal(total, unit: 1_000))µs" }
        if total < 1_000_000_000 { return "\(sign)\(decimal(total, unit: 1_000_000))ms" }
        let minutes = total / 60_000_000_000
        let seconds = decimal(total % 60_000_000_000, unit: 1_000_000_000)
        if minutes == 0 { return "\(sign)\(seconds)s" }
        if minutes < 60 { return "\(sign)\(minutes)m\(seconds)s" }
        return "\(sign)\(minutes / 60)h\(minutes % 60)m\(seconds)s"
    }

    /// Nanoseconds as Prometheus prints a duration: `1h30m`, `5m`, `90d`; weeks and years only where they divide it.
    /// Milliseconds are the smallest unit.
    package static func prometheusDuration(_ nanoseconds: Int64) -> String {
        var milliseconds = nanoseconds / 1_000_000
        if milliseconds == 0 { return "0s" }
        var out = ""
        let units: [(String, Int64, whole: Bool)] = [
            ("y", 31_536_000_000, true), ("w", 604_800_000, true), ("d", 86_400_000, false), ("h", 3_600_000, false),
            ("m", 60_000, false), ("s", 1_000, false), ("ms", 1, false),
        ]
        for (name, size, whole) in units {
            if whole, milliseconds % size != 0 { continue }
            let count = milliseconds / size
            if count > 0 {
                out += "\(count)\(name)"
                milliseconds -= count * size
            }
        }
        return out
    }

    /// A size as go-humanize prints it, without the space: `1.0kB`, `83MB`. Where that says less than the size is, the
    /// exact number of bytes.
    package static func size(_ bytes: UInt64) -> String {
        let exact = "\(bytes)B"
        if bytes < 10 { return bytes == 0 ? "0.0B" : exact }
        let power = Int(floor(log(Double(bytes)) / log(1_000)))
        let names = ["B", "kB", "MB", "GB", "TB", "PB"]
        guard names.indices.contains(power) else { return exact }
        let value = floor(Double(bytes) / pow(1_000, Double(power)) * 10 + 0.5) / 10
        var number = GoNumber.fixed(value)
        number.removeLast(value < 10 ? 5 : 7)
        let text = number + names[power]
        return text.withView(Sizes.parse) == bytes ? text : exact
    }
}
