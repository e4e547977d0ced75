import LogQL
import Testing

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

    @Test func printingIsStable() throws {
        for seed in 0..<500 {
            var maker = RandomTree(seed: UInt64(seed) &+ 1 << 40)
            let text = maker.expression().description
            #expect(try LogQL.parse(text).description == text)
        }
    }
}
