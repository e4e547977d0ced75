import Bytes

/// Makes the tree of a template. Messages, which name and line, are those of Go's `text/template/parse`.
struct TemplateParser {
    /// Nesting of parentheses and blocks beyond which a template is refused.
    static let depthMax = 100

    private let name: String
    private let dialect: Template.Dialect
    private var lexer: TemplateLexer
    private var pushed: [TemplateToken] = []
    private var last = TemplateToken(kind: .text, start: 0, text: "", line: 1)
    private var actionLine = 0
    private var rangeDepth = 0
    private var depth = 0
    private var variables = ["$"]
    private(set) var templates: [String: [TemplateNode]] = [:]

    init(_ text: String, name: String, dialect: Template.Dialect = .query) {
        self.name = name
        self.dialect = dialect
        lexer = TemplateLexer(text)
    }

    mutating func parse() throws(StageError) -> [TemplateNode] {
        var nodes: [TemplateNode] = []
        while peek().kind != .end {
            if peek().kind == .leftDelimiter {
                let delimiter = next()
                let keyword = nextNonSpace()
                if keyword.kind == .define {
                    try define()
                    continue
                }
                backup(keyword)
                backup(delimiter)
            }
            switch try item() {
            case .node(let node): nodes.append(node)
            case .nothing: break
            case .end: throw error("unexpected {{end}}")
            case .elseBranch: throw error("unexpected {{else}}")
            }
        }
        return nodes
    }

    // MARK: Tokens

    private mutating func next() -> TemplateToken {
        last = pushed.popLast() ?? lexer.next()
        return last
    }

    private mutating func backup(_ token: TemplateToken) { pushed.append(token) }

    private mutating func peek() -> TemplateToken {
        let token = next()
        backup(token)
        return token
    }

    private mutating func nextNonSpace() -> TemplateToken {
        var token = next()
        while token.kind == .space { token = next() }
        return token
    }

    private mutating func peekNonSpace() -> TemplateToken {
        let token = nextNonSpace()
        backup(token)
        return token
    }

    private mutating func expect(_ kind: TemplateToken.Kind, _ context: String) throws(StageError) {
        let token = nextNonSpace()
        if token.kind != kind { throw unexpected(token, context) }
    }

    private func error(_ message: String) -> StageError { StageError("template: \(name):\(last.line): \(message)") }

    private func unexpected(_ token: TemplateToken, _ context: String) -> StageError {
        if token.kind == .error {
            var extra = ""
            if actionLine != 0, actionLine != token.line {
                extra = " in action started at \(name):\(actionLine)"
                if token.text.hasSuffix(" action") { extra = String(extra.dropFirst(" in action".count)) }
            }
            return error(token.text + extra)
        }
        return error("unexpected \(token.description) in \(context)")
    }

    // MARK: Items

    private enum Item {
        case node(TemplateNode)
        case nothing
        case end
        case elseBranch
    }

    private mutating func item() throws(StageError) -> Item {
        let token = nextNonSpace()
        switch token.kind {
        case .text: return .node(.text(ByteString(token.text)))
        case .leftDelimiter:
            actionLine = token.line
            defer { actionLine = 0 }
            return try action()
        default: throw unexpected(token, "input")
        }
    }

    private mutating func action() throws(StageError) -> Item {
        let token = nextNonSpace()
        switch token.kind {
        case .block: return .node(try block())
        case .breakLoop, .continueLoop:
            let word = "{{\(token.text)}}"
            let close = nextNonSpace()
            if close.kind != .rightDelimiter { throw unexpected(close, word) }
            if rangeDepth == 0 { throw error("\(word) outside {{range}}") }
            return .node(token.kind == .breakLoop ? .breakLoop : .continueLoop)
        case .elseBranch:
            let peeked = peekNonSpace()
            if peeked.kind == .ifBlock || peeked.kind == .with { return .elseBranch }
            try expect(.rightDelimiter, "else")
            return .elseBranch
        case .endBlock:
            try expect(.rightDelimiter, "end")
            return .end
        case .ifBlock:
            let (pipe, list, otherwise) = try control("if")
            return .node(.condition(pipe, list, otherwise: otherwise))
        case .range:
            let (pipe, list, otherwise) = try control("range")
            return .node(.loop(pipe, list, otherwise: otherwise))
        case .template: return .node(try templateCall())
        case .with:
            let (pipe, list, otherwise) = try control("with")
            return .node(.with(pipe, list, otherwise: otherwise))
        default:
            backup(token)
            let pipe = try pipeline("command", until: .rightDelimiter)
            if pipe.variables.isEmpty, pipe.commands.count == 1, pipe.commands[0].operands.count == 1,
                case .field(let names, _) = pipe.commands[0].operands[0], names.count == 1
            {
                return .node(.field(names[0]))
            }
            return .node(.action(pipe))
        }
    }

    private mutating func list() throws(StageError) -> (nodes: [TemplateNode], isElse: Bool) {
        var nodes: [TemplateNode] = []
        while peekNonSpaceText().kind != .end {
            switch try item() {
            case .node(let node): nodes.append(node)
            case .nothing: break
            case .end: return (nodes, false)
            case .elseBranch: return (nodes, true)
            }
        }
        throw error("unexpected EOF")
    }

    // Between actions there are no space tokens: only text.
    private mutating func peekNonSpaceText() -> TemplateToken { peek() }

    private mutating func nested<R>(_ body: (inout TemplateParser) throws(StageError) -> R) throws(StageError) -> R {
        depth += 1
        defer { depth -= 1 }
        if depth > Self.depthMax { throw error("nested more than \(Self.depthMax) deep") }
        return try body(&self)
    }

    private mutating func control(
        _ context: String
    ) throws(StageError) -> (TemplatePipe, [TemplateNode], [TemplateNode]) {
        try nested { (parser) throws(StageError) in try parser.controlBody(context) }
    }

    private mutating func controlBody(
        _ context: String
    ) throws(StageError) -> (TemplatePipe, [TemplateNode], [TemplateNode]) {
        let known = variables.count
        defer { variables.removeLast(variables.count - known) }
        let pipe = try pipeline(context, until: .rightDelimiter)
        if context == "range" { rangeDepth += 1 }
        let (nodes, isElse) = try list()
        if context == "range" { rangeDepth -= 1 }
        guard isElse else { return (pipe, nodes, []) }
        let peeked = peek()
        if context == "if", peeked.kind == .ifBlock || peeked.kind == .space, peekNonSpace().kind == .ifBlock {
            _ = nextNonSpace()
            let (inner, list, otherwise) = try control("if")
            return (pipe, nodes, [.condition(inner, list, otherwise: otherwise)])
        }
        if context == "with", peeked.kind == .with || peeked.kind == .space, peekNonSpace().kind == .with {
            _ = nextNonSpace()
            let (inner, list, otherwise) = try control("with")
            return (pipe, nodes, [.with(inner, list, otherwise: otherwise)])
        }
        let (otherwise, again) = try list()
        if again { throw error("expected end; found {{else}}") }
        return (pipe, nodes, otherwise)
    }

    private mutating func define() throws(StageError) {
        let token = nextNonSpace()
        guard token.kind == .string || token.kind == .rawString else { throw unexpected(token, "define clause") }
        let name = try unquote(token).string
        try expect(.rightDelimiter, "define clause")
        let outer = variables
        variables = ["$"]
        defer { variables = outer }
        let (nodes, isElse) = try nested { (parser) throws(StageError) in try parser.list() }
        if isElse { throw error("unexpected {{else}} in define clause") }
        templates[name] = nodes
    }

    private mutating func block() throws(StageError) -> TemplateNode {
        let token = nextNonSpace()
        guard token.kind == .string || token.kind == .rawString else { throw unexpected(token, "block clause") }
        let name = try unquote(token).string
        let pipe = try pipeline("block clause", until: .rightDelimiter)
        let outer = variables
        variables = ["$"]
        defer { variables = outer }
        let (nodes, isElse) = try nested { (parser) throws(StageError) in try parser.list() }
        if isElse { throw error("unexpected {{else}} in block clause") }
        templates[name] = nodes
        return .call(name, pipe, at: token.start)
    }

    private mutating func templateCall() throws(StageError) -> TemplateNode {
        let token = nextNonSpace()
        guard token.kind == .string || token.kind == .rawString else { throw unexpected(token, "template clause") }
        let name = try unquote(token).string
        if nextNonSpace().kind == .rightDelimiter { return .call(name, nil, at: token.start) }
        backup(last)
        return .call(name, try pipeline("template clause", until: .rightDelimiter), at: token.start)
    }

    // MARK: Pipelines

    private mutating func pipeline(
        _ context: String,
        until end: TemplateToken.Kind
    ) throws(StageError) -> TemplatePipe {
        try nested { (parser) throws(StageError) in try parser.pipelineBody(context, until: end) }
    }

    private mutating func pipelineBody(
        _ context: String,
        until end: TemplateToken.Kind
    ) throws(StageError) -> TemplatePipe {
        var pipe = TemplatePipe(position: peekNonSpace().start)
        try declarations(context, &pipe)
        while true {
            let token = nextNonSpace()
            switch token.kind {
            case end:
                if pipe.commands.isEmpty { throw error("missing value for \(context)") }
                for (i, command) in pipe.commands.enumerated().dropFirst() where !command.operands[0].isExecutable {
                    throw error("non executable command in pipeline stage \(i + 1)")
                }
                return pipe
            case .bool, .charConstant, .dot, .field, .identifier, .number, .nilValue, .rawString, .string, .variable,
                .leftParen:
                backup(token)
                pipe.commands.append(try command())
            default: throw unexpected(token, context)
            }
        }
    }

    private mutating func declarations(_ context: String, _ pipe: inout TemplatePipe) throws(StageError) {
        while peekNonSpace().kind == .variable {
            let variable = nextNonSpace()
            let behind = next()
            backup(behind)
            let operation = nextNonSpace()
            switch operation.kind {
            case .assign, .declare:
                pipe.assigns = operation.kind == .assign
                pipe.variables.append(variable.text)
                if pipe.assigns, !variables.contains(variable.text) {
                    throw error("undefined variable \(GoText.quote(variable.text))")
                }
                variables.append(variable.text)
                return
            case .char where operation.text == ",":
                pipe.variables.append(variable.text)
                variables.append(variable.text)
                if context == "range", pipe.variables.count < 2 {
                    switch peekNonSpace().kind {
                    case .variable, .rightDelimiter, .rightParen: continue
                    default: throw error("range can only initialize variables")
                    }
                }
                throw error("too many declarations in \(context)")
            default:
                backup(operation)
                if behind.kind == .space { backup(behind) }
                backup(variable)
                return
            }
        }
    }

    private mutating func command() throws(StageError) -> TemplateCommand {
        var command = TemplateCommand(operands: [], position: peekNonSpace().start)
        loop: while true {
            _ = peekNonSpace()
            if let operand = try operand() { command.operands.append(operand) }
            let token = next()
            switch token.kind {
            case .space: continue
            case .rightDelimiter, .rightParen: backup(token)
            case .pipe: break
            default: throw unexpected(token, "operand")
            }
            break loop
        }
        if command.operands.isEmpty { throw error("empty command") }
        return command
    }

    private mutating func operand() throws(StageError) -> TemplateOperand? {
        guard let term = try term() else { return nil }
        guard peek().kind == .field else { return term }
        let start = peek().start
        var names: [LabelName] = []
        while peek().kind == .field { names.append(LabelName(String(next().text.dropFirst()))) }
        switch term {
        case .field(let first, _): return .field(first + names, at: start)
        case .variable(let name, let first, _): return .variable(name, first + names, at: start)
        case .bool, .string, .number, .nilValue, .dot:
            throw error("unexpected . after term \(GoText.quote(term.text))")
        default: return .chain(term, names, at: start)
        }
    }

    private mutating func term() throws(StageError) -> TemplateOperand? {
        let token = nextNonSpace()
        switch token.kind {
        case .identifier:
            guard let function = TemplateFunction.named(token.text, dialect) else {
                throw error("function \(GoText.quote(token.text)) not defined")
            }
            return .function(function, at: token.start)
        case .dot: return .dot(at: token.start)
        case .nilValue: return .nilValue(at: token.start)
        case .variable:
            guard variables.contains(token.text) else {
                throw error("undefined variable \(GoText.quote(token.text))")
            }
            return .variable(token.text, [], at: token.start)
        case .field: return .field([LabelName(String(token.text.dropFirst()))], at: token.start)
        case .bool: return .bool(token.text == "true", at: token.start)
        case .number, .charConstant:
            return .number(try number(token), at: token.start)
        case .leftParen: return .pipe(try pipeline("parenthesized pipeline", until: .rightParen))
        case .string, .rawString:
            return .string(try unquote(token), quoted: token.text, at: token.start)
        case .error: throw unexpected(token, "operand")
        default:
            backup(token)
            return nil
        }
    }

    // MARK: Constants

    private func unquote(_ token: TemplateToken) throws(StageError) -> ByteString {
        guard let text = GoLiteral.unquote(token.text) else { throw error("invalid syntax") }
        return text
    }

    private func number(_ token: TemplateToken) throws(StageError) -> TemplateNumber {
        var number = TemplateNumber(text: token.text, integer: nil, float: nil, looksLikeFloat: false)
        if token.kind == .charConstant {
            guard let text = GoLiteral.unquote(token.text, quote: 0x27), let scalar = text.string.unicodeScalars.first,
                text.string.unicodeScalars.count == 1
            else { throw error("malformed character constant: \(token.text)") }
            number.integer = Int64(scalar.value)
            number.float = Double(scalar.value)
            return number
        }
        number.integer = token.text.withView { GoInteger.parse($0, base: 0) }
        if let integer = number.integer {
            number.float = Double(integer)
            return number
        }
        guard case .success(let float) = token.text.withView({ GoFloat.parse($0) }) else {
            throw error("illegal number syntax: \(GoText.quote(token.text))")
        }
        let isHex = token.text.hasPrefix("0x") || token.text.hasPrefix("0X")
        guard token.text.utf8.contains(where: { $0 == 0x2E || $0 | 0x20 == 0x65 || $0 | 0x20 == 0x70 }) else {
            throw error("integer overflow: \(GoText.quote(token.text))")
        }
        number.looksLikeFloat = !isHex || token.text.utf8.contains { $0 | 0x20 == 0x70 || $0 == 0x2E }
        number.float = float
        if let exact = Int64(exactly: float) { number.integer = exact }
        return number
    }
}
