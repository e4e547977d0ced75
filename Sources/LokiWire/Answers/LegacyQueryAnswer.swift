import Bytes
import LogModel

/// The answer of the legacy query endpoint: labels as text, times as RFC 3339, and beside each line the labels that are
/// not the stream's.
package enum LegacyQueryAnswer {
    /// `streams` with their categories apart; the answer groups entries by all their labels.
    package static func write(_ streams: [ResultStream], _ statistics: QueryStatistics, into out: ByteArena) {
        var json = JSONWriter(out)
        json.beginObject()
        json.key("streams")
        json.beginArray()
        for stream in regrouped(streams) {
            json.beginObject()
            json.key("labels")
            json.labelText(stream.labels)
            json.key("entries")
            json.beginArray()
            for entry in stream.entries {
                json.beginObject()
                json.key("ts")
                json.time(entry.timestamp)
                json.key("line")
                json.string(entry.line)
                json.categories(of: entry)
                json.endObject()
            }
            json.endArray()
            json.endObject()
        }
        json.endArray()
        json.key("stats")
        StatisticsAnswer.write(statistics, &json)
        json.endObject()
        out.append(0x0A)
    }

    private static func regrouped(_ streams: [ResultStream]) -> [ResultStream] {
        var groups: [Labels: [ResultEntry]] = [:]
        for stream in streams {
            for entry in stream.entries {
                var labels = stream.labels
                for pair in entry.metadata.pairs { labels[pair.name] = pair.value }
                for pair in entry.parsed.pairs { labels[pair.name] = pair.value }
                groups[labels, default: []].append(entry)
            }
        }
        return groups.sorted { $0.key < $1.key }.map { ResultStream(labels: $0.key, entries: $0.value) }
    }
}
