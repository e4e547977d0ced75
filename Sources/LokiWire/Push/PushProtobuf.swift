import Bytes
import LogModel

/// Decodes `logproto.PushRequest`:
///
/// ```
/// PushRequest   { repeated Stream streams = 1; string format = 2; }
/// Stream        { string labels = 1; repeated Entry entries = 2; uint64 hash = 3; }
/// Entry         { Timestamp timestamp = 1; string line = 2; repeated LabelPair structuredMetadata = 3; parsed = 4 }
/// Timestamp     { int64 seconds = 1; int32 nanos = 2; }
/// LabelPair     { string name = 1; string value = 2; }
/// ```
///
/// Unknown fields, `hash`, `format` and `parsed` are passed over. Every length is checked against what is left.
struct PushProtobuf {
    let limits: PushLimits
    let textCache: LabelCache
    private var pairs: [MetadataPair] = []
    private(set) var streams = 0
    private(set) var entries = 0

    init(limits: PushLimits, textCache: LabelCache) {
        self.limits = limits
        self.textCache = textCache
    }

    private enum Stop: Error {
        case wire(DecodeError)
        case push(PushError)
    }

    mutating func decode<Sink: PushSink>(_ body: ByteView, into sink: inout Sink) throws(PushError) {
        do throws(Stop) {
            var request = ByteReader(body)
            while !request.isAtEnd {
                let field = try wire { () throws(DecodeError) in try request.field() }
                if field.number == 1 {
                    let stream = try wire { () throws(DecodeError) in try request.message(field) }
                    try self.stream(stream, into: &sink)
                } else {
                    try wire { () throws(DecodeError) in try request.skip(field) }
                }
            }
        } catch {
            switch error {
            case .wire(let error):
                throw PushError(.malformed, "unmarshal of the protobuf push request failed: \(error.message)")
            case .push(let error): throw error
            }
        }
    }

    private func wire<R>(_ body: () throws(DecodeError) -> R) throws(Stop) -> R {
        do throws(DecodeError) { return try body() } catch { throw .wire(error) }
    }

    private func push<R>(_ body: () throws(PushError) -> R) throws(Stop) -> R {
        do throws(PushError) { return try body() } catch { throw .push(error) }
    }

    private mutating func stream<Sink: PushSink>(_ bytes: ByteView, into sink: inout Sink) throws(Stop) {
        streams += 1
        guard streams <= limits.streamsMax else {
            throw .push(PushError(.tooLarge, "more than \(limits.streamsMax) streams in one push: split it"))
        }
        // Labels come first from every known writer, but protobuf does not promise an order: look for them beforehand.
        var text = ByteView()
        var reader = ByteReader(bytes)
        var ordered = true
        while !reader.isAtEnd {
            let field = try wire { () throws(DecodeError) in try reader.field() }
            if field.number == 1 {
                text = try wire { () throws(DecodeError) in try reader.message(field) }
                if ordered { break }
            } else {
                ordered = false
                try wire { () throws(DecodeError) in try reader.skip(field) }
            }
        }
        guard text.count <= limits.labelTextMax else {
            throw .push(PushError(.malformed, "labels of one stream take \(text.count) bytes, limit \(limits.labelTextMax)"))
        }
        let labels = try push { () throws(PushError) in
            if text.isEmpty { return Labels() }
            return try textCache.labels(text) { view throws(PushError) in try PushDecoder.labels(view, limits) }
        }
        try push { () throws(PushError) in try sink.begin(stream: labels) }
        reader = ByteReader(bytes)
        while !reader.isAtEnd {
            let field = try wire { () throws(DecodeError) in try reader.field() }
            guard field.number == 2 else {
                try wire { () throws(DecodeError) in try reader.skip(field) }
                continue
            }
            entries += 1
            guard entries <= limits.entriesMax else {
                throw .push(PushError(.tooLarge, "more than \(limits.entriesMax) entries in one push: split it"))
            }
            let entry = try wire { () throws(DecodeError) in
                try Self.entry(try reader.message(field), pairs: &pairs, max: limits.pairsMax)
            }
            try push { () throws(PushError) in
                try sink.entry(timestamp: entry.timestamp, line: entry.line, metadata: pairs)
            }
        }
    }

    private static func entry(
        _ bytes: ByteView, pairs: inout [MetadataPair], max: Int
    ) throws(DecodeError) -> (timestamp: Int64, line: ByteView) {
        pairs.removeAll(keepingCapacity: true)
        var timestamp: Int64 = 0
        var line = ByteView()
        var reader = ByteReader(bytes)
        while !reader.isAtEnd {
            let field = try reader.field()
            switch field.number {
            case 1: timestamp = try Self.timestamp(try reader.message(field))
            case 2: line = try reader.message(field)
            case 3:
                guard pairs.count < max else {
                    throw DecodeError("more than \(max) pairs of structured metadata in one entry", at: reader.offset)
                }
                pairs.append(try pair(try reader.message(field)))
            default: try reader.skip(field)
            }
        }
        return (timestamp, line)
    }

    private static func timestamp(_ bytes: ByteView) throws(DecodeError) -> Int64 {
        var seconds: Int64 = 0
        var nanoseconds: Int64 = 0
        var reader = ByteReader(bytes)
        while !reader.isAtEnd {
            let field = try reader.field()
            switch (field.number, field.type) {
            case (1, 0): seconds = Int64(bitPattern: try reader.varint())
            case (2, 0): nanoseconds = Int64(bitPattern: try reader.varint())
            default: try reader.skip(field)
            }
        }
        guard nanoseconds.magnitude < 1_000_000_000,
            let time = RFC3339.join(seconds: seconds, nanoseconds: nanoseconds)
        else { throw DecodeError("timestamp outside the years 1677 to 2262") }
        return time
    }

    private static func pair(_ bytes: ByteView) throws(DecodeError) -> MetadataPair {
        var pair = MetadataPair(name: ByteView(), value: ByteView())
        var reader = ByteReader(bytes)
        while !reader.isAtEnd {
            let field = try reader.field()
            switch field.number {
            case 1: pair.name = try reader.message(field)
            case 2: pair.value = try reader.message(field)
            default: try reader.skip(field)
            }
        }
        return pair
    }
}

/// A field's number and wire type.
struct ProtobufField {
    var number: UInt64
    var type: UInt8
}

extension ByteReader {
    mutating func field() throws(DecodeError) -> ProtobufField {
        let start = offset
        let key = try varint()
        guard key >> 3 > 0, key >> 3 <= 0x1FFF_FFFF else { throw DecodeError("illegal protobuf tag", at: start) }
        return ProtobufField(number: key >> 3, type: UInt8(truncatingIfNeeded: key & 7))
    }

    /// The bytes of a length-delimited field.
    mutating func message(_ field: ProtobufField) throws(DecodeError) -> ByteView {
        guard field.type == 2 else {
            throw DecodeError("wrong wire type \(field.type) for field \(field.number)", at: offset)
        }
        return try prefixed()
    }

    mutating func skip(_ field: ProtobufField) throws(DecodeError) {
        switch field.type {
        case 0: _ = try varint()
        case 1: _ = try bytes(8)
        case 2: _ = try prefixed()
        case 5: _ = try bytes(4)
        default: throw DecodeError("wrong wire type \(field.type)", at: offset)
        }
    }
}
