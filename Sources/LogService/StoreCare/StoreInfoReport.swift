import Bytes
import LogModel
import LogStore
import LokiWire

/// `tailrace store info`: for a person, or as one JSON object.
enum StoreInfoReport {
    // MARK: Text

    /// Columns and templates beyond this many are one line of the rest.
    private static let rowsMax = 40

    static func text(_ info: StoreInfo, all: Bool) -> String {
        var out = "\(info.directory)\n\n"
        out += table(summary(info)) + "\n"
        out += "segment files by part\n"
        out += table(parts(info).map { [$0.name, bytes($0.bytes), share($0.bytes, info.segmentBytes)] }, right: [1, 2])
        out += table([["  sum", bytes(info.parts.sum), share(info.parts.sum, info.segmentBytes)]], right: [1, 2]) + "\n"
        if !info.columns.isEmpty {
            var rows = [["column", "form", "bytes", "share", "dictionary", "filter", "values", "distinct"]]
            let shown = all ? info.columns[...] : info.columns.prefix(rowsMax)
            for column in shown {
                rows.append([
                    plain(column.name), forms(column), bytes(column.bytes), share(column.sum, info.segmentBytes),
                    bytes(column.dictionaryBytes), bytes(column.filterBytes), "\(column.values)", distinct(column),
                ])
            }
            let rest = info.columns.dropFirst(shown.count)
            if !rest.isEmpty {
                rows.append([
                    "(\(rest.count) more)", "", bytes(rest.reduce(0) { $0 + $1.bytes }),
                    share(rest.reduce(0) { $0 + $1.sum }, info.segmentBytes),
                    bytes(rest.reduce(0) { $0 + $1.dictionaryBytes }), bytes(rest.reduce(0) { $0 + $1.filterBytes }), "", "",
                ])
            }
            out += table(rows, right: [2, 3, 4, 5, 6, 7]) + "\n"
        }
        if !info.templates.isEmpty {
            var rows = [["rows", "share", "template"]]
            let shown = all ? info.templates[...] : info.templates.prefix(rowsMax)
            for template in shown { rows.append(["\(template.rows)", share(template.rows, info.rows), plain(template.text)]) }
            let rest = info.templates.dropFirst(shown.count)
            if !rest.isEmpty {
                let count = rest.reduce(0) { $0 + $1.rows }
                rows.append(["\(count)", share(count, info.rows), "(\(rest.count) more)"])
            }
            out += table(rows, right: [0, 1])
        }
        return out
    }

    private static func summary(_ info: StoreInfo) -> [[String]] {
        var rows = [
            ["segments", "\(info.segments)"], ["rows", "\(info.rows)"], ["raw bytes", bytes(info.lineBytes)],
            ["stored bytes", "\(bytes(info.segmentBytes)) (\(ratio(info)))"],
            ["streams", "\(info.streams)"], ["tenants", info.tenants.joined(separator: " ")],
        ]
        if let first = info.first, let last = info.last {
            rows.append(["times", "\(RFC3339Text.text(first)) to \(RFC3339Text.text(last))"])
        }
        if info.logRows > 0 { rows.append(["rows in the log only", "\(info.logRows) (\(bytes(info.logLineBytes)))"]) }
        rows.append(["log files", bytes(info.logBytes)])
        rows.append(["other files", bytes(info.otherBytes)])
        if info.deleteRequests > 0 { rows.append(["delete requests", "\(info.deleteRequests)"]) }
        for text in info.damaged { rows.append(["DAMAGED", plain(text)]) }
        return rows
    }

    private static func ratio(_ info: StoreInfo) -> String {
        guard info.rows > 0, info.segmentBytes > 0 else { return "no rows" }
        return "\(tenths(Double(info.segmentBytes) / Double(info.rows))) a line, 1:\(tenths(Double(info.lineBytes) / Double(info.segmentBytes)))"
    }

    private static func parts(_ info: StoreInfo) -> [(name: String, key: StaticString, bytes: Int)] {
        let parts = info.parts
        return [
            ("columns", "columns", parts.columns), ("dictionaries", "dictionaries", parts.dictionaries),
            ("filters", "filters", parts.filters), ("times", "times", parts.times), ("metadata", "metadata", parts.metadata),
            ("templates of rows", "templates", parts.templates), ("layout", "layout", parts.layout),
            ("streams", "streams", parts.streams), ("index", "index", parts.index), ("heads and trailers", "frame", parts.frame),
        ]
    }

    private static func forms(_ column: StoreInfo.Column) -> String {
        let names = column.forms.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map(\.key)
        return names.prefix(2).joined(separator: ",") + (names.count > 2 ? ",…" : "")
    }

    private static func distinct(_ column: StoreInfo.Column) -> String {
        guard let distinct = column.distinct else { return "–" }
        return (distinct.isExact ? "" : "~") + "\(distinct.count)"
    }

    private static func share(_ part: Int, _ whole: Int) -> String {
        whole > 0 ? tenths(100 * Double(part) / Double(whole)) + " %" : "–"
    }

    private static func tenths(_ value: Double) -> String {
        let scaled = Int((value * 10).rounded())
        return "\(scaled / 10).\(scaled % 10)"
    }

    /// 1,234,567
    private static func bytes(_ count: Int) -> String {
        var digits = Array(String(count))
        var at = digits.count - 3
        while at > 0 {
            digits.insert(",", at: at)
            at -= 3
        }
        return String(digits)
    }

    /// A terminal would obey control characters.
    private static func plain(_ text: String) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0..<0x20, 0x7F..<0xA0: out += "·"
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }

    private static func table(_ rows: [[String]], right: Set<Int> = []) -> String {
        var widths: [Int] = []
        for row in rows {
            for (i, cell) in row.enumerated() {
                if i == widths.count { widths.append(0) }
                // The last column is as wide as it is.
                if i + 1 < row.count || right.contains(i) { widths[i] = max(widths[i], cell.count) }
            }
        }
        var out = ""
        for row in rows {
            var line = ""
            for (i, cell) in row.enumerated() {
                let pad = String(repeating: " ", count: max(0, widths[i] - cell.count))
                line += "  " + (right.contains(i) ? pad + cell : cell + pad)
            }
            while line.hasSuffix(" ") { line.removeLast() }
            out += line + "\n"
        }
        return out
    }

    // MARK: JSON

    static func json(_ info: StoreInfo, into out: ByteArena) {
        var json = JSONWriter(out)
        json.beginObject()
        json.key("directory")
        json.string(info.directory)
        func number(_ key: StaticString, _ value: Int) {
            json.key(key)
            json.integer(value)
        }
        number("segments", info.segments)
        number("rows", info.rows)
        number("line_bytes", info.lineBytes)
        number("segment_bytes", info.segmentBytes)
        json.key("bytes_per_line")
        json.number(info.rows > 0 ? Double(info.segmentBytes) / Double(info.rows) : 0)
        number("streams", info.streams)
        json.key("tenants")
        json.beginArray()
        for tenant in info.tenants { json.string(tenant) }
        json.endArray()
        for (key, time) in [("first", info.first), ("last", info.last)] as [(StaticString, Int64?)] {
            json.key(key)
            if let time { json.string("\(time)") } else { json.null() }
        }
        number("log_rows", info.logRows)
        number("log_line_bytes", info.logLineBytes)
        number("log_bytes", info.logBytes)
        number("other_bytes", info.otherBytes)
        number("delete_requests", info.deleteRequests)
        json.key("damaged")
        json.beginArray()
        for text in info.damaged { json.string(text) }
        json.endArray()
        json.key("parts")
        json.beginObject()
        for part in parts(info) { number(part.key, part.bytes) }
        json.endObject()
        json.key("columns")
        json.beginArray()
        for column in info.columns { write(column, info, &json) }
        json.endArray()
        json.key("templates")
        json.beginArray()
        for template in info.templates {
            json.beginObject()
            number("rows", template.rows)
            json.key("text")
            json.string(template.text)
            json.endObject()
        }
        json.endArray()
        json.endObject()
        out.append("\n")
    }

    private static func write(_ column: StoreInfo.Column, _ info: StoreInfo, _ json: inout JSONWriter) {
        json.beginObject()
        json.key("name")
        json.string(column.name)
        json.key("kind")
        json.string(column.kind)
        json.key("forms")
        json.beginObject()
        for (form, bytes) in column.forms.sorted(by: { $0.key < $1.key }) {
            json.key(bytes: ByteString(form))
            json.integer(bytes)
        }
        json.endObject()
        for (key, value) in [
            ("values", column.values), ("bytes", column.bytes), ("dictionary_bytes", column.dictionaryBytes),
            ("filter_bytes", column.filterBytes),
        ] as [(StaticString, Int)] {
            json.key(key)
            json.integer(value)
        }
        json.key("share")
        json.number(info.segmentBytes > 0 ? Double(column.sum) / Double(info.segmentBytes) : 0)
        json.key("distinct")
        if let distinct = column.distinct { json.integer(distinct.count) } else { json.null() }
        json.key("distinct_exact")
        json.bool(column.distinct?.isExact ?? false)
        json.endObject()
    }
}
