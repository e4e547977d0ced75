import Bytes
import LogModel

/// A Go `text/template`, parsed: immutable, to be run on any number of lines.
///
/// The dot is the map of all current labels; a missing one is the empty text. A template of a stranger ends in bounded
/// time and space: steps, output and every intermediate text are limited.
package struct Template: Sendable {
    /// Bytes that a template may print, and that any text within may have.
    package static let outputMax = 1 << 20
    /// Nodes evaluated in one run.
    package static let stepsMax = 100_000

    let name: String
    let source: [UInt8]
    let nodes: [TemplateNode]
    let templates: [String: [TemplateNode]]

    /// The labels that it reads, nil where it may read any.
    private let fields: [LabelName]?

    /// The label, where the template is `{{.label}}` and nothing else.
    let onlyField: LabelName?

    /// Whose functions there are.
    package enum Dialect: Sendable {
        /// Loki's, in queries.
        case query
        /// Promtail's as well.
        case collector
    }

    /// `name` is how messages call it: `line` or `label`. Throws `template: NAME:LINE: …`.
    package init(_ text: String, name: String, dialect: Dialect = .query) throws(StageError) {
        var parser = TemplateParser(text, name: name, dialect: dialect)
        nodes = try parser.parse()
        templates = parser.templates
        self.name = name
        source = Array(text.utf8)
        if nodes.count == 1, case .field(let field) = nodes[0] { onlyField = field } else { onlyField = nil }
        fields = Self.fields(nodes, templates)
    }

    /// Runs on the labels of `state` (those of `snapshot` where there is one) and leaves the output in
    /// `state.scratch`, which must be empty. Returns the error, in Go's words, or nil.
    func execute(_ state: inout LineState, snapshot: TemplateSnapshot?) -> String? {
        // The common case, fields and text, needs no evaluator and does not allocate.
        if snapshot == nil, isPlain {
            for node in nodes {
                switch node {
                case .text(let text): state.scratch.append(text)
                case .field(let name):
                    if let value = state.visibleValue(name) { state.scratch.append(value) }
                default: break
                }
            }
            return state.scratch.count > Self.outputMax ? tooLong : nil
        }
        let out = state.scratch
        var memory = TemplateMemory()
        swap(&memory, &state.templates)
        var evaluator = TemplateEvaluator(
            template: self,
            data: snapshot ?? TemplateSnapshot(state, only: fields),
            out: out
        )
        evaluator.line = ByteString(state.line)
        evaluator.timestamp = state.timestamp
        evaluator.memory = memory
        let failure = evaluator.run()
        state.templates = evaluator.memory
        return failure
    }

    /// Runs on any data: for stages outside of queries. `dot` is what `.` stands for; `labels` is what `.labels` values
    /// in it resolve to.
    package func execute(
        _ dot: TemplateValue,
        line: ByteView = ByteView(),
        timestamp: Int64 = 0,
        into out: ByteArena
    ) -> String? {
        let own = ByteArena()
        var evaluator = TemplateEvaluator(template: self, data: TemplateSnapshot(Labels()), out: own)
        evaluator.line = ByteString(line)
        evaluator.timestamp = timestamp
        evaluator.dot = dot
        if let failure = evaluator.run() { return failure }
        out.append(own.view)
        return nil
    }

    private var isPlain: Bool {
        for node in nodes {
            switch node {
            case .text, .field: continue
            default: return false
            }
        }
        return true
    }

    var tooLong: String { "template: \(name): output exceeds \(Self.outputMax) bytes" }

    /// `template: line:1:3: executing "line" at <div 1 0>: …`
    func message(_ failure: TemplateFailure) -> String {
        guard let place = failure.place else { return "template: \(name): \(failure.text)" }
        let before = source.prefix(place.position)
        let line = before.count { $0 == 0x0A } + 1
        let lineStart = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        let column = place.position - lineStart
        return
            "template: \(name):\(line):\(column): executing \"\(failure.within)\" at <\(place.text)>: \(failure.text)"
    }

    /// The labels that the template reads; nil where it may read any (`{{ . }}`, a variable that holds the dot …).
    package var requiredLabels: [ByteString]? { fields?.map(\.bytes) }

    private static func fields(_ nodes: [TemplateNode], _ templates: [String: [TemplateNode]]) -> [LabelName]? {
        var names: Set<LabelName> = []
        var readsAll = false
        func visit(_ operand: TemplateOperand) {
            switch operand {
            case .dot: readsAll = true
            case .field(let fields, _):
                if let first = fields.first { names.insert(first) }
            case .variable(let name, let fields, _):
                guard name == "$" else { return }
                if let first = fields.first { names.insert(first) } else { readsAll = true }
            case .chain(let inner, _, _): visit(inner)
            case .pipe(let pipe): visit(pipe)
            case .nilValue, .bool, .number, .string, .function: break
            }
        }
        func visit(_ pipe: TemplatePipe) {
            for command in pipe.commands { command.operands.forEach { visit($0) } }
        }
        func visit(_ nodes: [TemplateNode]) {
            for node in nodes {
                switch node {
                case .text, .breakLoop, .continueLoop: break
                case .field(let name): names.insert(name)
                case .action(let pipe): visit(pipe)
                case .condition(let pipe, let list, let otherwise), .loop(let pipe, let list, let otherwise),
                    .with(let pipe, let list, let otherwise):
                    visit(pipe)
                    visit(list)
                    visit(otherwise)
                case .call(_, let pipe, _):
                    if let pipe { visit(pipe) }
                }
            }
        }
        visit(nodes)
        templates.values.forEach { visit($0) }
        return readsAll ? nil : names.sorted { $0.bytes < $1.bytes }
    }
}

/// What a run of templates keeps from line to line.
struct TemplateMemory {
    /// Regexes of `regexReplaceAll` and `count`: nearly always constants of the template.
    var regexes: [ByteString: CompiledRegex] = [:]
    static let regexesMax = 64
}

/// Why a run of a template ended.
struct TemplateFailure: Error {
    var text: String
    var place: TemplatePlace?
    /// Name of the template that was running.
    var within = ""

    init(_ text: String, _ place: TemplatePlace? = nil) {
        self.text = text
        self.place = place
    }
}
