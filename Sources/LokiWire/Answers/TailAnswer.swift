import Bytes
import LogModel

/// What a live tail sends at once: entries, and those that it left out because its reader was too slow.
package struct TailAnswer: Sendable {
    /// Each with the labels of its stream, in the order in which they are shown.
    package var entries: [(labels: Labels, entry: ResultEntry)] = []
    package var dropped: [(timestamp: Int64, labels: Labels)] = []

    package init() {}

    package var isEmpty: Bool { entries.isEmpty && dropped.isEmpty }

    /// How it is written.
    package enum Format: Sendable, Equatable {
        /// A JSON object for a WebSocket message; `flags` are echoed, and `categorize-labels` among them gives each value
        /// a third element.
        case message(flags: [String])
        /// The message of `/api/prom/tail`: labels as text, times as RFC 3339.
        case legacy
        /// An entry a line, for readers without WebSocket: `{"ts":…,"labels":{…},"line":"…"}`, as `tailrace query -o jsonl`
        /// prints them. What was left out comes as lines `{"dropped_entries":[…]}`.
        case lines
    }

    package func write(_ format: Format, into out: ByteArena) {
        switch format {
        case .message(let flags): message(flags, out)
        case .legacy: legacy(out)
        case .lines: lines(out)
        }
    }

    /// One stream object for each entry: the order of entries matters more than the repeated labels cost.
    private func message(_ flags: [String], _ out: ByteArena) {
        let categorized = flags.contains(QueryResponse.categorizeLabels)
        var json = JSONWriter(out)
        json.beginObject()
        json.key("streams")
        json.beginArray()
        for (labels, entry) in entries {
            json.beginObject()
            json.key("stream")
            json.labels(labels)
            json.key("values")
            json.beginArray()
            json.value(entry, categorized: categorized)
            json.endArray()
            json.endObject()
        }
        json.endArray()
        if !dropped.isEmpty { writeDropped(&json) }
        if !flags.isEmpty {
            json.key("encodingFlags")
            json.beginArray()
            for flag in flags { json.string(flag) }
            json.endArray()
        }
        json.endObject()
    }

    private func writeDropped(_ json: inout JSONWriter) {
        json.key("dropped_entries")
        json.beginArray()
        for (timestamp, labels) in dropped {
            json.beginObject()
            json.key("timestamp")
            json.nanoseconds(timestamp)
            json.key("labels")
            json.labels(labels)
            json.endObject()
        }
        json.endArray()
    }

    private func legacy(_ out: ByteArena) {
        var json = JSONWriter(out)
        json.beginObject()
        json.key("streams")
        json.beginArray()
        for (labels, entry) in entries {
            json.beginObject()
            json.key("labels")
            json.labelText(labels)
            json.key("entries")
            json.beginArray()
            json.beginObject()
            json.key("ts")
            json.time(entry.timestamp)
            json.key("line")
            json.string(entry.line)
            json.endObject()
            json.endArray()
            json.endObject()
        }
        json.endArray()
        if !dropped.isEmpty {
            json.key("dropped_entries")
            json.beginArray()
            for (timestamp, labels) in dropped {
                json.beginObject()
                json.key("Timestamp")
                json.time(timestamp)
                json.key("Labels")
                json.labelText(labels)
                json.endObject()
            }
            json.endArray()
        }
        json.endObject()
    }

    private func lines(_ out: ByteArena) {
        for (labels, entry) in entries {
            var json = JSONWriter(out)
            json.beginObject()
            json.key("ts")
            json.nanoseconds(entry.timestamp)
            json.key("labels")
            json.labels(labels)
            json.key("line")
            json.string(entry.line)
            json.endObject()
            out.append(0x0A)
        }
        if !dropped.isEmpty {
            var json = JSONWriter(out)
            json.beginObject()
            writeDropped(&json)
            json.endObject()
            out.append(0x0A)
        }
    }
}
