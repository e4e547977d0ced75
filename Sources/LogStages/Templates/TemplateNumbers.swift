import Bytes
import Glibc

/// The arithmetic of templates, sprig's: what is no number counts as 0.
enum TemplateNumbers {
    static func call(
        _ function: TemplateFunction,
        _ arguments: [TemplateValue]
    ) throws(TemplateFailure) -> TemplateValue {
        let ints = arguments.map { integer($0) }
        let floats = arguments.map { float($0) }
        switch function {
        case .toInt: return .int(ints[0])
        case .toFloat: return .float(floats[0])
        case .add: return .int64(ints.reduce(0, &+))
        case .sub: return .int64(ints[0] &- ints[1])
        case .mul: return .int64(ints.reduce(1, &*))
        case .div:
            guard ints[1] != 0 else { throw TemplateFailure("runtime error: integer divide by zero") }
            return .int64(ints[0].dividedReportingOverflow(by: ints[1]).partialValue)
        case .mod:
            guard ints[1] != 0 else { throw TemplateFailure("runtime error: integer divide by zero") }
            return .int64(ints[0].remainderReportingOverflow(dividingBy: ints[1]).partialValue)
        case .max: return .int64(ints.max() ?? 0)
        case .min: return .int64(ints.min() ?? 0)
        case .addf: return .float(try decimal([0] + floats, { $0.adding($1) }, +))
        case .subf: return .float(try decimal(floats, { $0.subtracting($1) }, -))
        case .mulf: return .float(try decimal(floats, { $0.multiplied(by: $1) }, *))
        case .divf:
            for divisor in floats.dropFirst() where divisor == 0 {
                throw TemplateFailure("decimal division by 0")
            }
            return .float(try decimal(floats, { $0.divided(by: $1) }, /))
        case .maxf: return .float(floats.reduce(floats[0]) { fmax($0, $1) })
        case .minf: return .float(floats.reduce(floats[0]) { fmin($0, $1) })
        case .ceil: return .float(floats[0].rounded(.up))
        case .floor: return .float(floats[0].rounded(.down))
        case .round:
            let cutoff = floats.count > 2 ? floats[2] : 0.5
            let power = pow(10, Double(ints[1]))
            let digit = power * floats[0]
            let fraction = digit - digit.rounded(.towardZero)
            return .float((fraction >= cutoff ? digit.rounded(.up) : digit.rounded(.down)) / power)
        default: return .none
        }
    }

    /// Computed in decimals where they fit into 38 digits, else in doubles.
    private static func decimal(
        _ values: [Double],
        _ exact: (Decimal38, Decimal38) -> Decimal38?,
        _ rough: (Double, Double) -> Double
    ) throws(TemplateFailure) -> Double {
        for value in values where !value.isFinite {
            throw TemplateFailure("Cannot create a Decimal from \(GoFormat.general(value))")
        }
        if var result = Decimal38(values[0]) {
            var isExact = true
            for value in values.dropFirst() {
                guard let other = Decimal38(value), let next = exact(result, other) else {
                    isExact = false
                    break
                }
                result = next
            }
            if isExact { return result.double }
        }
        return values.dropFirst().reduce(values[0], rough)
    }

    static func integer(_ value: TemplateValue) -> Int64 {
        switch value {
        case .bool(let flag): return flag ? 1 : 0
        case .float(let number): return Int64(exactly: number.rounded(.towardZero)) ?? .min
        case .text(let text):
            return text.withView { view in
                // "12.00" is 12, "12.5" is no integer.
                var whole = view
                if let point = view.firstIndex(of: 0x2E), view.suffix(from: point + 1).copy().allSatisfy({ $0 == 0x30 })
                {
                    whole = view[0..<point]
                }
                return GoInteger.parse(whole, base: 0) ?? 0
            }
        default: return value.integer ?? 0
        }
    }

    private static func float(_ value: TemplateValue) -> Double {
        switch value {
        case .bool(let flag): return flag ? 1 : 0
        case .float(let number): return number
        case .text(let text):
            if case .success(let number) = text.withView({ GoFloat.parse($0) }) { return number }
            return 0
        default: return value.integer.map { Double($0) } ?? 0
        }
    }
}
