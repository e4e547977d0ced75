extension Goldens {
    /// A template over a value `v`, which becomes the line.
    private static func template(_ name: String, _ text: String, _ pairs: [(String, String)]) -> Golden {
        Golden(
            "template: " + name,
            """
            - json: {expressions: {v: , n: , k-1: '"k-1"'}}
            - template: {source: v, template: '\(text)'}
            - output: {source: v}
            """, pairs.map { .line($0.0) }, pairs.enumerated().map { #"{job="j"} now\#($0.offset == 0 ? "" : "+\($0.offset)") \#($0.element.1)"# })
    }

    static let transforming: [Golden] = [
        // strip
        Golden(
            "strip: NULs in front, progress bars, colours", "- strip: {}",
            ["\u{0}\u{0}\u{0}after a hole", "10%\r50%\r100% done", "ends with one\r", "\u{1B}[31mred\u{1B}[0m\r\u{0}\u{1B}[32mgreen\u{1B}[0m", "plain", "\r\r", "a\u{0}b"],
            [
                #"{job="j"} now after a hole"#, #"{job="j"} now+1 100% done"#, #"{job="j"} now+2 ends with one"#, #"{job="j"} now+3 green"#,
                #"{job="j"} now+4 plain"#, #"{job="j"} now+5 "#, "{job=\"j\"} now+6 a\u{0}b",
            ]),
        Golden(
            "strip: only what is wanted", "- strip: {cr: false, ansi: false}", ["\u{0}a\rb\u{1B}[0m"], ["{job=\"j\"} now a\rb\u{1B}[0m"]),
        // template
        template("the value, other values as texts, the line", "{{ .Value }}|{{ .n }}|{{ .job }}|{{ .Entry }}", [
            (#"{"v":"a","n":200}"#, #"a|200|j|{"v":"a","n":200}"#)
        ]),
        template("a value that is not there", "{{ .Value }}{{ .nothing }}", [("{}", "<no value><no value>")]),
        template("numbers are compared as texts", #"{{ if eq .n "200" }}ok{{ else }}{{ .n }}{{ end }}"#, [(#"{"n":200}"#, "ok"), (#"{"n":404}"#, "404")]),
        template("names that are no identifiers", #"{{ index . "k-1" }}"#, [(#"{"k-1":"x"}"#, "x")]),
        template("Go's functions", #"{{ printf "%5.1f %q" 1.25 .Value }}{{ len .Value }}"#, [(#"{"v":"ab"}"#, #"  1.2 "ab"2"#)]),
        template(
            "Promtail's functions",
            #"{{ ToUpper .Value }} {{ ToLower .Value }} {{ Replace .Value "a" "o" 1 }} {{ Trim .Value "ab" }} {{ TrimLeft .Value "a" }} "#
                + #"{{ TrimRight .Value "a" }} {{ TrimPrefix .Value "ab" }} {{ TrimSuffix .Value "ca" }}{{ TrimSpace "  " }}"#,
            [(#"{"v":"abCca"}"#, "ABCCA abcca obCca Cc bCca abCc Cca abC")]),
        template(
            "regular expressions", #"{{ regexReplaceAll "(b)(c)" .Value "${2}$1" }} {{ regexReplaceAllLiteral "b" .Value "$1" }}"#,
            [(#"{"v":"abc"}"#, "acb a$1c")]),
        template(
            "hashes take the salt first, whichever way they are written",
            #"{{ .Value | Hash "salt" }} {{ Hash .Value "salt" }} {{ Sha2Hash "salt" .Value }} {{ sha256sum .Value }}"#,
            [
                (
                    #"{"v":"abc"}"#,
                    "498fcac7d62d1a07879a6530279d6a4008977908f4c0a560c1ab9990eb2ed865"
                        + " cb705d51c54f75b070004fc8d630612d586b0a468bdbc9fdf47d9993728cdfed"
                        + " 3681099918be28c95b81e27e7e5c2e4c6a6dea566d2d10e7f49139ebb779eb6f"
                        + " ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
                )
            ]),
        template(
            "functions of sprig",
            #"{{ .Value | trunc 2 }} {{ default "d" .v }} {{ default "d" "" }} {{ .Value | upper | quote }} {{ substr 1 3 .Value }} "#
                + #"{{ ternary "yes" "no" (contains "b" .Value) }} {{ coalesce "" .Value }} {{ join "," (splitList "b" .Value) }} "#
                + #"{{ first (list 1 2) }}{{ last (list 1 2) }} {{ regexMatch "^a" .Value }} {{ b64enc .Value }} {{ nospace "a b" }} {{ cat "x" 1 }}"#,
            [(#"{"v":"abcd"}"#, #"ab abcd d "ABCD" bc yes abcd a,cd 12 true YWJjZA== ab x 1"#)]),
        Golden(
            "template: an empty result takes the value away",
            """
            - json: {expressions: {v: }}
            - template: {source: v, template: '{{ if ne .Value "-" }}{{ .Value }}{{ end }}'}
            - labels: {v: }
            """, [#"{"v":"a"}"#, #"{"v":"-"}"#], [#"{job="j", v="a"} now {"v":"a"}"#, #"{job="j"} now {"v":"-"}"#]),
        Golden(
            "template: a value may be new; one that fails changes nothing",
            """
            - template: {source: new, template: 'x{{ .Entry }}'}
            - template: {source: new, template: '{{ index .Entry 99 }}'}
            - labels: {new: }
            """, ["ab"], [#"{job="j", new="xab"} now ab"#]),
        Golden("output: what is missing changes nothing", "- output: {source: nothing}", ["x"], [#"{job="j"} now x"#]),

        // replace
        Golden(
            "replace: every group of every match", "- replace: {expression: 'pw=(\\S+) ip=(\\S+)', replace: '*'}",
            ["pw=a ip=b, pw=c ip=d", "none"], [#"{job="j"} now pw=* ip=* pw=* ip=*"#, #"{job="j"} now+1 none"#]),
        Golden("replace: nothing without a group", "- replace: {expression: secret, replace: '*'}", ["a secret"], [#"{job="j"} now a secret"#]),
        Golden("replace: with nothing", "- replace: {expression: '(secret )', replace: ''}", ["a secret x secret y"], [#"{job="j"} now a x y"#]),
        Golden("replace: the outer one of nested groups", "- replace: {expression: '(a(b)c)', replace: '-'}", ["xabcx"], [#"{job="j"} now x-x"#]),
        Golden(
            "replace: a template over the group's text and the values; not the line",
            """
            - json: {expressions: {n: }}
            - replace: {expression: '"s":"(\\w+)"', replace: '{{ if eq .Value "200" }}{{ .Value | ToUpper }}OK{{ else }}{{ .n }}{{ .Entry }}{{ end }}'}
            """, [#"{"s":"200","n":1}"#, #"{"s":"500","n":1}"#],
            [#"{job="j"} now {"s":"200OK","n":1}"#, #"{job="j"} now+1 {"s":"1<no value>","n":1}"#]),
        Golden(
            "replace: in a value, and its groups by name",
            """
            - json: {expressions: {v: }}
            - replace: {expression: '(?P<g>b+)', replace: '<{{ .Value }}>', source: v}
            - labels: {v: , g: }
            """, [#"{"v":"abbc"}"#], [#"{g="<bb>", job="j", v="a<bb>c"} now {"v":"abbc"}"#]),
        Golden(
            "replace: hashed, so that lines can still be joined",
            "- replace: {expression: 'ip=(\\S+)', replace: '{{ .Value | Sha2Hash \"pepper\" | trunc 8 }}'}", ["ip=10.0.0.1"],
            [#"{job="j"} now ip=e5c27bfc"#]),
        Golden(
            "replace: where the template fails the text goes", "- replace: {expression: 'pw=(\\S+)', replace: '{{ index .Value 99 }}'}",
            ["pw=secret x"], [#"{job="j"} now pw= x"#], differs: "it leaves the line as it was, secret and all"),

        // multiline
        Golden(
            "multiline: up to the next first line, each stream for itself",
            """
            - multiline: {firstline: '^>'}
            """,
            [
                "> one", "  a", .of(["job": "k"], "> other"), "  b", .of(["job": "k"], "  c"), "> two", .of(["job": "k"], "> last"), .stop,
            ],
            [
                "{job=\"j\"} now > one\n  a\n  b", "{job=\"k\"} now > other\n  c", #"{job="j"} now+1 > two"#, #"{job="k"} now+1 > last"#,
            ]),
        Golden(
            "multiline: lines before the first go on at once", "- multiline: {firstline: '^>'}", ["lost", "> a", .stop],
            [#"{job="j"} now lost"#, #"{job="j"} now+1 > a"#]),
        Golden(
            "multiline: no more than max_lines", "- multiline: {firstline: '^>', max_lines: 2}", ["> a", "b", "> c", "d", .stop],
            ["{job=\"j\"} now > a\nb", "{job=\"j\"} now+1 > c\nd"]),
        Golden(
            "multiline: lines behind max_lines stand for themselves", "- multiline: {firstline: '^>', max_lines: 2}",
            ["> a", "b", .silence(1), "c", .stop], ["{job=\"j\"} now > a\nb", #"{job="j"} 2026-11-21T08:00:01Z c"#],
            differs: "they become an entry with labels and time of the first line"),
        Golden(
            "multiline: silence ends it", "- multiline: {firstline: '^>', max_wait_time: 2s}",
            ["> a", .silence(1), "b", .silence(1.5), .silence(1), "late", .stop],
            ["{job=\"j\"} now > a\nb", #"{job="j"} 2026-11-21T08:00:03.5Z late"#], differs: "the late line has the first one's time"),
        Golden(
            "multiline: time, labels and values are the first line's",
            """
            - regex: {expression: '^(?P<l>[A-Z]+) '}
            - labels: {l: }
            - multiline: {firstline: '^[A-Z]+ '}
            - template: {source: out, template: '{{ .l }}: {{ .Entry }}'}
            - output: {source: out}
            """, ["WARN a", .silence(1), "WARN b", .stop],
            [#"{job="j", l="WARN"} now WARN: WARN a"#, #"{job="j", l="WARN"} 2026-11-21T08:00:01Z WARN: WARN b"#]),

        // pack
        Golden(
            "pack: sorted, escaped as Go does, the line last; labels go",
            """
            - pack: {labels: [pod, job, nothing], ingest_timestamp: false}
            """, [.of(["job": "j", "pod": "<p&>", "x": "y"], "a \"line\"\t")],
            [#"{x="y"} now {"job":"j","pod":"\u003cp\u0026\u003e","_entry":"a \"line\"\t"}"#]),
        Golden(
            "pack: values before labels, and the time of now",
            """
            - json: {expressions: {job: , t: }}
            - timestamp: {source: t, format: RFC3339}
            - pack: {labels: [job]}
            """, [.of(["job": "j", "x": "y"], #"{"job":"inner","t":"2026-11-21T07:00:00Z"}"#)],
            [#"{x="y"} now {"job":"inner","_entry":"{\"job\":\"inner\",\"t\":\"2026-11-21T07:00:00Z\"}"}"#]),
        Golden(
            "decolorize", "- decolorize: {}", ["\u{1B}[1;31mred\u{1B}[0m text", "plain [31m"],
            [#"{job="j"} now red text"#, #"{job="j"} now+1 plain [31m"#]),

        // tenant
        Golden("tenant: a value", "- tenant: {value: team-a}", ["x"], [#"{__tenant_id__="team-a", job="j"} now x"#]),
        Golden("tenant: a label", "- tenant: {label: job}", ["x"], [#"{__tenant_id__="j", job="j"} now x"#]),
        Golden(
            "tenant: an extracted value, if it is there",
            """
            - logfmt: {mapping: {t: }}
            - tenant: {source: t}
            """, ["t=a", "u=b"], [#"{__tenant_id__="a", job="j"} now t=a"#, #"{job="j"} now u=b"#]),
    ]
}
