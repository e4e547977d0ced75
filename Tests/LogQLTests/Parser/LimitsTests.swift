import LogQL
import Testing

/// Input that means harm, or just much: an answer in linear time and bounded stack, never a trap.
@Suite struct LimitsTests {
    private func repeated(_ part: String, _ count: Int, by joint: String = "") -> String {
        Array(repeating: part, count: count).joined(separator: joint)
    }

    @Test(arguments: [" or ", " and ", ", ", " "]) func tenThousandConditions(_ joint: String) throws {
        let log = try LogQL.parseLog(#"{a="x"} | "# + repeated("a=1", 10_000, by: joint))
        switch log.stages[0] {
        case .labelFilter(.and(let parts, _)), .labelFilter(.or(let parts, _)): #expect(parts.count == 10_000)
        default: Issue.record("no chain")
        }
    }

    @Test func manyAlternativesAndStages() throws {
        let alternatives = try LogQL.parseLog(#"{a="x"} |= "# + repeated(#""b""#, 10_000, by: " or "))
        guard case .lineFilter(let filter) = alternatives.stages[0] else {
            Issue.record("no filter")
            return
        }
        #expect(filter.values.count == 10_000)
        #expect(try LogQL.parseLog(#"{a="x"} "# + repeated("|json", 20_000)).stages.count == 20_000)
        #expect(try LogQL.parse(repeated("1", 60_000, by: "+")) == .metric(.literal(60_000)))
    }

    @Test func nestingAndHeightAreBounded() throws {
        for count in [100, LogQL.nestingMax - 2] {
            _ = try LogQL.parse(repeated("(", count) + "1" + repeated(")", count))
            _ = try LogQL.parse(#"{a="x"} | "# + repeated("(", count) + "a=1" + repeated(")", count))
            _ = try LogQL.parse(#"rate("# + repeated("(", count) + #"{a="x"}[1m]"# + repeated(")", count) + ")")
        }
        var hostile: [String] = []
        hostile.append(repeated("(", 130_000))
        hostile.append(repeated("sum(", 30_000))
        hostile.append(repeated("label_replace(", 9_000))
        hostile.append("rate(" + repeated("(", 100_000))
        hostile.append(repeated("1^", 60_000) + "1")
        hostile.append(repeated("vector(1)^", 12_000))
        hostile.append(repeated("vector(1)", 10_000, by: "+"))
        hostile.append(#"{a="x"} | "# + repeated("(", 100_000))
        hostile.append(#"{a="x"} | "# + repeated("a=1,b=1 or ", 10_000) + "c=1")
        for text in hostile {
            #expect(throws: LogQLError.self) { try LogQL.parse(text) }
        }
        _ = try LogQL.parse(repeated("vector(1)", 1_000, by: " or "))
    }

    /// Nine bytes, half a second: `\pL{100}`.
    @Test func regularExpressionsAreBounded() throws {
        func filters(_ pattern: (Int) -> String, _ count: Int) -> String {
            #"{a="x"}"# + (0..<count).map { " |~ `\(pattern($0))`" }.joined()
        }
        for text in [
            filters({ "\\pL{\(100 + $0)}" }, 500), filters({ "a\($0)" }, 1_001),
            "{" + repeated(#"a=~"x""#, 101, by: ",") + "}",
        ] {
            #expect(throws: LogQLError.self) { try LogQL.parse(text) }
        }
        _ = try LogQL.parse(filters({ _ in "a.*b" }, 5_000))
        _ = try LogQL.parse(filters({ "a\($0)" }, 900))
    }

    @Test func inputIsBounded() {
        #expect(throws: LogQLError(parse: "input size too long (131073 > 131072)")) {
            try LogQL.parse(repeated(" ", 131_073))
        }
        #expect(throws: LogQLError(parse: "syntax error: unexpected $end", line: 1, column: 131_073)) {
            try LogQL.parse(repeated(" ", 131_072))
        }
    }

    /// Queries cut off and with bytes exchanged: anything but a trap.
    @Test func brokenQueriesAreRefusedOrRead() {
        let pieces = [
            "{", "}", "(", ")", "[5m]", "[", "]", "a", "=", "=~", "!=", "!~", "\"x\"", "`", "\"", "|", "|=", "json",
            "logfmt",
            "--strict", "-", "+", "5", "5m", "5KB", "0x", "1e", ".", ",", "by", "sum", "rate", "unwrap", "bytes",
            "offset", "or",
            "and", "on", "ip", "#", "\n", "é", "\u{0}", "\\", "'", "^", "bool", "drop", "label_format", "vector", "/*",
            "99999999999999999999",
        ]
        var random = SeededGenerator(seed: 7)
        for _ in 0..<20_000 {
            var text = Bool.random(using: &random) ? #"sum by (a) (rate({a="x"} | json [5m] "# : #"{a="x"} | "#
            for _ in 0..<Int.random(in: 0..<12, using: &random) {
                text += pieces[Int.random(in: 0..<pieces.count, using: &random)]
                if Bool.random(using: &random) { text += " " }
            }
            guard let tree = try? LogQL.parse(text) else { continue }
            #expect((try? LogQL.parse(tree.description)) == tree || tree.description.contains("NaN"), "\(text)")
        }
    }
}
