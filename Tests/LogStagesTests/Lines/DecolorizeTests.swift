import Bytes
import Testing

@testable import LogStages

@Suite("decolorize")
struct DecolorizeTests {
    @Test(
        arguments: [
            ("\u{1B}[31mred\u{1B}[0m plain", "red plain"), ("\u{1B}[1;32mbold\u{1B}[0m", "bold"), ("plain", "plain"),
            ("\u{1B}]0;window title\u{07}after", ";window title\u{07}after"), ("\u{9B}31mred", "red"),
            ("\u{1B}[38;5;196mx\u{1B}[K", "x"), ("\u{1B}", "\u{1B}"), ("a\u{1B}", "a\u{1B}"), ("\u{1B}[", "\u{1B}["),
            ("\u{1B}]0;title\u{07}x", "x"), ("\u{1B}[999999m", "9m"),
        ])
    func strips(line: String, plain: String) {
        #expect(StageBed().run([.decolorize(Decolorize())], line).line == plain)
    }

    @Test("Made-up lines take linear time and do not trap", arguments: 0..<4)
    func random(seed: UInt64) {
        var random = SeededRandom(seed)
        for _ in 0..<500 {
            _ = StageBed().run([.decolorize(Decolorize())], bytes: random.text("\u{1B}[;0m\u{07}]?a", most: 60))
        }
        let evil = [UInt8](repeating: 0x1B, count: 20_000) + [UInt8](repeating: 0x5B, count: 200_000)
        #expect(StageBed().run([.decolorize(Decolorize())], bytes: evil).kept)
    }
}
