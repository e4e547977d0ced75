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
        #expect(marks("DE89") == [.init(kind: .iban, at: 0)])
        #expect(marks(#"\u0040 \x41 %42 \u00e9 \n 5%"#).map(\.at) == [0, 7, 12])
        #expect(marks("2026-11-01T00:00:00.377122 10.0.0.1 411111111111") == [])
    }

    /// Both variants agree, across the borders of blocks too.
    @Test func variantsAgree() {
        var state: UInt64 = 42
        let alphabet = Array("0123456789012345678901234567890123456789AZ -@\\u004%x".utf8)
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
