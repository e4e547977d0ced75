import Bytes
import LogModel
import LokiWire

/// Keeps what a decoder delivers, as owned values.
struct CollectingSink: PushSink {
    struct Entry: Equatable {
        var labels: Labels
        var timestamp: Int64
        var line: ByteString
        var metadata: [Label]

        init(_ labels: KeyValuePairs<String, String>, _ timestamp: Int64, _ line: String, _ metadata: [Label] = []) {
            self.init(Labels(labels), timestamp, ByteString(line), metadata)
        }

        init(_ labels: Labels, _ timestamp: Int64, _ line: ByteString, _ metadata: [Label]) {
            self.labels = labels
            self.timestamp = timestamp
            self.line = line
            self.metadata = metadata
        }
    }

    private(set) var streams: [Labels] = []
    private(set) var entries: [Entry] = []

    mutating func begin(stream labels: Labels) throws(PushError) { streams.append(labels) }

    mutating func entry(timestamp: Int64, line: ByteView, metadata: [MetadataPair]) throws(PushError) {
        entries.append(
            Entry(
                streams.last ?? Labels(), timestamp, ByteString(line),
                metadata.map { Label(ByteString($0.name), ByteString($0.value)) }))
    }
}

func decode(
    _ body: [UInt8], type: String? = "application/json", encoding: String? = nil, limits: PushLimits = PushLimits()
) throws(PushError) -> CollectingSink {
    var sink = CollectingSink()
    _ = try body.withView { view throws(PushError) in
        try PushDecoder(limits: limits).decode(view, contentType: type, contentEncoding: encoding, into: &sink)
    }
    return sink
}

func decode(json: String, limits: PushLimits = PushLimits()) throws(PushError) -> CollectingSink {
    try decode(Array(json.utf8), limits: limits)
}
