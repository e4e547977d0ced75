import Bytes

/// Decimal texts of floating-point numbers as Go's `strconv.FormatFloat` writes them with the shortest precision, which
/// is what Prometheus, Loki and Promtail show.
package enum GoFloat {
    package enum Style: Sendable {
        /// `'f'`: digits only, `1000000`, `0.00001`.
        case fixed
        /// `'g'`: with an exponent below 1e-4 and from 1e+06 on (`1e+06`, `1.234567e+06`), as `%v` and Prometheus have it.
        case general
    }

    /// `+Inf`, `-Inf` and `NaN` in every style. O(digits).
    package static func text(_ value: Double, _ style: Style) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        let sign = value.sign == .minus ? "-" : ""
        if value == 0 { return sign + "0" }
        let (digits, point) = shortest(value.magnitude)
        let exponent = point - 1
        let scientific: Bool
        switch style {
        case .fixed: scientific = false
        case .general: scientific = exponent < -4 || exponent >= 6
        }
        var out = [UInt8](sign.utf8)
        if scientific {
            out.append(digits[0])
            if digits.count > 1 {
                out.append(0x2E)
                out += digits[1...]
            }
            out.append(0x65)
            out.append(exponent < 0 ? 0x2D : 0x2B)
            let magnitude = String(exponent.magnitude)
            if magnitude.utf8.count < 2 { out.append(0x30) }
            out += magnitude.utf8
        } else if point <= 0 {
            out += [0x30, 0x2E]
            out += [UInt8](repeating: 0x30, count: -point)
            out += digits
        } else if point >= digits.count {
            out += digits
            out += [UInt8](repeating: 0x30, count: point - digits.count)
        } else {
            out += digits[..<point]
            out.append(0x2E)
            out += digits[point...]
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// The shortest digits that read back as `value` (> 0, finite), and where the decimal point stands: 0.d₁d₂… × 10^point.
    private static func shortest(_ value: Double) -> (digits: [UInt8], point: Int) {
        // The standard library prints shortest digits too, only laid out by other rules.
        var digits: [UInt8] = []
        var point: Int?
        var exponent = 0
        let text = Array(value.description.utf8)
        var i = 0
        while i < text.count {
            switch text[i] {
            case 0x2E: point = digits.count
            case 0x65, 0x45:
                exponent = Int(String(decoding: text[(i + 1)...], as: UTF8.self)) ?? 0
                i = text.count
            case let digit: digits.append(digit)
            }
            i += 1
        }
        var place = (point ?? digits.count) + exponent
        let zeros = digits.prefix { $0 == 0x30 }.count
        digits.removeFirst(zeros)
        place -= zeros
        while digits.last == 0x30 { digits.removeLast() }
        return (digits, place)
    }
}
