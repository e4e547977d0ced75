import Bytes
import LogModel

/// A report for a person: one change a line, the most certain first.
struct DiffTable {
    private let report: DiffReport
    /// Columns of the terminal; nil: lines are not cut.
    private let width: Int?
    private let colours: Bool

    init(_ report: DiffReport, width: Int?, colours: Bool) {
        self.report = report
        self.width = width
        self.colours = colours
    }

    func text() -> String {
        var out = "before \(window(report.before))\nafter  \(window(report.after))\n"
        if report.before.rows == 0 || report.after.rows == 0 {
            out += "nothing to compare: there are no lines in one of the windows\n"
        } else if report.changes.isEmpty {
            out += "no change in \(report.compared) things compared\n"
        }
        guard !report.changes.isEmpty else { return out }
        let rows = report.changes.map { change in
            (
                mark: mark(change.direction), before: "\(change.before)", after: "\(change.after)", ratio: ratio(change),
                what: what(change)
            )
        }
        let b = max(6, rows.map(\.before.count).max() ?? 0)
        let a = max(5, rows.map(\.after.count).max() ?? 0)
        out += "\n       \(left("before", b))  \(left("after", a))    ratio  what\n"
        for (row, change) in zip(rows, report.changes) {
            let line = "\(row.mark.padded(5))  \(left(row.before, b))  \(left(row.after, a))  \(left(row.ratio, 7))  \(row.what)"
            out += painted(cut(line), change.direction) + "\n"
        }
        if report.found > report.changes.count {
            out += "\n\(report.found - report.changes.count) more: --limit 0 shows all\n"
        }
        return out
    }

    private func window(_ window: DiffReport.Window) -> String {
        "\(RFC3339Text.text(window.range.start.nanoseconds)) .. \(RFC3339Text.text(window.range.end.nanoseconds))  \(window.rows) lines"
    }

    private func mark(_ direction: DiffReport.Direction) -> String {
        switch direction {
        case .new: "new"
        case .gone: "gone"
        case .more: "more"
        case .less: "less"
        }
    }

    /// How many times as many as expected.
    private func ratio(_ change: DiffReport.Change) -> String {
        switch change.direction {
        case .new, .gone: return ""
        case .more, .less:
            let ratio = Double(change.after) / max(change.expected, 1e-9)
            let hundredths = Int((min(ratio, 1e9) * 100).rounded())
            return ratio >= 100
                ? "×\(hundredths / 100)" : "×\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)"
        }
    }

    private func what(_ change: DiffReport.Change) -> String {
        let text = printable(change.text)
        let name = printable(ByteString(change.field))
        let groups =
            change.groups.isEmpty
            ? ""
            : " [\(report.by?.string ?? "")=" + change.groups.map { printable($0) }.joined(separator: ",") + "]"
        switch change.kind {
        case "text": return "\(name): \(text)\(groups)"
        case "value": return "\(name) = \(text)\(groups)"
        case "label": return "label \(name) = \(text)\(groups)"
        case "field": return "field \(text)\(groups)"
        default: return "object of \(text)\(groups)"
        }
    }

    /// A terminal would obey control characters in log text.
    private func printable(_ text: ByteString) -> String {
        var out = ""
        for scalar in text.string.unicodeScalars {
            if scalar.value < 0x20 || scalar.value == 0x7F || (0x80..<0xA0).contains(scalar.value) {
                out += "\\x" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            } else {
                out.unicodeScalars.append(scalar)
            }
        }
        return out
    }

    private func cut(_ line: String) -> String {
        guard let width, line.count > width, width > 20 else { return line }
        return line.prefix(width - 1) + "…"
    }

    private func painted(_ line: String, _ direction: DiffReport.Direction) -> String {
        guard colours else { return line }
        switch direction {
        case .new, .more: return "\u{1B}[32m\(line)\u{1B}[0m"
        case .gone, .less: return "\u{1B}[31m\(line)\u{1B}[0m"
        }
    }

    private func left(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }
}

extension String {
    fileprivate func padded(_ width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
