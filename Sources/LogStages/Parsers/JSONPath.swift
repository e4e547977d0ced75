import Bytes

/// A path into a document: `a.b[0]["any key"]`. Beyond Loki: `a[*].b` for all elements of an array, and, at the end, `a[#]`
/// for their number.
struct JSONPath: Sendable, Equatable {
    enum Step: Sendable, Equatable {
        case key(ByteString)
        case index(Int)
        /// `[*]`
        case all
        /// `[#]`
        case count
    }

    let steps: [Step]

    /// Whether a step is one that Loki does not know.
    var isExtended: Bool { steps.contains { $0 == .all || $0 == .count } }

    private enum Token: Equatable {
        case dot, open, close, field(ByteString), string(ByteString), index(Int), all, count, end

        var name: String {
            switch self {
            case .dot: "DOT"
            case .open: "LSB"
            case .close: "RSB"
            case .field: "FIELD"
            case .string: "STRING"
            case .index: "INDEX"
            case .all: "ALL"
            case .count: "COUNT"
            case .end: "$end"
            }
        }
    }

    /// Throws `cannot parse expression […]: syntax error: unexpected X, expecting Y`.
    init(_ text: ByteString) throws(StageError) {
        var lexer = Lexer(text: text)
        var steps: [Step] = []
        func unexpected(_ token: Token, _ expected: String) -> StageError {
            StageError(
                "cannot parse expression [\(text)]: syntax error: unexpected \(token.name), expecting \(expected)"
            )
        }
        var token = try lexer.next()
        while true {
            switch token {
            case .field(let name) where steps.isEmpty:
                steps.append(.key(name))
                token = try lexer.next()
            case .open:
                let inner = try lexer.next()
                switch inner {
                case .string(let name): steps.append(.key(name))
                case .index(let index): steps.append(.index(index))
                case .all: steps.append(.all)
                case .count: steps.append(.count)
                default: throw unexpected(inner, "STRING or INDEX")
                }
                let close = try lexer.next()
                guard close == .close else { throw unexpected(close, "RSB") }
                token = try lexer.next()
                if steps.last == .count, token != .end { throw unexpected(token, "$end") }
            case .dot where !steps.isEmpty:
                let field = try lexer.next()
                guard case .field(let name) = field else { throw unexpected(field, "FIELD") }
                steps.append(.key(name))
                token = try lexer.next()
            case .end where !steps.isEmpty:
                self.steps = steps
                return
            default: throw unexpected(token, steps.isEmpty ? "LSB or FIELD" : "$end or DOT or LSB")
            }
        }
    }

    private struct Lexer {
        let text: ByteString
        var at = 0

        init(text: ByteString) { self.text = text }

        /// Elsewhere these characters are as wrong as they are to Loki.
        private var isInBrackets: Bool { text.bytes[..<at].last { !$0.isJSONSpace } == 0x5B }

        mutating func next() throws(StageError) -> Token {
            let bytes = text.bytes
            while at < bytes.count, bytes[at].isJSONSpace { at += 1 }
            guard at < bytes.count else { return .end }
            let c = bytes[at]
            switch c {
            case 0x2E:
                at += 1
                return .dot
            case 0x5B:
                at += 1
                return .open
            case 0x5D:
                at += 1
                return .close
            case 0x2A where isInBrackets:
                at += 1
                return .all
            case 0x23 where isInBrackets:
                at += 1
                return .count
            case 0x22:
                at += 1
                var name: [UInt8] = []
                while at < bytes.count, bytes[at] != 0x22 {
                    if bytes[at] == 0x5C, at + 1 < bytes.count { at += 1 }
                    name.append(bytes[at])
                    at += 1
                }
                guard at < bytes.count else { throw fault("missing closing double quote for string") }
                at += 1
                return .string(ByteString(name))
            case 0x30...0x39:
                var index = 0
                while at < bytes.count, bytes[at].isDigit {
                    guard index < 1 << 40 else { throw fault("index out of range") }
                    index = index * 10 + Int(bytes[at] - 0x30)
                    at += 1
                }
                return .index(index)
            case _ where c.isLetter || c == 0x5F || c >= 0x80:
                let start = at
                while at < bytes.count, bytes[at].isAlphanumeric || bytes[at] == 0x5F || bytes[at] >= 0x80 { at += 1 }
                return .field(ByteString(Array(bytes[start..<at])))
            default: throw fault("unexpected char \(Character(Unicode.Scalar(c)))")
            }
        }

        private func fault(_ what: String) -> StageError { StageError("cannot parse expression [\(text)]: \(what)") }
    }
}
