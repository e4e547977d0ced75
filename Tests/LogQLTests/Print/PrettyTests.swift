import LogQL
import Testing

@Suite struct PrettyTests {
    @Test(arguments: [
        (
            #"{app="a-very-long-application-name", namespace="another-long-namespace-name"} |= "some long text" |~ "and a regex" | json | status >= 500"#,
            """
            {app="a-very-long-application-name", namespace="another-long-namespace-name"}
              |= "some long text" |~ "and a regex"
              | json
              | status>=500
            """
        ),
        (
            #"topk(5,sum by (app,env) (rate({app="x"} |= "error" | json | level="error" | line_format "{{.msg}}" [5m])))"#,
            """
            topk(
              5,
              sum by (app,env)(rate({app="x"} |= "error" | json | level="error" | line_format "{{.msg}}"[5m]))
            )
            """
        ),
        (
            #"quantile_over_time(0.99, {app="a-very-long-application-name", namespace="another-long-namespace-name"} | json | unwrap duration(took) | __error__="" [5m] offset 1h) by (app)"#,
            """
            quantile_over_time(
              0.99,
              {app="a-very-long-application-name", namespace="another-long-namespace-name"} | json
                | unwrap duration(took)
                | __error__="" [5m] offset 1h0m0s
            ) by (app)
            """
        ),
    ])
    func breaksLongExpressions(_ text: String, _ expected: String) throws {
        #expect(LogQL.pretty(try LogQL.parse(text)) == expected)
    }

    @Test func parenthesesAreKeptWhereTheyMatter() throws {
        let leg = #"sum by (app) (rate({app="a-very-long-application-name", namespace="another-long-namespace"}[5m]))"#
        for text in ["(\(leg) + \(leg)) * \(leg)", "\(leg) - (\(leg) - \(leg))", "\(leg) * \(leg) + \(leg)"] {
            let tree = try LogQL.parse(text)
            #expect(try LogQL.parse(LogQL.pretty(tree)) == tree)
        }
    }

    /// Story: an operand that needs parentheses was laid out twice, once too many; each level doubled that, and 60 levels
    /// of `1 + (…)` kept a thread busy for ever.
    @Test func layoutTakesTimeInProportion() throws {
        let nested = String(repeating: "1 + (", count: 60) + "vector(1)" + String(repeating: ")", count: 60)
        let tree = try LogQL.parse(nested)
        #expect(try LogQL.parse(LogQL.pretty(tree)) == tree)
        let chain = try LogQL.parse([String](repeating: "vector(1)", count: 1_000).joined(separator: " + "))
        #expect(LogQL.pretty(chain).split(separator: "\n").count > 1_000)
    }
}
