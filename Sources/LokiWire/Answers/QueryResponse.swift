import Bytes
import LogModel

/// The body of a query's answer, with the key order that streaming clients rely on: `status`, then `data` with
/// `resultType`, `encodingFlags`, `result`, `stats`.
package struct QueryResponse {
    package var result: QueryResult
    /// `X-Loki-Response-Encoding-Flags` as the client sent it, echoed for streams. `categorize-labels` among them gives
    /// every value a third object.
    package var encodingFlags: [String] = []
    package var statistics = QueryStatistics()
    package var warnings: [String] = []

    package init(_ result: QueryResult) { self.result = result }

    /// The only flag that changes anything.
    package static let categorizeLabels = "categorize-labels"

    /// The flags of a header's value: split at commas, neither trimmed nor folded, as Loki takes them.
    package static func flags(header: String?) -> [String] {
        guard let header, !header.isEmpty else { return [] }
        return header.utf8.split(separator: 0x2C).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Appends the answer and a newline.
    package func write(into out: ByteArena) {
        var json = JSONWriter(out)
        json.beginObject()
        json.key("status")
        json.string("success")
        if case .streams = result { writeWarnings(&json) }
        json.key("data")
        json.beginObject()
        json.key("resultType")
        switch result {
        case .streams(let streams):
            json.string("streams")
            if !encodingFlags.isEmpty {
                json.key("encodingFlags")
                json.beginArray()
                for flag in encodingFlags { json.string(flag) }
                json.endArray()
            }
            json.key("result")
            write(streams, &json)
        case .matrix(let series):
            json.string("matrix")
            json.key("result")
            write(series, &json)
        case .vector(let samples):
            json.string("vector")
            json.key("result")
            write(samples, &json)
        case .scalar(let timestamp, let value):
            json.string("scalar")
            json.key("result")
            json.beginArray()
            json.seconds(timestamp)
            json.value(value)
            json.endArray()
        }
        json.key("stats")
        StatisticsAnswer.write(statistics, &json)
        json.endObject()
        if case .streams = result {} else { writeWarnings(&json) }
        json.endObject()
        out.append(0x0A)
    }

    private func writeWarnings(_ json: inout JSONWriter) {
        guard !warnings.isEmpty else { return }
        json.key("warnings")
        json.beginArray()
        for warning in warnings { json.string(warning) }
        json.endArray()
    }

    private func write(_ streams: [ResultStream], _ json: inout JSONWriter) {
        let categorized = encodingFlags.contains(Self.categorizeLabels)
        json.beginArray()
        for stream in streams {
            json.beginObject()
            json.key("stream")
            json.labels(stream.labels)
            json.key("values")
            json.beginArray()
            for entry in stream.entries { json.value(entry, categorized: categorized) }
            json.endArray()
            json.endObject()
        }
        json.endArray()
    }

    private func write(_ series: [ResultSeries], _ json: inout JSONWriter) {
        json.beginArray()
        for one in series {
            json.beginObject()
            json.key("metric")
            json.labels(one.labels)
            json.key("values")
            json.beginArray()
            for point in one.points { write(point, &json) }
            json.endArray()
            json.endObject()
        }
        json.endArray()
    }

    private func write(_ samples: [ResultSample], _ json: inout JSONWriter) {
        json.beginArray()
        for sample in samples {
            json.beginObject()
            json.key("metric")
            json.labels(sample.labels)
            json.key("value")
            write(sample.point, &json)
            json.endObject()
        }
        json.endArray()
    }

    private func write(_ point: ResultPoint, _ json: inout JSONWriter) {
        json.beginArray()
        json.seconds(point.timestamp)
        json.value(point.value)
        json.endArray()
    }
}
