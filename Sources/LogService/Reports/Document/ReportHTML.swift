/// A report as one page that needs nothing else: no script, no font, no request. Everything from logs is escaped, and the
/// page forbids the browser to load or run anything, so that a mistake in escaping would still do nothing.
enum ReportHTML {
    static func text(_ report: ReportDocument) -> String {
        var out = """
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>\(escape(report.title))</title>
            <style>\(style)</style></head><body>
            <h1>\(escape(report.title))</h1>
            <p class="window">\(escape(ReportText.window(report)))</p>

            """
        if let refusal = report.refusal { out += "<p class=\"refusal\">\(escape(refusal))</p>\n" }
        if !report.figures.isEmpty {
            out += "<dl>\n"
            for figure in report.figures {
                let unit = figure.unit.isEmpty || figure.value == .missing ? "" : " \(figure.unit)"
                out += "<div><dt>\(escape(figure.label))</dt><dd>\(escape(ReportText.cell(figure.value) + unit))</dd></div>\n"
            }
            out += "</dl>\n"
        }
        for plot in report.plots {
            out += "<figure><figcaption>\(escape(plot.title))</figcaption>\n\(PlotSVG(plot).text())\n</figure>\n"
        }
        for table in report.tables where !table.rows.isEmpty {
            out += table.isDetail ? "<details><summary>\(escape(table.title))</summary>\n" : "<h2>\(escape(table.title))</h2>\n"
            out += Self.table(table)
            if table.isDetail { out += "</details>\n" }
        }
        if !report.notes.isEmpty {
            out += "<h2>To be known</h2>\n<ul>\n" + report.notes.map { "<li>\(escape($0))</li>\n" }.joined() + "</ul>\n"
        }
        if !report.queries.isEmpty {
            out += "<details><summary>What was asked</summary>\n<pre>\(escape(report.queries.joined(separator: "\n")))</pre></details>\n"
        }
        return out + "</body></html>\n"
    }

    private static func table(_ table: ReportDocument.Table) -> String {
        var out = "<div class=\"scroll\"><table>\n<thead><tr>"
        out += table.columns.map { "<th scope=\"col\">\(escape($0.label))</th>" }.joined() + "</tr></thead>\n<tbody>\n"
        for row in table.rows {
            out += "<tr>" + row.map { "<td\($0.isNumeric || $0 == .missing ? " class=\"n\"" : "")>\(escape(ReportText.cell($0)))</td>" }
                .joined() + "</tr>\n"
        }
        return out + "</tbody></table></div>\n"
    }

    /// For text and for attribute values in double quotes.
    static func escape(_ text: String) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case "\"": out += "&quot;"
            case "'": out += "&#39;"
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }

    private static let style = """
        :root{color-scheme:light dark;--ink:#1d2330;--dim:#667;--line:#d4d8e0;--back:#fff}
        @media(prefers-color-scheme:dark){:root{--ink:#e4e7ee;--dim:#9aa2b1;--line:#3a4150;--back:#14171d}}
        body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--back);max-width:60rem;margin:2rem auto;padding:0 1rem}
        h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}.window,dt,figcaption{color:var(--dim)}
        .refusal{border-left:4px solid #d55e00;padding:.5rem 1rem;font-weight:600}
        dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(13rem,1fr));gap:.75rem}dl div{border:1px solid var(--line);border-radius:6px;padding:.5rem .75rem}
        dt{font-size:.85rem}dd{margin:0;font-size:1.2rem;font-variant-numeric:tabular-nums}
        .scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.9rem;font-variant-numeric:tabular-nums}
        th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--line)}td.n{text-align:right}
        figure{margin:1.5rem 0}svg{width:100%;height:auto}svg text{font:11px system-ui,sans-serif;fill:var(--dim)}
        svg .grid{stroke:var(--line)}pre{overflow-x:auto;font-size:.8rem}summary{cursor:pointer;margin:1rem 0 .5rem}
        """
}
