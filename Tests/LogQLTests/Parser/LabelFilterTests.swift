import Bytes
import LogQL
import Testing

@Suite struct LabelFilterTests {
    /// The table of Loki's own binding, in its printed form: a comma is `and`.
    @Test(arguments: [
        ("a=1 and b=1 or c=1", "( ( a==1 , b==1 ) or c==1 )"),
        ("a=1 or b=1 and c=1", "( a==1 or ( b==1 , c==1 ) )"),
        ("a=1 , b=1 or c=1", "( a==1 , ( b==1 or c==1 ) )"),
        ("a=1 b=1 or c=1", "( a==1 , ( b==1 or c==1 ) )"),
        ("a=1 or b=1 , c=1", "( a==1 or ( b==1 , c==1 ) )"),
        ("a=1 or b=1 c=1", "( a==1 or ( b==1 , c==1 ) )"),
        ("a=1 and b=1 , c=1 or d=1", "( a==1 , ( b==1 , ( c==1 or d==1 ) ) )"),
        ("a=1 or b=1 or c=1", "( ( a==1 or b==1 ) or c==1 )"),
        ("a=1 and b=1 and c=1", "( ( a==1 , b==1 ) , c==1 )"),
        ("a=1, b=1, c=1", "( a==1 , ( b==1 , c==1 ) )"),
        ("(a=1 or b=1) and c=1", "( ( a==1 or b==1 ) , c==1 )"),
        ("a=1 and (b=0 or (c=0 and d=1))", "( a==1 , ( b==0 or ( c==0 , d==1 ) ) )"),
        ("a=1 or b=1 c=0 or d=1", "( a==1 or ( b==1 , ( c==0 or d==1 ) ) )"),
        ("a=1 (b=1 or c=1) d=1", "( a==1 , ( ( b==1 or c==1 ) , d==1 ) )"),
        (
            "a=1 or b=1, c=1 and d=1 or e=1, f=1",
            "( a==1 or ( b==1 , ( ( c==1 , d==1 ) or ( e==1 , f==1 ) ) ) )"
        ),
        ("(a=1 and b=1), (c=1 and d=1)", "( ( a==1 , b==1 ) , ( c==1 , d==1 ) )"),
        ("((a=1))", "a==1"),
    ])
    func binds(_ text: String, _ printed: String) throws {
        let log = try LogQL.parseLog(#"{a="x"} | "# + text)
        #expect(log.stages.map(\.description) == ["| " + printed])
        #expect(try LogQL.parseLog(log.description) == log)
    }

    @Test func chainsAreFlat() throws {
        let log = try LogQL.parseLog(#"{a="x"} | a=1 or b=1 or c=1"#)
        guard case .labelFilter(.or(let parts, .left)) = log.stages[0] else {
            Issue.record("no chain")
            return
        }
        #expect(parts.count == 3)
        let commas = try LogQL.parseLog(#"{a="x"} | a=1, b=1, c=1"#)
        guard case .labelFilter(.and(let all, .right)) = commas.stages[0] else {
            Issue.record("no chain")
            return
        }
        #expect(all.flatMap(\.labelNames) == ["a", "b", "c"])
    }
}
