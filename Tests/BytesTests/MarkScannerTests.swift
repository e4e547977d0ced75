import Bytes
import Testing

@Suite struct MarkScannerTests {
    private func marks(_ text: String, portable: Bool = false) -> [MarkScanner.Mark] {
        var scanner = MarkScanner(portable: portable)
        text.withView { scanner.scan($0) }
        return (0..<scanner.count).map { scanner[$0] }
    }

    @Test func eachKind() {
        #expect(marks("a@b") == [.init(kind: .at, at: 1)])
        #expect(marks("x 4111111111111") == [.init(kind: .card, at: 2)])
        #expect(marks("4111 1111 1111 1111").first == .init(kind: .card, at: 0))
        #expect(marks("3782 822463 10005").first == .init(kind: .card, at: 0))
        #expect(marks("313-93-2516") == [.init(kind: .ssn, at: 0)])
        #expect(marks("x DE89370400440532013000,").first == .init(kind: .iban, at: 2))
        #expect(marks(#"\nde89370400440532013000"#).first == .init(kind: .iban, at: 2))
        #expect(marks("de89 3704 0044 0532 0130 00").first == .init(kind: .iban, at: 0))
        #expect(marks("DE89-3704-0044-0532-0130-00").first == .init(kind: .iban, at: 0))
        #expect(marks("313\u{A0}93\u{A0}2516").map(\.kind) == [.wideGap, .wideGap])
        #expect(marks("1\u{2013}2 3\u{202F}4 5\u{2009}6 a\u{2013}7 8\u{2014}9 1\u{E9}1").map(\.at) == [1, 7, 13])
        #expect(marks(#"89\u00a037 89\\u202F37 x\u00a03 8\u00a0 8\u2014 9"#).map(\.at) == [2, 14])
        #expect(marks(#"\u0040 \x41 %42 \u00e9 \n 5%"#).map(\.at) == [0, 7, 12])
        #expect(marks("2026-11-01T00:00:00.377122 10.0.0.1 411111111111") == [])
        // No country, too short, too long, hexadecimal.
        #expect(!marks("QQ89370400440532013000 DE893704004405320130 DE8937040044053201300011 GPU00 ab12cd34ef56ab12 xDE89370400440532013000").contains { $0.kind == .iban })
    }

    /// Both variants agree, across the borders of blocks too.
    @Test func variantsAgree() {
        var state: UInt64 = 42
        let alphabet = Array("0123456789012345678901234567890123456789DEde  --@\\u0040a0%x.+\u{A0}\u{A0}\u{2013}".utf8)
        for length in 0..<400 {
            var text: [UInt8] = []
            for _ in 0..<length {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                text.append(alphabet[Int(state >> 33) % alphabet.count])
            }
            var a = MarkScanner()
            var b = MarkScanner(portable: true)
            text.withView { view in
                a.scan(view)
                b.scan(view)
            }
            #expect((0..<a.count).map { a[$0] } == (0..<b.count).map { b[$0] })
        }
    }

    @Test func shapesAcrossBlocks() {
        for lead in 40..<140 {
            let pad = String(repeating: ".", count: lead)
            #expect(marks(pad + "4111111111111111") == [.init(kind: .card, at: lead)])
            #expect(marks(pad + "313-93-2516") == [.init(kind: .ssn, at: lead)])
            #expect(marks(pad + "\\u0040") == [.init(kind: .hidden, at: lead)])
        }
    }

    /// A line of nothing but triggers took sixteen times its size in marks.
    @Test func refusesMoreMarksThanAllowed() {
        var scanner = MarkScanner()
        let text = ByteString(String(repeating: "@", count: 1_000))
        let tooMany = text.withView { scanner.scan($0, marksMax: 999) }
        #expect(!tooMany && scanner.count == 0)
        let fits = text.withView { scanner.scan($0, marksMax: 1_000) }
        #expect(fits)
        #expect(scanner.count == 1_000)
    }
}
