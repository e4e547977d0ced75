import Bytes
import LogModel
import Testing

@testable import Metrics

@Suite("Registry")
struct RegistryTests {
    private func text(_ registry: Registry, _ format: ExpositionFormat = .text) -> String {
        let out = ByteArena()
        registry.expose(into: out, format)
        return out.view.string
    }

    @Test("The same name and labels are the same metric")
    func getOrCreate() {
        let registry = Registry()
        registry.counter("a_total", "A.", ["x": "1"]).add(2)
        registry.counter("a_total", "A.", ["x": "1"]).add()
        registry.counter("a_total", "A.", ["x": "2"]).add(-5)
        #expect(registry.value("a_total", ["x": "1"]) == 3)
        #expect(registry.value("a_total", ["x": "2"]) == 0)
        #expect(registry.value("a_total") == nil)
        #expect(registry.kind(of: "a_total") == .counter)
    }

    @Test("A name asked for under another type works and is not shown")
    func typeConflict() {
        let registry = Registry()
        registry.counter("a", "").add()
        registry.gauge("a", "").set(7)
        #expect(text(registry) == "# TYPE a counter\na 1\n")
    }

    @Test("Text format: order, escapes, histogram parts")
    func textFormat() {
        let registry = Registry()
        registry.gauge("z", "Last\nline \\ \"quoted\".", ["q": "a\"b\\c\nd"]).set(1_000_000)
        registry.gauge("observed", "Read late.") { 0.25 }
        let histogram = registry.histogram("d_seconds", "Time.", ["m": "x"], buckets: [1, 0.5, 1, .infinity])
        histogram.observe(0.5)
        histogram.observe(0.7)
        histogram.observe(9)
        #expect(
            text(registry) == """
                # HELP d_seconds Time.
                # TYPE d_seconds histogram
                d_seconds_bucket{m="x",le="0.5"} 1
                d_seconds_bucket{m="x",le="1"} 2
                d_seconds_bucket{m="x",le="+Inf"} 3
                d_seconds_sum{m="x"} 10.2
                d_seconds_count{m="x"} 3
                # HELP observed Read late.
                # TYPE observed gauge
                observed 0.25
                # HELP z Last\\nline \\\\ "quoted".
                # TYPE z gauge
                z{q="a\\"b\\\\c\\nd"} 1e+06

                """)
    }

    @Test("OpenMetrics: family without _total, samples with it, EOF")
    func openMetrics() {
        let registry = Registry()
        registry.counter("a_total", "A \"b\".").add()
        registry.counter("b", "").add(2)
        registry.histogram("h", "", buckets: [1]).observe(1)
        #expect(
            text(registry, .openMetrics) == """
                # HELP a A \\"b\\".
                # TYPE a counter
                a_total 1.0
                # TYPE b counter
                b_total 2.0
                # TYPE h histogram
                h_bucket{le="1.0"} 1
                h_bucket{le="+Inf"} 1
                h_sum 1.0
                h_count 1
                # EOF

                """)
    }

    @Test("Exemplars: the last of a counter and of each bucket, in OpenMetrics only")
    func exemplars() {
        func exemplar(_ id: String, _ value: Double) -> Exemplar {
            Exemplar(labels: Labels(["trace_id": id]), value: value, time: Timestamp(nanoseconds: 1_520_879_607_789_000_000))
        }
        let registry = Registry()
        let counter = registry.counter("a_total", "")
        counter.add(1, exemplar("early", 1))
        counter.add(1, exemplar("q\"\\", 1))
        counter.add()
        let histogram = registry.histogram("h", "", buckets: [1, 5])
        histogram.observe(0.5, exemplar("x", 0.5))
        histogram.observe(0.25, exemplar("y", 0.25))
        histogram.observe(7)
        #expect(
            text(registry, .openMetrics) == """
                # TYPE a counter
                a_total 3.0 # {trace_id="q\\"\\\\"} 1.0 1520879607.789
                # TYPE h histogram
                h_bucket{le="1.0"} 2 # {trace_id="y"} 0.25 1520879607.789
                h_bucket{le="5.0"} 2
                h_bucket{le="+Inf"} 3
                h_sum 7.75
                h_count 3
                # EOF

                """)
        #expect(!text(registry).contains("trace_id"))
        #expect(Exemplar.fits(Labels(["trace_id": String(repeating: "a", count: 120)])))
        #expect(!Exemplar.fits(Labels(["trace_id": String(repeating: "a", count: 121)])))
    }

    @Test("A second name shows the same series, with labels called otherwise")
    func aliases() {
        let registry = Registry()
        #expect(registry.alias("b_total", of: "a_total", .counter, labels: ["x": "y"]))
        #expect(text(registry).isEmpty, "nothing of a metric that is not there")
        registry.counter("a_total", "A.", ["x": "1", "z": "2"]).add(2)
        registry.counter("taken", "").add()
        #expect(!registry.alias("taken", of: "a_total", .counter))
        #expect(!registry.alias("b_total", of: "c_total", .counter), "somebody else's second name")
        #expect(!registry.alias("c_total", of: "b_total", .counter), "of a second name")
        registry.counter("b_total", "").add(9)
        #expect(registry.kind(of: "b_total") == .counter && registry.isAlias("b_total"))
        #expect(
            text(registry) == """
                # HELP a_total A.
                # TYPE a_total counter
                a_total{x="1",z="2"} 2
                # HELP b_total A.
                # TYPE b_total counter
                b_total{y="1",z="2"} 2
                # TYPE taken counter
                taken 1

                """)
    }

    @Test("What a scraper gets", arguments: [
        (nil, ExpositionFormat.text), ("", .text), ("*/*", .text), ("text/html, */*;q=0.8", .text),
        // Prometheus 2.42 and 3.
        ("application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", .openMetrics),
        ("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.4,*/*;q=0.2", .openMetrics),
        // Configured to like plain text better, or to refuse the other.
        ("text/plain;version=0.0.4;q=0.6,application/openmetrics-text;version=1.0.0;q=0.5", .text),
        ("application/openmetrics-text;q=0", .text), ("application/openmetrics-text; version=2.0.0", .text),
        ("Application/OpenMetrics-Text; version=\"1.0.0\"", .openMetrics), ("application/openmetrics-text;q=x, text/plain", .text),
    ])
    func negotiation(accept: String?, format: ExpositionFormat) {
        #expect(ExpositionFormat(accept: accept) == format)
    }

    @Test("A histogram goes on from what was counted before, of the same buckets only")
    func continued() {
        let histogram = Histogram(bounds: [1, 2])
        histogram.observe(1.5)
        #expect(histogram.add(Histogram.Snapshot(counts: [1, 2, 3], sum: 20)))
        #expect(!histogram.add(Histogram.Snapshot(counts: [1, 2], sum: 20)))
        #expect(histogram.snapshot == Histogram.Snapshot(counts: [1, 3, 3], sum: 21.5))
    }

    @Test("A removed series is gone; with the last one the family is")
    func removal() {
        let registry = Registry()
        registry.counter("a", "", ["x": "1"]).add()
        registry.remove("a", Labels(["x": "1"]))
        #expect(text(registry).isEmpty)
        #expect(registry.kind(of: "a") == nil)
    }

    @Test("Additions from many threads all arrive")
    func concurrency() async {
        let registry = Registry()
        let counter = registry.counter("n", "")
        let histogram = registry.histogram("h", "", buckets: [10])
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<10_000 {
                        counter.add()
                        histogram.observe(1)
                    }
                }
            }
        }
        #expect(counter.value == 80_000)
        #expect(histogram.snapshot == Histogram.Snapshot(counts: [80_000, 0], sum: 80_000))
    }

    @Test(
        "Go's ways with floating-point numbers",
        arguments: [
            (0.0, "0", "0"), (1, "1", "1"), (-2.5, "-2.5", "-2.5"), (999_999, "999999", "999999"),
            (1_000_000, "1000000", "1e+06"), (1_234_567, "1234567", "1.234567e+06"),
            (1e21, "1000000000000000000000", "1e+21"), (0.0001, "0.0001", "0.0001"), (0.00001, "0.00001", "1e-05"),
            (1e-7, "0.0000001", "1e-07"), (123_456_789.125, "123456789.125", "1.23456789125e+08"),
            (0.1 + 0.2, "0.30000000000000004", "0.30000000000000004"), (12.5, "12.5", "12.5"),
            (.infinity, "+Inf", "+Inf"), (-.infinity, "-Inf", "-Inf"),
        ])
    func goFloats(value: Double, fixed: String, general: String) {
        #expect(GoFloat.text(value, .fixed) == fixed)
        #expect(GoFloat.text(value, .general) == general)
    }
}
