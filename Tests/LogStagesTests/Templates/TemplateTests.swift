import Bytes
import Testing

@testable import LogStages

@Suite("Templates")
struct TemplateTests {
    private static let line =
        #"s="Hello World" n=7 neg=-3 f=2.75 d=1m30s b=3MB e="" url="a b&c=d/é" ts=1700000000 json="[1,2,3]""#
    private static let time: Int64 = 1_794_304_800_123_456_789

    private func render(_ template: String, _ line: String = TemplateTests.line) throws -> Outcome {
        let stages = [PipelineStage.logfmt(LogfmtParser(keepEmpty: true)), try lineFormat(template)]
        return StageBed().run(stages, line, timestamp: Self.time)
    }

    @Test(
        "Output",
        arguments: [
            // Fields and text.
            ("static text", "static text"), ("", ""), ("{{.s}}", "Hello World"), ("[{{.missing}}]", "[]"),
            ("{{.n}}-{{.f}}", "7-2.75"), (#"{{ index . "n" }}"#, "7"), ("{{ .app }}", "x"),
            // Trim markers and comments.
            ("a  {{- .n -}}  b", "a7b"), ("{{/* comment */}}a{{- \" b \" -}}c", "a b c"), ("a {{- /* c */ -}} b", "ab"),
            // Control.
            (#"{{ if eq .n "7" }}yes{{ else }}no{{ end }}"#, "yes"),
            (#"{{ if contains "x" .s }}1{{ else if eq .n "7" }}2{{ else }}3{{ end }}"#, "2"),
            ("{{ if .missing }}1{{ end }}", ""), ("{{ with .n }}<{{ . }}>{{ end }}", "<7>"),
            ("{{ with .e }}a{{ else }}b{{ end }}", "b"), ("{{ with .e }}a{{ else with .n }}{{ . }}{{ end }}", "7"),
            (
                #"{{ range $i, $v := (fromJson "[\"a\",\"b\"]") }}{{ if $i }},{{ end }}{{ $v }}{{ else }}none{{ end }}"#,
                "a,b"
            ),
            ("{{ range fromJson .json }}{{ . }};{{ end }}", "1;2;3;"),
            ("{{ range fromJson \"[]\" }}x{{ else }}none{{ end }}", "none"),
            (#"{{ range $k, $v := fromJson "{\"b\":2,\"a\":1}" }}{{$k}}={{$v}} {{ end }}"#, "a=1 b=2 "),
            ("{{ range fromJson .json }}{{ if eq . 2.0 }}{{ continue }}{{ end }}{{ . }}{{ end }}", "13"),
            ("{{ range fromJson .json }}{{ if eq . 2.0 }}{{ break }}{{ end }}{{ . }}{{ end }}", "1"),
            (#"{{ $x := .n }}{{ $y := "!" }}{{ $x }}{{ $y }}"#, "7!"),
            ("{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ end }}{{ $x }}", "2"),
            (#"{{ define "T" }}t-{{ . }}{{ end }}{{ template "T" .n }}"#, "t-7"),
            (#"{{ block "B" .n }}b{{ . }}{{ end }}"#, "b7"),
            ("{{ $.n }}", "7"), ("{{ with .s }}{{ $.n }}{{ end }}", "7"),
            ("{{ (fromJson \"{\\\"a\\\":{\\\"b\\\":5}}\").a.b }}", "5"),
            // Constants.
            (
                #"{{ "quoted" }} {{ `raw` }} {{ 1.5 }} {{ true }} {{ 'a' }} {{ 0x10 }} {{ 1e3 }}"#,
                "quoted raw 1.5 true 97 16 1000"
            ),
            // Go's functions.
            (#"{{ and .e .n }}|{{ or .e .n }}|{{ not .e }}"#, "|7|true"),
            ("{{ len .s }} {{ index .s 0 }} {{ slice .s 1 3 }}", "11 72 el"),
            (
                #"{{ eq .n "7" }} {{ ne .n "7" }} {{ lt 1 2 }} {{ ge 2.5 2.5 }} {{ gt "b" "a" }} {{ le 3 2 }}"#,
                "true false true true true false"
            ),
            (#"{{ eq .n "1" "7" }}"#, "true"), (#"{{ print 1 2 "a" "b" 3 }}"#, "1 2ab3"),
            (#"{{ println "a" 1 }}"#, "a 1\n"),
            (#"{{ html "<a&b>" }} {{ js "it's \"q\"" }} {{ urlquery "a b" }}"#, "&lt;a&amp;b&gt; it\\'s \\\"q\\\" a+b"),
            // Strings.
            ("{{ .s | ToUpper }}", "HELLO WORLD"), ("{{ ToLower .s }}", "hello world"),
            (#"{{ Replace .s "l" "L" 1 }}"#, "HeLlo World"),
            (#"{{ Replace .s "l" "L" -1 }}"#, "HeLLo WorLd"), (#"[{{ TrimSpace "  x " }}]"#, "[x]"),
            (#"{{ Trim "xxaxx" "x" }}"#, "a"),
            (#"{{ TrimLeft "xxa" "x" }}{{ TrimRight "axx" "x" }}"#, "aa"), (#"{{ TrimPrefix .s "Hello " }}"#, "World"),
            (#"{{ TrimSuffix .s "World" }}"#, "Hello "), (#"{{ title "hello big world" }}"#, "Hello Big World"),
            ("{{ trunc 5 .s }}", "Hello"), ("{{ trunc -5 .s }}", "World"), ("{{ trunc 50 .s }}", "Hello World"),
            ("{{ substr 1 4 .s }}", "ell"), ("{{ substr 3 -1 .s }}", "lo World"), ("{{ substr -1 3 .s }}", "Hel"),
            ("{{ substr 2 900 .s }}", "llo World"), (#"{{ hasPrefix "Hello" .s }}{{ hasSuffix "x" .s }}"#, "truefalse"),
            (#"{{ replace "l" "L" .s }}"#, "HeLLo WorLd"), ("{{ repeat 3 .n }}", "777"), ("{{ repeat 0 \"x\" }}|", "|"),
            (#"{{ trimAll "Hd" .s }}"#, "ello Worl"),
            (#"{{ trimPrefix "Hel" .s }}{{ trimSuffix "ld" .s }}"#, "lo WorldHello Wor"),
            ("{{ indent 4 .s }}", "    Hello World"), (#"{{ nindent 2 "a\nb" }}"#, "\n  a\n  b"),
            (#"{{ regexReplaceAll "(o)(.)" .s "<$2$1>" }}"#, "Hell< o>W<ro>ld"),
            (#"{{ regexReplaceAll "(?P<v>[aeiou])" .s "${v}${v}" }}"#, "Heelloo Woorld"),
            (#"{{ regexReplaceAllLiteral "o" .s "$1" }}"#, "Hell$1 W$1rld"),
            (#"{{ regexReplaceAll "x*" "abc" "-" }}"#, "-a-b-c-"),
            (#"{{ count "l" .s }}"#, "3"), (#"{{ __line__ | count "=" }}"#, "11"),
            ("{{ b64enc .n }}{{ b64dec \"SGk\" }}", "Nw==Hi"),
            (#"{{ b64dec "!!bad" }}"#, "illegal base64 data at input byte 0"),
            ("{{ urlencode .url }}", "a+b%26c%3Dd%2F%C3%A9"),
            (#"{{ urldecode "a%20b+c" }}"#, "a b c"), ("{{ alignLeft 8 .s }}|", "Hello Wo|"),
            ("{{ alignRight 8 .s }}|", "lo World|"),
            ("{{ alignLeft 13 .s }}|{{ alignRight 13 .s }}|", "Hello World  |  Hello World|"),
            ("{{ alignLeft -1 .s }}|", "Hello World|"),
            // Numbers.
            ("{{ bytes .b }} {{ bytes \"1KiB\" }}", "3e+06 1024"),
            ("{{ duration .d }} {{ duration_seconds \"250ms\" }}", "90 0.25"),
            ("{{ int .n }} {{ int \"x\" }} {{ float64 .f }} {{ int 2.9 }} {{ int \"12.00\" }}", "7 0 2.75 2 12"),
            (
                "{{ add 1 2 3 }} {{ add .n 1 }} {{ sub 5 7 }} {{ mul 2 3 4 }} {{ div 17 5 }} {{ mod 10 .n }}",
                "6 8 -2 24 3 3"
            ),
            ("{{ max 1 .n 5 }} {{ min 1 .neg 5 }} {{ add 9223372036854775807 1 }}", "7 -3 -9223372036854775808"),
            (
                "{{ subf 5.5 1.25 1 }} {{ addf 0.1 0.2 }} {{ mulf 1.1 3 }} {{ divf 1 2869 }}",
                "3.25 0.3 3.3 0.0003485535029627"
            ),
            (
                "{{ maxf 1.5 .f }} {{ minf 1.5 .neg }} {{ ceil .f }} {{ floor -2.5 }} {{ round 2.5 0 }} {{ round 3.14159 2 }}",
                "2.75 -3 3 -3 3 3.14"
            ),
            ("{{ .f | float64 | divf 1 }}", "0.3636363636363636"),
            // printf.
            (
                #"{{ printf "%q %5s|%-5s|%05d|%.2f|%x" .s .n .n 42 3.14159 "hi" }}"#,
                "\"Hello World\"     7|7    |00042|3.14|6869"
            ),
            (#"{{ printf "%v %T" (int .n) .f }}"#, "7 string"), (#"{{ printf "%d" "x" }}"#, "%!d(string=x)"),
            (#"{{ printf "%d %d" 1 }}"#, "1 %!d(MISSING)"), (#"{{ printf "a" 1 }}"#, "a%!(EXTRA int=1)"),
            (#"{{ printf "%+d|% d|%x|%X|%o|%b|%c|%U" 5 5 255 255 8 5 65 65 }}"#, "+5| 5|ff|FF|10|101|A|U+0041"),
            (
                #"{{ printf "%6.2f|%-8.3s|%t|%e|%g" 3.14159 "abcdef" true 1500.0 0.00001 }}"#,
                "  3.14|abc     |true|1.500000e+03|1e-05"
            ),
            (#"{{ printf "%[2]s %[1]s" "a" "b" }}"#, "b a"), (#"{{ printf "%*d" 5 42 }}"#, "   42"),
            (#"{{ printf "100%%" }}"#, "100%"),
            (#"{{ printf "%-12s" .s }}|"#, "Hello World |"), (#"{{ printf "%" }}"#, "%!(NOVERB)"),
            // Times.
            (
                "{{ __timestamp__.Unix }} {{ unixEpoch __timestamp__ }} {{ unixEpochMillis __timestamp__ }}",
                "1794304800 1794304800 1794304800123"
            ),
            ("{{ unixEpochNanos __timestamp__ }}", "1794304800123456789"),
            (#"{{ (unixToTime .ts).UTC.Format "2006-01-02T15:04:05.999Z" }}"#, "2023-11-14T22:13:20Z"),
            (#"{{ (unixToTime "1700000000123").UTC.Format "2006-01-02T15:04:05.999Z" }}"#, "2023-11-14T22:13:20.123Z"),
            (#"{{ (unixToTime "19675").UTC.Format "2006-01-02" }}"#, "2023-11-14"),
            (#"{{ toDateInZone "2006-01-02 15:04" "Europe/Zurich" "2026-07-01 12:00" | unixEpoch }}"#, "1782900000"),
            (#"{{ toDateInZone "2006-01-02 15:04" "No/Zone" "2026-07-01 12:00" | unixEpoch }}"#, "1782907200"),
            (#"{{ (toDateInZone "2006-01-02" "UTC" "bad").Year }}"#, "1"),
            (#"{{ __timestamp__.UTC.Month }} {{ __timestamp__.UTC.Weekday }}"#, "November Tuesday"),
            (#"{{ (__timestamp__.Sub (unixToTime "1794304790")).Seconds }}"#, "10.123456789"),
            // JSON and defaults.
            ("{{ fromJson .json }} {{ fromJson .s }}", "[1 2 3] <no value>"),
            (
                #"{{ with fromJson "{\"a\":[1,{\"b\":\"x\"}]}" }}{{ index .a 1 }}{{ .zz }}{{ end }}"#,
                "map[b:x]<no value>"
            ),
            (#"{{ default "d" .e }} {{ .n | default "d" }} {{ default "d" .missing }}"#, "d 7 d"),
        ]
    )
    func output(template: String, text: String) throws {
        let outcome = try render(template)
        #expect(outcome["__error__"] == nil, "\(outcome["__error_details__"] ?? "")")
        #expect(outcome.line == text)
    }

    @Test("The dot prints as a map")
    func dot() throws {
        #expect(try render("{{ . }}", "b=2 a=1").line == "map[a:1 app:x b:2]")
        #expect(try render("{{ range $k, $v := . }}{{$k}}:{{$v}};{{ end }}", "b=2 a=1").line == "a:1;app:x;b:2;")
    }

    @Test("Bytes are cut where asked, UTF-8 or not")
    func bytes() throws {
        let stages = [PipelineStage.logfmt(LogfmtParser()), try lineFormat("{{ trunc -5 .s }}")]
        let pipeline = StagePipeline(stages)
        "s=\"naïve 日本\"".withView { line in
            #expect(pipeline.run(line, timestamp: 0))
            #expect(pipeline.state.line.copy() == Array("日本".utf8.dropFirst().prefix(5)))
        }
    }

    @Test(
        "Errors leave the line and say where",
        arguments: [
            (
                "{{ bytes \"nope\" }}",
                #"template: line:1:3: executing "line" at <bytes "nope">: error calling bytes: strconv.ParseFloat: parsing "": invalid syntax"#
            ),
            (
                "{{ mod 10 0 }}",
                #"template: line:1:3: executing "line" at <mod 10 0>: error calling mod: runtime error: integer divide by zero"#
            ),
            (
                "{{ divf 1 0 }}",
                #"template: line:1:3: executing "line" at <divf 1 0>: error calling divf: decimal division by 0"#
            ),
            (
                "{{ duration \"1d\" }}",
                #"template: line:1:3: executing "line" at <duration "1d">: error calling duration: time: unknown unit "d" in duration "1d""#
            ),
            (
                "{{ unixToTime \"123\" }}",
                #"template: line:1:3: executing "line" at <unixToTime "123">: error calling unixToTime: unable to parse time '123': %!w(<nil>)"#
            ),
            (
                "{{ slice .s 2 900 }}",
                #"template: line:1:3: executing "line" at <slice .s 2 900>: error calling slice: index out of range: 900"#
            ),
            (
                "{{ .s | trunc }}",
                #"template: line:1:8: executing "line" at <trunc>: wrong number of args for trunc: want 2 got 1"#
            ),
            (
                "{{ template `X` }}",
                #"template: line:1:12: executing "line" at <{{template "X"}}>: template "X" not defined"#
            ),
            (#"{{ "quoted" }} {{ nil }}"#, #"template: line:1:18: executing "line" at <nil>: nil is not a command"#),
            (
                "a\nb {{ div 1 0 }}",
                #"template: line:2:5: executing "line" at <div 1 0>: error calling div: runtime error: integer divide by zero"#
            ),
            ("{{ .s.x }}", #"template: line:1:5: executing "line" at <.s.x>: can't evaluate field x in type string"#),
            ("{{ ToUpper 5 }}", #"template: line:1:11: executing "line" at <5>: expected string; found 5"#),
            (
                "{{ 5 | ToUpper }}",
                #"template: line:1:7: executing "line" at <ToUpper>: wrong type for value; expected string; got int"#
            ),
            (
                "{{ eq 1 1.0 }}",
                #"template: line:1:3: executing "line" at <eq 1 1.0>: error calling eq: incompatible types for comparison"#
            ),
            ("{{ .s 1 }}", #"template: line:1:3: executing "line" at <.s>: s is not a method but has arguments"#),
            (
                "{{ urldecode \"%zz\" }}",
                #"template: line:1:3: executing "line" at <urldecode "%zz">: error calling urldecode: invalid URL escape "%zz""#
            ),
            (
                "{{ regexReplaceAll \"(\" .s \"\" }}",
                #"template: line:1:3: executing "line" at <regexReplaceAll "(" .s "">: error calling regexReplaceAll: error parsing regexp: missing closing ): `(`"#
            ),
        ]
    )
    func errors(template: String, details: String) throws {
        let outcome = try render(template)
        #expect(outcome.line == Self.line)
        #expect(outcome["__error__"] == "TemplateFormatErr")
        #expect(outcome["__error_details__"] == details)
    }

    @Test(
        "Faulty templates",
        arguments: [
            ("{{ nosuchfunc }}", #"function "nosuchfunc" not defined"#), ("{{ if }}", "missing value for if"),
            ("{{ .a", "unclosed action"), ("{{.a}", "bad character U+007D '}'"),
            ("{{ $x }}", #"undefined variable "$x""#),
            ("{{ break }}", "{{break}} outside {{range}}"), ("{{ end }}", "unexpected {{end}}"),
            ("{{ if .a }}", "unexpected EOF"),
            ("{{ else }}", "unexpected {{else}}"), ("{{ \"a }}", "unterminated quoted string"),
            ("{{ (1 }}", "unclosed left paren"),
            ("{{ 1) }}", "unexpected right paren"), ("{{ 1 | 2 }}", "non executable command in pipeline stage 2"),
            ("{{/* a", "unclosed comment"), ("{{ 1a }}", #"bad number syntax: "1a""#),
            ("{{}}", "missing value for command"),
            ("{{ , }}", #"unexpected "," in command"#), ("{{ .a ! }}", #"unexpected "!" in operand"#),
        ]
    )
    func faulty(template: String, text: String) {
        #expect(message { _ = try lineFormat(template) } == "invalid line template: template: line:1: \(text)")
    }

    @Test("The line of a fault is counted")
    func lineOfFault() {
        #expect(
            message { _ = try lineFormat("a\nb\n{{ nope }}") }
                == #"invalid line template: template: line:3: function "nope" not defined"#
        )
    }

    @Test(
        "Evil templates end with an error",
        arguments: [
            #"{{ repeat 1000000000 "x" }}"#, #"{{ repeat 2000 (repeat 2000 "x") }}"#,
            #"{{ printf "%900000d%900000d" 1 1 }}"#,
            "{{ range 100000000 }}x{{ end }}", "{{ range 2000 }}{{ range 2000 }}{{ end }}{{ end }}",
            "{{ indent 2000000 .s }}",
            #"{{ define "T" }}{{ template "T" . }}{{ end }}{{ template "T" . }}"#, #"{{ alignLeft 100000000 .s }}"#,
            #"{{ Replace (repeat 1000 "a") "" (repeat 10000 "b") -1 }}"#,
            #"{{ $x := repeat 1000000 "x" }}{{ $x }}{{ $x }}{{ $x }}"#,
            // Steps alone did not bound these: gigabytes in one call, or minutes of work on one large text.
            #"{{ printf "%1000000v" (fromJson (printf "[%s1]" (repeat 3000 "1,"))) }}"#,
            #"{{ regexReplaceAll ".+" (repeat 1000000 "a") "\#(String(repeating: "$0", count: 3_000))" }}"#,
            #"{{ $x := repeat 1000000 "a" }}{{ $y := print\#(String(repeating: " $x", count: 3_000)) }}"#,
            #"{{ $x := repeat 1000000 "a" }}{{ range 90000 }}{{ $y := title $x }}{{ end }}"#,
            #"{{ $m := fromJson (printf "[%s1]" (repeat 400000 "1,")) }}{{ range 30000 }}{{ range $m }}{{ break }}{{ end }}{{ end }}"#,
            #"{{ range $i, $e := 30000 }}{{ $n := count (printf "(a?b|c){900}%d" $i) "aaa" }}{{ end }}"#,
        ]
    )
    func evil(template: String) throws {
        let outcome = try render(template)
        #expect(outcome["__error__"] == "TemplateFormatErr")
        #expect(outcome.line == Self.line)
    }

    @Test("Nesting that would exhaust the stack is refused")
    func nesting() {
        let parens = "{{ " + String(repeating: "(", count: 30_000) + "1" + String(repeating: ")", count: 30_000) + " }}"
        #expect(message { _ = try lineFormat(parens) }?.contains("nested more than") == true)
        let blocks = String(repeating: "{{ if .a }}", count: 10_000)
        #expect(message { _ = try lineFormat(blocks) }?.contains("nested more than") == true)
        let chain = (0..<10_000).map { "{{ if .a\($0) }}{{ else " }.joined()
        #expect(message { _ = try lineFormat(chain) } != nil)
    }

    @Test("Required labels")
    func requiredLabels() throws {
        func names(_ template: String) throws -> [String]? {
            try LineFormat(ByteString(template)).requiredLabels?.map(\.string)
        }
        #expect(try names("{{.b}} {{ if .a }}{{ .c | ToUpper }}{{ end }}") == ["a", "b", "c"])
        #expect(try names("text") == [])
        #expect(try names("{{ . }}") == nil)
        #expect(try names(#"{{ index . "a" }}"#) == nil)
        #expect(try names("{{ with .a }}{{ $.b }}{{ end }}") == ["a", "b"])
    }

    @Test("Any data, for stages outside of queries")
    func otherData() throws {
        let template = try Template("{{ .Value | ToUpper }}:{{ .n }}", name: "t")
        let out = ByteArena()
        let data = TemplateValue.map([(key: "Value", value: TemplateValue("abc")), (key: "n", value: .int(5))])
        #expect(template.execute(data, into: out) == nil)
        #expect(out.view.string == "ABC:5")
    }

    @Test("Random templates never trap", arguments: 0..<40)
    func random(seed: UInt64) throws {
        var random = SeededRandom(seed)
        let words =
            [
                "{{", "}}", "{{-", "-}}", " ", ".n", ".s", ".", "|", "(", ")", "$x", ":=", "=", ",", "if", "else",
                "end", "range", "with",
                "1", "-1", "2.5", "\"a\"", "`b`", "nil", "true", "define", "template", "block", "break", "continue",
                "'c'", "/*", "*/", "\n", "x",
            ] + TemplateFunction.allCases.map(\.rawValue)
        for _ in 0..<150 {
            var text = "{{ "
            for _ in 0..<Int.random(in: 1...10, using: &random) {
                text += words[Int.random(in: 0..<words.count, using: &random)] + " "
            }
            text += "}}"
            guard let stage = try? lineFormat(text) else { continue }
            _ = StageBed().run([.logfmt(LogfmtParser()), stage], Self.line)
        }
        // Calls with random arguments.
        let values = [
            ".n", ".s", ".", "1", "-1", "2.5", "\"a\"", "9223372036854775807", "1e300", "\"\"", "nil", "true",
            "(fromJson \"[1,{}]\")", "__timestamp__", "\"(\"", "-9223372036854775807",
        ]
        for function in TemplateFunction.allCases {
            for _ in 0..<12 {
                let arguments = (0..<Int.random(in: 0...4, using: &random)).map { _ in
                    values[Int.random(in: 0..<values.count, using: &random)]
                }
                guard let stage = try? lineFormat("{{ \(function.rawValue) \(arguments.joined(separator: " ")) }}")
                else { continue }
                _ = StageBed().run([.logfmt(LogfmtParser()), stage], Self.line)
            }
        }
        for _ in 0..<60 {
            let format = String(decoding: random.text("%dsqvxXtTeEfgGcUbo+-# 0123.*[]", most: 12), as: UTF8.self)
            for value in [
                TemplateValue("aé"), .int(-5), .float(2.5), .none, .bool(true), .list([.int(1)]), .labels, .byte(7),
            ] {
                _ = try? GoPrintf.format(ByteString(format), [value, value])
            }
        }
    }
}
