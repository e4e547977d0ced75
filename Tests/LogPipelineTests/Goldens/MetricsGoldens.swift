extension Goldens {
    private static func metric(_ name: String, _ metrics: String, _ steps: [Golden.Step], _ shown: [String], differs: String? = nil) -> Golden {
        Golden(
            "metrics: " + name,
            """
            - json: {expressions: {v: , s: }}
            - metrics: {\(metrics)}
            - match: {selector: '{job="j"}', action: drop}
            """, steps, [], metrics: shown, differs: differs)
    }

    static let metrics: [Golden] = [
        metric(
            "a counter of lines, with the stream's labels", "lines_total: {type: Counter, description: d, config: {match_all: true, action: inc}}",
            ["a", .of(["job": "j", "filename": "/x"], "b"), "c"],
            [#"promtail_custom_lines_total{job="j"} 2"#, #"promtail_custom_lines_total{filename="/x",job="j"} 1"#]),
        metric("bytes", "bytes: {type: Counter, config: {match_all: true, count_entry_bytes: true, action: add}}", ["abc", "de"], [#"promtail_custom_bytes{job="j"} 5"#]),
        metric(
            "what is there counts, by its name or a source", "v: {type: counter, config: {action: inc}}, w: {type: Counter, source: s, config: {action: inc}}",
            [#"{"v":"x"}"#, #"{"s":"x"}"#, #"{"s":"y"}"#, "{}"], [#"promtail_custom_v{job="j"} 1"#, #"promtail_custom_w{job="j"} 2"#], differs: "JSON that lacks the key counts as well"),
        metric("a value, exactly", "v: {type: Counter, config: {action: inc, value: ok}}", [#"{"v":"ok"}"#, #"{"v":"okay"}"#], [#"promtail_custom_v{job="j"} 1"#]),
        metric(
            "numbers, durations as seconds, truth as 1; other texts count nothing", "v: {type: Counter, prefix: my_, config: {action: add}}",
            [#"{"v":1.5}"#, #"{"v":"250ms"}"#, #"{"v":true}"#, #"{"v":"text"}"#], [#"my_v{job="j"} 2.75"#]),
        metric("a counter never falls", "v: {type: Counter, config: {action: add}}", [#"{"v":3}"#, #"{"v":-1}"#], [#"promtail_custom_v{job="j"} 3"#],
            differs: "the process ends"),
        metric("a gauge: set", "v: {type: Gauge, config: {action: set}}", [#"{"v":7}"#, #"{"v":"1.5ms"}"#], [#"promtail_custom_v{job="j"} 0.0015"#]),
        metric(
            "a gauge: the rest", "v: {type: Gauge, config: {action: add}}, a: {type: Gauge, source: v, config: {action: sub}}, "
                + "b: {type: Gauge, source: v, config: {action: inc}}, c: {type: Gauge, source: v, config: {action: dec}}",
            [#"{"v":3}"#, #"{"v":-1}"#],
            [#"promtail_custom_v{job="j"} 2"#, #"promtail_custom_a{job="j"} -2"#, #"promtail_custom_b{job="j"} 2"#, #"promtail_custom_c{job="j"} -2"#]),
        metric(
            "a histogram", "v: {type: Histogram, config: {buckets: [0.1, 1]}}", [#"{"v":0.1}"#, #"{"v":"500ms"}"#, #"{"v":2}"#],
            [
                #"promtail_custom_v_bucket{job="j",le="0.1"} 1"#, #"promtail_custom_v_bucket{job="j",le="1"} 2"#,
                #"promtail_custom_v_bucket{job="j",le="+Inf"} 3"#, #"promtail_custom_v_sum{job="j"} 2.6"#, #"promtail_custom_v_count{job="j"} 3"#,
            ]),
    ]
}
