extension Goldens {
    static let labels: [Golden] = [
        Golden(
            "labels: by name and from another; a missing value sets nothing; a number is a text",
            """
            - json: {expressions: {a: , b: , n: }}
            - labels: {a: , x: b, n: , none: nothing}
            """, [#"{"a":"1","b":"2","n":3}"#, #"{"b":"2"}"#],
            [#"{a="1", job="j", n="3", x="2"} now {"a":"1","b":"2","n":3}"#, #"{job="j", x="2"} now {"b":"2"}"#]),
        Golden(
            "labels: an empty value takes a label away, since an empty label is none",
            """
            - json: {expressions: {job: }}
            - labels: {job: }
            """, [.of(["job": "j", "a": "b"], #"{"job":""}"#)], [#"{a="b"} now {"job":""}"#]),
        Golden(
            "structured_metadata: from values, and from labels, which it takes away",
            """
            - json: {expressions: {id: , job: other}}
            - structured_metadata: {rid: id, pod: , job: }
            """, [.of(["job": "j", "pod": "p", "x": "y"], #"{"id":"r1"}"#)], [#"{x="y"} now {job="j", pod="p", rid="r1"} {"id":"r1"}"#]),
        Golden(
            "structured_metadata: a label of another value stays",
            """
            - json: {expressions: {pod: }}
            - non_indexed_labels: {pod: }
            """, [.of(["job": "j", "pod": "p"], #"{"pod":"q"}"#)], [#"{job="j", pod="p"} now {pod="q"} {"pod":"q"}"#]),
        Golden(
            "static_labels: texts; what has no value is left out", "- static_labels: {a: 1, b: , c: '', job: k}", ["x"],
            [#"{a="1", job="k"} now x"#]),
        Golden(
            "static_labels are no extracted values",
            """
            - static_labels: {a: b}
            - output: {source: a}
            """, ["x"], [#"{a="b", job="j"} now x"#]),
        Golden(
            "labelallow", "- labelallow: [a, c]", [.of(["a": "1", "b": "2", "job": "j"], "x")], [#"{a="1"} now x"#]),
        Golden(
            "labeldrop; the value is still extracted",
            """
            - labeldrop: [a, c]
            - output: {source: a}
            """, [.of(["a": "1", "b": "2"], "x")], [#"{b="2"} now 1"#]),
    ]
}
