import LogQL
import Testing

/// Texts that follow the grammar and mean nothing.
@Suite struct ValidationTests {
    private static let empty =
        "queries require at least one regexp or equality matcher that does not have an empty-compatible value. "
        + #"For instance, app=~".*" does not meet this requirement, but app=~".+" will"#

    @Test(arguments: [
        ("{}", empty), (#"{a=""}"#, empty), (#"{a=~".*"}"#, empty), (#"{a=~"x|"}"#, empty), (#"{a!="b"}"#, empty),
        (#"{a!~"b"}"#, empty), (#"{a=~".*", b!="x"}"#, empty), (#"rate({a="x"}[1m]) + rate({a=~".*"}[1m])"#, empty),
        (#"rate({a="x"}[1m]) by (a)"#, "grouping not allowed for rate aggregation"),
        (#"count_over_time({a="x"}[1m]) by (a)"#, "grouping not allowed for count_over_time aggregation"),
        (#"absent_over_time({a="x"}[1m]) by (a)"#, "grouping not allowed for absent_over_time aggregation"),
        (#"sum_over_time({a="x"} | unwrap v [1m]) by (a)"#, "grouping not allowed for sum_over_time aggregation"),
        (#"sum(count_over_time({a="x"}[1m]) by (a))"#, "grouping not allowed for count_over_time aggregation"),
        (#"sum_over_time({a="x"}[1m])"#, "invalid aggregation sum_over_time without unwrap"),
        (#"rate_counter({a="x"}[1m])"#, "invalid aggregation rate_counter without unwrap"),
        (#"bytes_rate({a="x"} | unwrap v [1m])"#, "invalid aggregation bytes_rate with unwrap"),
        (#"count_over_time({a="x"} | unwrap v [1m])"#, "invalid aggregation count_over_time with unwrap"),
        (#"quantile_over_time({a="x"} | unwrap v [1m])"#, "parameter required for operation quantile_over_time"),
        (#"sum_over_time(50, {a="x"} | unwrap v [1m])"#, "parameter 50 not supported for operation sum_over_time"),
        ("topk(vector(1))", "parameter required for operation topk"),
        ("topk(1.5, vector(1))", "invalid parameter topk(1.5,"),
        ("bottomk(0, vector(1))", "invalid parameter (must be greater than 0) bottomk(0"),
        ("topk(99999999999999999999, vector(1))", "invalid parameter topk(99999999999999999999,"),
        ("sum(3, vector(1))", "unsupported parameter for operation sum(3,"),
        ("sort(vector(1)) by (a)", "sort and sort_desc doesn't allow grouping by "),
        ("approx_topk(1, vector(1)) by (a)", "grouping not allowed for approx_topk aggregation"),
        ("1 or 2", "unexpected literal for left leg of logical/set binary operation (or): 1.000000"),
        ("vector(1) unless 5", "unexpected literal for right leg of logical/set binary operation (unless): 5.000000"),
        (#"{a="x"} + 1"#, "unexpected type for left leg of binary operation (+): *syntax.MatchersExpr"),
        (#"1 + {a="x"}"#, "unexpected type for right leg of binary operation (+): *syntax.MatchersExpr"),
        (#"{a="x"} | drop a>5"#, "unexpected type for left leg of binary operation (>): *syntax.PipelineExpr"),
        (#"{a="x"} |~ ip("1.2.3.4")"#, #"stage '|~ ip("1.2.3.4")' : ip: invalid operation"#),
        (#"{a="x"} !~ "[a""#, #"stage '!~ "[a"' : error parsing regexp: missing closing ]: `[a`"#),
        (
            #"{a="x"} | label_format x="a", x=b"#,
            #"stage '| label_format x="a",x=b' : multiple label name 'x' not allowed in a single format operation"#
        ),
        (
            #"{a="x"} | label_format __error__="a""#,
            #"stage '| label_format __error__="a"' : __error__ cannot be formatted"#
        ),
        (#"{a="x"} | regexp "x""#, "invalid regexp parser: at least one named capture must be supplied"),
        (#"{a="x"} | regexp "(""#, "invalid regexp parser: error parsing regexp: missing closing ): `(`"),
    ])
    func refuses(_ text: String, _ expected: String) {
        do {
            let tree = try LogQL.parse(text)
            Issue.record("read as \(tree)")
        } catch {
            #expect(error.message == "parse error : " + expected)
        }
    }

    /// Grammar comes first: what a part means is looked at when all of the text has been read.
    @Test func grammarErrorsGoBeforeErrorsOfMeaning() {
        #expect(throws: LogQLError(parse: "syntax error: unexpected $end, expecting )", line: 1, column: 26)) {
            try LogQL.parse(#"sum_over_time({a="x"}[1m]"#)
        }
    }

    @Test(arguments: [
        #"{a!=""}"#, #"{a=~".+"}"#, #"{a=~".*", b="x"}"#, #"rate({a="x"}[0s])"#, "sort(vector(1)) by ()",
        #"quantile_over_time(1.5, {a="x"} | unwrap v [1m]) by (a)"#, #"rate({a="x"} | unwrap v [1m])"#,
        #"absent_over_time({a="x"} | unwrap v [1m])"#, "vector(1) + bool vector(1)",
        #"label_replace(vector(1), "9dst", "$1", "a", "(.*)")"#, #"{a="x"} | regexp "(?P<9x>a)""#,
    ])
    func accepts(_ text: String) throws {
        _ = try LogQL.parse(text)
    }
}
