import Bytes
import LogModel
import LogQL
import Testing

@Suite struct ExpressionTests {
    private func metric(_ text: String) throws -> LogQL.MetricExpression {
        guard case .metric(let metric) = try LogQL.parse(text) else { throw LogQLError(plain: "a log query") }
        return metric
    }

    @Test(arguments: [
        ("5", 5), ("+5", 5), ("-5", -5), (".5+.5", 1), ("1.", 1), ("2+3*4", 14), ("(1+2)*3", 9), ("2-3-4", -5),
        ("7%3", 1), ("-7%3", -1), ("-2^2", 4), ("2^3^2", 512), ("1+1--1", 3), ("1 - -1", 2), ("0x1p3", 8), ("010", 10),
        ("1e6*1e6", 1e12), ("1==1", 1), ("1!=1", 0), ("2>bool 1", 1), ("1 > 2 > 3", 0), ("2 > 1 + 0", 1),
        ("# a\n1 /* b */ + // c\n2", 3),
    ])
    func foldsLiterals(_ text: String, _ value: Double) throws {
        #expect(try metric(text) == .literal(value))
    }

    @Test(arguments: ["10/0", "0/0", "0%0", "-1/0"]) func divisionByZeroIsNotANumber(_ text: String) throws {
        guard case .literal(let value) = try metric(text) else {
            Issue.record("not folded")
            return
        }
        #expect(value.isNaN)
    }

    @Test(arguments: [
        ("vector(1) or vector(2) and vector(3)", "(vector(1.000000) or (vector(2.000000) and vector(3.000000)))"),
        ("vector(1) - vector(2) - vector(3)", "((vector(1.000000) - vector(2.000000)) - vector(3.000000))"),
        ("vector(1) ^ vector(2) ^ vector(3)", "(vector(1.000000) ^ (vector(2.000000) ^ vector(3.000000)))"),
        ("vector(1) > vector(2) * vector(3) + 1", "(vector(1.000000) > ((vector(2.000000) * vector(3.000000)) + 1))"),
        (
            "vector(1) and vector(2) unless vector(3)",
            "((vector(1.000000) and vector(2.000000)) unless vector(3.000000))"
        ),
        ("(vector(1) + vector(2)) * 2", "((vector(1.000000) + vector(2.000000)) * 2)"),
        ("vector(1) * 1e6", "(vector(1.000000) * 1e+06)"),
        ("vector(1) * on () group_left vector(2)", "(vector(1.000000) * on () group_left vector(2.000000))"),
        (
            "vector(1) * on (a) group_right () (vector(2) + 1)",
            "(vector(1.000000) * on (a) group_right () (vector(2.000000) + 1))"
        ),
    ])
    func bindsOperators(_ text: String, _ printed: String) throws {
        #expect(try metric(text).description == printed)
    }

    @Test func keepsEveryPartOfAMatching() throws {
        let text = #"SUM(rate({a="x"}[1m])) > Bool ON(a, b) GROUP_LEFT(c) vector(1)"#
        guard case .binary(let operation) = try metric(text) else {
            Issue.record("no operation")
            return
        }
        #expect(operation.op == .greater)
        #expect(operation.returnBool)
        #expect(
            operation.matching
                == LogQL.VectorMatching(on: true, labels: ["a", "b"], cardinality: .manyToOne, include: ["c"])
        )
    }

    // Brackets and offsets may stand in many places.
    @Test(arguments: [
        (#"rate({a="x"}[5m])"#, #"rate({a="x"}[5m])"#),
        (#"rate({a="x"}[5m] | json)"#, #"rate({a="x"} | json[5m])"#),
        (#"rate({a="x"} | json [5m])"#, #"rate({a="x"} | json[5m])"#),
        (#"rate(({a="x"} | json)[5m])"#, #"rate({a="x"} | json[5m])"#),
        (#"rate((({a="x"} | json [5m])))"#, #"rate({a="x"} | json[5m])"#),
        (#"rate({a="x"}[5m] offset 1h | json)"#, #"rate({a="x"} | json[5m] offset 1h0m0s)"#),
        (#"rate({a="x"} | json [5m] offset -5m)"#, #"rate({a="x"} | json[5m] offset -5m0s)"#),
        (#"rate({a="x"}[5m] | json | unwrap v)"#, #"rate({a="x"} | json | unwrap v[5m])"#),
        (
            #"rate({a="x"} | unwrap duration(v) | v > 1s | b="2" [1h30m] offset 1.5m)"#,
            #"rate({a="x"} | unwrap duration(v) | v>1s | b="2"[1h30m] offset 1m30s)"#
        ),
        (#"rate(({a="x"} | unwrap v)[5m])"#, #"rate({a="x"} | unwrap v[5m])"#),
        (#"sum(rate({a="x"}[1w])) by (b, c)"#, #"sum by (b,c)(rate({a="x"}[1w]))"#),
        (#"sum by () (rate({a="x"}[90d]))"#, #"sum(rate({a="x"}[90d]))"#),
        (#"sum without () (rate({a="x"}[1y]))"#, #"sum without ()(rate({a="x"}[1y]))"#),
        (#"avg_over_time({a="x"} | unwrap v [1m]) by ()"#, #"avg_over_time({a="x"} | unwrap v[1m]) by ()"#),
        (
            #"quantile_over_time(0.99, {a="x"} | unwrap v [1m]) without (z)"#,
            #"quantile_over_time(0.99,{a="x"} | unwrap v[1m]) without (z)"#
        ),
        (#"topk(010, sum by (rate) (rate({sum="x"}[1m])))"#, #"topk(10,sum by (rate)(rate({sum="x"}[1m])))"#),
    ])
    func readsAggregations(_ text: String, _ printed: String) throws {
        #expect(try metric(text).description == printed)
    }

    @Test(arguments: [
        (#"{a="x"}|json"#, #"{a="x"} | json"#),
        (#"({a="x"} |= "y")"#, #"{a="x"} |= "y""#),
        (#"{ a = `x"y` , b!~"z" }"#, #"{a="x\"y", b!~"z"}"#),
        (
            #"{a="x"} |= "a" or ip("10.0.0.0/8") or "" |~ "b" or "c""#,
            #"{a="x"} |= "a" or ip("10.0.0.0/8") or "" |~ "b" or "c""#
        ),
        (#"{a="x"} != "a" or "b" !> "<_>x" or "y""#, #"{a="x"} != "a" != "b" !> "<_>x" !> "y""#),
        (#"{a="x"} | JSON b="c.d", e |= "f""#, #"{a="x"} | json b="c.d",e="e" |= "f""#),
        (#"{a="x"} | logfmt --keep-empty --strict b, c="d""#, #"{a="x"} | logfmt --strict --keep-empty b="b",c="d""#),
        (
            #"{a="x"} | label_format b=c, d="{{.e}}" | unpack | decolorize"#,
            #"{a="x"} | label_format b=c,d="{{.e}}" | unpack | decolorize"#
        ),
        (#"{a="x"} | drop b, c!~"d" | keep e="f", g"#, #"{a="x"} | drop b,c!~"d" | keep e="f",g"#),
        (
            #"{a="x"} | pattern "<b> <_>" | regexp "(?P<c>.)" | line_format "{{.b}}""#,
            #"{a="x"} | pattern "<b> <_>" | regexp "(?P<c>.)" | line_format "{{.b}}""#
        ),
        (
            #"{a="x"} | b > -1s | c <= 1.5KB | d = 0x1p3 | e == +5 | f != 1d12h | g >= 1Gi"#,
            #"{a="x"} | b>-1s | c<=1.5kB | d==8 | e==5 | f!=36h0m0s | g>=1073741824B"#
        ),
        (
            #"{a="x"} | b = ip("::1") | c != ip("1.1.1.1-1.1.1.9")"#,
            #"{a="x"} | b=ip("::1") | c!=ip("1.1.1.1-1.1.1.9")"#
        ),
        (
            #"{a="x"} | count > 5 | rate = 1 | bytes="b" | duration > 1s"#,
            #"{a="x"} | count>5 | rate==1 | bytes="b" | duration>1s"#
        ),
        (#"{a="\u00e9\n\x41\101\U0001F600"}"#, "{a=\"é\\nAA😀\"}"),
        (#"{a="x"} | größe = "ä""#, #"{a="x"} | größe="ä""#),
    ])
    func readsLogQueries(_ text: String, _ printed: String) throws {
        #expect(try LogQL.parse(text).description == printed)
    }

    @Test func stringsMayHoldAnyByte() throws {
        let log = try LogQL.parseLog(#"{a="x"} |= "\xff\x00""#)
        #expect(log.stages == [.lineFilter(LogQL.LineFilter(.contains, [.text(ByteString([0xFF, 0x00]))]))])
        #expect(try LogQL.parseLog(log.description) == log)
    }

    @Test func selectors() throws {
        #expect(try LogQL.parseSelector(#"{a="x", b=~"y.*"}"#).map(\.description) == [#"a="x""#, #"b=~"y.*""#])
        #expect(try LogQL.parseSelector("{}", allowEmpty: true).isEmpty)
        #expect(throws: LogQLError.self) { try LogQL.parseSelector("{}") }
        for text in [#"{a="x"} |= "y""#, #"rate({a="x"}[1m])"#] {
            #expect(throws: LogQLError(plain: "only label matchers are supported")) { try LogQL.parseSelector(text) }
        }
        #expect(throws: LogQLError.self) { try LogQL.parseLog("1") }
    }
}
