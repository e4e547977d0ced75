import Bytes
import LogModel
import LogStages

/// A pattern and a line: `| pattern`, `|>`, `!>`, and the same text as an address range of `ip(…)`.
@Sendable func fuzzPattern(_ input: ByteView) throws(FuzzTarget.Breach) {
    let parts = input.records(2)
    let (pattern, line) = (ByteString(parts[0]), parts[1])
    if let stage = try? PatternParser(pattern) {
        let run = try StageRun([.pattern(stage)], line)
        for label in run.parsed.pairs where !label.value.withView({ line.contains($0) }) {
            throw FuzzTarget.Breach("\(label.name) is \(label.value), which the line does not hold")
        }
        try expectHintsAgree(.pattern(stage), line, run)
    }
    if let gaps = try? GapPattern(pattern) {
        guard let filter = try? LineFilter(.pattern, [.text(pattern)]),
            let opposite = try? LineFilter(.patternNot, [.text(pattern)])
        else { throw FuzzTarget.Breach("a pattern that is none as a filter") }
        let holds = gaps.matches(line)
        try expect(filter.matches(line) == holds && opposite.matches(line) != holds, "|> and !> do not agree")
        if holds {
            var rest = line
            for case let literal? in gaps.parts {
                guard let at = literal.withView({ rest.firstRange(of: $0) }) else {
                    throw FuzzTarget.Breach("a match without \(literal)")
                }
                rest = rest.suffix(from: at + literal.count)
            }
        }
    }
    if let range = try? IPPattern(pattern) { _ = range.isIn(line) }
}
