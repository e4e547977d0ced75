import Bytes
import LogModel
import LokiWire

/// A push in JSON: what it holds is no more than the body, and can be written and read as protobuf.
@Sendable func fuzzPushJSON(_ input: ByteView) throws(FuzzTarget.Breach) {
    guard let rows = try pushed(input, type: "application/json", encoding: nil) else { return }
    try expectFits(rows, in: input)
    try expectComesBack(rows)
}

/// A push in protobuf. Compressed here, so that the search works on the message; `snappy` has a target of its own.
@Sendable func fuzzPushProtobuf(_ input: ByteView) throws(FuzzTarget.Breach) {
    let packed = ByteArena()
    Compressor.snappy(input, into: packed)
    guard let rows = try pushed(packed.view, type: "application/x-protobuf", encoding: "snappy") else { return }
    try expectFits(rows, in: input)
    try expectComesBack(rows)
}

/// What a push or an OTLP request delivers, as owned values.
struct PushedRows: PushSink {
    struct Row: Equatable {
        var stream: Int
        var timestamp: Int64
        var line: ByteString
        var metadata: Labels
    }

    private(set) var streams: [Labels] = []
    private(set) var rows: [Row] = []

    mutating func begin(stream labels: Labels) throws(PushError) { streams.append(labels) }

    mutating func entry(timestamp: Int64, line: ByteView, metadata: [MetadataPair]) throws(PushError) {
        let pairs = metadata.map { Label(ByteString($0.name), ByteString($0.value)) }
        rows.append(
            Row(stream: streams.count - 1, timestamp: timestamp, line: ByteString(line), metadata: Labels(pairs)))
    }
}

/// Nil for a body that is refused, which must happen with words.
private func pushed(_ body: ByteView, type: String, encoding: String?) throws(FuzzTarget.Breach) -> PushedRows? {
    var rows = PushedRows()
    let outcome: PushDecoder.Outcome
    do throws(PushError) {
        outcome = try PushDecoder(limits: .fuzzing).decode(body, contentType: type, contentEncoding: encoding, into: &rows)
    } catch {
        try expect(!error.message.isEmpty, "refused without words")
        return nil
    }
    try expect(outcome.entries == rows.rows.count, "\(outcome.entries) entries said, \(rows.rows.count) delivered")
    return rows
}

/// Bytes that are not UTF-8 may become U+FFFD, which has three.
private func expectFits(_ rows: PushedRows, in body: ByteView) throws(FuzzTarget.Breach) {
    let size = rows.rows.reduce(0) { $0 + $1.line.count }
    try expect(size <= 3 * body.count, "\(size) bytes of lines from \(body.count)")
}

/// Streams that have rows and only names that the text of labels can express: what our own shipping sends.
private func expectComesBack(_ rows: PushedRows) throws(FuzzTarget.Breach) {
    guard !rows.rows.isEmpty,
        rows.streams.allSatisfy({ $0.pairs.allSatisfy { pair in pair.name.withView { LabelText.isName($0) } } })
    else { return }
    let encoder = PushEncoder()
    var stream: Int?
    for row in rows.rows {
        if stream != row.stream { encoder.begin(stream: rows.streams[row.stream]) }
        stream = row.stream
        encoder.entry(timestamp: row.timestamp, line: row.line.bytes, metadata: row.metadata)
    }
    let packed = ByteArena()
    encoder.finish(into: packed)
    guard let again = try pushed(packed.view, type: "application/x-protobuf", encoding: nil) else {
        throw FuzzTarget.Breach("what was encoded is refused")
    }
    try expect(again.rows.count == rows.rows.count, "\(rows.rows.count) rows come back as \(again.rows.count)")
    for (row, other) in zip(rows.rows, again.rows) {
        try expect(
            rows.streams[row.stream] == again.streams[other.stream] && row.timestamp == other.timestamp
                && row.line == other.line && row.metadata == other.metadata,
            "\(rows.streams[row.stream]) \(row) comes back as \(again.streams[other.stream]) \(other)")
    }
}

extension PushLimits {
    /// Bodies of a search are small: what is far larger than one was invented.
    static var fuzzing: PushLimits {
        var limits = PushLimits()
        limits.decodedSizeMax = 8 << 20
        return limits
    }
}

extension PushEncoder {
    fileprivate func entry(timestamp: Int64, line: [UInt8], metadata: Labels) {
        line.withView { entry(timestamp: timestamp, line: $0, metadata: metadata) }
    }
}
