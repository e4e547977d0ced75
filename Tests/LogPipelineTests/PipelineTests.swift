import Bytes
import LogModel
import Metrics
import Testing

@testable import LogPipeline

@Suite("Stages, one by one and together")
struct PipelineTests {
    private func mapping(_ pairs: KeyValuePairs<String, String>) -> [StageMapping] {
        pairs.map { StageMapping($0.key, $0.value.isEmpty ? nil : $0.value) }
    }

    private func json(_ pairs: KeyValuePairs<String, String>, source: String? = nil, drop: Bool = false) -> StageKind {
        .json(JSONStageOptions(expressions: mapping(pairs), source: source, dropMalformed: drop))
    }

    // MARK: Extraction

    @Test(
        "json: values as texts",
        arguments: [
            (#"{"v":"text"}"#, "text"), (#"{"v":1}"#, "1"), (#"{"v":1.50}"#, "1.5"), (#"{"v":1e3}"#, "1000"), (#"{"v":-0.000001}"#, "-0.000001"),
            (#"{"v":12345678901234567890}"#, "12345678901234567890"), (#"{"v":true}"#, "true"), (#"{"v":false}"#, "false"),
            (#"{"v":"a\"b\u00e9\n"}"#, "a\"bé\n"), (#"{"v":{"b":1,"a":"<x>"}}"#, #"{"a":"\u003cx\u003e","b":1}"#),
            (#"{"v":[1.0,2,{"z":null}]}"#, #"[1,2,{"z":null}]"#), (#"{"v":"first","v":"last"}"#, "last"), (#"{"v":""}"#, ""),
            (#" {"a":1, "\u0076":"escaped key"} "#, "escaped key"), (#"{"x":{"v":"deep"},"v":"top"}"#, "top"),
        ])
    func jsonValues(line: String, expected: String) throws {
        let bench = try Bench([json(["v": ""]), .output(source: "v")])
        #expect(bench.run([line]).map(\.line) == [expected])
    }

    @Test("json: null, missing and malformed leave the line as it is", arguments: [
        #"{"v":null}"#, #"{"w":1}"#, "null", "[1]", "\"v\"", "", "{\"v\":1", "{\"v\":1} x", "text",
    ])
    func jsonNothing(line: String) throws {
        let bench = try Bench([json(["v": ""]), .output(source: "v")])
        #expect(bench.run([line]).map(\.line) == [line])
    }

    @Test("json: paths", arguments: [
        ("a.b", "1"), ("a", #"{"b":1,"c":[{"d":"x"},{"d":"y"}]}"#), ("a.c[0].d", "x"), ("a.c[-1].d", "y"), (#""k.1"."z z""#, "q"),
        ("a . b", "1"), ("\"a\".b", "1"),
    ])
    func jsonPaths(path: String, expected: String) throws {
        let line = #"{"a":{"b":1,"c":[{"d":"x"},{"d":"y"}]},"k.1":{"z z":"q"}}"#
        let bench = try Bench([json(["v": path]), .output(source: "v")])
        #expect(bench.run([line]).map(\.line) == [expected])
    }

    @Test("json: drop_malformed drops what is no object, and only that")
    func jsonDrop() throws {
        let bench = try Bench([json(["v": ""], drop: true)])
        #expect(bench.run(["[1]", "x", "{}", "", #"{"v":null}"#]).map(\.line) == ["{}", #"{"v":null}"#])
        #expect(bench.registry.value("logentry_dropped_lines_total", ["reason": "malformed_json"]) == 3)
        let nested = try Bench([json(["v": ""], source: "missing", drop: true)])
        #expect(nested.run(["x"]).count == 1)
    }

    @Test("json in json: a source that was decoded first")
    func jsonSource() throws {
        let bench = try Bench([
            json(["inner": ""]), json(["v": "", "w": "v", "o": "list"], source: "inner"), .labels(mapping(["v": "", "w": "", "o": ""])),
            .output(source: "inner"),
        ])
        let out = bench.run([#"{"inner":"{\"v\":\"a\\\"b\",\"list\":[1, 2]}"}"#])
        #expect(out.map(\.line) == [#"{"v":"a\"b","list":[1, 2]}"#])
        #expect(out[0].labels == #"{job="j", o="[1,2]", v="a\"b", w="a\"b"}"#)
    }

    @Test("logfmt")
    func logfmt() throws {
        let bench = try Bench([
            .logfmt(LogfmtStageOptions(mapping: mapping(["a": "", "msg": "b", "flag": "", "z": "a"]))),
            .labels(mapping(["a": "", "msg": "", "flag": "", "z": ""])),
        ])
        #expect(bench.run([#"a=1 flag b="x \"y\"" c=3"#])[0].labels == #"{job="j", msg="x \"y\"", z="1"}"#)
        // What stands before a syntax error counts.
        #expect(bench.run([#"b=1 a="open"#])[0].labels == #"{job="j", msg="1"}"#)
    }

    @Test("regex: named groups; one that took no part is empty; no match changes nothing")
    func regex() throws {
        let bench = try Bench([
            .regex(RegexStageOptions(expression: #"(?P<a>\d+)(-(?P<b>x))?(z)?"#)), .labels(mapping(["a": "", "b": ""])),
        ])
        #expect(bench.run(["n 12-x", "n 12", "none"]).map(\.labels) == [
            #"{a="12", b="x", job="j"}"#, #"{a="12", job="j"}"#, #"{job="j"}"#,
        ])
        let number = try Bench([json(["v": ""]), .regex(RegexStageOptions(expression: "(?P<d>5)$", source: "v")), .output(source: "d")])
        #expect(number.run([#"{"v":1.25}"#]).map(\.line) == ["5"])
        #expect(try Bench([.regex(RegexStageOptions(expression: "(a)"))]).pipeline.warnings.count == 1)
    }

    @Test("A label is in the extracted map from the start, and again in a match")
    func seeding() throws {
        #expect(try Bench([.output(source: "job")]).run(["x"]).map(\.line) == ["j"])
        let nested = try Bench([
            json(["job": ""]),
            .match(MatchStageOptions(selector: #"{job="j"}"#, stages: [StageSpec(.output(source: "job"))])),
        ])
        #expect(nested.run([#"{"job":"inner"}"#]).map(\.line) == ["j"])
    }

    // MARK: Time

    @Test("timestamp: read, skip and fudge")
    func timestamp() throws {
        func stage(_ action: TimestampStageOptions.FailureAction) -> StageKind {
            .timestamp(TimestampStageOptions(source: "t", format: "RFC3339", fallbackFormats: ["UnixMs"], actionOnFailure: action))
        }
        let lines = [#"{"t":"2026-11-21T07:00:00Z"}"#, #"{"t":1795248000123}"#, #"{"t":"bad"}"#, "{}"]
        let good: [Int64] = [1_795_244_400_000_000_000, 1_795_248_000_123_000_000]
        let skip = try Bench([json(["t": ""]), stage(.skip)])
        #expect(skip.run(lines).map(\.timestamp) == good + [Bench.now, Bench.now + 1])
        let fudge = try Bench([json(["t": ""]), stage(.fudge)])
        #expect(fudge.run(lines).map(\.timestamp) == good + [good[1] + 1, good[1] + 2])
        // Nothing known yet: the time of reading.
        #expect(try Bench([json(["t": ""]), stage(.fudge)]).run(["x"]).map(\.timestamp) == [Bench.now])
    }

    @Test("fudge goes by label set")
    func fudgeByLabels() throws {
        let bench = try Bench([
            json(["t": "", "l": ""]), .labels(mapping(["l": ""])), .timestamp(TimestampStageOptions(source: "t", format: "UnixNs")),
        ])
        let out = bench.run([#"{"l":"a","t":100}"#, #"{"l":"b","t":200}"#, #"{"l":"a"}"#, #"{"l":"b"}"#, #"{"l":"a"}"#])
        #expect(out.map(\.timestamp) == [100, 200, 101, 201, 102])
    }

    @Test("Equal times of reading are spread by a nanosecond in each stream, across batches; read times are kept")
    func spreading() throws {
        let bench = try Bench([json(["l": ""]), .labels(mapping(["l": ""]))])
        let lines = [#"{"l":"a"}"#, #"{"l":"a"}"#, #"{"l":"b"}"#]
        #expect(bench.run(lines).map { $0.timestamp - Bench.now } == [0, 1, 0])
        #expect(bench.run(lines).map { $0.timestamp - Bench.now } == [2, 3, 1])
        // A clock that was set back by hours is followed.
        let back = Bench.now - 7_200_000_000_000
        #expect(bench.run(lines, timestamp: back).map { $0.timestamp - back } == [0, 1, 0])
    }

    // MARK: Labels and metadata

    @Test("labels: missing and broken values are left out, empty ones are set and leave the stream at the end")
    func labels() throws {
        let bench = try Bench([json(["a": "", "b": "", "n": ""]), .labels(mapping(["x": "a", "b": "", "n": "", "q": ""]))])
        #expect(bench.run([#"{"a":"1","b":"","n":7}"#]).map(\.labels) == [#"{job="j", n="7", x="1"}"#])
    }

    @Test("structured_metadata: from extracted values, from labels (which move)")
    func structuredMetadata() throws {
        let bench = try Bench([json(["id": "", "job": "other"]), .structuredMetadata(mapping(["rid": "id", "pod": "", "job": ""]))])
        let out = bench.run([#"{"id":"r1"}"#, "text"], labels: ["job": "j", "pod": "p1", "x": "y"])
        #expect(out.map(\.metadata) == [#"{job="j", pod="p1", rid="r1"}"#, #"{job="j", pod="p1"}"#])
        #expect(out.map(\.labels) == [#"{x="y"}"#, #"{x="y"}"#])
    }

    @Test("static_labels, labeldrop, labelallow, tenant")
    func labelStages() throws {
        #expect(try Bench([.staticLabels(mapping(["a": "1", "none": ""]))]).run(["x"])[0].labels == #"{a="1", job="j"}"#)
        #expect(try Bench([.labelDrop(["job"])]).run(["x"], labels: ["job": "j", "a": "1"])[0].labels == #"{a="1"}"#)
        #expect(try Bench([.labelAllow(["a"])]).run(["x"], labels: ["job": "j", "a": "1"])[0].labels == #"{a="1"}"#)
        #expect(try Bench([.tenant(label: nil, source: nil, value: "t1")]).run(["x"])[0].labels == #"{__tenant_id__="t1", job="j"}"#)
        #expect(try Bench([.tenant(label: "job", source: nil, value: nil)]).run(["x"])[0].labels == #"{__tenant_id__="j", job="j"}"#)
        let source = try Bench([json(["t": ""]), .tenant(label: nil, source: "t", value: nil)])
        #expect(source.run([#"{"t":"q"}"#, "x"]).map(\.labels) == [#"{__tenant_id__="q", job="j"}"#, #"{job="j"}"#])
    }

    // MARK: Transforming

    @Test("replace: groups, several matches, nested groups, source, named groups", arguments: [
        ("(secret)", "X", "a secret b secret", "a X b X"), ("secret", "X", "a secret", "a secret"), (#"pw=(\S+)"#, "", "pw=1 pw=2", "pw= pw="),
        ("(a(b)c)", "-", "xabcx", "x-x"), ("(a)|(b)", "-", "ab", "--"), ("()", "-", "ab", "-a-b-"),
    ])
    func replace(expression: String, replacement: String, line: String, expected: String) throws {
        let bench = try Bench([.replace(ReplaceStageOptions(expression: expression, replace: replacement))])
        #expect(bench.run([line]).map(\.line) == [expected])
    }

    @Test("replace in an extracted value leaves the line, and names its groups")
    func replaceSource() throws {
        let bench = try Bench([
            json(["v": ""]), .replace(ReplaceStageOptions(expression: "(?P<g>b+)", replace: "X", source: "v")), .labels(mapping(["v": "", "g": ""])),
        ])
        let out = bench.run([#"{"v":"abbc"}"#])
        #expect(out.map(\.line) == [#"{"v":"abbc"}"#])
        #expect(out.map(\.labels) == [#"{g="X", job="j", v="aXc"}"#])
    }

    @Test("pack: sorted, escaped, labels go, _entry last")
    func pack() throws {
        let bench = try Bench([.pack(labels: ["pod", "job", "none"], ingestTimestamp: false)])
        let out = bench.run(["a <b> \"c\""], labels: ["job": "j", "pod": "p&", "x": "y"], timestamp: 5)
        #expect(out.map(\.line) == [#"{"job":"j","pod":"p\u0026","_entry":"a \u003cb\u003e \"c\""}"#])
        #expect(out.map(\.labels) == [#"{x="y"}"#])
        #expect(out.map(\.timestamp) == [5])
        #expect(try Bench([.pack(labels: ["job"], ingestTimestamp: true)]).run(["x"], timestamp: 5).map(\.timestamp) == [Bench.now])
    }

    @Test("decolorize")
    func decolorize() throws {
        #expect(try Bench([.decolorize]).run(["\u{1B}[31mred\u{1B}[0m", "plain"]).map(\.line) == ["red", "plain"])
    }

    @Test("docker: line, stream and time; other lines pass")
    func docker() throws {
        let bench = try Bench([.docker])
        let out = bench.run([
            #"{"log":"hello\n","stream":"stderr","time":"2026-11-21T07:00:00.000000005Z"}"#, "2026-11-21T07:00:00Z stderr F cri line",
        ])
        #expect(out.map(\.line) == ["hello\n", "2026-11-21T07:00:00Z stderr F cri line"])
        #expect(out.map(\.labels) == [#"{job="j", stream="stderr"}"#, #"{job="j"}"#])
        #expect(out[0].timestamp == 1_795_244_400_000_000_005)
    }

    // MARK: Filtering

    @Test("drop: all conditions must hold")
    func drop() throws {
        func kept(_ options: DropStageOptions, _ lines: [String], timestamp: Int64 = Bench.now) throws -> [String] {
            try Bench([json(["a": "", "b": ""]), .drop(options)]).run(lines, timestamp: timestamp).map(\.line)
        }
        let both = #"{"a":"1","b":"2"}"#
        let one = #"{"a":"1"}"#
        #expect(try kept(DropStageOptions(sources: ["a"]), [both, one, "x"]) == ["x"])
        #expect(try kept(DropStageOptions(sources: ["a"], value: "1"), [both, #"{"a":"2"}"#]) == [#"{"a":"2"}"#])
        #expect(try kept(DropStageOptions(sources: ["a", "b"], value: "1;2"), [both, one]) == [one])
        #expect(try kept(DropStageOptions(sources: ["a", "b"], separator: "#", expression: "^1#"), [both, one]) == [one])
        #expect(try kept(DropStageOptions(expression: "x+"), ["axx", "b"]) == ["b"])
        #expect(try kept(DropStageOptions(longerThan: 3), ["123", "1234"]) == ["123"])
        #expect(try kept(DropStageOptions(expression: "1", longerThan: 3), ["123", "1234", "2345"]) == ["123", "2345"])
        #expect(try kept(DropStageOptions(olderThan: 1_000_000_000), ["x"], timestamp: Bench.now - 1_000_000_001) == [])
        #expect(try kept(DropStageOptions(olderThan: 1_000_000_000), ["x"], timestamp: Bench.now - 1_000_000_000) == ["x"])
        #expect(try kept(DropStageOptions(sources: ["a"], value: ""), [#"{"a":""}"#, one]) == [one])
    }

    @Test("drop: reasons are counted, and what comes later does not see the line")
    func dropCounts() throws {
        let bench = try Bench([
            .drop(DropStageOptions(expression: "noise", dropCounterReason: "noise")),
            .metrics([MetricOptions(name: "lines_total", kind: .counter, prefix: "", action: .inc, matchAll: true, labels: [])]),
        ])
        #expect(bench.run(["noise 1", "x", "noise 2"]).count == 1)
        #expect(bench.registry.value("logentry_dropped_lines_total", ["reason": "noise"]) == 2)
        #expect(bench.registry.value("lines_total") == 1)
    }

    @Test("sampling: 0 drops all, 1 keeps all")
    func sampling() throws {
        let lines = (0..<100).map { "\($0)" }
        #expect(try Bench([.sampling(rate: 0, dropCounterReason: nil)]).run(lines).isEmpty)
        #expect(try Bench([.sampling(rate: 1, dropCounterReason: nil)]).run(lines).count == 100)
        let some = try Bench([.sampling(rate: 0.5, dropCounterReason: nil)]).run((0..<2000).map { "\($0)" }).count
        #expect((800...1200).contains(some))
    }

    @Test("limit: the burst, then nothing; by label each value has its own bucket")
    func limit() throws {
        let lines = (0..<10).map { "\($0)" }
        #expect(try Bench([.limit(LimitStageOptions(rate: 0.001, burst: 3, drop: true))]).run(lines).count == 3)
        let byLabel = try Bench([
            json(["l": ""]), .labels(mapping(["l": ""])), .limit(LimitStageOptions(rate: 0.001, burst: 1, drop: true, byLabelName: "l")),
        ])
        let out = byLabel.run([#"{"l":"a"}"#, #"{"l":"a"}"#, #"{"l":"b"}"#, "none", "none"])
        #expect(out.map(\.line) == [#"{"l":"a"}"#, #"{"l":"b"}"#, "none", "none"])
    }

    // MARK: Mistakes

    @Test("Mistakes are found when building", arguments: [
        (.json(JSONStageOptions(expressions: [])), "expressions"), (.json(JSONStageOptions(expressions: [StageMapping("a", "a-b")])), "unexpected `-`"),
        (.json(JSONStageOptions(expressions: [StageMapping("a", "a[*]")])), "no index"), (.json(JSONStageOptions(expressions: [StageMapping("a")], source: "")), "`source` is empty"),
        (.logfmt(LogfmtStageOptions(mapping: [])), "mapping"), (.regex(RegexStageOptions(expression: "")), "`expression` is missing"),
        (.regex(RegexStageOptions(expression: "(")), "missing closing )"), (.regex(RegexStageOptions(expression: "(?P<a>x)", source: "")), "`source` is empty"),
        (.timestamp(TimestampStageOptions(source: "", format: "Unix")), "`source` is missing"), (.timestamp(TimestampStageOptions(source: "a", format: "")), "`format` is missing"),
        (.timestamp(TimestampStageOptions(source: "a", format: "Unix", location: "No/Where")), "unknown time zone"), (.output(source: ""), "`source` is missing"),
        (.labels([]), "no label"), (.labels([StageMapping("a-b")]), "no label name"), (.labelDrop([]), "list is empty"), (.labelAllow([]), "list is empty"),
        (.tenant(label: nil, source: nil, value: nil), "none of"), (.tenant(label: "a", source: nil, value: "b"), "more than one"),
        (.sampling(rate: 1.5, dropCounterReason: nil), "`rate`"), (.sampling(rate: -1, dropCounterReason: nil), "`rate`"),
        (.drop(DropStageOptions()), "no condition"), (.drop(DropStageOptions(value: "x")), "without `source`"),
        (.drop(DropStageOptions(sources: ["a"], value: "x", expression: "y")), "both"), (.limit(LimitStageOptions(rate: 0, burst: 1)), "`rate`"),
        (.limit(LimitStageOptions(rate: 1, burst: 0)), "`burst`"), (.limit(LimitStageOptions(rate: 1, burst: 1, byLabelName: "x")), "by_label_name"),
        (.match(MatchStageOptions(selector: "")), "`selector` is missing"), (.multiline(MultilineStageOptions(firstline: "")), "`firstline` is missing"),
        (.metrics([]), "no metric"), (.metrics([MetricOptions(name: "a", kind: .counter)]), "`action` is missing"),
        (.metrics([MetricOptions(name: "a", kind: .counter, action: .set)]), "cannot `set`"),
        (.metrics([MetricOptions(name: "a", kind: .counter, action: .add, countEntryBytes: true)]), "count_entry_bytes"),
        (.metrics([MetricOptions(name: "a", kind: .counter, action: .inc, value: "x", matchAll: true)]), "match_all"),
        (.metrics([MetricOptions(name: "a-b", kind: .counter, action: .inc)]), "no metric name"),
        (.metrics([MetricOptions(name: "a", kind: .counter, maxIdleDuration: 5, action: .inc)]), "shorter than 1s"),
        (.metrics([MetricOptions(name: "a", kind: .histogram, buckets: [2, 1])]), "ascend"),
        (.metrics([MetricOptions(name: "a", kind: .counter, action: .inc), MetricOptions(name: "a", kind: .gauge, action: .set)]), "another type"),
        (.metrics([MetricOptions(name: "a", kind: .counter, action: .inc, values: [MetricLabelValues("m", ["x"])])]), "no label of the metric"),
        (.metrics([MetricOptions(name: "a", kind: .counter, action: .inc, labels: [StageMapping("m")], allow: [MetricLabelValues("m", [])])]), "lists nothing"),
        (.metrics([MetricOptions(name: "a", kind: .counter, action: .inc, labels: [StageMapping("m")], maxSeries: 1, values: [MetricLabelValues("m", ["x", "y"])])]), "more than 1 series"),
        (.metrics([MetricOptions(name: "a", kind: .counter, action: .inc, aliases: [MetricAlias("b-c")])]), "no metric name"),
        (.metrics([MetricOptions(name: "a", kind: .counter, action: .inc), MetricOptions(name: "b", kind: .counter, prefix: "", action: .inc, aliases: [MetricAlias("promtail_custom_a")])]), "exists already"),
        (.metrics([MetricOptions(name: "b", kind: .counter, prefix: "", action: .inc, aliases: [MetricAlias("promtail_custom_a")]), MetricOptions(name: "a", kind: .counter, action: .inc)]), "second name"),
        (.metrics([MetricOptions(name: "a", kind: .gauge, action: .set, exemplar: [StageMapping("trace_id")])]), "gauges have no exemplars"),
    ] as [(StageKind, String)])
    func mistakes(kind: StageKind, words: String) throws {
        let spec = StageSpec(kind, at: StageLocation(line: 7, column: 3))
        do {
            _ = try Pipeline.build([spec], environment: PipelineEnvironment())
            Issue.record("accepted: \(kind)")
        } catch {
            #expect(error.description.contains(words), "\(error)")
            #expect(error.description.hasPrefix("7:3: \(kind.name) stage: "))
        }
    }

    @Test("A mistake in an option that has a place points there")
    func optionPlaces() {
        let spec = StageSpec(
            .regex(RegexStageOptions(expression: "(")), at: StageLocation(line: 1, column: 1),
            options: ["expression": StageLocation(line: 2, column: 9)])
        #expect(throws: PipelineError.self) { try Pipeline.build([spec], environment: PipelineEnvironment()) }
        do { _ = try Pipeline.build([spec], environment: PipelineEnvironment()) } catch {
            #expect(error.location == StageLocation(line: 2, column: 9))
        }
    }
}
