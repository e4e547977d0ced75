import Bytes
import LogModel

/// How entries stand in answers.
extension JSONWriter {
    /// `["<ns>","<line>"]`, or with categories `["<ns>","<line>",{…}]`: with the flag every value has the third element,
    /// without it none, and clients count on both.
    mutating func value(_ entry: ResultEntry, categorized: Bool) {
        beginArray()
        nanoseconds(entry.timestamp)
        string(entry.line)
        if categorized {
            beginObject()
            categories(of: entry)
            endObject()
        }
        endArray()
    }

    /// The keys for the labels that are not the stream's, where there are any.
    mutating func categories(of entry: ResultEntry) {
        if !entry.metadata.isEmpty {
            key("structuredMetadata")
            labels(entry.metadata)
        }
        if !entry.parsed.isEmpty {
            key("parsed")
            labels(entry.parsed)
        }
    }

    /// Labels as text, as the legacy endpoints have them: `"{app=\"x\"}"`.
    mutating func labelText(_ labels: Labels) {
        let text = ByteArena(capacity: 256)
        LabelText.write(labels, into: text)
        string(text.view)
    }

    /// A time as RFC 3339, as the legacy endpoints have it.
    mutating func time(_ nanoseconds: Int64) {
        let text = ByteArena(capacity: 64)
        RFC3339.append(nanoseconds, into: text)
        string(text.view)
    }
}
