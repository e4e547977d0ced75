extension Goldens {
    static let parsing: [Golden] = [
        // The engine.
        Golden("labels are extracted values from the start", "- output: {source: job}", ["x"], [#"{job="j"} now j"#]),
        Golden(
            "a nested pipeline begins with the labels again",
            """
            - json: {expressions: {job: }}
            - match: {selector: '{job="j"}', stages: [output: {source: job}]}
            """, [#"{"job":"inner"}"#], [#"{job="j"} now j"#]),
        Golden(
            "so does docker, which is one inside",
            """
            - json: {expressions: {job: }}
            - docker: {}
            - output: {source: job}
            """, [#"{"job":"inner","log":"x"}"#], [#"{job="j"} now j"#]),
        Golden(
            "and cri",
            """
            - regex: {expression: 'F (?P<job>\\w+)'}
            - cri: {}
            - output: {source: job}
            """, ["2026-11-21T07:00:00Z stdout F inner"], [#"{job="j", stream="stdout"} 2026-11-21T07:00:00Z j"#]),
        Golden(
            "a later stage sees the line of an earlier one",
            """
            - json: {expressions: {msg: }}
            - output: {source: msg}
            - regex: {expression: '^(?P<verb>\\w+) '}
            - labels: {verb: }
            """, [#"{"msg":"GET /x"}"#], [#"{job="j", verb="GET"} now GET /x"#]),
        Golden(
            "a value that has no text changes nothing",
            """
            - json: {expressions: {v: }}
            - output: {source: v}
            - labels: {v: }
            - tenant: {source: v}
            """, [#"{"v":null}"#], [#"{job="j"} now {"v":null}"#]),

        // json
        Golden(
            "json: texts, numbers, booleans",
            """
            - json: {expressions: {s: , n: , f: , b: }}
            - labels: {s: , n: , f: , b: }
            """, [#"{"s":"a\"b\u00e9","n":200,"f":1.50,"b":true}"#, #"{"s":"","n":-0.000001,"f":1e21,"b":false}"#],
            [
                #"{b="true", f="1.5", job="j", n="200", s="a\"bé"} now {"s":"a\"b\u00e9","n":200,"f":1.50,"b":true}"#,
                #"{b="false", f="1000000000000000000000", job="j", n="-0.000001"} now {"s":"","n":-0.000001,"f":1e21,"b":false}"#,
            ]),
        Golden(
            "json: objects and lists are written anew, keys sorted, as Go writes them",
            """
            - json: {expressions: {o: }}
            - output: {source: o}
            """, [#"{"o":{"b":"<&>","a":[1.0, null, {"z":true}]}}"#],
            [#"{job="j"} now {"a":[1,null,{"z":true}],"b":"\u003c\u0026\u003e"}"#]),
        Golden(
            "json: whole numbers keep their digits",
            """
            - json: {expressions: {id: }}
            - output: {source: id}
            """, [#"{"id":9007199254740993}"#], [#"{job="j"} now 9007199254740993"#],
            differs: "it makes a float of every number, 9007199254740992 here"),
        Golden(
            "json: paths, and keys that need quotes",
            """
            - json:
                expressions:
                  a: x.y
                  b: '"k.1"."z-z"'
                  c: l[1].n
                  d: '"@timestamp"'
                  e: missing.deep
            - labels: {a: , b: , c: , d: , e: }
            - output: {source: a}
            """, [#"{"x":{"y":"1"},"k.1":{"z-z":"2"},"l":[{},{"n":3}],"@timestamp":"t"}"#],
            [#"{a="1", b="2", c="3", d="t", job="j"} now 1"#]),
        Golden(
            "json: what is no object leaves the line, also with white space around what is one",
            """
            - json: {expressions: {v: }}
            - output: {source: v}
            """, [#"[{"v":1}]"#, #""v""#, "", #"{"v":1} x"#, #"{"v":1"#, #"  {"v":1} "#, #"{"v":1,"v":2}"#],
            [
                #"{job="j"} now [{"v":1}]"#, #"{job="j"} now+1 "v""#, #"{job="j"} now+2 "#, #"{job="j"} now+3 {"v":1} x"#,
                #"{job="j"} now+4 {"v":1"#, #"{job="j"} now+5 1"#, #"{job="j"} now+6 2"#,
            ]),
        Golden(
            "json: bytes that are no UTF-8 become U+FFFD",
            """
            - json: {expressions: {v: }}
            - output: {source: v}
            """, [.bytes(Array(#"{"v":"a"#.utf8) + [0xFF] + Array(#"b"}"#.utf8))], ["{job=\"j\"} now a\u{FFFD}b"]),
        Golden(
            "json: drop_malformed drops what is no object; null and a missing source are no mistakes",
            "- json: {expressions: {v: }, drop_malformed: true}", ["[1]", "text", "", "null", "{}"],
            [#"{job="j"} now null"#, #"{job="j"} now+1 {}"#], metrics: [#"logentry_dropped_lines_total{reason="malformed_json"} 3"#],
            differs: "it does not count them"),
        Golden(
            "json: a missing source is not malformed", "- json: {expressions: {v: }, source: nothing, drop_malformed: true}",
            ["text"], [#"{job="j"} now text"#]),
        Golden(
            "json of a value; one that is no JSON changes nothing",
            """
            - json: {expressions: {inner: }}
            - json: {expressions: {v: }, source: inner}
            - output: {source: v}
            """, [#"{"inner":"{\"v\":\"x\"}"}"#, #"{"inner":"plain"}"#],
            [#"{job="j"} now x"#, #"{job="j"} now+1 {"inner":"plain"}"#]),

        // logfmt
        Golden(
            "logfmt: values, quotes, a bare key, and two names of one key",
            """
            - logfmt: {mapping: {a: , msg: b, flag: , z: a}}
            - labels: {a: , msg: , flag: , z: }
            - template: {source: out, template: '[{{ .flag }}] {{ .msg }}'}
            - output: {source: out}
            """, [#"a=1 flag b="x \"y\"" c=3"#], [#"{job="j", msg="x \"y\"", z="1"} now [] x "y""#]),
        Golden(
            "logfmt: what stands before a mistake counts",
            """
            - logfmt: {mapping: {a: , b: }}
            - labels: {a: , b: }
            """, [#"a=1 b="open"#, "no pairs"], [#"{a="1", job="j"} now a=1 b="open"#, #"{job="j"} now no pairs"#]),

        // regex
        Golden(
            "regex: named groups anywhere in the line; unnamed ones are nothing; one that took no part is empty",
            """
            - regex: {expression: '(?P<n>\\d+)(-(?P<x>x))?(y)?'}
            - labels: {n: , x: }
            - template: {source: out, template: '{{ .n }}[{{ .x }}]'}
            - output: {source: out}
            """, ["at 12-x", "at 13", "none"],
            [#"{job="j", n="12", x="x"} now 12[x]"#, #"{job="j", n="13"} now 13[]"#, "{job=\"j\"} now <no value>[<no value>]"]),
        Golden(
            "regex: of a number's text; of a value that is missing nothing",
            """
            - json: {expressions: {f: }}
            - regex: {expression: '(?P<d>\\d)$', source: f}
            - labels: {d: }
            """, [#"{"f":1.25}"#, "{}"], [#"{d="5", job="j"} now {"f":1.25}"#, #"{job="j"} now {}"#]),
        Golden(
            "regex: RE2's meaning of classes and flags",
            """
            - regex: {expression: '(?i)ab(?P<w>\\w+)(?-i)C$'}
            - labels: {w: }
            """, ["xABdéC", "ABdC", "ABdc"], [#"{job="j"} now xABdéC"#, #"{job="j", w="d"} now ABdC"#, #"{job="j"} now+1 ABdc"#]),
    ]
}
