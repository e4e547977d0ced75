import Bytes
import LogModel

/// What the functions of templates do. Arguments have been checked against the signatures.
enum TemplateCalls {
    static func call(
        _ function: TemplateFunction,
        _ arguments: [TemplateValue],
        _ evaluator: inout TemplateEvaluator
    ) throws(TemplateFailure) -> TemplateValue {
        let a = Arguments(values: arguments)
        switch function {
        case .and, .or: return a[0]  // Decided before.
        case .not: return .bool(!evaluator.isTrue(a[0]))
        case .eq, .ne, .lt, .le, .gt, .ge: return .bool(try TemplateComparison.compare(function, arguments))
        case .index: return try index(arguments, evaluator)
        case .slice: return try slice(arguments)
        case .len: return try length(evaluator.resolved(a[0]))
        case .print: return .text(TemplatePrinter.joined(printable(arguments, evaluator)))
        case .println:
            let texts = printable(arguments, evaluator).map { TemplatePrinter.text($0).bytes }
            return .text(ByteString(Array(texts.joined(separator: [0x20])) + [0x0A]))
        case .printf:
            return .text(try GoPrintf.format(a.text(0), Array(printable(arguments, evaluator).dropFirst())))
        case .html: return .text(GoEscape.html(evaluatorText(arguments, evaluator)))
        case .js: return .text(GoEscape.javaScript(evaluatorText(arguments, evaluator)))
        case .urlquery: return .text(GoEscape.query(evaluatorText(arguments, evaluator)))
        case .call:
            throw TemplateFailure(
                { if case .none = a[0] { "call of nil" } else { "non-function of type \(a[0].typeName)" } }()
            )

        case .currentLine: return .text(evaluator.line)
        case .currentTime:
            return .time(GoInstant(Timestamp(nanoseconds: evaluator.timestamp), zone: TemplateClock.local))

        case .goToLower, .lower: return .text(GoCase.lower(a.text(0)))
        case .goToUpper, .upper: return .text(GoCase.upper(a.text(0)))
        case .title: return .text(GoCase.title(a.text(0)))
        case .goTrimSpace, .trim: return .text(a.text(0).withView { ByteString(LabelSanitizer.trim($0)) })
        case .goReplace:
            return .text(try GoStrings.replace(a.text(0), a.text(1), a.text(2), limit: a.int(3)))
        case .replace: return .text(try GoStrings.replace(a.text(2), a.text(0), a.text(1), limit: -1))
        case .goTrim: return .text(GoStrings.trim(a.text(0), a.text(1), left: true, right: true))
        case .trimAll, .trimall: return .text(GoStrings.trim(a.text(1), a.text(0), left: true, right: true))
        case .goTrimLeft: return .text(GoStrings.trim(a.text(0), a.text(1), left: true, right: false))
        case .goTrimRight: return .text(GoStrings.trim(a.text(0), a.text(1), left: false, right: true))
        case .goTrimPrefix: return .text(GoStrings.trimPrefix(a.text(0), a.text(1)))
        case .trimPrefix: return .text(GoStrings.trimPrefix(a.text(1), a.text(0)))
        case .goTrimSuffix: return .text(GoStrings.trimSuffix(a.text(0), a.text(1)))
        case .trimSuffix: return .text(GoStrings.trimSuffix(a.text(1), a.text(0)))
        case .contains: return .bool(a.text(0).withView { needle in a.text(1).withView { $0.contains(needle) } })
        case .hasPrefix: return .bool(a.text(0).withView { head in a.text(1).withView { $0.hasPrefix(head) } })
        case .hasSuffix: return .bool(a.text(0).withView { tail in a.text(1).withView { $0.hasSuffix(tail) } })
        case .trunc: return .text(GoStrings.truncate(a.text(1), a.int(0)))
        case .substr: return .text(try GoStrings.substring(a.text(2), a.int(0), a.int(1)))
        case .repeated: return .text(try GoStrings.repeated(a.text(1), a.int(0)))
        case .indent: return .text(try GoStrings.indent(a.text(1), a.int(0)))
        case .nindent: return .text(ByteString([0x0A] + (try GoStrings.indent(a.text(1), a.int(0))).bytes))
        case .alignLeft: return .text(try GoStrings.align(a.text(1), a.int(0), left: true))
        case .alignRight: return .text(try GoStrings.align(a.text(1), a.int(0), left: false))
        case .regexReplaceAll:
            return .text(
                try GoRegex.replaceAll(try regex(a.text(0), &evaluator), a.text(1), a.text(2), expands: true)
            )
        case .regexReplaceAllLiteral:
            return .text(
                try GoRegex.replaceAll(try regex(a.text(0), &evaluator), a.text(1), a.text(2), expands: false)
            )
        case .count:
            try evaluator.charge(steps: a.text(1).count >> 8)
            return .int(Int64(GoRegex.count(try regex(a.text(0), &evaluator), a.text(1))))
        case .b64enc: return .text(GoBase64.encode(a.text(0)))
        case .b64dec: return .text(GoBase64.decodeOrExplain(a.text(0)))
        case .urlencode: return .text(GoEscape.query(a.text(0)))
        case .urldecode: return .text(try GoEscape.unescapeQuery(a.text(0)))
        case .bytes:
            let text = a.text(0)
            return try text.withView { (view) throws(TemplateFailure) in
                switch ByteSize.parse(view) {
                case .success(let size): return .float(Double(size))
                case .failure(let failure): throw TemplateFailure(ByteSize.message(failure, view))
                }
            }
        case .duration, .durationSeconds:
            let text = a.text(0)
            return try text.withView { (view) throws(TemplateFailure) in
                switch GoDuration.parse(view) {
                case .success(let duration): return .float(GoDuration.seconds(duration))
                case .failure(let failure): throw TemplateFailure(GoDuration.message(failure, view))
                }
            }

        case .unixEpoch, .unixEpochMillis, .unixEpochNanos, .unixToTime, .toDate, .toDateInZone, .date, .now:
            return try TemplateTimes.call(function, arguments)

        case .toInt, .toFloat, .add, .sub, .mul, .div, .mod, .max, .min, .addf, .subf, .mulf, .divf, .maxf, .minf,
            .ceil, .floor, .round:
            return try TemplateNumbers.call(function, arguments)
        case .fromJson:
            // A value of two bytes takes some 100 in memory.
            try evaluator.charge(steps: a.text(0).count >> 5)
            return TemplateJSON.decode(a.text(0))
        case .fallback:
            if arguments.count < 2 { return a[0] }
            if case .time = a[1] { return a[1] }
            return evaluator.isTrue(a[1]) ? a[1] : a[0]
        default: return try TemplateCollectorCalls.call(function, arguments, &evaluator)
        }
    }

    struct Arguments {
        let values: [TemplateValue]

        subscript(index: Int) -> TemplateValue { index < values.count ? values[index] : .none }

        func text(_ index: Int) -> ByteString {
            if case .text(let text) = self[index] { text } else { ByteString() }
        }

        func int(_ index: Int) -> Int { Int(self[index].integer ?? 0) }
    }

    private static func printable(_ values: [TemplateValue], _ evaluator: TemplateEvaluator) -> [TemplateValue] {
        values.map { evaluator.resolved($0) }
    }

    private static func evaluatorText(_ values: [TemplateValue], _ evaluator: TemplateEvaluator) -> ByteString {
        if values.count == 1 {
            if case .none = values[0] { return "<no value>" }
        }
        return TemplatePrinter.joined(printable(values, evaluator))
    }

    static func regex(
        _ pattern: ByteString,
        _ evaluator: inout TemplateEvaluator
    ) throws(TemplateFailure) -> CompiledRegex {
        if let known = evaluator.memory.regexes[pattern] { return known }
        // Compiling may take milliseconds: a run that makes up its patterns does not get far.
        try evaluator.charge(steps: Template.stepsMax / 100)
        do {
            let regex = try CompiledRegex(pattern.string)
            if evaluator.memory.regexes.count >= TemplateMemory.regexesMax { evaluator.memory.regexes = [:] }
            evaluator.memory.regexes[pattern] = regex
            return regex
        } catch {
            throw TemplateFailure(error.description)
        }
    }

    // MARK: Go's own

    private static func index(
        _ arguments: [TemplateValue],
        _ evaluator: TemplateEvaluator
    ) throws(TemplateFailure) -> TemplateValue {
        var item = arguments[0]
        if case .none = item { throw TemplateFailure("index of untyped nil") }
        for key in arguments.dropFirst() {
            switch item {
            case .none: throw TemplateFailure("index of nil pointer")
            case .labels:
                guard case .text(let name) = key else {
                    throw TemplateFailure("value has type \(key.typeName); should be string")
                }
                item = .text(name.withView { evaluator.data.value($0) } ?? ByteString())
            case .map(let pairs):
                guard case .text(let name) = key else {
                    throw TemplateFailure("value has type \(key.typeName); should be string")
                }
                item = pairs.first { $0.key == name }?.value ?? .none
            case .list(let items):
                let at = try position(key, items.count)
                guard at < items.count else { throw TemplateFailure("index out of range: \(at)") }
                item = items[at]
            case .text(let text):
                let at = try position(key, text.count)
                guard at < text.count else { throw TemplateFailure("index out of range: \(at)") }
                item = .byte(text.bytes[at])
            default: throw TemplateFailure("can't index item of type \(item.typeName)")
            }
        }
        return item
    }

    /// An index into something of `count` elements, the end included.
    private static func position(_ key: TemplateValue, _ count: Int) throws(TemplateFailure) -> Int {
        guard let at = key.integer else {
            if case .none = key { throw TemplateFailure("cannot index slice/array with nil") }
            throw TemplateFailure("cannot index slice/array with type \(key.typeName)")
        }
        guard at >= 0, at <= Int64(count) else { throw TemplateFailure("index out of range: \(at)") }
        return Int(at)
    }

    private static func slice(_ arguments: [TemplateValue]) throws(TemplateFailure) -> TemplateValue {
        guard arguments.count <= 4 else {
            throw TemplateFailure("too many slice indexes: \(arguments.count - 1)")
        }
        let count: Int
        switch arguments[0] {
        case .none: throw TemplateFailure("slice of untyped nil")
        case .text(let text):
            if arguments.count == 4 { throw TemplateFailure("cannot 3-index slice a string") }
            count = text.count
        case .list(let items): count = items.count
        default: throw TemplateFailure("can't slice item of type \(arguments[0].typeName)")
        }
        var bounds: [Int] = []
        for key in arguments.dropFirst() { bounds.append(try position(key, count)) }
        let low = bounds.first ?? 0
        let high = bounds.count > 1 ? bounds[1] : count
        guard low <= high else { throw TemplateFailure("invalid slice index: \(low) > \(high)") }
        switch arguments[0] {
        case .text(let text): return .text(ByteString(Array(text.bytes[low..<high])))
        case .list(let items): return .list(Array(items[low..<high]))
        default: return .none
        }
    }

    private static func length(_ value: TemplateValue) throws(TemplateFailure) -> TemplateValue {
        switch value {
        case .text(let text): return .int(Int64(text.count))
        case .list(let items): return .int(Int64(items.count))
        case .map(let pairs): return .int(Int64(pairs.count))
        case .none: throw TemplateFailure("len of nil pointer")
        default: throw TemplateFailure("len of type \(value.typeName)")
        }
    }
}
