/// Decimal numbers of up to 38 digits, for the exact arithmetic of `addf subf mulf divf`. Every operation gives nil
/// where the result does not fit.
struct Decimal38: Equatable {
    private var digits: Int128
    private var exponent: Int

    private init(_ digits: Int128, _ exponent: Int) {
        self.digits = digits
        self.exponent = exponent
    }

    /// The shortest decimal that reads back as `value`; nil for what is not finite.
    init?(_ value: Double) {
        guard value.isFinite else { return nil }
        var digits: Int128 = 0
        var exponent = 0
        var sawPoint = false
        var text = value.magnitude.description.utf8[...]
        if let e = text.firstIndex(of: 0x65) {
            exponent = Int(String(decoding: text[text.index(after: e)...], as: UTF8.self)) ?? 0
            text = text[..<e]
        }
        for c in text {
            if c == 0x2E {
                sawPoint = true
            } else {
                digits = digits * 10 + Int128(c &- 0x30)
                if sawPoint { exponent -= 1 }
            }
        }
        while digits != 0, digits % 10 == 0 {
            digits /= 10
            exponent += 1
        }
        if digits == 0 { exponent = 0 }
        self.init(value.sign == .minus ? -digits : digits, exponent)
    }

    /// The nearest double.
    var double: Double { Double("\(digits)e\(exponent)") ?? .nan }

    private static func power(_ exponent: Int) -> Int128? {
        guard exponent >= 0, exponent <= 38 else { return nil }
        var power: Int128 = 1
        for _ in 0..<exponent { power *= 10 }
        return power
    }

    private func scaled(to other: Int) -> Int128? {
        guard let power = Self.power(exponent - other) else { return nil }
        let (product, overflow) = digits.multipliedReportingOverflow(by: power)
        return overflow ? nil : product
    }

    func adding(_ other: Decimal38) -> Decimal38? {
        let low = min(exponent, other.exponent)
        guard let a = scaled(to: low), let b = other.scaled(to: low) else { return nil }
        let (sum, overflow) = a.addingReportingOverflow(b)
        return overflow ? nil : Decimal38(sum, low)
    }

    func subtracting(_ other: Decimal38) -> Decimal38? { adding(Decimal38(-other.digits, other.exponent)) }

    func multiplied(by other: Decimal38) -> Decimal38? {
        let (product, overflow) = digits.multipliedReportingOverflow(by: other.digits)
        return overflow ? nil : Decimal38(product, exponent + other.exponent)
    }

    /// With 16 decimal places, halves away from zero.
    func divided(by other: Decimal38) -> Decimal38? {
        guard other.digits != 0 else { return nil }
        let shift = exponent - other.exponent + 16
        var numerator = digits
        var denominator = other.digits
        if shift >= 0 {
            guard let power = Self.power(shift) else { return nil }
            let (product, overflow) = numerator.multipliedReportingOverflow(by: power)
            if overflow { return nil }
            numerator = product
        } else {
            guard let power = Self.power(-shift) else { return nil }
            let (product, overflow) = denominator.multipliedReportingOverflow(by: power)
            if overflow { return nil }
            denominator = product
        }
        var (quotient, rest) = numerator.quotientAndRemainder(dividingBy: denominator)
        if rest.magnitude >= denominator.magnitude - rest.magnitude {
            quotient += (numerator < 0) == (denominator < 0) ? 1 : -1
        }
        rest = 0
        return Decimal38(quotient, -16)
    }
}
