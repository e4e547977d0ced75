import Bytes
import LogModel
import LogServer
import LogSources
import LokiWire

/// `/targets`, `/service-discovery` and `/api/v1/targets`: what is followed, and how far.
enum TargetsPage {
    /// Files shown of one target; JSON has them all.
    private static let filesMax = 500

    /// The answer for one of these paths; nil: it is none of them.
    static func answer(_ path: String, _ targets: () -> [TargetStatus]) -> Reply? {
        switch path {
        case "/targets": html("Targets", targets(), showsDiscovered: false)
        case "/service-discovery": html("Service discovery", targets(), showsDiscovered: true)
        case "/api/v1/targets": json(targets())
        default: nil
        }
    }

    // MARK: Markup

    static func html(_ title: String, _ targets: [TargetStatus], showsDiscovered: Bool) -> Reply {
        var out = """
            <!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
            <title>Tailrace: \(title)</title><style>
            body{font:14px/1.5 system-ui,sans-serif;margin:1.5rem;color:#1a1a1a;background:#fff}table{border-collapse:collapse;width:100%}
            th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;border-bottom:1px solid #ddd}code{font-size:12px}
            .no{color:#b00020}td.n{text-align:right;font-variant-numeric:tabular-nums}
            @media(prefers-color-scheme:dark){body{color:#eee;background:#16181c}th,td{border-color:#333}.no{color:#ff6b81}}
            </style></head><body><h1>\(title)</h1>
            <p><a href="/targets">targets</a> · <a href="/service-discovery">service discovery</a> · <a href="/metrics">metrics</a></p>

            """
        let groups = Dictionary(grouping: targets, by: \.job)
        if targets.isEmpty { out += "<p>Nothing is followed.</p>" }
        for (job, group) in groups.sorted(by: { $0.key < $1.key }) {
            let ready = group.count { $0.isReady }
            out += "<h2>\(escaped(job)) (\(ready) of \(group.count) ready)</h2>\n<table><thead><tr><th>type</th><th>ready</th><th>labels</th>"
            if showsDiscovered { out += "<th>discovered</th>" }
            out += "<th>files</th></tr></thead><tbody>\n"
            for target in group {
                out += "<tr><td>\(escaped(target.type))</td><td>\(target.isReady ? "yes" : "<span class=no>no</span>")</td>"
                out += "<td><code>\(escaped(target.labels.description))</code></td>"
                if showsDiscovered { out += "<td><code>\(escaped(target.discovered.description))</code></td>" }
                out += "<td>\(files(target.files))</td></tr>\n"
            }
            out += "</tbody></table>\n"
        }
        return .page(out + "</body></html>\n")
    }

    private static func files(_ files: [TargetStatus.File]) -> String {
        if files.isEmpty { return "" }
        var out = "<table>"
        for file in files.prefix(filesMax) {
            out += "<tr><td><code>\(escaped(file.path))</code>\(file.isRotated ? " (rotated)" : "")</td>"
            out += "<td class=n>\(file.offset) of \(file.size)</td></tr>"
        }
        out += "</table>"
        if files.count > filesMax { out += "and \(files.count - filesMax) more: /api/v1/targets" }
        return out
    }

    /// Labels come from files and their names, which anybody may have chosen.
    static func escaped(_ text: String) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case "&": out += "&amp;"
            case "\"": out += "&quot;"
            case "'": out += "&#39;"
            default: out.unicodeScalars.append(scalar.value < 0x20 ? "\u{FFFD}" : scalar)
            }
        }
        return out
    }

    // MARK: JSON

    static func json(_ targets: [TargetStatus]) -> Reply {
        .json { out in
            var json = JSONWriter(out)
            json.beginObject()
            json.key("status")
            json.string("success")
            json.key("data")
            json.beginObject()
            json.key("activeTargets")
            json.beginArray()
            for target in targets {
                json.beginObject()
                json.key("scrapePool")
                json.string(target.job)
                json.key("type")
                json.string(target.type)
                json.key("health")
                json.string(target.isReady ? "up" : "unknown")
                json.key("labels")
                json.labels(target.labels)
                json.key("discoveredLabels")
                json.labels(target.discovered)
                json.key("files")
                json.beginArray()
                for file in target.files {
                    json.beginObject()
                    json.key("path")
                    json.string(file.path)
                    json.key("offset")
                    json.integer(Int64(clamping: file.offset))
                    json.key("size")
                    json.integer(Int64(clamping: file.size))
                    json.key("rotated")
                    json.bool(file.isRotated)
                    json.endObject()
                }
                json.endArray()
                json.endObject()
            }
            json.endArray()
            json.endObject()
            json.endObject()
            out.append(0x0A)
        }
    }
}
