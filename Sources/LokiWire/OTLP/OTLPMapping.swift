import Bytes
import LogModel

/// `OTLPRules` made ready: what becomes of an attribute.
package struct OTLPMapping: Sendable {
    let resource: Table
    let scope: Table
    let record: Table
    let severityTextAsLabel: Bool

    /// Throws where an expression does not compile.
    package init(_ rules: OTLPRules) throws(RegexError) {
        var named = rules.resource
        if !rules.ignoresDefaults { named.append(OTLPRules.Rule(.indexLabel, attributes: OTLPRules.indexAttributes)) }
        resource = try Table(named)
        scope = try Table(rules.scope)
        record = try Table(rules.record)
        severityTextAsLabel = rules.severityTextAsLabel
    }

    /// Loki's defaults.
    package static let standard = OTLPMapping()

    private init() {
        let action = OTLPRules.Action.indexLabel
        resource = Table(names: Dictionary(uniqueKeysWithValues: OTLPRules.indexAttributes.map { (ByteString($0), action) }))
        scope = Table(names: [:])
        record = scope
        severityTextAsLabel = false
    }

    struct Table: Sendable {
        private var names: [ByteString: OTLPRules.Action]
        private var patterns: [(regex: CompiledRegex, action: OTLPRules.Action)] = []

        init(names: [ByteString: OTLPRules.Action]) { self.names = names }

        init(_ rules: [OTLPRules.Rule]) throws(RegexError) {
            names = [:]
            for rule in rules {
                for name in rule.attributes where names[ByteString(name)] == nil { names[ByteString(name)] = rule.action }
                if let regex = rule.regex { patterns.append((try CompiledRegex(regex), rule.action)) }
            }
        }

        func action(_ name: ByteView) -> OTLPRules.Action {
            if names.isEmpty, patterns.isEmpty { return .structuredMetadata }
            if let action = names[ByteString(name)] { return action }
            for (regex, action) in patterns where regex.matchesFully(name) { return action }
            return .structuredMetadata
        }
    }
}

/// Turns resources, scopes and records of OTLP into streams and entries.
///
/// One arena holds the metadata of the resource, then of the scope, then of the record at hand, so that what many
/// records share is written once and a record costs only what is its own.
struct OTLPMapper {
    private let mapping: OTLPMapping
    /// Time of records that have none, nanoseconds.
    private let now: Int64
    private let pairsMax: Int

    private struct Span {
        var name: Range<Int>
        var value: Range<Int>
    }

    /// Names and values of one record, with those of its resource and scope, bytes. Chosen far above the limit on
    /// metadata: flattening repeats the name of a map for each of its members, and a request of a megabyte must not
    /// become gigabytes.
    private static let textMax = 8 << 20

    private let text = ByteArena(capacity: 4_096)
    private let line = ByteArena(capacity: 1_024)
    private var spans: [Span] = []
    private var pairs: [MetadataPair] = []
    private var resourceEnd = (spans: 0, bytes: 0)
    private var scopeEnd = (spans: 0, bytes: 0)

    private var labels = Labels()
    /// Severity text in the labels of the stream begun last; nil: no stream is begun.
    private var begun: ByteString?

    init(_ mapping: OTLPMapping, now: Int64, pairsMax: Int) {
        self.mapping = mapping
        self.now = now
        self.pairsMax = pairsMax
    }

    mutating func begin(resource attributes: [OTLPPair]) throws(PushError) {
        cut(to: (0, 0))
        begun = nil
        var found: [Label] = []
        for pair in attributes {
            switch mapping.resource.action(pair.name) {
            case .drop: break
            case .structuredMetadata: try add(pair.name, pair.value, prefix: nil)
            case .indexLabel:
                let first = spans.count
                try add(pair.name, pair.value, prefix: nil)
                for span in spans[first...] {
                    let name = ByteString(text[span.name])
                    do throws(MetadataNames.Failure) {
                        found.append(Label(try MetadataNames.normalize(name), ByteString(text[span.value])))
                    } catch {
                        throw PushError(.malformed, error.message)
                    }
                }
                cut(to: (first, first == 0 ? 0 : spans[first - 1].value.upperBound))
            }
        }
        labels = Labels(found)
        resourceEnd = (spans.count, text.count)
        scopeEnd = resourceEnd
    }

    mutating func begin(scope: OTLPScope) throws(PushError) {
        cut(to: resourceEnd)
        for pair in scope.attributes where mapping.scope.action(pair.name) != .drop {
            try add(pair.name, pair.value, prefix: nil)
        }
        try add("scope_name", .text(scope.name))
        try add("scope_version", .text(scope.version))
        if scope.droppedAttributes != 0 {
            try add("scope_dropped_attributes_count", .integer(Int64(scope.droppedAttributes)))
        }
        scopeEnd = (spans.count, text.count)
    }

    mutating func add<Sink: PushSink>(_ record: OTLPRecord, into sink: inout Sink) throws(PushError) {
        cut(to: scopeEnd)
        for pair in record.attributes where mapping.record.action(pair.name) != .drop {
            try add(pair.name, pair.value, prefix: nil)
        }
        // After the attributes: where an attribute has one of these names, the record's own field counts.
        if record.time != 0, record.observedTime != 0 {
            try add("observed_timestamp", .integer(Self.nanoseconds(record.observedTime)))
        }
        if record.severityNumber != 0 { try add("severity_number", .integer(Int64(record.severityNumber))) }
        if !mapping.severityTextAsLabel { try add("severity_text", .text(record.severityText)) }
        if record.droppedAttributes != 0 {
            try add("dropped_attributes_count", .integer(Int64(record.droppedAttributes)))
        }
        if record.flags != 0 { try add("flags", .integer(Int64(record.flags))) }
        try add("trace_id", identity: record.traceID)
        try add("span_id", identity: record.spanID)
        try add("event_name", .text(record.eventName))

        try beginStream(severity: record.severityText, &sink)
        let timestamp =
            record.time != 0
            ? Self.nanoseconds(record.time) : record.observedTime != 0 ? Self.nanoseconds(record.observedTime) : now
        pairs.removeAll(keepingCapacity: true)
        // Nothing is appended from here on: views stay valid.
        for span in spans { pairs.append(MetadataPair(name: text[span.name], value: text[span.value])) }
        if case .text(let body) = record.body {
            try sink.entry(timestamp: timestamp, line: body, metadata: pairs)
        } else {
            line.reset()
            record.body.writeText(into: line)
            try sink.entry(timestamp: timestamp, line: line.view, metadata: pairs)
        }
    }

    private mutating func beginStream<Sink: PushSink>(severity: ByteView, _ sink: inout Sink) throws(PushError) {
        let severity = mapping.severityTextAsLabel ? severity : ByteView()
        if let begun, begun == severity { return }
        var labels = labels
        let text = ByteString(severity)
        if !text.isEmpty { labels["severity_text"] = text }
        try sink.begin(stream: labels)
        begun = text
    }

    /// Times beyond 2262 stay at the end of the calendar, where the limit on future entries finds them.
    private static func nanoseconds(_ time: UInt64) -> Int64 { Int64(clamping: time) }

    // MARK: Metadata

    private mutating func cut(to end: (spans: Int, bytes: Int)) {
        spans.removeSubrange(end.spans...)
        text.truncate(to: end.bytes)
    }

    /// A field of the protocol; empty texts are left out.
    private mutating func add(_ name: StaticString, _ value: OTLPValue) throws(PushError) {
        if case .text(let text) = value, text.isEmpty { return }
        try add(ByteView(name), value, prefix: nil)
    }

    /// An identity in hexadecimal; one of nothing but zeros counts as none.
    private mutating func add(_ name: StaticString, identity: ByteView) throws(PushError) {
        guard !identity.allSatisfy({ $0 == 0 }) else { return }
        let start = text.count
        text.append(name)
        let middle = text.count
        Hex.encode(identity, into: text)
        try append(Span(name: start..<middle, value: middle..<text.count))
    }

    /// Maps are flattened, their names joined by `_`.
    private mutating func add(_ name: ByteView, _ value: OTLPValue, prefix: Range<Int>?) throws(PushError) {
        let start = text.count
        guard start <= Self.textMax else {
            throw PushError(.malformed, "the attributes of one log record take more than \(Self.textMax) bytes")
        }
        if let prefix {
            text.reserve(prefix.count + 1)
            text.append(text[prefix])
            text.append(0x5F)
        }
        text.append(name)
        let middle = text.count
        if case .map(let pairs) = value {
            for pair in pairs { try add(pair.name, pair.value, prefix: start..<middle) }
            return
        }
        value.writeText(into: text)
        try append(Span(name: start..<middle, value: middle..<text.count))
    }

    private mutating func append(_ span: Span) throws(PushError) {
        guard spans.count < pairsMax else {
            throw PushError(.malformed, "more than \(pairsMax) attributes for one log record")
        }
        spans.append(span)
    }
}
