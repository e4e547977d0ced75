import Bytes

/// What an action is made of: a value or something that yields one. Each knows its position and how it was written, for
/// the messages of Go's template engine.
indirect enum TemplateOperand: Sendable {
    case dot(at: Int)
    case nilValue(at: Int)
    case bool(Bool, at: Int)
    case number(TemplateNumber, at: Int)
    case string(ByteString, quoted: String, at: Int)
    /// `.a.b`
    case field([LabelName], at: Int)
    /// `$x.a`: the variable, then fields.
    case variable(String, [LabelName], at: Int)
    case function(TemplateFunction, at: Int)
    /// Fields of what is no field or variable itself: `(…).a`.
    case chain(TemplateOperand, [LabelName], at: Int)
    case pipe(TemplatePipe)

    var position: Int {
        switch self {
        case .dot(let at), .nilValue(let at), .bool(_, let at), .number(_, let at), .string(_, _, let at),
            .field(_, let at), .variable(_, _, let at), .function(_, let at), .chain(_, _, let at):
            at
        case .pipe(let pipe): pipe.position
        }
    }

    var text: String {
        switch self {
        case .dot: return "."
        case .nilValue: return "nil"
        case .bool(let value, _): return value ? "true" : "false"
        case .number(let number, _): return number.text
        case .string(_, let quoted, _): return quoted
        case .field(let names, _): return names.map { ".\($0)" }.joined()
        case .variable(let name, let names, _): return name + names.map { ".\($0)" }.joined()
        case .function(let function, _): return function.name
        case .chain(let inner, let names, _):
            let text: String
            if case .pipe(let pipe) = inner { text = "(\(pipe.text))" } else { text = inner.text }
            return text + names.map { ".\($0)" }.joined()
        case .pipe(let pipe): return pipe.text
        }
    }

    var isExecutable: Bool {
        switch self {
        case .bool, .dot, .nilValue, .number, .string: false
        default: true
        }
    }
}

/// A constant, as an integer where it is one and as a float.
struct TemplateNumber: Sendable {
    var text: String
    var integer: Int64?
    var float: Double?
    /// Written with a point or an exponent.
    var looksLikeFloat: Bool

    /// What it is where nothing says which type is wanted.
    var ideal: TemplateValue? {
        if looksLikeFloat, let float { return .float(float) }
        if let integer { return .int(integer) }
        return nil
    }
}

struct TemplateCommand: Sendable {
    var operands: [TemplateOperand]
    var position: Int

    var text: String {
        operands.map { operand in
            if case .pipe(let pipe) = operand { return "(\(pipe.text))" }
            return operand.text
        }.joined(separator: " ")
    }
}

struct TemplatePipe: Sendable {
    var position: Int
    /// `$x` in `$x := …`.
    var variables: [String] = []
    var assigns = false
    var commands: [TemplateCommand] = []

    var text: String {
        let head = variables.isEmpty ? "" : variables.joined(separator: ", ") + (assigns ? " = " : " := ")
        return head + commands.map(\.text).joined(separator: " | ")
    }
}

indirect enum TemplateNode: Sendable {
    case text(ByteString)
    /// `{{.x}}` and nothing else: the common case, printed without a value in between.
    case field(LabelName)
    case action(TemplatePipe)
    case condition(TemplatePipe, [TemplateNode], otherwise: [TemplateNode])
    case loop(TemplatePipe, [TemplateNode], otherwise: [TemplateNode])
    case with(TemplatePipe, [TemplateNode], otherwise: [TemplateNode])
    case call(String, TemplatePipe?, at: Int)
    case breakLoop
    case continueLoop
}

/// Where in the text something went wrong, for messages.
struct TemplatePlace {
    var position: Int
    var text: String

    init(_ operand: TemplateOperand) {
        position = operand.position
        text = operand.text
    }

    init(_ command: TemplateCommand) {
        position = command.position
        text = command.text
    }

    init(_ pipe: TemplatePipe) {
        position = pipe.position
        text = pipe.text
    }

    init(call name: String, _ pipe: TemplatePipe?, at position: Int) {
        self.position = position
        let argument = pipe.map { " \($0.text)" } ?? ""
        text = "{{template \(GoText.quote(name))\(argument)}}"
    }
}
