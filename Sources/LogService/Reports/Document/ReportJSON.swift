import Bytes
import LogModel

/// A report for programs.
///
/// `{"report":"slo","selector":…,"from":…,"to":…,"refusal":null,"figures":{key:value},"tables":{name:[{key:value}]},
/// "notes":[…],"queries":[…]}`. What is not known is null. Keys never change their meaning within a version.
enum ReportJSON {
    static func text(_ report: ReportDocument) -> String {
        let out = ByteArena(capacity: 8 << 10)
        out.append("{\"report\":")
        string(report.kind, out)
        out.append(",\"version\":1,\"selector\":")
        string(report.selector, out)
        out.append(",\"from\":")
        string(ReportText.moment(report.range.start), out)
        out.append(",\"to\":")
        string(ReportText.moment(report.range.end), out)
        out.append(",\"refusal\":")
        if let refusal = report.refusal { string(refusal, out) } else { out.append("null") }
        out.append(",\n \"figures\":{")
        for (i, figure) in report.figures.enumerated() {
            if i > 0 { out.append(",") }
            out.append("\n  ")
            string(figure.key, out)
            out.append(":")
            value(figure.value, out)
        }
        out.append("},\n \"tables\":{")
        for (i, table) in report.tables.enumerated() {
            if i > 0 { out.append(",") }
            out.append("\n  ")
            string(table.name, out)
            out.append(":[")
            for (j, row) in table.rows.enumerated() {
                out.append(j > 0 ? ",\n   {" : "\n   {")
                for (k, column) in table.columns.enumerated() {
                    if k > 0 { out.append(",") }
                    string(column.key, out)
                    out.append(":")
                    value(row[k], out)
                }
                out.append("}")
            }
            out.append("]")
        }
        out.append("},\n \"notes\":")
        list(report.notes, out)
        out.append(",\n \"queries\":")
        list(report.queries, out)
        out.append("}\n")
        return out.view.string
    }

    private static func list(_ texts: [String], _ out: ByteArena) {
        out.append("[")
        for (i, text) in texts.enumerated() {
            out.append(i > 0 ? ",\n  " : "\n  ")
            string(text, out)
        }
        out.append("]")
    }

    private static func value(_ value: ReportDocument.Value, _ out: ByteArena) {
        switch value {
        case .text(let text): string(text, out)
        case .integer(let number): out.append(decimal: Int64(number))
        case .number(let number, _): out.append(number.isFinite ? "\(number)" : "null")
        case .missing: out.append("null")
        }
    }

    static func string(_ text: String, _ out: ByteArena) {
        out.append("\"")
        text.withView { JSONText.escape($0, into: out) }
        out.append("\"")
    }
}
