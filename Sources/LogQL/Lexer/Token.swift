import Bytes

/// What the scanner hands to the parser.
enum Token: Equatable {
    case end
    case identifier(ByteString)
    case string(ByteString)
    /// As written; the parser makes a number of it, because Loki's messages quote it.
    case number(String)
    /// Nanoseconds.
    case duration(Int64)
    case bytes(UInt64)
    /// `[5m]`, nanoseconds.
    case range(Int64)
    case flag(Flag)
    case rangeOperator(LogQL.RangeOperator)
    case vectorOperator(LogQL.VectorOperator)
    case conversion(LogQL.Unwrap.Conversion)
    case keyword(Keyword)
    case symbol(Symbol)

    enum Flag: String { case strict = "--strict", keepEmpty = "--keep-empty" }

    enum Keyword: String, CaseIterable {
        case by, without, bool, offset, on, ignoring, or, and, unless, json, regexp, logfmt, unpack, pattern, unwrap
        case decolorize, drop, keep
        case groupLeft = "group_left"
        case groupRight = "group_right"
        case labelFormat = "label_format"
        case lineFormat = "line_format"
        // Only in front of a parenthesis:
        case ip, vector
        case labelReplace = "label_replace"

        var isFunction: Bool { self == .ip || self == .vector || self == .labelReplace }
    }

    enum Symbol: String {
        case openBrace = "{"
        case closeBrace = "}"
        case openParenthesis = "("
        case closeParenthesis = ")"
        case closeBracket = "]"
        case comma = ","
        case dot = "."
        case pipe = "|"
        case pipeExact = "|="
        case pipeMatch = "|~"
        case pipePattern = "|>"
        case notPattern = "!>"
        case equal = "="
        case doubleEqual = "=="
        case notEqual = "!="
        case matches = "=~"
        case matchesNot = "!~"
        case less = "<"
        case lessOrEqual = "<="
        case greater = ">"
        case greaterOrEqual = ">="
        case plus = "+"
        case minus = "-"
        case times = "*"
        case slash = "/"
        case percent = "%"
        case caret = "^"
    }

    /// What messages call it.
    var name: String {
        switch self {
        case .end: "$end"
        case .identifier: "IDENTIFIER"
        case .string: "STRING"
        case .number: "NUMBER"
        case .duration: "DURATION"
        case .bytes: "BYTES"
        case .range: "RANGE"
        case .flag: "FUNCTION_FLAG"
        case .rangeOperator(let op): Token.shout(op.rawValue)
        case .vectorOperator(let op): Token.shout(op.rawValue)
        case .conversion(let conversion): Token.shout(conversion.rawValue) + "_CONV"
        case .keyword(.vector): "VECTOR"
        case .keyword(let keyword): keyword.rawValue
        case .symbol(let symbol): symbol.rawValue
        }
    }

    private static func shout(_ text: String) -> String {
        String(decoding: text.utf8.map { $0 &- 0x61 < 26 ? $0 & 0xDF : $0 }, as: UTF8.self)
    }

    /// Words that are names unless a parenthesis follows.
    static let functions: [String: Token] = {
        var table: [String: Token] = [:]
        for op in LogQL.RangeOperator.allCases { table[op.rawValue] = .rangeOperator(op) }
        for op in LogQL.VectorOperator.allCases { table[op.rawValue] = .vectorOperator(op) }
        for conversion in LogQL.Unwrap.Conversion.allCases where conversion != .none {
            table[conversion.rawValue] = .conversion(conversion)
        }
        for keyword in Keyword.allCases where keyword.isFunction { table[keyword.rawValue] = .keyword(keyword) }
        return table
    }()

    /// Words that are never names.
    static let reserved: [String: Token] = {
        var table: [String: Token] = [:]
        for keyword in Keyword.allCases where !keyword.isFunction { table[keyword.rawValue] = .keyword(keyword) }
        return table
    }()
}

/// A token and where it begins.
struct PlacedToken {
    var token: Token
    var line: Int
    var column: Int
    /// Byte offset; orders findings that Loki makes after parsing.
    var offset: Int
}
