import Glibc

extension LogQL.BinaryOperator {
    /// The value of `a op b` for numbers; nil for set operators. Comparisons give 1 and 0. Division by zero and the
    /// remainder of it are NaN, never infinite, as in Loki. `%` has the sign of the dividend.
    package func apply(_ a: Double, _ b: Double) -> Double? {
        switch self {
        case .or, .and, .unless: return nil
        case .add: return a + b
        case .subtract: return a - b
        case .multiply: return a * b
        case .divide: return b == 0 ? .nan : a / b
        case .modulo: return b == 0 ? .nan : fmod(a, b)
        case .power: return pow(a, b)
        case .equal: return a == b ? 1 : 0
        case .notEqual: return a != b ? 1 : 0
        case .greater: return a > b ? 1 : 0
        case .greaterOrEqual: return a >= b ? 1 : 0
        case .less: return a < b ? 1 : 0
        case .lessOrEqual: return a <= b ? 1 : 0
        }
    }
}
