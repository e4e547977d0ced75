import Bytes
import LogModel
import LogQL

/// The stages of a query on one line, by dictionaries of strings and in the order in which they are written.
struct NaivePipeline {
    var line: String
    var labels: [String: String] = [:]
    /// Names of the stream and the metadata.
    private var base: Set<String> = []
    /// Names that a stage has set: no parser sets them again.
    private var extracted: Set<String> = []
    private var found: Set<String> = []
    private(set) var error: String?
    private var details: String?
    /// What parsers may look for; nil: everything.
    private let required: Set<String>?
    /// Filters on one label take effect when a parser before them finds it, as in Loki except below `by (…)`.
    private let filtersActEarly: Bool
    /// Those behind the parser at work, up to a stage that may give labels other values.
    private var early: [LogQL.LabelFilter] = []
    private var isRefused = false

    struct Unsupported: Error { var what: String }

    init(_ entry: GeneratedData.Line, required: Set<String>? = nil, filtersActEarly: Bool = true) {
        self.filtersActEarly = filtersActEarly
        line = entry.text
        self.required = required
        for pair in entry.stream.pairs { labels[pair.name.string] = pair.value.string }
        let ofStream = Set(labels.keys)
        for pair in entry.metadata.pairs {
            let name = pair.name.string
            labels[ofStream.contains(name) ? name + "_extracted" : name] = pair.value.string
        }
        base = Set(labels.keys)
    }

    /// With the error, as results and templates show them.
    var visible: [String: String] {
        var all = labels
        if let error { all["__error__"] = error }
        if let details { all["__error_details__"] = details }
        return all
    }

    private var isSatisfied: Bool { required.map { $0.isSubset(of: found) } ?? false }

    mutating func set(_ name: String, _ value: String) {
        labels[name] = value
        extracted.insert(name)
        found.insert(name)
    }

    /// What details say in words is tested elsewhere; here they only tell lines apart. nil leaves them as they are.
    private mutating func fail(_ kind: String, _ details: String?) {
        error = kind
        if let details { self.details = details }
    }

    /// A parser found `name`.
    private mutating func offer(_ name: String, _ value: String) {
        var name = Self.sanitized(name)
        if base.contains(name) { name += "_extracted" }
        guard !extracted.contains(name), required?.contains(name) ?? true else { return }
        set(name, value)
        for filter in early where filter.labelNames == [ByteString(name)] {
            if (try? keeps(filter)) == false { isRefused = true }
        }
    }

    private static func earlyFilters(_ stages: ArraySlice<LogQL.Stage>) -> [LogQL.LabelFilter] {
        var filters: [LogQL.LabelFilter] = []
        for stage in stages {
            switch stage {
            case .labelFilter(.string(let name, _, _)) where name == "__error__": continue
            case .labelFilter(.any), .labelFilter(.and), .labelFilter(.or): continue
            case .labelFilter(let filter): filters.append(filter)
            case .json(let list) where list.isEmpty: continue
            case .logfmt(_, let list) where list.isEmpty: continue
            case .drop, .keep, .labelFormat, .json, .logfmt: return filters
            default: continue
            }
        }
        return filters
    }

    static func sanitized(_ name: String) -> String {
        var out = String(name.unicodeScalars.map { ($0.properties.isAlphabetic || $0.properties.numericType != nil) && $0.isASCII || $0 == "_" ? Character($0) : "_" })
        if let first = out.first, first.isNumber { out = "_" + out }
        return out
    }

    /// False: the line is dropped.
    mutating func run(_ stages: [LogQL.Stage]) throws -> Bool {
        for (i, stage) in stages.enumerated() {
            early = filtersActEarly ? Self.earlyFilters(stages[(i + 1)...]) : []
            if !(try run(stage)) || isRefused { return false }
        }
        return true
    }

    private mutating func run(_ stage: LogQL.Stage) throws -> Bool {
        switch stage {
        case .lineFilter(let filter): return try keeps(filter)
        case .labelFilter(let filter): return try keeps(filter)
        case .json(let list):
            if isSatisfied { return true }
            if list.isEmpty { parseJSON() } else { try parseJSON(list) }
        case .logfmt(let flags, let list):
            if isSatisfied { return true }
            if flags.strict { throw Unsupported(what: "--strict") }
            parseLogfmt(keepEmpty: flags.keepEmpty, list)
        case .regexp(let pattern):
            if isSatisfied { return true }
            let regex = try CompiledRegex(pattern)
            var groups: [Range<Int>?] = []
            guard ByteString(line).withView({ regex.firstMatch(in: $0, groups: &groups) }) else { return true }
            for (i, name) in regex.groupNames.enumerated() {
                guard let name, i + 1 < groups.count else { continue }
                let text = groups[i + 1].map { String(decoding: Array(line.utf8)[$0], as: UTF8.self) } ?? ""
                offer(name, text)
                if isSatisfied { break }
            }
        case .pattern(let text):
            if isSatisfied { return true }
            parse(pattern: text)
        case .unpack: unpack()
        case .decolorize:
            line = line.replacing("\u{1b}[31m", with: "").replacing("\u{1b}[0m", with: "")
        case .lineFormat(let template): line = Self.fill(template, visible)
        case .labelFormat(let formats):
            let snapshot = formats.contains { if case .template = $0 { true } else { false } } ? visible : [:]
            // Only stages that either rename or fill in are made here, so that no order between them matters.
            for format in formats {
                switch format {
                case .rename(let to, let from):
                    guard let value = labels[from.string] else { continue }
                    set(to.string, value)
                    if to != from { labels[from.string] = nil }
                case .template(let to, let template): set(to.string, Self.fill(template, snapshot))
                }
            }
        case .drop(let choices):
            for choice in choices {
                let name = choice.name.string
                if case .matching(let matcher) = choice {
                    let value = name == "__error__" ? error : labels[name]
                    guard let value, matcher.matches(ByteString(value)) else { continue }
                }
                if name == "__error__" { error = nil } else { labels[name] = nil }
                if name == "__error_details__" { details = nil }
            }
        case .keep(let choices):
            labels = labels.filter { name, value in
                choices.contains { choice in
                    guard choice.name.string == name else { return false }
                    guard case .matching(let matcher) = choice else { return true }
                    return matcher.matches(ByteString(value))
                }
            }
        }
        return true
    }

    /// The sample of the line; nil: none.
    mutating func unwrap(_ unwrap: LogQL.Unwrap) throws -> Double? {
        guard let text = labels[unwrap.label.string], !text.isEmpty else { return nil }
        let value: Double? =
            switch unwrap.conversion {
            case .none: NaiveText.number(text)
            case .bytes: NaiveText.bytes(text)
            case .duration, .durationSeconds: NaiveText.duration(text).map { $0 / 1e9 }
            }
        if value == nil { fail("SampleExtractionErr", text) }
        for filter in unwrap.filters where !(try keeps(filter)) { return nil }
        return value ?? 0
    }

    // MARK: Parsers

    private mutating func parseJSON() {
        guard case .object(let members)? = NaiveText.json(line) else { return fail("JSONParserErr", "object") }
        for (name, value) in NaiveText.flatten(members) {
            offer(name, value)
            if isSatisfied { return }
        }
    }

    private mutating func parseJSON(_ list: [LogQL.Extraction]) throws {
        guard let first = line.first else { return }
        guard "{[\"".contains(first) else { return fail("JSONParserErr", nil) }
        let document = NaiveText.json(line)
        for extraction in list {
            let label = extraction.label.string
            let target = base.contains(label) ? label + "_extracted" : label
            if let document, let value = try Self.value(extraction.expression, document) {
                set(target, value)
            } else if !base.contains(label), labels[label] == nil {
                set(label, "")
            }
        }
    }

    /// `a`, `a.b`, `a[1]`, `a[*]`, `a[#]`: the paths that are made here.
    private static func value(_ path: String, _ document: NaiveText.Value) throws -> String? {
        let parts = path.replacing("[", with: ".[").split(separator: ".")
        var value = document
        for part in parts {
            if part.hasPrefix("[") {
                guard case .array(let items) = value else { return nil }
                if part == "[#]" { return "\(items.count)" }
                if part == "[*]" { return value.raw }
                guard let index = Int(part.dropFirst().dropLast()) else { throw Unsupported(what: path) }
                guard items.indices.contains(index) else { return nil }
                value = items[index]
            } else {
                guard case .object(let members) = value, let member = members.first(where: { $0.0 == part }) else {
                    return nil
                }
                value = member.1
            }
        }
        switch value {
        case .text(let text): return text
        case .null: return ""
        default: return value.raw
        }
    }

    private mutating func parseLogfmt(keepEmpty: Bool, _ list: [LogQL.Extraction]) {
        for extraction in list {
            let label = extraction.label.string
            if !base.contains(label), labels[label] == nil { set(label, "") }
        }
        for (key, value) in NaiveText.logfmt(line) {
            if list.isEmpty {
                if value.isEmpty, !keepEmpty { continue }
                offer(key, value)
                if isSatisfied { return }
            } else if let target = list.first(where: { $0.expression == key || $0.label.string == key })?.label.string {
                set(base.contains(target) ? target + "_extracted" : target, value)
            }
        }
    }

    /// Literals and captures in turn; what a literal is not found behind takes the rest.
    private mutating func parse(pattern: String) {
        if line.isEmpty { return }
        var rest = Substring(line)
        var pending: String?
        for part in Self.parts(pattern) {
            switch part {
            case .capture(let name): pending = name
            case .literal(let text):
                if let name = pending {
                    pending = nil
                    guard let at = rest.firstRange(of: text) else {
                        if name != "_" { offer(name, String(rest)) }
                        return
                    }
                    if name != "_" { offer(name, String(rest[..<at.lowerBound])) }
                    rest = rest[at.upperBound...]
                } else {
                    guard rest.hasPrefix(text) else { return }
                    rest = rest.dropFirst(text.count)
                }
            }
            if isSatisfied { return }
        }
        if let name = pending, name != "_" { offer(name, String(rest)) }
    }

    private enum Part { case literal(String), capture(String) }

    private static func parts(_ pattern: String) -> [Part] {
        var parts: [Part] = []
        var rest = Substring(pattern)
        while !rest.isEmpty {
            if rest.first == "<", let end = rest.firstIndex(of: ">") {
                parts.append(.capture(String(rest[rest.index(after: rest.startIndex)..<end])))
                rest = rest[rest.index(after: end)...]
            } else {
                let text = rest.prefix { $0 != "<" }
                parts.append(.literal(String(text)))
                rest = rest.dropFirst(text.count)
            }
        }
        return parts
    }

    private mutating func unpack() {
        if line.isEmpty { return }
        let isQuiet = isSatisfied
        guard case .object(let members)? = NaiveText.json(line) else {
            if !isQuiet { fail("JSONParserErr", "packed") }
            return
        }
        guard case .text(let entry)? = members.first(where: { $0.0 == "_entry" })?.1 else { return }
        for (name, value) in members where !isQuiet && name != "_entry" {
            if case .text(let text) = value { offer(name, text) }
        }
        line = entry
    }

    // MARK: Formats

    /// `{{.name}}` only.
    static func fill(_ template: String, _ labels: [String: String]) -> String {
        var out = ""
        var rest = Substring(template)
        while let open = rest.firstRange(of: "{{."), let close = rest.firstRange(of: "}}") {
            out += rest[..<open.lowerBound]
            out += labels[String(rest[open.upperBound..<close.lowerBound])] ?? ""
            rest = rest[close.upperBound...]
        }
        return out + rest
    }

    // MARK: Filters

    private func keeps(_ filter: LogQL.LineFilter) throws -> Bool {
        let isHit = try filter.values.contains { value in
            guard case .text(let text) = value else { throw Unsupported(what: "ip") }
            switch filter.op {
            case .contains, .containsNot: return text.isEmpty || line.contains(text.string)
            case .matches, .matchesNot:
                let regex = try CompiledRegex(text.string)
                return ByteString(line).withView { regex.matches($0) }
            case .pattern, .patternNot: return isLike(text.string)
            }
        }
        return isHit != filter.op.isNegative
    }

    private func isLike(_ pattern: String) -> Bool {
        if pattern.isEmpty || line.isEmpty { return pattern.isEmpty && line.isEmpty }
        var rest = Substring(line)
        var endsInGap = false
        for (i, part) in Self.parts(pattern).enumerated() {
            switch part {
            case .capture: endsInGap = true
            case .literal(let text):
                endsInGap = false
                guard let at = rest.firstRange(of: text), i == 0 || at.lowerBound > rest.startIndex else { return false }
                rest = rest[at.upperBound...]
            }
        }
        return endsInGap ? !rest.isEmpty : rest.isEmpty
    }

    private mutating func keeps(_ filter: LogQL.LabelFilter) throws -> Bool {
        var refused = ""
        func holds(_ name: ByteString, _ comparison: LogQL.Comparison, _ wanted: Double, _ read: (String) -> Double?)
            -> Bool?
        {
            guard let text = labels[name.string] else { return false }
            refused = text
            return read(text).map { comparison.holds($0, wanted) }
        }
        var outcome: Bool?
        switch filter {
        case .and(let parts, _):
            var keep = true
            for part in parts where !(try keeps(part)) { keep = false }
            return keep
        case .or(let parts, _):
            for part in parts where try keeps(part) { return true }
            return false
        case .string(let name, let op, let value):
            let text = name == "__error__" ? error ?? "" : labels[name.string] ?? ""
            return try LabelMatcher("x", op, value).matches(ByteString(text))
        case .ip(let name, let negated, let network):
            if error != nil { return true }
            guard let text = labels[name.string] else { return false }
            // Two are asked for: one address, and all that begin with 10.
            return (network == "10.0.0.0/8" ? text.hasPrefix("10.") : text == network.string) != negated
        case .any(let name, let op, let value):
            var elements: [String] = []
            if let text = labels[name.string], !text.isEmpty {
                if case .array(let items)? = NaiveText.json(text) {
                    elements = items.compactMap {
                        switch $0 {
                        case .text(let text): text
                        case .null: nil
                        default: $0.raw
                        }
                    }
                } else {
                    elements = [text]
                }
            }
            let positive: LabelMatcher.Operator = op == .equal || op == .notEqual ? .equal : .matches
            let matcher = try LabelMatcher("x", positive, value)
            return elements.contains { matcher.matches(ByteString($0)) } == (positive == op)
        case .number(let name, let comparison, let wanted): outcome = holds(name, comparison, wanted, NaiveText.number)
        case .duration(let name, let comparison, let wanted):
            outcome = holds(name, comparison, Double(wanted), NaiveText.duration)
        case .bytes(let name, let comparison, let wanted):
            outcome = holds(name, comparison, Double(wanted), NaiveText.bytes)
        }
        if outcome == nil, error == nil { fail("LabelFilterErr", refused) }
        return outcome ?? true
    }
}
