import Bytes
import LogModel
import LogQL
import LogQuery
import LokiWire
import Metrics
import NIOCore

/// Answers about the server itself.
extension LogServer {
    /// `/ready`: 200 only when queries see everything stored.
    func ready() -> Reply {
        if let reason = parts.hooks.notReady() { return .text(reason + "\n", status: 503) }
        return .text((["ready"] + parts.hooks.readyNotes()).joined(separator: "\n") + "\n")
    }

    /// `/metrics`
    func exposition(_ format: ExpositionFormat) -> Reply { .exposition(parts.registry, format) }

    /// `/services`: one process is all there is.
    func services() -> Reply { .text("server => Running\nstore => Running\n") }

    /// `status/buildinfo`: flat, no envelope.
    func buildInfo() -> Reply {
        let version = parts.hooks.version
        return .json(contentType: Reply.bareJSON) { out in
            var json = JSONWriter(out)
            json.beginObject()
            json.key("version")
            json.string(version.version)
            json.key("revision")
            json.string(version.revision)
            json.key("branch")
            json.string(version.branch)
            json.key("buildUser")
            json.string(version.buildUser)
            json.key("buildDate")
            json.string(version.buildDate)
            json.key("goVersion")
            json.string(version.goVersion)
            json.endObject()
            out.append(0x0A)
        }
    }

    /// `format_query`: the canonical text, or the parser's error in an envelope of its own.
    func formatQuery(_ request: LokiRequest) -> Reply {
        do {
            let text = LogQL.pretty(try LogQL.parse(request.form["query"], allowEmpty: parts.querySettings.allowAllStreams))
            return .json(contentType: "application/json; charset=utf-8") { CatalogueAnswer.text(text, into: $0) }
        } catch {
            var reply = Reply.json(contentType: "application/json; charset=utf-8") {
                CatalogueAnswer.invalidQuery(error.message, into: $0)
            }
            reply.status = 400
            return reply
        }
    }

    /// `drilldown-limits`: the tenant's limits, and whether there are patterns.
    func drilldownLimits(_ request: LokiRequest) -> Reply {
        .json(contentType: Reply.bareJSON) { out in
            var json = JSONWriter(out)
            json.beginObject()
            json.key("limits")
            LimitsAnswer(request.limits, retention: request.limits.retentionPeriod ?? parts.retention).write(&json)
            json.key("pattern_ingester_enabled")
            json.bool(parts.patterns != nil)
            json.key("version")
            json.string(parts.hooks.version.version)
            json.endObject()
            out.append(0x0A)
        }
    }
}

extension Reply {
    /// All metrics of a registry.
    static func exposition(_ registry: Registry, _ format: ExpositionFormat) -> Reply {
        let out = ByteArena(capacity: 1 << 16)
        registry.expose(into: out, format)
        return Reply(
            status: 200, contentType: format.contentType, body: out.view.withUnsafeBytes { ByteBuffer(bytes: $0) })
    }

    init(yaml text: String) {
        self.init(status: 200, contentType: "text/plain; charset=utf-8", body: ByteBuffer(string: text))
    }
}
