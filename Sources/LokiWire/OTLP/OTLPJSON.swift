import Bytes

/// Decodes the JSON form of `ExportLogsServiceRequest`, after proto3's mapping as OpenTelemetry bends it: names in camel
/// or snake case, 64-bit numbers as texts or numbers, identities in hexadecimal (or base64, as plain proto3 has them),
/// enumerations as numbers or names. Unknown fields and nulls are passed over.
struct OTLPJSON {
    let limits: PushLimits
    private(set) var resources = 0
    private(set) var entries = 0
    /// Values seen in the object at hand.
    private var values = 0
    /// Texts of the object at hand whose escapes are resolved, and decoded bytes: neither is longer than it was written,
    /// so room for twice the object's length is enough, and views on it stay valid.
    private let scratch = ByteArena(capacity: 4_096)

    init(limits: PushLimits) { self.limits = limits }

    mutating func decode<Sink: PushSink>(
        _ body: ByteView, _ mapper: inout OTLPMapper, into sink: inout Sink
    ) throws(PushError) {
        var json = Objects(body)
        try json.begin()
        while let key = try json.key() {
            if key.isOne("resourceLogs", "resource_logs") {
                try json.eachItem { item throws(PushError) in
                    try resourceLogs(item, &mapper, into: &sink)
                }
            } else {
                try json.skip()
            }
        }
        try json.finish()
    }

    private mutating func resourceLogs<Sink: PushSink>(
        _ text: ByteView, _ mapper: inout OTLPMapper, into sink: inout Sink
    ) throws(PushError) {
        resources += 1
        guard resources <= limits.streamsMax else {
            throw PushError(.tooLarge, "more than \(limits.streamsMax) resources in one request: split it")
        }
        // JSON promises no order: the resource is looked for beforehand.
        var attributes: [OTLPPair] = []
        var scopes: [ByteView] = []
        var json = Objects(text)
        try json.begin()
        while let key = try json.key() {
            if key.isOne("resource", "resource") {
                attributes = try resource(try json.value())
            } else if key.isOne("scopeLogs", "scope_logs") {
                scopes.append(try json.value())
            } else {
                try json.skip()
            }
        }
        try mapper.begin(resource: attributes)
        for list in scopes {
            var items = Objects(list)
            try items.eachItem { item throws(PushError) in try scopeLogs(item, &mapper, into: &sink) }
        }
    }

    private mutating func begin(_ text: ByteView) {
        values = 0
        scratch.reset()
        scratch.reserve(text.count * 2)
    }

    private mutating func resource(_ text: ByteView) throws(PushError) -> [OTLPPair] {
        begin(text)
        var attributes: [OTLPPair] = []
        var json = Objects(text)
        try json.begin()
        while let key = try json.key() {
            if key.isOne("attributes", "attributes") {
                attributes = try pairs(try json.value(), depth: 0)
            } else {
                try json.skip()
            }
        }
        return attributes
    }

    private mutating func scopeLogs<Sink: PushSink>(
        _ text: ByteView, _ mapper: inout OTLPMapper, into sink: inout Sink
    ) throws(PushError) {
        var scope = OTLPScope()
        var records: [ByteView] = []
        var json = Objects(text)
        try json.begin()
        while let key = try json.key() {
            if key.isOne("scope", "scope") {
                scope = try self.scope(try json.value())
            } else if key.isOne("logRecords", "log_records") {
                records.append(try json.value())
            } else {
                try json.skip()
            }
        }
        try mapper.begin(scope: scope)
        for list in records {
            var items = Objects(list)
            try items.eachItem { item throws(PushError) in
                entries += 1
                guard entries <= limits.entriesMax else {
                    throw PushError(.tooLarge, "more than \(limits.entriesMax) entries in one request: split it")
                }
                try mapper.add(try record(item), into: &sink)
            }
        }
    }

    private mutating func scope(_ text: ByteView) throws(PushError) -> OTLPScope {
        begin(text)
        var scope = OTLPScope()
        var json = Objects(text)
        try json.begin()
        while let key = try json.key() {
            if key.isOne("name", "name") {
                scope.name = try json.text(scratch)
            } else if key.isOne("version", "version") {
                scope.version = try json.text(scratch)
            } else if key.isOne("attributes", "attributes") {
                scope.attributes = try pairs(try json.value(), depth: 0)
            } else if key.isOne("droppedAttributesCount", "dropped_attributes_count") {
                scope.droppedAttributes = UInt32(clamping: try json.integer())
            } else {
                try json.skip()
            }
        }
        return scope
    }

    private mutating func record(_ text: ByteView) throws(PushError) -> OTLPRecord {
        begin(text)
        var record = OTLPRecord()
        var json = Objects(text)
        try json.begin()
        while let key = try json.key() {
            if key.isOne("timeUnixNano", "time_unix_nano") {
                record.time = UInt64(clamping: try json.integer())
            } else if key.isOne("observedTimeUnixNano", "observed_time_unix_nano") {
                record.observedTime = UInt64(clamping: try json.integer())
            } else if key.isOne("severityNumber", "severity_number") {
                record.severityNumber = try json.severity()
            } else if key.isOne("severityText", "severity_text") {
                record.severityText = try json.text(scratch)
            } else if key.isOne("body", "body") {
                record.body = try value(try json.value(), depth: 0)
            } else if key.isOne("attributes", "attributes") {
                record.attributes = try pairs(try json.value(), depth: 0)
            } else if key.isOne("droppedAttributesCount", "dropped_attributes_count") {
                record.droppedAttributes = UInt32(clamping: try json.integer())
            } else if key.isOne("flags", "flags") {
                record.flags = UInt32(clamping: try json.integer())
            } else if key.isOne("traceId", "trace_id") {
                record.traceID = try json.identity(scratch, size: 16, "TraceID")
            } else if key.isOne("spanId", "span_id") {
                record.spanID = try json.identity(scratch, size: 8, "SpanID")
            } else if key.isOne("eventName", "event_name") {
                record.eventName = try json.text(scratch)
            } else {
                try json.skip()
            }
        }
        return record
    }

    // MARK: Values

    /// `[{"key": "k", "value": {"stringValue": "v"}}]`
    private mutating func pairs(_ text: ByteView, depth: Int) throws(PushError) -> [OTLPPair] {
        var found: [OTLPPair] = []
        var items = Objects(text)
        try items.eachItem { item throws(PushError) in
            var pair = OTLPPair(name: ByteView(), value: .none)
            var json = Objects(item)
            try json.begin()
            while let key = try json.key() {
                if key.isOne("key", "key") {
                    pair.name = try json.text(scratch)
                } else if key.isOne("value", "value") {
                    pair.value = try value(try json.value(), depth: depth)
                } else {
                    try json.skip()
                }
            }
            // Counted here as well: a pair need not have a value.
            try count()
            found.append(pair)
        }
        return found
    }

    private mutating func count() throws(PushError) {
        values += 1
        guard values <= OTLPValue.countMax else {
            throw PushError(.malformed, "more than \(OTLPValue.countMax) values in one log record")
        }
    }

    private mutating func value(_ text: ByteView, depth: Int) throws(PushError) -> OTLPValue {
        guard depth < OTLPValue.depthMax else {
            throw PushError(.malformed, "values are nested more than \(OTLPValue.depthMax) deep")
        }
        try count()
        if text == ByteView("null") { return .none }
        var found = OTLPValue.none
        var json = Objects(text)
        try json.begin()
        while let key = try json.key() {
            if try json.isNull() {
                try json.skip()
            } else if key.isOne("stringValue", "string_value") {
                found = .text(try json.text(scratch))
            } else if key.isOne("boolValue", "bool_value") {
                found = .bool(try json.value() == ByteView("true"))
            } else if key.isOne("intValue", "int_value") {
                found = .integer(Int64(clamping: try json.integer()))
            } else if key.isOne("doubleValue", "double_value") {
                found = .double(try json.double())
            } else if key.isOne("bytesValue", "bytes_value") {
                found = .bytes(try json.base64(scratch))
            } else if key.isOne("arrayValue", "array_value") {
                found = .array(try array(try json.value(), depth: depth))
            } else if key.isOne("kvlistValue", "kvlist_value") {
                found = .map(try map(try json.value(), depth: depth))
            } else {
                try json.skip()
            }
        }
        return found
    }

    /// `{"values": [{"intValue": "1"}]}`
    private mutating func array(_ text: ByteView, depth: Int) throws(PushError) -> [OTLPValue] {
        var found: [OTLPValue] = []
        var json = Objects(text)
        try json.begin()
        while let key = try json.key() {
            if key.isOne("values", "values") {
                try json.eachItem { item throws(PushError) in found.append(try value(item, depth: depth + 1)) }
            } else {
                try json.skip()
            }
        }
        return found
    }

    /// `{"values": [{"key": "k", "value": {…}}]}`
    private mutating func map(_ text: ByteView, depth: Int) throws(PushError) -> [OTLPPair] {
        var found: [OTLPPair] = []
        var json = Objects(text)
        try json.begin()
        while let key = try json.key() {
            if key.isOne("values", "values") {
                found = try pairs(try json.value(), depth: depth + 1)
            } else {
                try json.skip()
            }
        }
        return found
    }
}
