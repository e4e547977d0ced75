import Bytes
import LogModel
import LogQL
import LogStages
import Metrics
import Redaction

/// Stages as they were written into operations; every mistake with its place and what to do about it.
struct PipelineCompiler {
    /// `match` in `match`: more than anybody writes, and the compiler recurses.
    static let nestingMax = 32

    let environment: PipelineEnvironment
    var operations: [Operation] = []
    var slots = Slots()
    private var metadataNames: [ByteString] = []
    private var reasons: [String] = []
    private(set) var redactors: [Redactor] = []
    private var memoryCount = 0
    private var hasWaitingStages = false
    private var warnings: [PipelineError] = []
    /// Stages around the one being compiled.
    private var around: [String] = []

    init(environment: PipelineEnvironment) { self.environment = environment }

    func finish() -> Pipeline {
        let operations = operations.map { operation in
            switch operation {
            case .template(let template, let slot): return Operation.template(completed(template), slot: slot)
            case .replace(var replace):
                if case .template(let template) = replace.replacement {
                    replace.replacement = .template(completed(template))
                }
                return .replace(replace)
            default: return operation
            }
        }
        let counters = reasons.map { reason in
            environment.registry.counter(
                "logentry_dropped_lines_total", "Lines that stages have dropped, by reason.",
                Labels([Label("reason", ByteString(reason))]))
        }
        return Pipeline(
            operations: operations, slots: slots.numbers, metadataNames: metadataNames.map { MetadataName($0) }, dropCounters: counters,
            redactors: redactors, redactionCounters: redactors.map { RedactionCounters($0, environment.registry) },
            memoryCount: memoryCount, hasWaitingStages: hasWaitingStages,
            environment: environment, warnings: warnings)
    }

    mutating func compile(_ specs: [StageSpec]) throws(PipelineError) {
        for spec in specs { try compile(spec) }
    }

    // MARK: Places

    mutating func memory() -> Int {
        memoryCount += 1
        return memoryCount - 1
    }

    private mutating func reason(_ text: String) -> Int {
        if let known = reasons.firstIndex(of: text) { return known }
        reasons.append(text)
        return reasons.count - 1
    }

    private mutating func metadataName(_ name: String) -> Int {
        let name = ByteString(name)
        if let known = metadataNames.firstIndex(of: name) { return known }
        metadataNames.append(name)
        return metadataNames.count - 1
    }

    func error(
        _ spec: StageSpec, _ option: String?, _ message: String, hint: String = ""
    ) -> PipelineError {
        let location = option.flatMap { spec.optionLocations[$0] } ?? spec.location
        return PipelineError(
            at: location, stage: (around + [spec.kind.name]).joined(separator: "."), message, hint: hint)
    }

    /// A source that was written must name something.
    private mutating func source(_ spec: StageSpec, _ name: String?) throws(PipelineError) -> Int? {
        guard let name else { return nil }
        guard !name.isEmpty else {
            throw error(spec, "source", "`source` is empty", hint: "leave it out to work on the line")
        }
        return slots.number(name)
    }

    private mutating func required(_ spec: StageSpec, _ name: String) throws(PipelineError) -> Int {
        guard !name.isEmpty else {
            throw error(spec, "source", "`source` is missing", hint: "name the extracted value to use")
        }
        return slots.number(name)
    }

    private func regex(_ spec: StageSpec, _ option: String, _ text: String) throws(PipelineError) -> CompiledRegex {
        guard !text.isEmpty else {
            throw error(spec, option, "`\(option)` is missing", hint: "give a regular expression in RE2's syntax")
        }
        do throws(RegexError) { return try CompiledRegex(text) } catch {
            throw self.error(
                spec, option, error.description, hint: "the syntax is RE2's: no look-around, no back references")
        }
    }

    func checkLabel(_ spec: StageSpec, _ name: String) throws(PipelineError) {
        let bytes = Array(name.utf8)
        guard let first = bytes.first, first.isLetter || first == UInt8(ascii: "_"),
            bytes.allSatisfy({ $0.isAlphanumeric || $0 == UInt8(ascii: "_") })
        else {
            throw error(
                spec, name, "`\(name)` is no label name", hint: "letters, digits and underscores, no digit in front")
        }
    }

    // MARK: Stages

    private mutating func compile(_ spec: StageSpec) throws(PipelineError) {
        switch spec.kind {
        case .json(let options): try compile(spec, options)
        case .logfmt(let options): try compile(spec, options)
        case .regex(let options): try compile(spec, options)
        case .timestamp(let options): try compile(spec, options)
        case .docker: try compileDocker(spec)
        case .cri(let options): compile(options)
        case .template(let source, let text):
            let slot = try required(spec, source)
            operations.append(.template(try template(spec, "template", text), slot: slot))
        case .output(let source): operations.append(.output(slot: try required(spec, source)))
        case .replace(let options): try compile(spec, options)
        case .multiline(let options): try compile(spec, options)
        case .pack(let labels, let ingestTimestamp): try compilePack(spec, labels, ingestTimestamp)
        case .decolorize: operations.append(.decolorize)
        case .strip(let nul, let carriageReturn, let ansi):
            guard nul || carriageReturn || ansi else {
                throw error(spec, nil, "`strip` has nothing to do", hint: "leave the options out: all are on")
            }
            operations.append(.strip(StripOperation(nul: nul, carriageReturn: carriageReturn, ansi: ansi)))
        case .tenant(let label, let source, let value): try compileTenant(spec, label, source, value)
        case .redact(let settings):
            do throws(RedactionError) { redactors.append(try Redactor(settings)) } catch {
                throw self.error(spec, nil, error.message)
            }
            operations.append(.redact(memory: redactors.count - 1))
        case .labels(let mapping): try compileLabels(spec, mapping)
        case .structuredMetadata(let mapping): try compileMetadata(spec, mapping)
        case .staticLabels(let mapping): try compileStatic(spec, mapping)
        case .labelAllow(let names):
            try checkList(spec, names)
            operations.append(.allowLabels(Set(names.map { ByteString($0) }), memory: memory()))
        case .labelDrop(let names):
            try checkList(spec, names)
            operations.append(.dropLabels(Set(names.map { ByteString($0) }), memory: memory()))
        case .match(let options): try compile(spec, options)
        case .drop(let options): try compile(spec, options)
        case .limit(let options): try compile(spec, options)
        case .sampling(let rate, let dropReason):
            guard rate >= 0, rate <= 1 else {
                throw error(spec, "rate", "`rate` is \(rate)", hint: "give the share of lines to keep, from 0 to 1")
            }
            operations.append(.sample(rate: rate, reason: reason(dropReason ?? "sampling_stage")))
        case .metrics(let metrics): try compileMetrics(spec, metrics)
        }
    }

    private mutating func compile(_ spec: StageSpec, _ options: JSONStageOptions) throws(PipelineError) {
        guard !options.expressions.isEmpty else {
            throw error(spec, "expressions", "`expressions` is missing", hint: "write `expressions: {name: path}`")
        }
        let source = try source(spec, options.source)
        var targets: [(path: JMESPath, slot: Int)] = []
        for mapping in options.expressions {
            let text = mapping.source.flatMap { $0.isEmpty ? nil : $0 } ?? mapping.name
            do throws(JMESPath.Failure) {
                targets.append((try JMESPath(text), slots.number(mapping.name)))
            } catch {
                throw self.error(spec, "expressions.\(mapping.name)", error.message, hint: error.hint)
            }
        }
        let dropReason = options.dropMalformed ? reason("malformed_json") : nil
        operations.append(.json(JSONExtraction(targets, source: source), dropReason: dropReason))
    }

    private mutating func compile(_ spec: StageSpec, _ options: LogfmtStageOptions) throws(PipelineError) {
        guard !options.mapping.isEmpty else {
            throw error(spec, "mapping", "`mapping` is missing", hint: "write `mapping: {name: key}`")
        }
        let source = try source(spec, options.source)
        let targets = options.mapping.map { mapping in
            (key: ByteString(mapping.source.flatMap { $0.isEmpty ? nil : $0 } ?? mapping.name), slot: slots.number(mapping.name))
        }
        operations.append(.logfmt(LogfmtExtraction(targets, source: source)))
    }

    private mutating func compile(_ spec: StageSpec, _ options: RegexStageOptions) throws(PipelineError) {
        let compiled = try regex(spec, "expression", options.expression)
        let source = try source(spec, options.source)
        var numbers: [String: Int] = [:]
        for case let name? in compiled.groupNames { numbers[name] = slots.number(name) }
        let extraction = RegexExtraction(compiled, source: source) { numbers[$0] ?? 0 }
        if !extraction.isUseful {
            warnings.append(
                error(
                    spec, "expression", "the expression has no named group and extracts nothing",
                    hint: "name groups as (?P<name>…)"))
        }
        operations.append(.regex(extraction))
    }

    private mutating func compile(_ spec: StageSpec, _ options: TimestampStageOptions) throws(PipelineError) {
        let slot = try required(spec, options.source)
        guard !options.format.isEmpty else {
            throw error(
                spec, "format", "`format` is missing", hint: "a name such as RFC3339 or UnixMs, or a Go layout")
        }
        var zone = GoZone.utc
        if let location = options.location, !location.isEmpty {
            guard let found = GoZone(named: location) else {
                throw error(
                    spec, "location", "unknown time zone `\(location)`",
                    hint: "use a name of the IANA database, such as Europe/Berlin")
            }
            zone = found
        }
        for format in [options.format] + options.fallbackFormats {
            switch TimeFormat(format) {
            case .layout(let layout), .yearless(let layout), .named(let layout):
                if layout.isEmpty {
                    warnings.append(
                        error(
                            spec, "format", "`\(format)` holds nothing of a Go layout and fits only itself",
                            hint: "layouts show the time 2006-01-02T15:04:05"))
                }
            default: break
            }
        }
        operations.append(
            .timestamp(
                TimestampExtraction(
                    slot: slot, formats: ([options.format] + options.fallbackFormats).map { TimeFormat($0) }, zone: zone),
                fudge: options.actionOnFailure == .fudge, memory: memory()))
    }

    /// Promtail's `docker` is four stages with fixed options.
    private mutating func compileDocker(_ spec: StageSpec) throws(PipelineError) {
        seedAgain("docker")
        let mapping = [StageMapping("output", "log"), StageMapping("stream"), StageMapping("timestamp", "time")]
        try compile(spec, JSONStageOptions(expressions: mapping))
        try compileLabels(spec, [StageMapping("stream")])
        try compile(spec, TimestampStageOptions(source: "timestamp", format: "RFC3339Nano"))
        operations.append(.output(slot: slots.number("output")))
    }

    /// A pipeline inside the pipeline begins with the labels as extracted values, over what was extracted.
    private mutating func seedAgain(_ stage: String) {
        if !operations.isEmpty { operations.append(.seed(within: stage)) }
    }

    private mutating func compile(_ options: CRIStageOptions) {
        seedAgain("cri")
        hasWaitingStages = true
        let sizeMax = options.maxPartialLineSizeTruncate && options.maxPartialLineSize > 0 ? options.maxPartialLineSize : nil
        operations.append(
            .cri(
                CRIOperation(
                    partialStreamsMax: options.maxPartialLines > 0 ? options.maxPartialLines : 100, sizeMax: sizeMax,
                    stream: LabelTarget(name: "stream", slot: slots.number("stream")), time: slots.number("time"),
                    content: slots.number("content"), flags: slots.number("flags"), memory: memory())))
    }

    private mutating func compile(_ spec: StageSpec, _ options: ReplaceStageOptions) throws(PipelineError) {
        let compiled = try regex(spec, "expression", options.expression)
        let source = try source(spec, options.source)
        let replacement: ReplaceOperation.Replacement =
            options.replace.contains("{{")
            ? .template(try template(spec, "replace", options.replace)) : .text(ByteString(options.replace))
        if compiled.groupCount == 0 {
            warnings.append(
                error(
                    spec, "expression", "the expression has no group, so nothing is replaced",
                    hint: "put parentheses around what is to be replaced"))
        }
        var named: [(group: Int, slot: Int)] = []
        for (index, name) in compiled.groupNames.enumerated() {
            if let name { named.append((index + 1, slots.number(name))) }
        }
        operations.append(
            .replace(
                ReplaceOperation(regex: compiled, replacement: replacement, source: source, named: named)))
    }

    private mutating func template(
        _ spec: StageSpec, _ option: String, _ text: String
    ) throws(PipelineError) -> TemplateOperation {
        do throws(StageError) {
            let template = try Template(text, name: "pipeline_template", dialect: .collector)
            var fields: [TemplateOperation.Field] = []
            for name in template.requiredLabels ?? [] where name != "Value" && name != "Entry" {
                fields.append(TemplateOperation.Field(name: name, slot: slots.number(name.string)))
            }
            return TemplateOperation(template, fields: fields)
        } catch {
            throw self.error(
                spec, option, "\(error)", hint: "the functions are those of LogQL's line_format, Hash, Sha2Hash and more of sprig's; write {{ .Value }}")
        }
    }

    /// Templates that may read any name get all names of the pipeline, now that they are known.
    private func completed(_ operation: TemplateOperation) -> TemplateOperation {
        guard operation.template.requiredLabels == nil else { return operation }
        return TemplateOperation(
            operation.template,
            fields: slots.numbers.map { TemplateOperation.Field(name: $0.key, slot: $0.value) })
    }

    private mutating func compile(_ spec: StageSpec, _ options: MultilineStageOptions) throws(PipelineError) {
        let compiled = try regex(spec, "firstline", options.firstline)
        guard options.maxWaitTime > 0 else {
            throw error(spec, "max_wait_time", "`max_wait_time` must be longer than 0", hint: "3s is the default")
        }
        hasWaitingStages = true
        operations.append(
            .multiline(
                MultilineOperation(
                    firstline: compiled, waitMax: options.maxWaitTime,
                    linesMax: options.maxLines > 0 ? options.maxLines : 128, memory: memory())))
    }

    private mutating func compilePack(
        _ spec: StageSpec, _ labels: [String], _ ingestTimestamp: Bool
    ) throws(PipelineError) {
        for name in labels { try checkLabel(spec, name) }
        let targets = Set(labels).sorted { ByteString($0) < ByteString($1) }
            .map { LabelTarget(name: ByteString($0), slot: slots.number($0)) }
        operations.append(.pack(PackOperation(labels: targets, ingestTimestamp: ingestTimestamp, memory: memory())))
    }

    private mutating func compileTenant(
        _ spec: StageSpec, _ label: String?, _ source: String?, _ value: String?
    ) throws(PipelineError) {
        let given = [label, source, value].compactMap { $0 }.filter { !$0.isEmpty }
        guard given.count == 1 else {
            throw error(
                spec, nil, given.isEmpty ? "none of `label`, `source` and `value` is given" : "more than one of `label`, `source` and `value` is given",
                hint: "give exactly one")
        }
        if let source, !source.isEmpty {
            operations.append(.labels([LabelTarget(name: "__tenant_id__", slot: slots.number(source))], memory: memory()))
        } else if let value, !value.isEmpty {
            operations.append(.setLabels([Label("__tenant_id__", ByteString(value))], memory: memory()))
        } else if let label {
            operations.append(.tenantFromLabel(ByteString(label), memory: memory()))
        }
    }

    private mutating func compileLabels(_ spec: StageSpec, _ mapping: [StageMapping]) throws(PipelineError) {
        guard !mapping.isEmpty else {
            throw error(spec, nil, "no label is given", hint: "write `labels: {name: source}`")
        }
        var targets: [LabelTarget] = []
        for one in mapping {
            try checkLabel(spec, one.name)
            let source = one.source.flatMap { $0.isEmpty ? nil : $0 } ?? one.name
            targets.append(LabelTarget(name: ByteString(one.name), slot: slots.number(source)))
        }
        operations.append(.labels(targets, memory: memory()))
    }

    private mutating func compileMetadata(_ spec: StageSpec, _ mapping: [StageMapping]) throws(PipelineError) {
        guard !mapping.isEmpty else {
            throw error(spec, nil, "no name is given", hint: "write `structured_metadata: {name: source}`")
        }
        var targets: [MetadataTarget] = []
        for one in mapping {
            try checkLabel(spec, one.name)
            let source = one.source.flatMap { $0.isEmpty ? nil : $0 } ?? one.name
            targets.append(
                MetadataTarget(name: metadataName(one.name), slot: slots.number(source), source: ByteString(source)))
        }
        operations.append(.structuredMetadata(targets, memory: memory()))
    }

    private mutating func compileStatic(_ spec: StageSpec, _ mapping: [StageMapping]) throws(PipelineError) {
        guard !mapping.isEmpty else {
            throw error(spec, nil, "no label is given", hint: "write `static_labels: {name: value}`")
        }
        var labels: [Label] = []
        for one in mapping {
            if one.name.isEmpty { throw error(spec, nil, "a label name is empty") }
            if let value = one.source, !value.isEmpty { labels.append(Label(ByteString(one.name), ByteString(value))) }
        }
        operations.append(.setLabels(labels, memory: memory()))
    }

    private func checkList(_ spec: StageSpec, _ names: [String]) throws(PipelineError) {
        guard !names.isEmpty else { throw error(spec, nil, "the list is empty", hint: "list label names") }
    }

    private mutating func compile(_ spec: StageSpec, _ options: MatchStageOptions) throws(PipelineError) {
        let selector = try selector(spec, options.selector)
        switch options.action {
        case .drop:
            guard options.stages.isEmpty else {
                throw error(
                    spec, "stages", "`action: drop` with `stages`",
                    hint: "dropped lines pass no stages: remove one of the two")
            }
            operations.append(
                .dropMatching(
                    selector, reason: reason(options.dropCounterReason ?? "match_stage"), memory: memory()))
        case .keep:
            guard !options.stages.isEmpty else {
                throw error(
                    spec, "stages", "no `stages`",
                    hint: "`keep` runs stages on the lines that match; to drop them use `action: drop`")
            }
            guard around.count < Self.nestingMax else {
                throw error(spec, nil, "`match` stages are nested too deeply", hint: "at most \(Self.nestingMax) levels")
            }
            let at = operations.count
            let place = memory()
            operations.append(.match(selector, otherwise: 0, memory: place))
            operations.append(.seed(within: "match"))
            around.append("match")
            try compile(options.stages)
            around.removeLast()
            operations[at] = .match(selector, otherwise: operations.count, memory: place)
        }
    }

    /// Promtail's selector: label conditions, then line filters with plain texts and regular expressions.
    private func selector(_ spec: StageSpec, _ text: String) throws(PipelineError) -> MatchOperation {
        guard !text.isEmpty else {
            throw error(spec, "selector", "`selector` is missing", hint: #"write it as {job="api"} |= "text""#)
        }
        let tree: LogQL.LogExpression
        do throws(LogQLError) { tree = try LogQL.parseLog(text) } catch {
            guard let lenient = Self.selectorForAll(text) else {
                throw self.error(
                    spec, "selector", "`\(text)`: \(error)", hint: #"a selector looks like {job="api"} |= "text""#)
            }
            tree = lenient
        }
        var conditions: [MatchOperation.LineCondition] = []
        for stage in tree.stages {
            guard case .lineFilter(let filter) = stage, filter.values.count == 1, case .text(let text) = filter.values[0]
            else {
                throw error(
                    spec, "selector", "`\(text)` holds more than label conditions and line filters",
                    hint: "extract with stages inside, select with |=, !=, |~ and !~")
            }
            let negated = filter.op.isNegative
            switch filter.op {
            case .contains, .containsNot: conditions.append(.contains(text, negated: negated))
            case .matches, .matchesNot:
                conditions.append(.matches(try regex(spec, "selector", text.string), negated: negated))
            case .pattern, .patternNot:
                throw error(
                    spec, "selector", "`\(text)`: patterns cannot stand in a selector", hint: "use |~ with a regular expression")
            }
        }
        return MatchOperation(matchers: tree.matchers, lineConditions: conditions)
    }

    /// A selector that every stream may satisfy, such as `{app!="x"}`: queries may not ask so, stages may. It is read
    /// with one more condition in front, which is then taken away.
    private static func selectorForAll(_ text: String) -> LogQL.LogExpression? {
        let inner = text.drop { $0 == " " || $0 == "\n" || $0 == "\t" }
        guard inner.first == "{" else { return nil }
        guard var tree = try? LogQL.parseLog("{__one__=\"1\"," + inner.dropFirst()), !tree.matchers.isEmpty else {
            return nil
        }
        tree.matchers.removeFirst()
        return tree.matchers.isEmpty ? nil : tree
    }

    private mutating func compile(_ spec: StageSpec, _ options: DropStageOptions) throws(PipelineError) {
        if options.value != nil, options.expression != nil {
            throw error(spec, "expression", "both `value` and `expression` are given", hint: "give one of them")
        }
        if options.value != nil, options.sources.isEmpty {
            throw error(spec, "value", "`value` without `source`", hint: "name the extracted value to compare")
        }
        if options.sources.isEmpty, options.expression == nil, options.olderThan == nil, options.longerThan == nil {
            throw error(
                spec, nil, "no condition is given",
                hint: "give at least one of `source`, `expression`, `older_than` and `longer_than`")
        }
        if options.sources.contains("") { throw error(spec, "source", "`source` is empty") }
        var compiled: CompiledRegex?
        if let expression = options.expression { compiled = try regex(spec, "expression", expression) }
        operations.append(
            .drop(
                DropOperation(
                    sources: options.sources.map { slots.number($0) }, separator: ByteString(options.separator),
                    value: options.value.map { ByteString($0) }, regex: compiled, olderThan: options.olderThan,
                    longerThan: options.longerThan),
                reason: reason(options.dropCounterReason ?? "drop_stage")))
    }

    private mutating func compile(_ spec: StageSpec, _ options: LimitStageOptions) throws(PipelineError) {
        guard options.rate > 0, options.rate.isFinite else {
            throw error(spec, "rate", "`rate` must be above 0", hint: "give lines a second")
        }
        guard options.burst > 0 else {
            throw error(spec, "burst", "`burst` must be above 0", hint: "give the lines that may come at once")
        }
        let label = options.byLabelName.flatMap { $0.isEmpty ? nil : $0 }
        if label != nil, !options.drop {
            throw error(
                spec, "by_label_name", "`by_label_name` without `drop: true`",
                hint: "one stream cannot wait without all others waiting behind it")
        }
        operations.append(
            .limit(
                LimitOperation(
                    rate: options.rate, burst: options.burst, drops: options.drop, label: label.map { ByteString($0) },
                    distinctMax: max(10_000, options.maxDistinctLabels), registry: environment.registry,
                    redactor: environment.redactor),
                reason: reason("ratelimit_drop_stage")))
    }
}
