import Bytes
import LogQL
import Testing

@Suite struct ParserHintsTests {
    private func hints(_ text: String) throws -> LogQL.ParserHints {
        guard case .metric(let metric) = try LogQL.parse(text), let range = metric.rangeAggregations.first else {
            throw LogQLError(plain: "no range")
        }
        var outer: LogQL.Pushed?
        if case .vectorAggregation(let aggregation) = metric { outer = aggregation.pushedGrouping }
        return LogQL.ParserHints(for: range, outer: outer) { _ in ["field"] }
    }

    @Test(arguments: [
        (#"count_over_time({a="x"} | json [1m])"#, LogQL.ParserHints.all),
        (#"sum(count_over_time({a="x"} | json [1m]))"#, .init(need: .none)),
        (#"sum by (b) (count_over_time({a="x"} | json [1m]))"#, .init(need: .only(["b"]))),
        (#"sum without (b) (count_over_time({a="x"} | json [1m]))"#, .all),
        (#"sum without () (count_over_time({a="x"} | json [1m]))"#, .all),
        (#"max by (b) (count_over_time({a="x"} | json [1m]))"#, .all),
        (
            #"sum(count_over_time({a="x"} | json | c=1 or d="2" | line_format "{{.field}}" [1m]))"#,
            .init(need: .only(["c", "d", "field"]))
        ),
        (
            #"sum(count_over_time({a="x"} | json | label_format e=f, g="{{.field}}" [1m]))"#,
            .init(need: .only(["f", "field"]))
        ),
        (#"sum by (b_extracted) (rate({a="x"} | json [1m]))"#, .init(need: .only(["b_extracted", "b"]))),
        (#"sum by (b) (sum_over_time({a="x"} | json | unwrap v | w=1 [1m]))"#, .init(need: .only(["v", "w", "b"]))),
        (#"max_over_time({a="x"} | json | unwrap v [1m]) by (b)"#, .init(need: .only(["v", "b"]))),
        (#"absent_over_time({a="x"} | json [1m])"#, .init(need: .none)),
        (
            #"sum by (__error__) (count_over_time({a="x"} | json [1m]))"#,
            .init(need: .only(["__error__"]), preservesErrors: true)
        ),
    ])
    func needs(_ text: String, _ expected: LogQL.ParserHints) throws {
        #expect(try hints(text) == expected)
    }
}
