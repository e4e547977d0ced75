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
}
