import Bytes

/// `eq ne lt le gt ge`: values of one basic kind only.
enum TemplateComparison {
    private enum Basic {
        case bool(Bool)
        case integer(Int64)
        case float(Double)
        case text(ByteString)
        case none
    }

    static func compare(
        _ function: TemplateFunction,
        _ arguments: [TemplateValue]
    ) throws(TemplateFailure) -> Bool {
        switch function {
        case .eq:
            guard arguments.count > 1 else { throw TemplateFailure("missing argument for comparison") }
            for other in arguments.dropFirst() where try equal(arguments[0], other) { return true }
            return false
        case .ne: return !(try equal(arguments[0], arguments[1]))
        case .lt: return try less(arguments[0], arguments[1])
        case .le, .gt:
            let isLess = try less(arguments[0], arguments[1])
            let isEqual = try equal(arguments[0], arguments[1])
            return (isLess || isEqual) == (function == .le)
        default: return !(try less(arguments[0], arguments[1]))
        }
    }

    private static func basic(_ value: TemplateValue) throws(TemplateFailure) -> Basic {
        switch value {
        case .bool(let flag): return .bool(flag)
        case .float(let number): return .float(number)
        case .text(let text): return .text(text)
        case .none: return .none
        default:
            guard let integer = value.integer else { throw TemplateFailure("invalid type for comparison") }
            return .integer(integer)
        }
    }

    private static func equal(_ a: TemplateValue, _ b: TemplateValue) throws(TemplateFailure) -> Bool {
        if case .time(let x) = a, case .time(let y) = b { return x == y }
        switch (try basicOrNone(a), try basicOrNone(b)) {
        case (.bool(let x), .bool(let y)): return x == y
        case (.integer(let x), .integer(let y)): return x == y
        case (.float(let x), .float(let y)): return x == y
        case (.text(let x), .text(let y)): return x == y
        case (.none, .none): return true
        case (.none, _), (_, .none): return false
        default: throw TemplateFailure("incompatible types for comparison")
        }
    }

    private static func basicOrNone(_ value: TemplateValue) throws(TemplateFailure) -> Basic {
        switch value {
        case .list, .map, .labels:
            throw TemplateFailure("non-comparable type \(TemplatePrinter.text(value)): \(value.typeName)")
        default: return try basic(value)
        }
    }

    private static func less(_ a: TemplateValue, _ b: TemplateValue) throws(TemplateFailure) -> Bool {
        switch (try basic(a), try basic(b)) {
        case (.integer(let x), .integer(let y)): return x < y
        case (.float(let x), .float(let y)): return x < y
        case (.text(let x), .text(let y)): return x < y
        case (.bool, .bool), (.none, .none): throw TemplateFailure("invalid type for comparison")
        default: throw TemplateFailure("incompatible types for comparison")
        }
    }
}
