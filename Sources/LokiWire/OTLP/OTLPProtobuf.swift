import Bytes

/// Decodes `opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest`:
///
/// ```
/// Request       { repeated ResourceLogs resource_logs = 1; }
/// ResourceLogs  { Resource resource = 1; repeated ScopeLogs scope_logs = 2; }
/// Resource      { repeated KeyValue attributes = 1; }
/// ScopeLogs     { Scope scope = 1; repeated LogRecord log_records = 2; }
/// Scope         { string name = 1; string version = 2; repeated KeyValue attributes = 3; uint32 dropped = 4; }
/// LogRecord     { fixed64 time = 1; enum severity = 2; string severity_text = 3; AnyValue body = 5; repeated KeyValue
///                 attributes = 6; uint32 dropped = 7; fixed32 flags = 8; bytes trace_id = 9; bytes span_id = 10;
///                 fixed64 observed_time = 11; string event_name = 12; }
/// KeyValue      { string key = 1; AnyValue value = 2; }
/// AnyValue      { string = 1 | bool = 2 | int64 = 3 | double = 4 | ArrayValue = 5 | KeyValueList = 6 | bytes = 7 }
/// ```
///
/// Unknown fields are passed over; every length is checked against what is left.
struct OTLPProtobuf {
    let limits: PushLimits
    private(set) var resources = 0
    private(set) var entries = 0
    /// Values seen in the message at hand.
    private var values = 0

    init(limits: PushLimits) { self.limits = limits }

    mutating func decode<Sink: PushSink>(
        _ body: ByteView, _ mapper: inout OTLPMapper, into sink: inout Sink
    ) throws(PushError) {
        var request = Fields(body)
        while let field = try request.next() {
            guard field.number == 1 else {
                try request.skip(field)
                continue
            }
            resources += 1
            guard resources <= limits.streamsMax else {
                throw PushError(.tooLarge, "more than \(limits.streamsMax) resources in one request: split it")
            }
            let logs = try request.message(field)
            try mapper.begin(resource: try resource(try Self.last(1, of: logs)))
            var fields = Fields(logs)
            while let field = try fields.next() {
                if field.number == 2 {
                    try scopeLogs(try fields.message(field), &mapper, into: &sink)
                } else {
                    try fields.skip(field)
                }
            }
        }
    }

    /// The last field `number` of a message, wherever it stands: protobuf promises no order.
    private static func last(_ number: UInt64, of message: ByteView) throws(PushError) -> ByteView {
        var found = ByteView()
        var fields = Fields(message)
        while let field = try fields.next() {
            if field.number == number { found = try fields.message(field) } else { try fields.skip(field) }
        }
        return found
    }

    private mutating func resource(_ message: ByteView) throws(PushError) -> [OTLPPair] {
        values = 0
        var attributes: [OTLPPair] = []
        var fields = Fields(message)
        while let field = try fields.next() {
            if field.number == 1 {
                attributes.append(try pair(try fields.message(field), depth: 0))
            } else {
                try fields.skip(field)
            }
        }
        return attributes
    }

    private mutating func scopeLogs<Sink: PushSink>(
        _ message: ByteView, _ mapper: inout OTLPMapper, into sink: inout Sink
    ) throws(PushError) {
        try mapper.begin(scope: try scope(try Self.last(1, of: message)))
        var fields = Fields(message)
        while let field = try fields.next() {
            guard field.number == 2 else {
                try fields.skip(field)
                continue
            }
            entries += 1
            guard entries <= limits.entriesMax else {
                throw PushError(.tooLarge, "more than \(limits.entriesMax) entries in one request: split it")
            }
            try mapper.add(try record(try fields.message(field)), into: &sink)
        }
    }

    private mutating func scope(_ message: ByteView) throws(PushError) -> OTLPScope {
        values = 0
        var scope = OTLPScope()
        var fields = Fields(message)
        while let field = try fields.next() {
            switch field.number {
            case 1: scope.name = try fields.message(field)
            case 2: scope.version = try fields.message(field)
            case 3: scope.attributes.append(try pair(try fields.message(field), depth: 0))
            case 4: scope.droppedAttributes = UInt32(truncatingIfNeeded: try fields.varint(field))
            default: try fields.skip(field)
            }
        }
        return scope
    }

    private mutating func record(_ message: ByteView) throws(PushError) -> OTLPRecord {
        values = 0
        var record = OTLPRecord()
        var fields = Fields(message)
        while let field = try fields.next() {
            switch field.number {
            case 1: record.time = try fields.fixed64(field)
            case 2: record.severityNumber = Int32(truncatingIfNeeded: try fields.varint(field))
            case 3: record.severityText = try fields.message(field)
            case 5: record.body = try value(try fields.message(field), depth: 0)
            case 6: record.attributes.append(try pair(try fields.message(field), depth: 0))
            case 7: record.droppedAttributes = UInt32(truncatingIfNeeded: try fields.varint(field))
            case 8: record.flags = try fields.fixed32(field)
            case 9: record.traceID = try fields.identity(field, size: 16, "TraceID")
            case 10: record.spanID = try fields.identity(field, size: 8, "SpanID")
            case 11: record.observedTime = try fields.fixed64(field)
            case 12: record.eventName = try fields.message(field)
            default: try fields.skip(field)
            }
        }
        return record
    }

    // MARK: Values

    private mutating func pair(_ message: ByteView, depth: Int) throws(PushError) -> OTLPPair {
        var pair = OTLPPair(name: ByteView(), value: .none)
        var fields = Fields(message)
        while let field = try fields.next() {
            switch field.number {
            case 1: pair.name = try fields.message(field)
            case 2: pair.value = try value(try fields.message(field), depth: depth)
            default: try fields.skip(field)
            }
        }
        return pair
    }

    private mutating func value(_ message: ByteView, depth: Int) throws(PushError) -> OTLPValue {
        guard depth < OTLPValue.depthMax else {
            throw PushError(.malformed, "values are nested more than \(OTLPValue.depthMax) deep")
        }
        values += 1
        guard values <= OTLPValue.countMax else {
            throw PushError(.malformed, "more than \(OTLPValue.countMax) values in one log record")
        }
        var found = OTLPValue.none
        var fields = Fields(message)
        while let field = try fields.next() {
            switch field.number {
            case 1: found = .text(try fields.message(field))
            case 2: found = .bool(try fields.varint(field) != 0)
            case 3: found = .integer(Int64(bitPattern: try fields.varint(field)))
            case 4: found = .double(Double(bitPattern: try fields.fixed64(field)))
            case 5:
                var items: [OTLPValue] = []
                var inner = Fields(try fields.message(field))
                while let field = try inner.next() {
                    if field.number == 1 {
                        items.append(try value(try inner.message(field), depth: depth + 1))
                    } else {
                        try inner.skip(field)
                    }
                }
                found = .array(items)
            case 6:
                var pairs: [OTLPPair] = []
                var inner = Fields(try fields.message(field))
                while let field = try inner.next() {
                    if field.number == 1 {
                        pairs.append(try pair(try inner.message(field), depth: depth + 1))
                    } else {
                        try inner.skip(field)
                    }
                }
                found = .map(pairs)
            case 7: found = .bytes(try fields.message(field))
            default: try fields.skip(field)
            }
        }
        return found
    }
}

/// The fields of one protobuf message, front to back; what is wrong refuses the whole request.
private struct Fields {
    private var reader: ByteReader

    init(_ message: ByteView) { reader = ByteReader(message) }

    private static func refusal(_ error: DecodeError) -> PushError {
        PushError(.malformed, "unmarshal of the OTLP logs request failed: \(error.message)")
    }

    mutating func next() throws(PushError) -> ProtobufField? {
        if reader.isAtEnd { return nil }
        do throws(DecodeError) { return try reader.field() } catch { throw Self.refusal(error) }
    }

    mutating func message(_ field: ProtobufField) throws(PushError) -> ByteView {
        do throws(DecodeError) { return try reader.message(field) } catch { throw Self.refusal(error) }
    }

    mutating func skip(_ field: ProtobufField) throws(PushError) {
        do throws(DecodeError) { try reader.skip(field) } catch { throw Self.refusal(error) }
    }

    mutating func varint(_ field: ProtobufField) throws(PushError) -> UInt64 {
        try expect(field, 0)
        do throws(DecodeError) { return try reader.varint() } catch { throw Self.refusal(error) }
    }

    mutating func fixed64(_ field: ProtobufField) throws(PushError) -> UInt64 {
        try expect(field, 1)
        do throws(DecodeError) { return try reader.littleEndian() } catch { throw Self.refusal(error) }
    }

    mutating func fixed32(_ field: ProtobufField) throws(PushError) -> UInt32 {
        try expect(field, 5)
        do throws(DecodeError) { return try reader.littleEndian() } catch { throw Self.refusal(error) }
    }

    /// Nothing, or exactly `size` bytes.
    mutating func identity(_ field: ProtobufField, size: Int, _ name: String) throws(PushError) -> ByteView {
        let bytes = try message(field)
        guard bytes.isEmpty || bytes.count == size else { throw PushError(.malformed, "invalid length for \(name)") }
        return bytes
    }

    private func expect(_ field: ProtobufField, _ type: UInt8) throws(PushError) {
        guard field.type == type else {
            throw Self.refusal(DecodeError("wrong wire type \(field.type) for field \(field.number)"))
        }
    }
}
