/// One table of a report as RFC 4180 has it, with a header line and `\r\n`.
enum ReportCSV {
    static func text(_ table: ReportDocument.Table) -> String {
        var out = table.columns.map { field($0.key) }.joined(separator: ",") + "\r\n"
        for row in table.rows { out += row.map(cell).joined(separator: ",") + "\r\n" }
        return out
    }

    private static func cell(_ value: ReportDocument.Value) -> String {
        switch value {
        case .text(let text): field(guarded(text))
        case .integer(let number): "\(number)"
        case .number(let number, _): number.isFinite ? "\(number)" : ""
        case .missing: ""
        }
    }

    /// A spreadsheet takes text that begins so for a formula, and runs it: names come from logs, and so from strangers.
    private static func guarded(_ text: String) -> String {
        guard let first = text.unicodeScalars.first, ["=", "+", "-", "@", "\t", "\r"].contains(first) else { return text }
        return "'" + text
    }

    private static func field(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { [",", "\"", "\n", "\r"].contains($0) }) else { return text }
        var out = "\""
        for scalar in text.unicodeScalars {
            if scalar == "\"" { out += "\"" }
            out.unicodeScalars.append(scalar)
        }
        return out + "\""
    }
}
