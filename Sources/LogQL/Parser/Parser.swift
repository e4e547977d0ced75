import Bytes
import LogModel

/// Recursive descent over the grammar of LogQL.
///
/// Loki's parser is generated (LALR), and its users know its messages. The grammar here accepts the same texts; where a
/// message lists what was expected, the list is what the generated parser would offer in that state: the tokens it
/// could shift, if there are at most four. States that can also reduce never list anything.
///
/// Loki checks what a tree means only after all of the text has parsed. So findings about meaning are collected, and
/// the one that begins first in the text (the outer one, if several begin there) is thrown at the end.
struct Parser {
    private var lexer: Lexer
    /// The token at hand, and those looked at beyond it.
    private var place: PlacedToken
    private var ahead: PlacedToken?
    private var depth = 0
    var regexes = RegexAllowance()
    private var finding: (offset: Int, error: LogQLError)?
    /// Where selectors begin that every stream satisfies. Whether that is an error, the caller decides.
    var selectorsMatchingAll: [Int] = []

    init(_ text: String) throws(LogQLError) {
        let bytes = [UInt8](text.utf8)
        guard bytes.count <= LogQL.inputMax else {
            throw LogQLError(parse: "input size too long (\(bytes.count) > \(LogQL.inputMax))")
        }
        lexer = Lexer(bytes)
        place = try lexer.next()
    }

    // MARK: Tokens

    var token: Token { place.token }
    var offset: Int { place.offset }

    mutating func advance() throws(LogQLError) {
        if let next = ahead {
            place = next
            ahead = nil
        } else {
            place = try lexer.next()
        }
    }

    /// The token behind the one at hand.
    mutating func lookAhead() throws(LogQLError) -> Token {
        if let ahead { return ahead.token }
        let next = try lexer.next()
        ahead = next
        return next.token
    }

    func unexpected(_ expected: [String] = []) -> LogQLError {
        var text = "syntax error: unexpected \(token.name)"
        if !expected.isEmpty { text += ", expecting " + expected.joined(separator: " or ") }
        return LogQLError(parse: text, line: place.line, column: place.column)
    }

    mutating func expect(_ symbol: Token.Symbol, _ expected: [String]? = nil) throws(LogQLError) {
        guard token == .symbol(symbol) else { throw unexpected(expected ?? [symbol.rawValue]) }
        try advance()
    }

    mutating func take(_ symbol: Token.Symbol) throws(LogQLError) -> Bool {
        guard token == .symbol(symbol) else { return false }
        try advance()
        return true
    }

    mutating func take(_ keyword: Token.Keyword) throws(LogQLError) -> Bool {
        guard token == .keyword(keyword) else { return false }
        try advance()
        return true
    }

    mutating func identifier(_ expected: [String] = ["IDENTIFIER"]) throws(LogQLError) -> ByteString {
        guard case .identifier(let name) = token else { throw unexpected(expected) }
        try advance()
        return name
    }

    mutating func string(_ expected: [String] = ["STRING"]) throws(LogQLError) -> ByteString {
        guard case .string(let value) = token else { throw unexpected(expected) }
        try advance()
        return value
    }

    mutating func number() throws(LogQLError) -> String {
        guard case .number(let text) = token else { throw unexpected(["NUMBER"]) }
        try advance()
        return text
    }

    /// `NUMBER`, `+NUMBER` or `-NUMBER`.
    mutating func signedNumber() throws(LogQLError) -> Double {
        let negative = token == .symbol(.minus)
        if negative || token == .symbol(.plus) { try advance() }
        let value = try Parser.value(try number())
        return negative ? -value : value
    }

    static func value(_ text: String) throws(LogQLError) -> Double {
        do {
            return try GoNumber.parse(text)
        } catch {
            throw LogQLError(parse: "unable to parse literal as a float: \(error.text)")
        }
    }

    // MARK: Limits and findings

    /// Runs `body` one level deeper.
    mutating func nested<Value>(
        _ body: (inout Parser) throws(LogQLError) -> Value
    ) throws(LogQLError) -> Value {
        guard depth < LogQL.nestingMax else {
            throw LogQLError(
                parse: "the query is nested more than \(LogQL.nestingMax) levels deep",
                line: place.line,
                column: place.column
            )
        }
        depth += 1
        let value = try body(&self)
        depth -= 1
        return value
    }

    func checkHeight(_ height: Int) throws(LogQLError) {
        if height > LogQL.heightMax {
            throw LogQLError(
                parse: "the query chains more than \(LogQL.heightMax) operations",
                line: place.line,
                column: place.column
            )
        }
    }

    /// Notes what is wrong with the part of the text that began at `offset`.
    mutating func find(at offset: Int, _ error: LogQLError) {
        if let finding, finding.offset < offset { return }
        finding = (offset, error)
    }

    mutating func find(at offset: Int, _ text: String) { find(at: offset, LogQLError(parse: text)) }

    func throwFinding() throws(LogQLError) {
        if let finding { throw finding.error }
    }
}
