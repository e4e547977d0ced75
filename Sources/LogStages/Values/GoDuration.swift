import Bytes

/// Durations as Go's `time` package reads and writes them: `1h30m`, `1.5s`, `-250ms`; no days.
package enum GoDuration {
    package enum Failure: Error, Equatable, Sendable {
        case invalid, missingUnit
        /// The range of the unit in the text.
        case unknownUnit(Range<Int>)
    }

    /// Nanoseconds, as `time.ParseDuration`.
    package static func parse(_ text: ByteView) -> Result<Int64, Failure> {
        var i = 0
        var negative = false
        if let first = text.first, first == 0x2B || first == 0x2D {
            negative = first == 0x2D
            i = 1
        }
        if text.count - i == 1, text[i] == 0x30 { return .success(0) }
        guard i < text.count else { return .failure(.invalid) }
        let limit: UInt64 = 1 << 63
        var total: UInt64 = 0
        while i < text.count {
            guard text[i].isDigit || text[i] == 0x2E else { return .failure(.invalid) }
            let start = i
            var whole: UInt64 = 0
            while i < text.count, text[i].isDigit {
                if whole > limit / 10 { return .failure(.invalid) }
                whole = whole * 10 + UInt64(text[i] - 0x30)
                if whole > limit { return .failure(.invalid) }
                i += 1
            }
            var sawDigit = i > start
            var fraction: UInt64 = 0
            var scale = 1.0
            if i < text.count, text[i] == 0x2E {
                i += 1
                var overflow = false
                while i < text.count, text[i].isDigit {
                    sawDigit = true
                    if !overflow {
                        // Digits beyond the range of 63 bits no longer count.
                        if fraction > (limit - 1) / 10 {
                            overflow = true
                        } else {
                            let next = fraction * 10 + UInt64(text[i] - 0x30)
                            if next > limit {
                                overflow = true
                            } else {
                                fraction = next
                                scale *= 10
                            }
                        }
                    }
                    i += 1
                }
            }
            guard sawDigit else { return .failure(.invalid) }
            let unitStart = i
            while i < text.count, text[i] != 0x2E, !text[i].isDigit { i += 1 }
            guard i > unitStart else { return .failure(.missingUnit) }
            guard let unit = unit(text[unitStart..<i]) else { return .failure(.unknownUnit(unitStart..<i)) }
            guard whole <= limit / unit else { return .failure(.invalid) }
            whole *= unit
            if fraction > 0 {
                whole += UInt64(Double(fraction) * (Double(unit) / scale))
                guard whole <= limit else { return .failure(.invalid) }
            }
            // Both may be the limit itself: their sum would not fit.
            guard whole <= limit - total else { return .failure(.invalid) }
            total += whole
        }
        if negative { return .success(total == limit ? .min : -Int64(total)) }
        return total < limit ? .success(Int64(total)) : .failure(.invalid)
    }

    /// `time: unknown unit "d" in duration "1d"`
    package static func message(_ failure: Failure, _ text: ByteView) -> String {
        switch failure {
        case .invalid: return "time: invalid duration \(quote(text))"
        case .missingUnit: return "time: missing unit in duration \(quote(text))"
        case .unknownUnit(let range): return "time: unknown unit \(quote(text[range])) in duration \(quote(text))"
        }
    }

    /// As `Duration.Seconds()`.
    package static func seconds(_ nanoseconds: Int64) -> Double {
        Double(nanoseconds / 1_000_000_000) + Double(nanoseconds % 1_000_000_000) / 1e9
    }

    private static func unit(_ name: ByteView) -> UInt64? {
        switch name.count {
        case 1:
            switch name[0] {
            case 0x73: return 1_000_000_000
            case 0x6D: return 60_000_000_000
            case 0x68: return 3_600_000_000_000
            default: return nil
            }
        case 2 where name[1] == 0x73:
            switch name[0] {
            case 0x6E: return 1
            case 0x75: return 1_000
            case 0x6D: return 1_000_000
            default: return nil
            }
        case 3 where name == ByteView("µs") || name == ByteView("μs"): return 1_000
        default: return nil
        }
    }

    // Go's `time` quotes by itself: everything outside printable ASCII as \xNN.
    private static func quote(_ text: ByteView) -> String {
        var out = "\""
        for i in text.indices {
            let c = text[i]
            switch c {
            case 0x22, 0x5C: out += "\\" + String(Unicode.Scalar(c))
            case 0x20..<0x80: out.unicodeScalars.append(Unicode.Scalar(c))
            default: out += "\\x" + GoText.hex(c)
            }
        }
        return out + "\""
    }

    /// As `Duration.String()`: `1h0m0s`, `1.5s`, `0s`.
    package static func text(_ nanoseconds: Int64) -> String {
        let magnitude = nanoseconds.magnitude
        let sign = nanoseconds < 0 ? "-" : ""
        if magnitude == 0 { return "0s" }
        if magnitude < 1_000 { return "\(sign)\(magnitude)ns" }
        if magnitude < 1_000_000 { return sign + decimal(magnitude, 3) + "µs" }
        if magnitude < 1_000_000_000 { return sign + decimal(magnitude, 6) + "ms" }
        let seconds = magnitude / 1_000_000_000
        let rest = decimal(seconds % 60 * 1_000_000_000 + magnitude % 1_000_000_000, 9) + "s"
        let minutes = seconds / 60
        if minutes == 0 { return sign + rest }
        if minutes < 60 { return "\(sign)\(minutes)m\(rest)" }
        return "\(sign)\(minutes / 60)h\(minutes % 60)m\(rest)"
    }

    private static func decimal(_ value: UInt64, _ places: Int) -> String {
        var scale: UInt64 = 1
        for _ in 0..<places { scale *= 10 }
        var out = String(value / scale)
        let fraction = value % scale
        if fraction > 0 {
            var digits = String(fraction)
            digits = String(repeating: "0", count: places - digits.utf8.count) + digits
            while digits.hasSuffix("0") { digits.removeLast() }
            out += "." + digits
        }
        return out
    }
}
