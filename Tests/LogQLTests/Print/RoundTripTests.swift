import Testing

@testable import LogQL

@Suite struct RoundTripTests {
    @Test func whatIsPrintedReadsBackAsTheSameTree() {
        for seed in 0..<5_000 {
            var maker = RandomTree(seed: UInt64(seed))
            let tree = maker.expression()
            for text in [tree.description, LogQL.pretty(tree)] {
                do {
                    let again = try LogQL.parse(text)
                    #expect(again == tree, "seed \(seed): \(text)\nread as \(again)")
                    if again != tree { return }
                } catch {
                    Issue.record("seed \(seed): \(error) in \(text)")
                    return
                }
            }
        }
    }

    /// The language reads `-0` as a duration, and six digits are not enough for every number: both changed what a
    /// formatted query means. Found by the fuzzer.
    @Test(arguments: ["-2 * 0", #"{a="b"} | x > - 0"#, "vector(0.0000001)", "vector(0.1234567)"])
    func numbersKeepTheirMeaning(_ text: String) throws {
        let tree = try LogQL.parse(text)
        #expect(try LogQL.parse(tree.description) == tree)
        #expect(try LogQL.parse(LogQL.pretty(tree)) == tree)
    }

    /// Any character is a name, as in Loki: `!` ran into the operator behind it.
    @Test(arguments: [#"{a="b"} | json ! | ! > 5"#, #"{! ="b"} | ! ="c" | label_format ! ="{{.a}}" | json ! ="d""#])
    func namesStayApartFromOperators(_ text: String) throws {
        let tree = try LogQL.parse(text)
        #expect(try LogQL.parse(tree.description) == tree)
    }

    @Test func whatIsPrintedWithoutParenthesesReadsBackAsTheSameTree() {
        for seed in 0..<5_000 {
            var maker = RandomTree(seed: UInt64(seed) &+ 1 << 41)
            let tree = maker.expression()
            let text: String
            switch tree {
            case .log(let log): text = log.text(.flat)
            case .metric(let metric): text = metric.text(.flat)
            }
            do {
                let again = try LogQL.parse(text)
                #expect(again == tree, "seed \(seed): \(text)\nread as \(again)")
                if again != tree { return }
            } catch {
                Issue.record("seed \(seed): \(error) in \(text)")
                return
            }
        }
    }

    /// A chain of 200 was printed as 200 nested parentheses, which the parser refused: what a client got from
    /// `format_query` it could not send.
    @Test func longChainsReadBack() throws {
        func chain(_ part: (Int) -> String, _ joint: String, _ count: Int) -> String {
            (0..<count).map(part).joined(separator: joint)
        }
        let count = #"count_over_time({a="x"}[1m])"#
        let texts = [
            chain({ "vector(\($0))" }, " or ", 1_000), chain({ "vector(\($0))" }, " - ", 1_000),
            chain({ $0 % 2 == 0 ? count : "\($0)" }, " + ", 200), chain({ _ in count }, " * on (a) group_left ", 200),
            "1 + (" + chain({ "vector(\($0))" }, " / ", 500) + ")",
            String(repeating: "sum(", count: 120) + chain({ _ in "vector(1)" }, "-", 30) + String(repeating: ")", count: 120),
            chain({ "vector(\($0))" }, " ^ ", LogQL.nestingMax - 1),
            #"{a="x"} |= "# + chain({ "\"\($0)\"" }, " or ", 10_000),
            #"{a="x"} != "# + chain({ "\"\($0)\"" }, " or ", 2_000),
            #"{a="x"} | "# + chain({ "a=\($0)" }, " or ", 10_000),
            #"{a="x"} | "# + chain({ "a=\($0)" }, ", ", 10_000),
            #"{a="x"} | "# + chain({ "a=\($0)" }, " and ", 10_000),
            #"{a="x"} | "# + chain({ "a=\($0)" }, " and (b=1 or c=2 and (d=3 or e=4)) or ", 500),
            #"{a="x"} | "# + chain({ "a=\($0), b=1" }, " or ", 400),
            #"{a="x"} | "# + chain({ "a=\($0)" }, " or (", LogQL.nestingMax) + String(repeating: ")", count: LogQL.nestingMax - 1),
            "sum(rate({a=\"x\"} | json | unwrap n | " + chain({ "a=\($0)" }, " or ", 300) + "[1m]))",
        ]
        for text in texts {
            let tree = try LogQL.parse(text)
            #expect(try LogQL.parse(tree.description) == tree, "\(text.prefix(60))")
            #expect(try LogQL.parse(LogQL.pretty(tree)) == tree, "\(text.prefix(60))")
        }
        // What the limits refuse, they refuse in plain words.
        #expect {
            try LogQL.parse(chain({ _ in "vector(1)" }, " or ", 10_000))
        } throws: {
            ($0 as? LogQLError)?.message.contains("chains more than \(LogQL.heightMax) operations") == true
        }
    }

    /// Chains that can be read again look as Loki prints them.
    @Test func shortChainsArePaired() throws {
        #expect(try LogQL.parse("vector(1) + vector(2) - 3").description == "((vector(1.000000) + vector(2.000000)) - 3)")
        let text = (0..<LogQL.nestingMax).map { "a=\($0)" }.joined(separator: " or ")
        #expect(try LogQL.parse(#"{a="x"} | "# + text).description.hasPrefix(#"{a="x"} | ( ( ( "#))
    }

    @Test func printingIsStable() throws {
        for seed in 0..<500 {
            var maker = RandomTree(seed: UInt64(seed) &+ 1 << 40)
            let text = maker.expression().description
            #expect(try LogQL.parse(text).description == text)
        }
    }
}
