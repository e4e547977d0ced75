import Bytes
import LogModel
import Metrics
import Synchronization
import Testing

@testable import LogPipeline

@Suite("metrics")
struct MetricsStageTests {
    private func json(_ names: String...) -> StageKind { .json(JSONStageOptions(expressions: names.map { StageMapping($0) })) }

    @Test("Counter: all stream labels but internal ones; prefix; value filter; bytes")
    func counters() throws {
        let bench = try Bench([
            json("s", "n"),
            .metrics([
                MetricOptions(name: "seen", kind: .counter, description: "Seen.", source: "s", action: .inc),
                MetricOptions(name: "errors", kind: .counter, prefix: "", source: "s", action: .inc, value: "err"),
                MetricOptions(name: "sum", kind: .counter, prefix: "", source: "n", action: .add),
                MetricOptions(name: "all", kind: .counter, prefix: "", action: .inc, matchAll: true),
                MetricOptions(name: "size", kind: .counter, prefix: "", action: .add, matchAll: true, countEntryBytes: true),
            ]),
        ])
        _ = bench.run([#"{"s":"ok","n":2}"#, #"{"s":"err","n":-5}"#, #"{"s":null,"n":"x"}"#, "text"], labels: ["job": "j", "__tenant_id__": "t"])
        #expect(bench.registry.value("promtail_custom_seen", ["job": "j"]) == 2)
        #expect(bench.registry.value("errors", ["job": "j"]) == 1)
        // A negative amount does not stop the process, and does not count.
        #expect(bench.registry.value("sum", ["job": "j"]) == 2)
        #expect(bench.registry.value("all", ["job": "j"]) == 4)
        #expect(bench.registry.value("size", ["job": "j"]) == Double(#"{"s":"ok","n":2}"#.count + #"{"s":"err","n":-5}"#.count + #"{"s":null,"n":"x"}"#.count + 4))
        #expect(bench.exposed().contains("# HELP promtail_custom_seen Seen."))
    }

    @Test("Gauge: set, inc, dec, add, sub; durations in seconds, booleans", arguments: [
        (MetricOptions.Action.set, #"{"v":"1.5ms"}"#, 0.0015), (.set, #"{"v":true}"#, 1), (.set, #"{"v":"12"}"#, 12), (.inc, #"{"v":"x"}"#, 1),
        (.dec, #"{"v":0}"#, -1), (.add, #"{"v":2.5}"#, 2.5), (.sub, #"{"v":2}"#, -2), (.set, #"{"v":"1m30s"}"#, 90),
    ])
    func gauges(action: MetricOptions.Action, line: String, expected: Double) throws {
        let bench = try Bench([json("v"), .metrics([MetricOptions(name: "g", kind: .gauge, prefix: "", source: "v", action: action, labels: [])])])
        _ = bench.run([line])
        #expect(bench.registry.value("g") == expected)
    }

    @Test("Labels from extracted values, scale, threshold, histogram; inside match")
    func ownOptions() throws {
        let bench = try Bench([
            json("model", "status", "ms"),
            .metrics([
                MetricOptions(name: "requests_total", kind: .counter, prefix: "", source: "status", action: .inc, labels: [StageMapping("model"), StageMapping("code", "status")]),
                MetricOptions(name: "seconds", kind: .histogram, prefix: "", source: "ms", buckets: [1, 5], labels: [StageMapping("model")], scale: 0.001),
                MetricOptions(name: "slow_total", kind: .counter, prefix: "", source: "ms", action: .inc, labels: [StageMapping("model")], above: 5000),
            ]),
            .match(MatchStageOptions(selector: #"{job="j"} |= "500""#, stages: [
                StageSpec(.metrics([MetricOptions(name: "failed_total", kind: .counter, prefix: "", source: "status", action: .inc, labels: [StageMapping("model")])]))
            ])),
        ])
        _ = bench.run([
            #"{"model":"a","status":200,"ms":900}"#, #"{"model":"a","status":500,"ms":6000}"#, #"{"status":200,"ms":5000}"#,
        ])
        #expect(bench.registry.value("requests_total", ["model": "a", "code": "200"]) == 1)
        #expect(bench.registry.value("requests_total", ["model": "a", "code": "500"]) == 1)
        #expect(bench.registry.value("requests_total", ["code": "200"]) == 1)
        #expect(bench.registry.value("slow_total", ["model": "a"]) == 1)
        #expect(bench.registry.value("slow_total") == nil)
        #expect(bench.registry.value("failed_total", ["model": "a"]) == 1)
        let text = bench.exposed()
        #expect(text.contains(#"seconds_bucket{model="a",le="1"} 1"#))
        #expect(text.contains(#"seconds_sum{model="a"} 6.9"#))
    }

    @Test("Beyond the cap observations go to a series of other values, and are counted")
    func cap() throws {
        let bench = try Bench([
            json("v", "s"), .metrics([
                MetricOptions(name: "c", kind: .counter, prefix: "", source: "v", action: .inc, labels: [StageMapping("v")], maxSeries: 3),
                // A closed label keeps its values there.
                MetricOptions(
                    name: "d", kind: .counter, prefix: "", source: "v", action: .inc, labels: [StageMapping("v"), StageMapping("s")],
                    maxSeries: 2, allow: [MetricLabelValues("s", ["x", "y"])]),
            ]),
        ])
        for _ in 0..<2 { _ = bench.run((0..<10).map { #"{"v":"\#($0)","s":"\#($0 % 2 == 0 ? "x" : "y")"}"# }) }
        #expect(bench.registry.value("c", ["v": "2"]) == 2)
        #expect(bench.registry.value("c", ["v": "3"]) == nil)
        #expect(bench.registry.value("c", ["v": "other"]) == 14)
        #expect(bench.registry.value("tailrace_metric_overflow_total", ["metric": "c"]) == 14)
        #expect(bench.registry.value("d", ["v": "other", "s": "x"]) == 8)
        #expect(bench.registry.value("d", ["v": "other", "s": "y"]) == 8)
    }

    @Test("Idle series go, and come back from zero")
    func idle() throws {
        let clock = Mutex(Bench.now)
        let bench = try Bench(
            [json("v"), .metrics([MetricOptions(name: "c", kind: .counter, prefix: "", source: "v", maxIdleDuration: 1_000_000_000, action: .inc, labels: [StageMapping("v")])])],
            now: { clock.withLock { $0 } })
        _ = bench.run([#"{"v":"a"}"#, #"{"v":"b"}"#])
        clock.withLock { $0 += 800_000_000 }
        _ = bench.run([#"{"v":"b"}"#])
        clock.withLock { $0 += 700_000_000 }
        // Whoever shows the registry, a server or a collector alone, shows no idle series.
        bench.registry.expose(into: ByteArena())
        #expect(bench.registry.value("c", ["v": "a"]) == nil)
        #expect(bench.registry.value("c", ["v": "b"]) == 2)
        _ = bench.run([#"{"v":"a"}"#])
        #expect(bench.registry.value("c", ["v": "a"]) == 1)
    }

    @Test("Unless told otherwise gauges go after five minutes, and what is counted stays")
    func idleByDefault() throws {
        let clock = Mutex(Bench.now)
        let bench = try Bench(
            [json("v"), .metrics([
                MetricOptions(name: "c", kind: .counter, prefix: "", source: "v", action: .inc, labels: [StageMapping("v")]),
                MetricOptions(name: "h", kind: .histogram, prefix: "", source: "v", labels: []),
                MetricOptions(name: "g", kind: .gauge, prefix: "", source: "v", action: .set, labels: []),
            ])],
            now: { clock.withLock { $0 } })
        _ = bench.run([#"{"v":7}"#])
        clock.withLock { $0 += 299_000_000_000 }
        bench.registry.expose(into: ByteArena())
        #expect(bench.registry.value("g") == 7)
        clock.withLock { $0 += 3_600_000_000_000 }
        bench.registry.expose(into: ByteArena())
        #expect(bench.registry.value("g") == nil)
        #expect(bench.registry.value("c", ["v": "7"]) == 1)
        #expect(bench.registry.value("h") == 1)
    }

    @Test("Two stages that name the same metric share it")
    func shared() throws {
        let metric = MetricOptions(name: "c", kind: .counter, prefix: "", action: .inc, matchAll: true)
        let bench = try Bench([.metrics([metric]), .metrics([metric])])
        _ = bench.run(["x"])
        #expect(bench.registry.value("c", ["job": "j"]) == 2)
    }
}
