import Bytes
import LogModel

/// The answer of `/tailrace/api/v1/diff`: docs/diff.md.
package enum DiffAnswer {
    package static func write(_ report: DiffReport, into out: ByteArena) {
        var json = JSONWriter(out)
        json.beginObject()
        json.key("before")
        window(report.before, &json)
        json.key("after")
        window(report.after, &json)
        if let by = report.by {
            json.key("by")
            json.string(by)
        }
        json.key("scale")
        json.number(report.scale)
        json.key("compared")
        json.integer(report.compared)
        json.key("found")
        json.integer(report.found)
        json.key("changes")
        json.beginArray()
        for change in report.changes { self.change(change, &json) }
        json.endArray()
        json.key("left_out")
        json.beginArray()
        for field in report.leftOut { json.string(field) }
        json.endArray()
        json.key("truncated")
        json.bool(report.isCut)
        json.endObject()
        out.append(0x0A)
    }

    /// Times as text: nanoseconds are more than a JSON number holds.
    private static func window(_ window: DiffReport.Window, _ json: inout JSONWriter) {
        json.beginObject()
        json.key("start")
        json.string("\(window.range.start.nanoseconds)")
        json.key("end")
        json.string("\(window.range.end.nanoseconds)")
        json.key("rows")
        json.integer(window.rows)
        json.endObject()
    }

    private static func change(_ change: DiffReport.Change, _ json: inout JSONWriter) {
        json.beginObject()
        json.key("change")
        json.string(change.direction.rawValue)
        json.key("kind")
        json.string(change.kind)
        json.key("field")
        json.string(change.field)
        json.key("text")
        json.string(change.text)
        json.key("before")
        json.integer(change.before)
        json.key("after")
        json.integer(change.after)
        json.key("expected")
        json.number(change.expected)
        json.key("score")
        json.number(change.score)
        json.key("groups")
        json.beginArray()
        for group in change.groups { json.string(group) }
        json.endArray()
        json.endObject()
    }
}
