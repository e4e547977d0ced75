import LogQL
import Testing

/// Texts that do not follow the grammar, with position and words of Loki's answer.
@Suite struct SyntaxErrorTests {
    private static func at(_ line: Int, _ column: Int, _ text: String) -> LogQLError {
        LogQLError(parse: text, line: line, column: column)
    }

    @Test(arguments: [
        ("", at(0, 0, "syntax error: unexpected $end")),
        (" ", at(1, 2, "syntax error: unexpected $end")),
        ("\n", at(2, 1, "syntax error: unexpected $end")),
        ("{", at(1, 2, "syntax error: unexpected $end, expecting IDENTIFIER or }")),
        ("}", at(1, 1, "syntax error: unexpected }")),
        ("foo", at(1, 1, "syntax error: unexpected IDENTIFIER")),
        (#"{app}"#, at(1, 5, "syntax error: unexpected }, expecting = or =~ or !~ or !=")),
        (#"{app=}"#, at(1, 6, "syntax error: unexpected }, expecting STRING")),
        (#"{app=x}"#, at(1, 6, "syntax error: unexpected IDENTIFIER, expecting STRING")),
        (#"{app="x""#, at(1, 9, "syntax error: unexpected $end, expecting } or ,")),
        (#"{app="x",}"#, at(1, 10, "syntax error: unexpected }, expecting IDENTIFIER")),
        (#"{"app"="x"}"#, at(1, 2, "syntax error: unexpected STRING, expecting IDENTIFIER or }")),
        (#"{by="x"}"#, at(1, 2, "syntax error: unexpected by, expecting IDENTIFIER or }")),
        (#"{app="x"} |"#, at(1, 12, "syntax error: unexpected $end")),
        (#"{app="x"} |= foo"#, at(1, 14, "syntax error: unexpected IDENTIFIER, expecting STRING or ip")),
        (#"{app="x"} |= `a` or"#, at(1, 20, "syntax error: unexpected $end, expecting STRING or ip")),
        (#"{app="x"} |= "a" |= or "b""#, at(1, 21, "syntax error: unexpected or, expecting STRING or ip")),
        (#"{app="x"} && {app="y"}"#, at(1, 11, "syntax error: unexpected IDENTIFIER")),
        (#"{app="x"} |= "a"#, at(1, 14, "literal not terminated")),
        (#"{app="x"} |= "\d""#, at(1, 14, "invalid char escape")),
        (#"{app="x"} |= 'a'"#, at(1, 14, "syntax error: unexpected IDENTIFIER, expecting STRING or ip")),
        (#"{app="x"} |= 'ab'"#, at(1, 14, "invalid char literal")),
        ("{app=\"x\"} /* no end", at(1, 11, "comment not terminated")),
        ("{app=\"x\"}\n|= \"a\"\n| (", at(3, 4, "syntax error: unexpected $end, expecting IDENTIFIER or (")),
        ("{größe=\"日本\"} ]", at(1, 14, "syntax error: unexpected ]")),
        (#"{app="x"} | logfmt --nope"#, at(1, 22, "syntax error: unexpected IDENTIFIER, expecting NUMBER")),
        (#"{app="x"} | logfmt a --strict"#, at(0, 22, "syntax error: unexpected FUNCTION_FLAG")),
        (#"{app="x"} | logfmt | c == "2""#, at(1, 27, "syntax error: unexpected STRING")),
        (#"{app="x"} | c =~ 5"#, at(1, 18, "syntax error: unexpected NUMBER, expecting STRING")),
        (#"{app="x"} | a="1" and"#, at(1, 22, "syntax error: unexpected $end, expecting IDENTIFIER or (")),
        (#"{app="x"} | (a="1""#, at(1, 19, "syntax error: unexpected $end")),
        (#"{app="x"} | size > 1.5mb"#, at(1, 25, "syntax error: unexpected $end")),
        (#"{app="x"} | a > 5x"#, at(1, 19, "syntax error: unexpected $end")),
        (#"{app="x"} | a.b="x""#, at(1, 14, "syntax error: unexpected .")),
        (#"{app="x"} | a > ip("1.1.1.1")"#, at(1, 17, "syntax error: unexpected ip")),
        (#"{app="x"} | label_format x="#, at(1, 28, "syntax error: unexpected $end, expecting IDENTIFIER or STRING")),
        (#"{app="x"} | keep"#, at(1, 17, "syntax error: unexpected $end, expecting IDENTIFIER")),
        (#"{app="x"} | drop "a""#, at(1, 18, "syntax error: unexpected STRING, expecting IDENTIFIER")),
        (#"{app="x"} | drop a,"#, at(1, 20, "syntax error: unexpected $end, expecting IDENTIFIER")),
        (#"{app="x"} | unwrap a"#, at(1, 13, "syntax error: unexpected unwrap")),
        (#"{app="x"} [5m]"#, at(0, 11, "syntax error: unexpected RANGE")),
        (#"rate({app="x"}[5])"#, at(0, 15, #"not a valid duration string: "5""#)),
        (#"rate({app="x"}[])"#, at(0, 15, "empty duration string")),
        (#"rate({app="x"}[1.5h])"#, at(0, 15, #"unknown unit "." in duration "1.5h""#)),
        (#"rate({app="x"}[5minutes])"#, at(0, 15, #"unknown unit "minutes" in duration "5minutes""#)),
        (#"rate({app="x"}[1m1h])"#, at(0, 15, #"not a valid duration string: "1m1h""#)),
        (#"rate({app="x"}[300y])"#, at(0, 15, "duration out of range")),
        (#"rate({app="x"}[5m)"#, at(0, 15, "missing closing ']' in duration")),
        (#"rate({app="x"}[5m]"#, at(1, 19, "syntax error: unexpected $end, expecting )")),
        ("rate([5m])", at(0, 6, "syntax error: unexpected RANGE, expecting NUMBER or { or (")),
        ("sum rate({app=\"x\"}[5m])", at(1, 1, "syntax error: unexpected IDENTIFIER")),
        (#"sum by (a) (rate({app="x"}[5m])) by (b)"#, at(1, 34, "syntax error: unexpected by")),
        (#"sum by (a,) (rate({app="x"}[5m]))"#, at(1, 11, "syntax error: unexpected ), expecting IDENTIFIER")),
        (#"sum by (a b) (rate({app="x"}[5m]))"#, at(1, 11, "syntax error: unexpected IDENTIFIER, expecting , or )")),
        (#"rate({app="x"}[5m]) offset 5m"#, at(1, 21, "syntax error: unexpected offset")),
        (#"rate({app="x"}[5m] | json offset 5m)"#, at(1, 27, "syntax error: unexpected offset, expecting )")),
        (#"rate(({app="x"}[5m]) offset 5m)"#, at(1, 22, "syntax error: unexpected offset, expecting )")),
        (#"rate({app="x"} | json offset 1h [5m])"#, at(1, 23, "syntax error: unexpected offset")),
        (#"rate({app="x"}[5m] offset 5)"#, at(1, 27, "syntax error: unexpected NUMBER, expecting DURATION")),
        (#"rate({app="x"}[5m] offset -1d)"#, at(1, 27, "syntax error: unexpected -, expecting DURATION")),
        (#"rate({app="x"}[5m] @ 5)"#, at(1, 20, "syntax error: unexpected IDENTIFIER, expecting )")),
        (
            #"rate({app="x"} | unwrap [5m])"#,
            at(
                0,
                25,
                "syntax error: unexpected RANGE, expecting IDENTIFIER or BYTES_CONV or DURATION_CONV or DURATION_SECONDS_CONV"
            )
        ),
        (#"rate({app="x"} | unwrap foo(a) [5m])"#, at(1, 28, "syntax error: unexpected (, expecting RANGE or |")),
        (
            #"rate({app="x"} | unwrap a | json [5m])"#,
            at(1, 29, "syntax error: unexpected json, expecting IDENTIFIER or (")
        ),
        (#"rate({app="x"} | unwrap a |= "x" [5m])"#, at(0, 27, "syntax error: unexpected |=, expecting RANGE or |")),
        ("vector(-1)", at(1, 8, "syntax error: unexpected -, expecting NUMBER")),
        (
            #"vector(count_over_time({a="x"}[1m]))"#,
            at(1, 8, "syntax error: unexpected COUNT_OVER_TIME, expecting NUMBER")
        ),
        (#"label_replace({a="m"}, "a", "b", "c", "d")"#, at(1, 22, "syntax error: unexpected ,")),
        (#"label_replace(vector(1), "a", "b", "c")"#, at(1, 39, "syntax error: unexpected ), expecting ,")),
        (#"sum({a="m"})"#, at(1, 12, "syntax error: unexpected )")),
        (
            #"quantile_over_time(-0.1, {a="x"} | unwrap v [1m])"#,
            at(1, 20, "syntax error: unexpected -, expecting NUMBER or { or (")
        ),
        (
            #"quantile_over_time(0.5, 3, {a="x"} | unwrap v [1m])"#,
            at(1, 25, "syntax error: unexpected NUMBER, expecting { or (")
        ),
        (#"bottomk(-1, vector(1))"#, at(1, 11, "syntax error: unexpected ,")),
        ("vector(1) > on group_left vector(1)", at(1, 16, "syntax error: unexpected group_left, expecting (")),
        ("1 +", at(1, 4, "syntax error: unexpected $end")),
        ("-vector(1)", at(1, 2, "syntax error: unexpected VECTOR, expecting NUMBER")),
        ("-(1)", at(1, 2, "syntax error: unexpected (, expecting NUMBER")),
        ("Inf", at(1, 1, "syntax error: unexpected IDENTIFIER")),
        ("1 > 08", at(1, 5, "invalid digit '8' in octal literal")),
        (#"{a="x"} | size > 0B"#, at(1, 18, "decimal literal has no digits")),
        ("1e", at(1, 1, "exponent has no digits")),
        ("0x10", at(0, 0, #"unable to parse literal as a float: strconv.ParseFloat: parsing "0x10": invalid syntax"#)),
        ("0b1", at(0, 0, #"unable to parse literal as a float: strconv.ParseFloat: parsing "0b1": invalid syntax"#)),
        ("0o7", at(0, 0, #"unable to parse literal as a float: strconv.ParseFloat: parsing "0o7": invalid syntax"#)),
        (
            "1e999",
            at(0, 0, #"unable to parse literal as a float: strconv.ParseFloat: parsing "1e999": value out of range"#)
        ),
        (#"{a=~"("}"#, at(0, 0, "error parsing regexp: missing closing ): `^(?s:()$`")),
        (#"{a="x"} | v=~"(""#, at(0, 0, "error parsing regexp: missing closing ): `(`")),
    ])
    func refuses(_ text: String, _ expected: LogQLError) {
        do {
            let tree = try LogQL.parse(text)
            Issue.record("read as \(tree)")
        } catch {
            #expect(error == expected, "\(error), expected \(expected)")
        }
    }

    @Test(arguments: [
        "label_join(vector(1), \"a\", \"b\")", "count_values(\"x\", vector(1))", "quantile(0.5, vector(1))", "time()",
        "histogram_quantile(0.5, vector(1))", "group(vector(1))", #"rate({a="x"}[5m:1m])"#, "NaN", "1_000",
        #"variants(rate({app="x"}[5m])) of ({app="x"}[5m])"#, #"({a="x"}) |= "y""#, #"{a="x"} | json and"#,
        #"{a="x"} | logfmt --strict a --strict"#, #"{a="x"} | line_format a"#, "vector(1))", "((vector(1))",
        #"{a="x"} or {a="y"}"#, #"rate({a="x"})"#, #"rate(({a="x"}))"#, #"sum by (a) (vector(1)) without (b)"#,
    ])
    func refusesToo(_ text: String) {
        #expect(throws: LogQLError.self) { try LogQL.parse(text) }
    }
}
