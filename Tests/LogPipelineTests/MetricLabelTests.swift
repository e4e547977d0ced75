import Bytes
import LogModel
import Metrics
import Redaction
import Testing

@testable import LogPipeline

/// Which series a metric has, and what is in their labels.
@Suite("metrics: labels")
struct MetricLabelTests {
    private func json(_ names: String...) -> StageKind { .json(JSONStageOptions(expressions: names.map { StageMapping($0) })) }

    private func counter(_ name: String, _ labels: [String], source: String) -> MetricOptions {
        MetricOptions(name: name, kind: .counter, prefix: "", source: source, action: .inc, labels: labels.map { StageMapping($0) })
    }

    /// `redaction: {}` looked at lines, labels and metadata; `/metrics` said `req_total{user="alice@example.com"}`.
    @Test("Nothing that redaction takes out of lines stands in /metrics", arguments: [true, false])
    func redacted(byBlock: Bool) throws {
        var stages: [StageKind] = [
            json("user", "key", "kind"),
            .metrics([
                counter("req_total", ["user", "kind"], source: "user"),
                MetricOptions(name: "streams_total", kind: .counter, prefix: "", action: .inc, matchAll: true),
                MetricOptions(
                    name: "seen_total", kind: .counter, prefix: "", source: "user", action: .inc, labels: [],
                    exemplar: [StageMapping("user"), StageMapping("trace_id", "key")]),
            ]),
        ]
        if !byBlock { stages.append(.redact(RedactionSettings())) }
        let bench = try Bench(stages, redactor: byBlock ? try Redactor() : nil)
        let batch = Bench.batch(
            [#"{"user":"alice@example.com","kind":"chat"}"#, #"{"user":"bob@example.com","kind":"chat","key":"0af7651916cd43dd8448eb211c80319c"}"#],
            labels: ["job": "j", "owner": "carol@example.com"])
        _ = bench.run(batch)
        #expect(bench.registry.value("req_total", ["user": "[REDACTED:email]", "kind": "chat"]) == 2)
        #expect(bench.registry.value("streams_total", ["job": "j", "owner": "[REDACTED:email]"]) == 2)
        let text = bench.exposed(.openMetrics)
        #expect(!text.contains("@example.com"), "\(text)")
        #expect(text.contains(##"# {trace_id="0af7651916cd43dd8448eb211c80319c",user="[REDACTED:email]"} 1.0"##), "\(text)")
    }

    @Test("Without redaction labels are what they are")
    func plain() throws {
        let bench = try Bench([json("user"), .metrics([counter("req_total", ["user"], source: "user")])])
        _ = bench.run([#"{"user":"alice@example.com"}"#])
        #expect(bench.registry.value("req_total", ["user": "alice@example.com"]) == 1)
    }

    /// The same leak in the counter of what `limit` drops by label.
    @Test("Values of limit's by_label_name are redacted")
    func limit() throws {
        let bench = try Bench(
            [.limit(LimitStageOptions(rate: 0.001, burst: 1, drop: true, byLabelName: "user"))], redactor: try Redactor())
        for user in ["alice@example.com", "bob@example.com"] { _ = bench.run(["a", "b"], labels: ["user": "\(user)"]) }
        #expect(!bench.exposed().contains("@example.com"))
        #expect(
            bench.registry.value("logentry_dropped_lines_by_label_total", ["label_name": "user", "label_value": "[REDACTED:email]"]) == 2)
    }

    @Test("Zero from the start: without labels, and of known values")
    func zero() throws {
        let bench = try Bench([
            json("model", "status", "v"),
            .metrics([
                MetricOptions(name: "all_total", kind: .counter, prefix: "", action: .inc, matchAll: true, labels: []),
                MetricOptions(name: "h", kind: .histogram, prefix: "", source: "v", buckets: [1], labels: []),
                MetricOptions(name: "g", kind: .gauge, prefix: "", source: "v", action: .set, labels: []),
                MetricOptions(
                    name: "both_total", kind: .counter, prefix: "", source: "status", maxIdleDuration: 1_000_000_000, action: .inc,
                    labels: [StageMapping("status")], values: [MetricLabelValues("status", ["success", "error"])]),
                MetricOptions(
                    name: "by_model_total", kind: .counter, prefix: "", source: "status", action: .inc,
                    labels: [StageMapping("model"), StageMapping("status")],
                    values: [MetricLabelValues("status", ["success", "error"])]),
            ]),
        ])
        #expect(bench.registry.value("all_total") == 0)
        #expect(bench.registry.value("h") == 0)
        #expect(bench.registry.value("g") == nil, "nobody has measured it")
        #expect(bench.registry.value("both_total", ["status": "error"]) == 0)
        #expect(bench.registry.kind(of: "by_model_total") == nil)
        // The first success of a model shows that it has not failed.
        _ = bench.run([#"{"model":"a","status":"success","v":2}"#])
        #expect(bench.registry.value("by_model_total", ["model": "a", "status": "success"]) == 1)
        #expect(bench.registry.value("by_model_total", ["model": "a", "status": "error"]) == 0)
        // Known series stay, however idle.
        bench.environment.families.expire(now: Bench.now + 3_600_000_000_000)
        #expect(bench.registry.value("both_total", ["status": "error"]) == 0)
    }

    @Test("A closed list makes other of the rest")
    func allow() throws {
        var metric = counter("errors_total", ["error_type"], source: "error_type")
        metric.allow = [MetricLabelValues("error_type", ["TimeoutError"])]
        let bench = try Bench([json("error_type"), .metrics([metric])])
        _ = bench.run([#"{"error_type":"TimeoutError"}"#, #"{"error_type":"no such user alice"}"#, #"{"error_type":"x"}"#, "{}"])
        #expect(bench.registry.value("errors_total", ["error_type": "TimeoutError"]) == 1)
        #expect(bench.registry.value("errors_total", ["error_type": "other"]) == 2)
        #expect(!bench.exposed().contains("alice"))
    }

    @Test("Second names, also of two stages that share a metric")
    func aliases() throws {
        var metric = counter("req_total", ["model"], source: "model")
        metric.aliases = [MetricAlias("old_total"), MetricAlias("older_total", labels: [StageMapping("model", "model_name")])]
        let bench = try Bench([json("model"), .metrics([metric]), .metrics([metric])])
        _ = bench.run([#"{"model":"a"}"#])
        let text = bench.exposed()
        #expect(text.contains(#"old_total{model="a"} 2"#) && text.contains(#"older_total{model_name="a"} 2"#), "\(text)")
    }
}
