import Bytes
import LogStore
import LokiWire

/// `tailrace store verify`
enum StoreVerifyReport {
    static func text(_ result: StoreVerification) -> String {
        var out = ""
        for finding in result.findings {
            out += "damaged: " + finding.message
            if let group = finding.group { out += " (row group \(group)" + (finding.lost > 0 ? ", \(finding.lost) rows lost)" : ")") }
            out += "\n"
        }
        for note in result.notes { out += "note: \(note)\n" }
        out +=
            "\(result.segments) segments, \(result.bytes) bytes, and \(result.logRecords) records of the log checked: "
            + "\(result.rows) rows, \(result.lineBytes) bytes of lines; "
        out += result.isClean
            ? "all of it is as it was written\n"
            : "\(result.findings.count) part\(result.findings.count == 1 ? "" : "s") damaged, \(result.lost) rows lost\n"
        return out
    }

    static func json(_ result: StoreVerification, into out: ByteArena) {
        var json = JSONWriter(out)
        json.beginObject()
        json.key("clean")
        json.bool(result.isClean)
        for (key, value) in [
            ("segments", result.segments), ("bytes", result.bytes), ("log_records", result.logRecords),
            ("rows", result.rows), ("line_bytes", result.lineBytes), ("lost_rows", result.lost),
        ] as [(StaticString, Int)] {
            json.key(key)
            json.integer(value)
        }
        json.key("findings")
        json.beginArray()
        for finding in result.findings {
            json.beginObject()
            if let segment = finding.segment {
                json.key("segment")
                json.integer(Int64(clamping: segment))
            }
            if let group = finding.group {
                json.key("group")
                json.integer(group)
            }
            if let rows = finding.rows {
                json.key("first_row")
                json.integer(rows.lowerBound)
                json.key("end_row")
                json.integer(rows.upperBound)
            }
            json.key("lost_rows")
            json.integer(finding.lost)
            json.key("message")
            json.string(finding.message)
            json.endObject()
        }
        json.endArray()
        json.key("notes")
        json.beginArray()
        for note in result.notes { json.string(note) }
        json.endArray()
        json.endObject()
        out.append("\n")
    }
}
