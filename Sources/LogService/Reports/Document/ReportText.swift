import LogModel

/// A report for a terminal: figures, then tables in columns, then what is to be known about them.
enum ReportText {
    static func text(_ report: ReportDocument) -> String {
        var out = "\(SafeText.printable(report.title))\n\(window(report))\n"
        if let refusal = report.refusal { out += "\n\(wrapped(SafeText.printable(refusal)))\n" }
        if !report.figures.isEmpty {
            out += "\n"
            let width = report.figures.map(\.label.count).max() ?? 0
            for figure in report.figures {
                let unit = figure.unit.isEmpty || figure.value == .missing ? "" : " \(figure.unit)"
                out += "\(left(figure.label, width))  \(cell(figure.value))\(unit)\n"
            }
        }
        for table in report.tables where !table.isDetail && !table.rows.isEmpty { out += "\n\(Self.table(table))" }
        if !report.notes.isEmpty {
            out += "\n"
            for note in report.notes { out += wrapped("- " + SafeText.printable(note), indent: 2) + "\n" }
        }
        if !report.queries.isEmpty {
            out += "\nAsked:\n"
            for query in report.queries { out += "  \(SafeText.printable(query))\n" }
        }
        return out
    }

    /// `{job="llm-api"}  2026-11-20T00:00:00Z .. 2026-11-21T00:00:00Z`
    static func window(_ report: ReportDocument) -> String {
        "\(SafeText.printable(report.selector))  \(moment(report.range.start)) .. \(moment(report.range.end))"
    }

    /// To the second, or the millisecond where there are some.
    static func moment(_ time: Timestamp) -> String {
        let text = RFC3339Text.text(time.nanoseconds)
        let fraction = text.dropFirst(20).prefix(6)
        return fraction.allSatisfy { $0 == "0" } ? text.prefix(19) + "Z" : text.prefix(23) + "Z"
    }

    static func cell(_ value: ReportDocument.Value) -> String {
        switch value {
        case .text(let text): SafeText.printable(text)
        case .integer(let number): NumberText.grouped(number)
        case .number(let number, let digits): NumberText.grouped(number, digits: digits)
        case .missing: "–"
        }
    }

    private static func table(_ table: ReportDocument.Table) -> String {
        let rows = table.rows.map { $0.map(cell) }
        let labels = table.columns.map { SafeText.printable($0.label) }
        let isText = table.columns.indices.map { column in
            table.rows.allSatisfy { !$0[column].isNumeric } && table.rows.contains { if case .text = $0[column] { true } else { false } }
        }
        let widths = table.columns.indices.map { column in
            max(labels[column].count, rows.map { $0[column].count }.max() ?? 0)
        }
        func line(_ cells: [String]) -> String {
            var out = ""
            for (column, text) in cells.enumerated() {
                if column > 0 { out += "  " }
                out += isText[column] ? left(text, widths[column]) : right(text, widths[column])
            }
            while out.hasSuffix(" ") { out.removeLast() }
            return out + "\n"
        }
        return "\(SafeText.printable(table.title))\n" + line(labels) + rows.map(line).joined()
    }

    private static func left(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    private static func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }

    /// Broken at blanks, 100 columns.
    private static func wrapped(_ text: String, indent: Int = 0) -> String {
        var out = ""
        var column = 0
        for word in text.split(separator: " ") {
            if column > 0, column + 1 + word.count > 100 {
                out += "\n" + String(repeating: " ", count: indent)
                column = indent
            } else if column > 0 {
                out += " "
                column += 1
            }
            out += word
            column += word.count
        }
        return out
    }
}
