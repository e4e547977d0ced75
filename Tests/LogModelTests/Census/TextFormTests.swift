import Bytes
import Testing

@testable import LogModel

@Suite struct TextFormTests {
    private func form(_ text: String) -> String? {
        let texts = TextForm()
        let bytes = ByteString(text)
        return bytes.withView { texts.form(of: $0)?.string }
    }

    @Test(arguments: [
        ("job 17 took 3.5 s", "job <_> took <_> s"),
        ("worker done", "worker done"),
        ("GET /v1/users/4711/items?id=9", "GET /<_>/users/<_>/items?id=<_>"),
        ("at 2026-11-21 10:15:30,123 we began", "at <_> we began"),
        ("status:500 for req_3193145e0c36e988", "status:<_> for <_>"),
        ("peers [10.0.0.1, 10.0.0.2, 10.0.0.3] lost", "peers [<_>] lost"),
        ("peers [10.0.0.1] lost", "peers [<_>] lost"),
        ("hash deadbeefcafe seen", "hash <_> seen"),
        ("a façade of beef", "a façade of beef"),
        ("retry in -5 ms", "retry in <_> ms"),
        ("retry in 5 ms", "retry in <_> ms"),
    ])
    func formsOfMessages(text: String, expected: String) { #expect(form(text) == expected) }

    @Test(arguments: ["17", "2026-11-21 10:15:30", "", " - ", "10.0.0.1:8080", "a1 b2 c3"])
    func whatIsOnlyNumbersHasNoForm(text: String) { #expect(form(text) == nil) }

    /// A store works the form out from one value of many that differ in their digits: it may not depend on which one.
    @Test func formsDoNotDependOnDigits() {
        var random = SplitMix(seed: 3)
        let parts = ["job", "x", " ", ":", "/", "-", "#", "deadbeef", "[", ", ", ".", "%", "é", "://", "=", "ab", "T"]
        for _ in 0..<3_000 {
            var one = ""
            var other = ""
            for _ in 0..<random.next(below: 30) {
                if random.next(below: 2) == 0 {
                    // As many digits, and any of them.
                    for _ in 0...random.next(below: 4) {
                        one += "\(random.next(below: 10))"
                        other += "\(random.next(below: 10))"
                    }
                    if random.next(below: 3) == 0 { other += "0" }
                } else {
                    let part = parts[random.next(below: parts.count)]
                    one += part
                    other += part
                }
            }
            #expect(form(one) == form(other), "\(one) and \(other)")
        }
    }

    @Test func longTextsAreLookedAtInFront() {
        let words = (0..<100).map { _ in "word" }.joined(separator: " ")
        let found = form("first \(words) 5")
        #expect(found?.hasPrefix("first word word") == true)
        #expect(found?.hasSuffix("…") == true)
        #expect((found?.utf8.count ?? 0) < 200)
        #expect(form("x " + String(repeating: "A", count: 60)) == "x <_>")
    }
}

/// SplitMix64.
private struct SplitMix {
    var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next(below bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((z ^ (z >> 31)) % UInt64(bound))
    }
}
