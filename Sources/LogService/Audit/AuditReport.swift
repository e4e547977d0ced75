import Bytes
import LogModel
import LogStages
import LogStore
import LokiWire
import Redaction

/// `tailrace audit`, for people and for programs.
enum AuditReport {
    static func text(_ tally: AuditTally, _ fixed: EditTally?) -> String {
        var out = ""
        if let fixed {
            out += "\(fixed.changed) rows changed, \(fixed.dropped) dropped or moved, in \(fixed.segments) segments\n"
            for words in fixed.unreadable { out += "not mended: \(words)\n" }
        }
        for words in tally.damaged { out += "damaged: \(words)\n" }
        if tally.rowsLost > 0 { out += "\(tally.rowsLost) rows cannot be read\n" }
        if tally.unscanned > 0 { out += "\(tally.unscanned) rows could not be scanned\n" }
        guard tally.rowsFound > 0 else { return out + "\(tally.rows) rows, \(tally.bytes) bytes: nothing found\n" }
        out += "rule\tfindings\n"
        for (name, count) in named(tally.findings, tally) { out += "\(name)\t\(count)\n" }
        out += "\nday\tfindings\n"
        for day in tally.days.keys.sorted() {
            out += "\(day)\t\(named(tally.days[day] ?? [], tally).map { "\($0.count) \($0.name)" }.joined(separator: ", "))\n"
        }
        out += "\nrows\tstream\n"
        for stream in tally.streams.sorted(by: { $0.rows > $1.rows }) {
            out += "\(stream.rows)\t\(stream.labels)\(stream.tenant == .fake ? "" : " of \(stream.tenant)"): "
            out += named(stream.findings, tally).map { "\($0.count) \($0.name)" }.joined(separator: ", ") + "\n"
        }
        if tally.streamsLeftOut > 0 { out += "and \(tally.streamsLeftOut) rows of more streams\n" }
        return out + "\n\(tally.rowsFound) of \(tally.rows) rows hold what today's rules would have caught\n"
    }

    /// Those that occur, by number of the rule.
    private static func named(_ counts: [Int], _ tally: AuditTally) -> [(name: String, count: Int)] {
        zip(tally.names, counts).filter { $0.1 > 0 }.map { ($0.0, $0.1) }
    }

    static func json(_ tally: AuditTally, _ fixed: EditTally?, into out: ByteArena) {
        var json = JSONWriter(out)
        json.beginObject()
        for (key, value) in [
            ("rows", tally.rows), ("bytes", tally.bytes), ("rows_found", tally.rowsFound), ("rows_unscanned", tally.unscanned),
            ("rows_unreadable", tally.rowsLost),
        ] as [(StaticString, Int)] {
            json.key(key)
            json.integer(value)
        }
        json.key("findings")
        findings(tally.findings, tally, &json)
        json.key("days")
        json.beginObject()
        for day in tally.days.keys.sorted() {
            json.key(bytes: ByteString(day))
            findings(tally.days[day] ?? [], tally, &json)
        }
        json.endObject()
        json.key("streams")
        json.beginArray()
        for stream in tally.streams {
            json.beginObject()
            json.key("tenant")
            json.string("\(stream.tenant)")
            json.key("labels")
            json.beginObject()
            for pair in stream.labels.pairs {
                json.key(bytes: pair.name)
                json.string(pair.value)
            }
            json.endObject()
            json.key("rows")
            json.integer(stream.rows)
            json.key("findings")
            findings(stream.findings, tally, &json)
            json.endObject()
        }
        json.endArray()
        json.key("damaged")
        strings(tally.damaged, &json)
        if let fixed {
            json.key("fixed")
            json.beginObject()
            for (key, value) in [("changed", fixed.changed), ("dropped", fixed.dropped), ("segments", fixed.segments)] as [(StaticString, Int)] {
                json.key(key)
                json.integer(value)
            }
            json.key("unreadable")
            strings(fixed.unreadable, &json)
            json.endObject()
        }
        json.endObject()
        out.append("\n")
    }

    private static func findings(_ counts: [Int], _ tally: AuditTally, _ json: inout JSONWriter) {
        json.beginObject()
        for (name, count) in named(counts, tally) {
            json.key(bytes: ByteString(name))
            json.integer(count)
        }
        json.endObject()
    }

    private static func strings(_ list: [String], _ json: inout JSONWriter) {
        json.beginArray()
        for text in list { json.string(text) }
        json.endArray()
    }
}
