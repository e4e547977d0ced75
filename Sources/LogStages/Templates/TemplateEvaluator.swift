import Bytes
import LogModel

/// Walks the tree of a template over one line's data and prints.
struct TemplateEvaluator {
    /// Templates that call themselves stop here.
    static let callDepthMax = 100

    let template: Template
    let data: TemplateSnapshot
    let out: ByteArena
    var line = ByteString()
    var timestamp: Int64 = 0
    var memory = TemplateMemory()
    var dot = TemplateValue.labels

    private var variables: [(name: String, value: TemplateValue)] = []
    private var steps = 0
    private var callDepth = 0
    private var within: String

    init(template: Template, data: TemplateSnapshot, out: ByteArena) {
        self.template = template
        self.data = data
        self.out = out
        within = template.name
    }

    /// Prints into `out`; the message of the error that ended it, or nil.
    mutating func run() -> String? {
        variables = [("$", dot)]
        do {
            _ = try walk(template.nodes, dot)
            return nil
        } catch {
            var failure = error
            failure.within = within
            return template.message(failure)
        }
    }

    // MARK: Walking

    private enum Flow { case next, breakLoop, continueLoop }

    private mutating func step() throws(TemplateFailure) {
        steps += 1
        try checkSteps()
        if out.count > Template.outputMax { throw TemplateFailure("output exceeds \(Template.outputMax) bytes") }
    }

    private func checkSteps() throws(TemplateFailure) {
        if steps > Template.stepsMax { throw TemplateFailure("more than \(Template.stepsMax) steps") }
    }

    /// Large values count as many steps, so that what a run reads and makes is bounded and not only how often it does.
    /// Chosen so that any run ends within a second: reading costs a step for 2 KiB of text, making text one for 256
    /// bytes, either one for 8 elements.
    private mutating func charge(_ value: TemplateValue, isMade: Bool = false) throws(TemplateFailure) {
        switch value {
        case .text(let text): steps += text.count >> (isMade ? 8 : 11)
        case .list(let items): steps += items.count >> 3
        case .map(let pairs): steps += pairs.count >> 3
        case .labels: steps += data.pairs.count >> 3
        default: return
        }
        try checkSteps()
    }

    /// Counts what costs far more than its size says.
    mutating func charge(steps more: Int) throws(TemplateFailure) {
        steps += more
        try checkSteps()
    }

    private mutating func walk(_ nodes: [TemplateNode], _ dot: TemplateValue) throws(TemplateFailure) -> Flow {
        for node in nodes {
            let flow = try walk(node, dot)
            if flow != .next { return flow }
        }
        return .next
    }

    private mutating func walk(_ node: TemplateNode, _ dot: TemplateValue) throws(TemplateFailure) -> Flow {
        try step()
        switch node {
        case .text(let text): out.append(text)
        case .field(let name):
            if case .labels = dot {
                if let value = name.bytes.withView({ data.value($0) }) { out.append(value) }
            } else {
                try charge(dot)
                // Only what is no map has something to say, and a place to look for.
                var at = 0
                if case .map = dot {} else { at = position(of: name) }
                print(try field(dot, name, TemplatePlace(.field([name], at: at))))
            }
        case .action(let pipe):
            let value = try evaluate(pipe, dot)
            if pipe.variables.isEmpty { print(value) }
        case .condition(let pipe, let list, let otherwise):
            let known = variables.count
            defer { variables.removeLast(variables.count - known) }
            return try walk(try isTrue(evaluate(pipe, dot)) ? list : otherwise, dot)
        case .with(let pipe, let list, let otherwise):
            let known = variables.count
            defer { variables.removeLast(variables.count - known) }
            let value = try evaluate(pipe, dot)
            return isTrue(value) ? try walk(list, value) : try walk(otherwise, dot)
        case .loop(let pipe, let list, let otherwise): return try loop(pipe, list, otherwise, dot)
        case .call(let name, let pipe, let at): try call(name, pipe, at, dot)
        case .breakLoop: return .breakLoop
        case .continueLoop: return .continueLoop
        }
        return .next
    }

    // The tree does not keep the position of a lone field: messages look for it.
    private func position(of name: LabelName) -> Int {
        let wanted = Array(".\(name)".utf8)
        var i = 0
        while i + wanted.count <= template.source.count {
            if template.source[i..<i + wanted.count].elementsEqual(wanted) { return i }
            i += 1
        }
        return 0
    }

    private func print(_ value: TemplateValue) {
        if case .labels = value {
            TemplatePrinter.append(resolved(value), to: out)
        } else {
            TemplatePrinter.append(value, to: out)
        }
    }

    /// Labels as a map, everything else as it is.
    func resolved(_ value: TemplateValue) -> TemplateValue {
        guard case .labels = value else { return value }
        return .map(data.pairs.map { ($0.name, .text($0.value)) })
    }

    func isTrue(_ value: TemplateValue) -> Bool { value.isTrue(data.pairs.count) }

    private mutating func loop(
        _ pipe: TemplatePipe,
        _ list: [TemplateNode],
        _ otherwise: [TemplateNode],
        _ dot: TemplateValue
    ) throws(TemplateFailure) -> Flow {
        let known = variables.count
        defer { variables.removeLast(variables.count - known) }
        let value = try evaluate(pipe, dot)
        try charge(value)
        let items: [(key: TemplateValue, value: TemplateValue)]
        switch resolved(value) {
        case .none: items = []
        case .list(let values): items = values.enumerated().map { (.int(Int64($0.offset)), $0.element) }
        case .map(let pairs): items = pairs.map { (.text($0.key), $0.value) }
        case .int(let count), .int64(let count):
            if count > Template.stepsMax { throw TemplateFailure("more than \(Template.stepsMax) steps") }
            items = count > 0 ? (0..<count).map { (.int($0), .int($0)) } : []
        default:
            throw TemplateFailure("range can't iterate over \(TemplatePrinter.text(value).string)", TemplatePlace(pipe))
        }
        if items.isEmpty { return try walk(otherwise, dot) }
        let mark = variables.count
        for item in items {
            try step()
            if pipe.variables.count == 1 {
                assign(pipe, pipe.variables[0], item.value, at: known)
            } else if pipe.variables.count == 2 {
                assign(pipe, pipe.variables[0], item.key, at: known)
                assign(pipe, pipe.variables[1], item.value, at: known + 1)
            }
            let flow = try walk(list, item.value)
            variables.removeLast(variables.count - mark)
            if flow == .breakLoop { break }
        }
        return .next
    }

    private mutating func assign(_ pipe: TemplatePipe, _ name: String, _ value: TemplateValue, at slot: Int) {
        if pipe.assigns {
            set(name, value)
        } else if slot < variables.count {
            variables[slot].value = value
        }
    }

    private mutating func set(_ name: String, _ value: TemplateValue) {
        if let at = variables.lastIndex(where: { $0.name == name }) { variables[at].value = value }
    }

    private mutating func call(
        _ name: String,
        _ pipe: TemplatePipe?,
        _ at: Int,
        _ dot: TemplateValue
    ) throws(TemplateFailure) {
        let place = TemplatePlace(call: name, pipe, at: at)
        guard let nodes = template.templates[name] else {
            throw TemplateFailure("template \(GoText.quote(name)) not defined", place)
        }
        guard callDepth < Self.callDepthMax else {
            throw TemplateFailure("exceeded maximum template depth (\(Self.callDepthMax))", place)
        }
        let argument = try pipe.map { (pipe) throws(TemplateFailure) in try evaluate(pipe, dot) } ?? .none
        let outer = (variables, within)
        variables = [("$", argument)]
        within = name
        callDepth += 1
        _ = try walk(nodes, argument)
        callDepth -= 1
        (variables, within) = outer
    }

    // MARK: Values

    private mutating func evaluate(_ pipe: TemplatePipe, _ dot: TemplateValue) throws(TemplateFailure) -> TemplateValue
    {
        var value: TemplateValue?
        for command in pipe.commands { value = try evaluate(command, dot, final: value) }
        let result = value ?? .none
        for name in pipe.variables {
            if pipe.assigns { set(name, result) } else { variables.append((name, result)) }
        }
        return result
    }

    private mutating func evaluate(
        _ command: TemplateCommand,
        _ dot: TemplateValue,
        final: TemplateValue?
    ) throws(TemplateFailure) -> TemplateValue {
        try step()
        let first = command.operands[0]
        let hasArguments = command.operands.count > 1 || final != nil
        switch first {
        case .field(let names, _):
            return try chain(dot, names, TemplatePlace(first), command, final, dot)
        case .chain(let inner, let names, _):
            if case .nilValue = inner {
                throw TemplateFailure("indirection through explicit nil in \(first.text)", TemplatePlace(first))
            }
            let value = try argument(inner, .any, dot)
            return try chain(value, names, TemplatePlace(first), command, final, dot)
        case .function(let function, _):
            return try call(function, first, TemplatePlace(command), command.operands, final, dot)
        case .pipe(let pipe):
            if hasArguments { throw notAFunction(first) }
            return try evaluate(pipe, dot)
        case .variable(let name, let names, _):
            guard let value = variables.last(where: { $0.name == name })?.value else {
                throw TemplateFailure("undefined variable: \(name)", TemplatePlace(first))
            }
            if names.isEmpty {
                if hasArguments { throw notAFunction(first) }
                return value
            }
            return try chain(value, names, TemplatePlace(first), command, final, dot)
        case .bool(let value, _):
            if hasArguments { throw notAFunction(first) }
            return .bool(value)
        case .dot:
            if hasArguments { throw notAFunction(first) }
            return dot
        case .nilValue:
            if hasArguments { throw notAFunction(first) }
            throw TemplateFailure("nil is not a command", TemplatePlace(first))
        case .number(let number, _):
            if hasArguments { throw notAFunction(first) }
            guard let ideal = number.ideal else {
                throw TemplateFailure("\(number.text) overflows int", TemplatePlace(first))
            }
            return ideal
        case .string(let text, _, _):
            if hasArguments { throw notAFunction(first) }
            return .text(text)
        }
    }

    private func notAFunction(_ operand: TemplateOperand) -> TemplateFailure {
        TemplateFailure("can't give argument to non-function \(operand.text)", TemplatePlace(operand))
    }

    /// `.a.b` from `value` on. Only the last name may be a method with arguments.
    private mutating func chain(
        _ value: TemplateValue,
        _ names: [LabelName],
        _ place: TemplatePlace,
        _ command: TemplateCommand?,
        _ final: TemplateValue?,
        _ dot: TemplateValue
    ) throws(TemplateFailure) -> TemplateValue {
        var value = value
        for (i, name) in names.enumerated() {
            var arguments: [TemplateValue] = []
            if i == names.count - 1, let command {
                for operand in command.operands.dropFirst() { arguments.append(try argument(operand, .any, dot)) }
                if let final { arguments.append(final) }
            }
            if TemplateMethods.has(value, name.bytes.string) {
                do throws(TemplateFailure) {
                    value = try TemplateMethods.call(value, name.bytes.string, arguments)
                } catch {
                    throw TemplateFailure(error.text, place)
                }
                continue
            }
            if !arguments.isEmpty {
                switch value {
                case .labels, .map: throw TemplateFailure("\(name) is not a method but has arguments", place)
                default: break
                }
            }
            if case .map = value { try charge(value) }
            value = try field(value, name, place)
        }
        return value
    }

    private func field(
        _ value: TemplateValue,
        _ name: LabelName,
        _ place: TemplatePlace
    ) throws(TemplateFailure) -> TemplateValue {
        switch value {
        case .none: return .none
        case .labels: return .text(name.bytes.withView { data.value($0) } ?? ByteString())
        case .map(let pairs): return pairs.first { $0.key == name.bytes }?.value ?? .none
        default:
            if TemplateMethods.has(value, name.bytes.string) {
                do throws(TemplateFailure) { return try TemplateMethods.call(value, name.bytes.string, []) } catch {
                    throw TemplateFailure(error.text, place)
                }
            }
            throw TemplateFailure("can't evaluate field \(name) in type \(value.typeName)", place)
        }
    }

    // MARK: Calls

    private mutating func call(
        _ function: TemplateFunction,
        _ operand: TemplateOperand,
        _ whole: TemplatePlace,
        _ operands: [TemplateOperand],
        _ final: TemplateValue?,
        _ dot: TemplateValue
    ) throws(TemplateFailure) -> TemplateValue {
        try step()
        let signature = function.signature
        let given = max(0, operands.count - 1) + (final == nil ? 0 : 1)
        if signature.rest != nil ? given < signature.fixed.count : given != signature.fixed.count {
            let least = signature.rest != nil ? "at least " : ""
            throw TemplateFailure(
                "wrong number of args for \(function.name): want \(least)\(signature.fixed.count) got \(given)",
                TemplatePlace(operand)
            )
        }
        if function == .and || function == .or { return try decide(function, operands, final, dot) }
        var arguments: [TemplateValue] = []
        arguments.reserveCapacity(given)
        for (i, operand) in operands.dropFirst().enumerated() {
            let type = i < signature.fixed.count ? signature.fixed[i] : signature.rest ?? .any
            arguments.append(try argument(operand, type, dot))
        }
        if let final {
            let type =
                arguments.count < signature.fixed.count ? signature.fixed[arguments.count] : signature.rest ?? .any
            let last = operands.count > 1 ? operands[operands.count - 1] : operand
            arguments.append(try checked(final, type, last))
        }
        for argument in arguments { try charge(argument) }
        do throws(TemplateFailure) {
            let result = try TemplateCalls.call(function, arguments, &self)
            try charge(result, isMade: true)
            if case .text(let text) = result, text.count > Template.outputMax {
                throw TemplateFailure("result exceeds \(Template.outputMax) bytes")
            }
            return result
        } catch {
            throw TemplateFailure("error calling \(function.name): \(error.text)", whole)
        }
    }

    /// `and` and `or` evaluate no more arguments than needed.
    private mutating func decide(
        _ function: TemplateFunction,
        _ operands: [TemplateOperand],
        _ final: TemplateValue?,
        _ dot: TemplateValue
    ) throws(TemplateFailure) -> TemplateValue {
        var value = TemplateValue.none
        for operand in operands.dropFirst() {
            value = try argument(operand, .any, dot)
            if isTrue(value) == (function == .or) { return value }
        }
        return final ?? value
    }

    private mutating func argument(
        _ operand: TemplateOperand,
        _ type: TemplateFunction.Parameter,
        _ dot: TemplateValue
    ) throws(TemplateFailure) -> TemplateValue {
        switch operand {
        case .dot: return try checked(dot, type, operand)
        case .nilValue:
            if type == .any { return .none }
            throw TemplateFailure("cannot assign nil to \(type.name)", TemplatePlace(operand))
        case .field(let names, _):
            return try checked(try chain(dot, names, TemplatePlace(operand), nil, nil, dot), type, operand)
        case .variable, .chain:
            let command = TemplateCommand(operands: [operand], position: operand.position)
            return try checked(try evaluate(command, dot, final: nil), type, operand)
        case .pipe(let pipe): return try checked(try evaluate(pipe, dot), type, operand)
        case .function(let function, _):
            let value = try call(function, operand, TemplatePlace(operand), [operand], nil, dot)
            return try checked(value, type, operand)
        case .bool(let value, _):
            if type == .any { return .bool(value) }
        case .string(let text, _, _):
            if type == .any || type == .text { return .text(text) }
        case .number(let number, _):
            switch type {
            case .int:
                if let integer = number.integer { return .int(integer) }
            case .float:
                if let float = number.float { return .float(float) }
            case .any:
                guard let ideal = number.ideal else {
                    throw TemplateFailure("\(number.text) overflows int", TemplatePlace(operand))
                }
                return ideal
            case .text, .time: break
            }
        }
        let wanted =
            switch type {
            case .text: "expected string"
            case .int: "expected integer"
            case .float: "expected float"
            case .any, .time: "can't handle \(operand.text) for arg of type \(type.name)"
            }
        let found = type == .time || type == .any ? "" : "; found \(operand.text)"
        throw TemplateFailure(wanted + found, TemplatePlace(operand))
    }

    private func checked(
        _ value: TemplateValue,
        _ type: TemplateFunction.Parameter,
        _ operand: TemplateOperand
    ) throws(TemplateFailure) -> TemplateValue {
        switch (type, value) {
        case (.any, _), (.text, .text), (.int, .int), (.float, .float), (.time, .time): return value
        case (_, .none):
            throw TemplateFailure("invalid value; expected \(type.name)", TemplatePlace(operand))
        default:
            throw TemplateFailure(
                "wrong type for value; expected \(type.name); got \(value.typeName)",
                TemplatePlace(operand)
            )
        }
    }
}
