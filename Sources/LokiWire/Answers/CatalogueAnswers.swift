import Bytes
import LogModel

/// Answers about what there is, without lines: labels, values, series, statistics, detected labels and fields, patterns.
package enum CatalogueAnswer {
    /// Label names or values. Without any the `data` key is left out, as Loki does.
    package static func strings(_ values: [ByteString], into out: ByteArena) {
        var json = JSONWriter(out)
        json.beginObject()
        json.key("status")
        json.string("success")
        if !values.isEmpty {
            json.key("data")
            json.beginArray()
            for value in values { json.string(value) }
            json.endArray()
        }
        json.endObject()
        out.append(0x0A)
    }

    package static func series(_ series: [Labels], into out: ByteArena) {
        var json = JSONWriter(out)
        json.beginObject()
        json.key("status")
        json.string("success")
        json.key("data")
        json.beginArray()
        for labels in series { json.labels(labels) }
        json.endArray()
        json.endObject()
        out.append(0x0A)
    }

    /// `index/stats`: no envelope.
    package static func statistics(streams: Int, chunks: Int, bytes: Int, entries: Int, into out: ByteArena) {
        var json = JSONWriter(out)
        json.beginObject()
        json.key("streams")
        json.integer(streams)
        json.key("chunks")
        json.integer(chunks)
        json.key("bytes")
        json.integer(bytes)
        json.key("entries")
        json.integer(entries)
        json.endObject()
        out.append(0x0A)
    }

    /// `index/shards` with a single one.
    package static func oneShard(streams: Int, chunks: Int, bytes: Int, entries: Int, into out: ByteArena) {
        out.append("{\"shards\":[{\"bounds\":{\"min\":0,\"max\":18446744073709551615},\"stats\":")
        statistics(streams: streams, chunks: chunks, bytes: bytes, entries: entries, into: out)
        // The object of the statistics ends with a newline of its own.
        out.truncate(to: out.count - 1)
        out.append("}],\"statistics\":")
        var json = JSONWriter(out)
        StatisticsAnswer.write(QueryStatistics(), &json)
        out.append("}\n")
    }

    /// The list of `delete`: whole seconds, which is what logcli decodes.
    package static func deleteRequests(_ requests: [DeleteRequest], into out: ByteArena) {
        var json = JSONWriter(out)
        json.beginArray()
        for request in requests.sorted(by: { ($0.createdAt, $0.id) < ($1.createdAt, $1.id) }) {
            json.beginObject()
            json.key("request_id")
            json.string(request.id)
            json.key("start_time")
            json.integer(request.start / 1_000_000_000)
            json.key("end_time")
            json.integer(request.end / 1_000_000_000)
            json.key("query")
            json.string(request.query)
            json.key("status")
            json.string(request.isProcessed ? "processed" : "received")
            json.key("created_at")
            json.integer(request.createdAt / 1_000_000_000)
            json.key("user_id")
            json.string(request.tenant.name)
            json.endObject()
        }
        json.endArray()
        out.append(0x0A)
    }

    /// An envelope around one text: `format_query`.
    package static func text(_ data: String, into out: ByteArena) {
        var json = JSONWriter(out)
        json.beginObject()
        json.key("status")
        json.string("success")
        json.key("data")
        json.string(data)
        json.endObject()
        out.append(0x0A)
    }

    package static func invalidQuery(_ error: String, into out: ByteArena) {
        var json = JSONWriter(out)
        json.beginObject()
        json.key("status")
        json.string("invalid-query")
        json.key("error")
        json.string(error)
        json.endObject()
        out.append(0x0A)
    }

    /// Patterns of lines, each with counts by time: `[[seconds, lines], …]`.
    package static func patterns(
        _ patterns: [(pattern: ByteString, level: ByteString, samples: [(time: Int64, count: Int)])], into out: ByteArena
    ) {
        var json = JSONWriter(out)
        json.beginObject()
        json.key("status")
        json.string("success")
        json.key("data")
        json.beginArray()
        for pattern in patterns {
            json.beginObject()
            json.key("pattern")
            json.string(pattern.pattern)
            json.key("level")
            json.string(pattern.level)
            json.key("samples")
            json.beginArray()
            for sample in pattern.samples {
                json.beginArray()
                json.integer(sample.time)
                json.integer(sample.count)
                json.endArray()
            }
            json.endArray()
            json.endObject()
        }
        json.endArray()
        json.endObject()
        out.append(0x0A)
    }

    package static func detectedLabels(_ labels: [(name: ByteString, cardinality: Int)], into out: ByteArena) {
        var json = JSONWriter(out)
        json.beginObject()
        if !labels.isEmpty {
            json.key("detectedLabels")
            json.beginArray()
            for label in labels {
                json.beginObject()
                json.key("label")
                json.string(label.name)
                json.key("cardinality")
                json.integer(label.cardinality)
                json.endObject()
            }
            json.endArray()
        }
        json.endObject()
        out.append(0x0A)
    }

    package struct DetectedField: Sendable, Equatable {
        package var label: ByteString
        /// `string`, `int`, `float`, `boolean`, `duration`, `bytes`
        package var type: String
        package var cardinality: Int
        /// `json`, `logfmt`; empty for structured metadata, which is written as `null`.
        package var parsers: [String]
        package var jsonPath: [ByteString]

        package init(
            label: ByteString, type: String, cardinality: Int, parsers: [String], jsonPath: [ByteString] = []
        ) {
            self.label = label
            self.type = type
            self.cardinality = cardinality
            self.parsers = parsers
            self.jsonPath = jsonPath
        }
    }

    package static func detectedFields(_ fields: [DetectedField], limit: Int, into out: ByteArena) {
        var json = JSONWriter(out)
        json.beginObject()
        if !fields.isEmpty {
            json.key("fields")
            json.beginArray()
            for field in fields {
                json.beginObject()
                json.key("label")
                json.string(field.label)
                json.key("type")
                json.string(field.type)
                json.key("cardinality")
                json.integer(field.cardinality)
                json.key("parsers")
                if field.parsers.isEmpty {
                    json.null()
                } else {
                    json.beginArray()
                    for parser in field.parsers { json.string(parser) }
                    json.endArray()
                }
                if !field.jsonPath.isEmpty {
                    json.key("jsonPath")
                    json.beginArray()
                    for part in field.jsonPath { json.string(part) }
                    json.endArray()
                }
                json.endObject()
            }
            json.endArray()
            json.key("limit")
            json.integer(limit)
        }
        json.endObject()
        out.append(0x0A)
    }

    package static func detectedValues(_ values: [ByteString], limit: Int, into out: ByteArena) {
        var json = JSONWriter(out)
        json.beginObject()
        if !values.isEmpty {
            json.key("values")
            json.beginArray()
            for value in values { json.string(value) }
            json.endArray()
            json.key("limit")
            json.integer(limit)
        }
        json.endObject()
        out.append(0x0A)
    }
}
