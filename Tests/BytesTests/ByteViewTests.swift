import Bytes
import Testing

@Suite struct ByteViewTests {
    @Test func findsBytesAndNeedles() {
        ByteString("abcabc\0xyz").withView { view in
            #expect(view.firstIndex(of: UInt8(ascii: "c")) == 2)
            #expect(view.firstIndex(of: UInt8(ascii: "c"), from: 3) == 5)
            #expect(view.firstIndex(of: UInt8(ascii: "q")) == nil)
            #expect(view.lastIndex(of: UInt8(ascii: "a")) == 3)
            #expect(view.firstRange(of: ByteView("\0x")) == 6)
            #expect(view.firstRange(of: ByteView(""), from: 4) == 4)
            #expect(view.firstRange(of: ByteView("abcd")) == nil)
            #expect(view.contains(ByteView("xyz")))
        }
    }

    @Test func findsWhereLevelsMayBegin() {
        func naive(_ text: [UInt8], _ from: Int) -> Int {
            let starts: [[UInt8]] = ["tr", "de", "fa", "cr", "er", "wa", "in"].map { Array($0.utf8) }
            let bounds = Array(" \t\n\"'=([{|".utf8)
            for i in from..<max(from, text.count - 2) {
                guard i == 0 || bounds.contains(text[i - 1]) else { continue }
                if starts.contains([text[i] | 0x20, text[i + 1] | 0x20]) { return i }
            }
            return text.count
        }
        let alphabet = Array(" \t=\"[{|:,tTrRdDeEfFaAcCwWiInN".utf8)
        for length in [0, 1, 2, 3, 15, 16, 17, 18, 33, 100, 400] {
            for round in 0..<40 {
                let text = (0..<length).map { alphabet[($0 &* 2_654_435_761 &+ round &* 40_503) >> 3 % alphabet.count] }
                text.withView { view in
                    for from in 0...length { #expect(view.levelStart(from: from) == naive(text, from)) }
                }
            }
        }
    }

    @Test func comparesAsBytes() {
        // "é" in one scalar and in two: the same String, different bytes.
        let composed = ByteString("\u{E9}")
        let decomposed = ByteString("e\u{301}")
        #expect("\u{E9}" == "e\u{301}")
        #expect(composed != decomposed)
        #expect(ByteString("a") < ByteString("b"))
        #expect(ByteString("a") < ByteString("aa"))
        #expect(ByteString([0xFF]) > ByteString("z"))
    }

    @Test func trims() {
        #expect(ByteString(" \t a b \r\n").withView { $0.trimmed.string } == "a b")
        #expect(ByteString(" \n").withView { $0.trimmed.isEmpty })
    }

    @Test(arguments: [
        ([0x61, 0xC3, 0xA9], true), ([0xC3], false), ([0xC0, 0x80], false), ([0xED, 0xA0, 0x80], false),
        ([0xF4, 0x8F, 0xBF, 0xBF], true), ([0xF4, 0x90, 0x80, 0x80], false), ([0xE0, 0x9F, 0x80], false),
        (Array("0123456789abcdef\u{1F600}".utf8), true), (Array("0123456789abcde".utf8) + [0x80], false), ([], true),
    ] as [([UInt8], Bool)])
    func knowsUTF8(bytes: [UInt8], good: Bool) {
        #expect(bytes.withView { $0.isUTF8 } == good)
    }

    @Test func readingOutsideTraps() async {
        await #expect(processExitsWith: .failure) {
            _ = ByteString("ab").withView { $0[2] }
        }
    }
}
