import Bytes
import LogModel

extension Goldens {
    private static func drop(_ name: String, _ options: String, _ lines: [String], _ kept: [String]) -> Golden {
        Golden(
            "drop: " + name,
            """
            - json: {expressions: {a: , b: }}
            - drop: {\(options)}
            """, lines.map { .line($0) }, kept.enumerated().map { #"{job="j"} now\#($0.offset == 0 ? "" : "+\($0.offset)") \#($0.element)"# },
            metrics: kept.count == lines.count ? [] : [#"logentry_dropped_lines_total{reason="drop_stage"} \#(lines.count - kept.count)"#])
    }

    private static func select(_ selector: String, _ line: String, _ labels: KeyValuePairs<String, String>, _ is: Bool) -> Golden {
        let set = Labels(labels)
        return Golden(
            "match: \(selector)",
            """
            - match:
                selector: '\(selector)'
                stages: [static_labels: {m: '1'}]
            """, [.of(labels, line)], ["\(`is` ? Labels(set.pairs + [Label("m", "1")]) : set) now \(line)"])
    }

    static let filtering: [Golden] = [
        // match
        Golden(
            "match: keep runs stages on what matches, and keeps the rest too",
            """
            - match:
                selector: '{job="j"} |= "x"'
                stages:
                  - regex: {expression: '(?P<n>\\d+)'}
                  - labels: {n: }
            - template: {source: out, template: '{{ .n }}:{{ .Entry }}'}
            - output: {source: out}
            """, ["x 1", "y 2", .of(["job": "k"], "x 3")],
            [#"{job="j", n="1"} now 1:x 1"#, #"{job="j"} now <no value>:y 2"#, #"{job="k"} now <no value>:x 3"#]),
        Golden(
            "match: drop drops what matches",
            """
            - match: {selector: '{job="j"} |~ "noi.e"', action: drop, drop_counter_reason: noise}
            - match: {selector: '{job="k"}', action: drop}
            """, ["noise", "signal", .of(["job": "k"], "signal")], [#"{job="j"} now signal"#],
            metrics: [#"logentry_dropped_lines_total{reason="noise"} 1"#, #"logentry_dropped_lines_total{reason="match_stage"} 1"#]),
        Golden(
            "match: looks at labels, not at values",
            """
            - json: {expressions: {level: }}
            - match: {selector: '{level="error"}', stages: [static_labels: {m: '1'}]}
            - labels: {level: }
            - match: {selector: '{level="error"}', stages: [static_labels: {n: '1'}]}
            """, [#"{"level":"error"}"#], [#"{job="j", level="error", n="1"} now {"level":"error"}"#]),
        select(#"{app=~"a.*"} |~ "x"# + "\"", "1 x", ["app": "abc"], true),
        select(#"{app=~"a.*"} |~ "x"# + "\"", "1 y", ["app": "abc"], false),
        select(#"{app=~"a"}"#, "x", ["app": "abc"], false),
        select(#"{app!="a"}"#, "x", ["job": "j"], true),
        select(#"{app=""}"#, "x", ["job": "j"], true),
        select(#"{app!~"a|b", job="j"}"#, "x", ["app": "b", "job": "j"], false),
        select(#"{job="j"} |= "a" != "b" |~ "c+" !~ "d$"#  + "\"", "a cc", ["job": "j"], true),
        select(#"{job="j"} |= "a" != "b" |~ "c+" !~ "d$"#  + "\"", "a cc d", ["job": "j"], false),

        // drop
        drop("what has the value", "source: a", [#"{"a":"1"}"#, "x"], ["x"]),
        drop("JSON that lacks the key has it as null, and null is a value", "source: a", [#"{"a":null}"#, "{}", "x"], ["x"]),
        drop("all of a list", "source: [a, b]", [#"{"a":"1","b":"2"}"#, "x"], ["x"]),
        drop("a value, exactly", "source: a, value: '1'", [#"{"a":"1"}"#, #"{"a":"11"}"#, #"{"a":1}"#], [#"{"a":"11"}"#]),
        drop("an empty value", "source: a, value: ''", [#"{"a":""}"#, #"{"a":"x"}"#], [#"{"a":"x"}"#]),
        drop("joined values", "source: [a, b], value: '1;2'", [#"{"a":"1","b":"2"}"#, #"{"a":"1"}"#], [#"{"a":"1"}"#]),
        drop("joined by a separator, by an expression anywhere in them", "source: [a, b], separator: '#', expression: '1#2'",
            [#"{"a":"01","b":"23"}"#, #"{"a":"1","b":"3"}"#], [#"{"a":"1","b":"3"}"#]),
        drop("an expression alone looks at the line", "expression: 'noi.e'", ["a noise", "x"], ["x"]),
        drop("longer_than, not as long as", "longer_than: 3", ["1234", "123"], ["123"]),
        drop("sizes with a unit", "longer_than: 1kb", [String(repeating: "x", count: 1025), "x"], ["x"]),
        drop("all conditions must hold", "expression: '1', longer_than: 3", ["1234", "123", "2345"], ["123", "2345"]),
        Golden(
            "drop: older_than",
            """
            - json: {expressions: {t: }}
            - timestamp: {source: t, format: RFC3339}
            - drop: {older_than: 1h, drop_counter_reason: old}
            """, [#"{"t":"2026-11-21T06:59:59Z"}"#, #"{"t":"2026-11-21T07:00:00Z"}"#, #"{"t":"2026-11-21T09:00:00Z"}"#],
            [
                #"{job="j"} 2026-11-21T07:00:00Z {"t":"2026-11-21T07:00:00Z"}"#,
                #"{job="j"} 2026-11-21T09:00:00Z {"t":"2026-11-21T09:00:00Z"}"#,
            ], metrics: [#"logentry_dropped_lines_total{reason="old"} 1"#]),
        Golden(
            "drop: what later stages do not see",
            """
            - drop: {expression: noise}
            - metrics: {lines: {type: Counter, config: {match_all: true, action: inc}}}
            """, ["noise", "x"], [#"{job="j"} now x"#], metrics: [#"promtail_custom_lines{job="j"} 1"#]),

        // limit, sampling
        Golden(
            "limit: the burst, then nothing", "- limit: {rate: 0.001, burst: 2, drop: true}", ["a", "b", "c", "d"],
            [#"{job="j"} now a"#, #"{job="j"} now+1 b"#], metrics: [#"logentry_dropped_lines_total{reason="ratelimit_drop_stage"} 2"#]),
        Golden(
            "limit: by a label, and lines without it as they come", "- limit: {rate: 0.001, burst: 1, drop: true, by_label_name: l}",
            [.of(["l": "a"], "1"), .of(["l": "a"], "2"), .of(["l": "b"], "3"), "4", "5"],
            [#"{l="a"} now 1"#, #"{l="b"} now 3"#, #"{job="j"} now 4"#, #"{job="j"} now+1 5"#],
            metrics: [
                #"logentry_dropped_lines_total{reason="ratelimit_drop_stage"} 1"#,
                #"logentry_dropped_lines_by_label_total{label_name="l",label_value="a"} 1"#,
            ]),
        Golden("limit: without drop lines wait", "- limit: {rate: 1000, burst: 1}", ["a", "b", "c"],
            [#"{job="j"} now a"#, #"{job="j"} now+1 b"#, #"{job="j"} now+2 c"#]),
        Golden("sampling: nothing", "- sampling: {rate: 0}", ["a", "b"], [], metrics: [#"logentry_dropped_lines_total{reason="sampling_stage"} 2"#]),
        Golden("sampling: everything, and the rate may be a text", "- sampling: {rate: '1.0'}", ["a", "b"], [#"{job="j"} now a"#, #"{job="j"} now+1 b"#]),
    ]
}
