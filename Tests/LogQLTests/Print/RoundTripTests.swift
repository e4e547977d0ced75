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

    @Test func printingIsStable() throws {
        for seed in 0..<500 {
            var maker = RandomTree(seed: UInt64(seed) &+ 1 << 40)
            let text = maker.expression().description
            #expect(try LogQL.parse(text).description == text)
        }
    }
}
