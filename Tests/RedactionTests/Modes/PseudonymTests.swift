import Bytes
import LogModel
import Redaction
import Testing

/// Keyed pseudonyms: the same for the same value, known again, and nothing without a key.
@Suite struct PseudonymTests {
    static let key = RedactionSettings.Key(id: "k1", secret: Secret("0123456789abcdef0123456789abcdef"))
    static let newer = RedactionSettings.Key(id: "k2", secret: Secret("fedcba9876543210fedcba9876543210"))

    static func settings(_ keys: [RedactionSettings.Key] = [key], _ change: (inout RedactionSettings) -> Void = { _ in }) -> RedactionSettings {
        var settings = RedactionSettings(detectors: Detector.allCases, mode: .pseudonym)
        settings.keys = keys
        change(&settings)
        return settings
    }

    /// By hand: `printf 'email\\0alice@example.com' | openssl dgst -sha256 -mac HMAC -macopt key:0123…`, 32 digits of it.
    @Test func isTheKeyedHashOfKindAndValue() throws {
        let expected = "email:k1:"
        var code = HMACSHA256(key: ByteView("0123456789abcdef0123456789abcdef"))
        code.update(ByteView("email"))
        code.update(0)
        code.update(ByteView("alice@example.com"))
        let digits = code.finish().prefix(16).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        #expect(try Bench(Self.settings())("from alice@example.com") == "from \(expected)\(digits)")
    }

    @Test(arguments: [
        ["alice@example.com", "Alice@Example.COM"],
        ["4111 1111 1111 1111", "4111-1111-1111-1111", "4111111111111111", "4111\u{A0}1111\u{A0}1111\u{A0}1111"],
        ["DE89370400440532013000", "DE89 3704 0044 0532 0130 00", "de89370400440532013000"],
        ["313-93-2516", "313 93 2516"],
        ["2001:db8::17", "2001:0DB8:0:0:0:0:0:17"],
    ])
    func waysOfWritingAreOneValue(_ values: [String]) throws {
        let bench = try Bench(Self.settings())
        let made = values.map { bench("is \($0) here") }
        #expect(Set(made).count == 1, "\(made)")
        #expect(made.allSatisfy { $0.contains(":k1:") })
        // In JSON, escaped, and as a number.
        for value in values {
            let escaped = value.unicodeScalars.map { $0 == "@" ? "\\u0040" : String($0) }.joined()
            #expect("{\"m\":\"\(made[0])\"}" == bench("{\"m\":\"is \(escaped) here\"}"))
        }
    }

    @Test func numbersOfJSONGetQuotes() throws {
        let out = try Bench(Self.settings())(#"{"n":4111111111111111,"x":1}"#)
        #expect(out.hasPrefix(#"{"n":"card:k1:"#) && out.hasSuffix(#"","x":1}"#))
    }

    @Test func differentValuesKindsAndKeysDiffer() throws {
        let bench = try Bench(Self.settings())
        #expect(bench("a@example.com") != bench("b@example.com"))
        #expect(try bench("a@example.com") != Bench(Self.settings([Self.newer]))("a@example.com"))
        #expect(try Bench(Self.settings([Self.newer, Self.key]))("a@example.com").hasPrefix("email:k2:"))
    }

    /// What was made once is not made again, by any of the keys, in any place where the value was found by its name.
    @Test(arguments: ShapeMatrixTests.all) func onceIsEnough(_ shape: ShapeMatrixTests.Shape) throws {
        let bench = try Bench(Self.settings())
        let rotated = try Bench(Self.settings([Self.newer, Self.key]))
        for line in [shape.text, "{\"m\":\"\(shape.text.map { $0 == "\"" ? "\\\"" : String($0) }.joined())\",\"n\":1}"] {
            let (outcome, out) = bench.redact(Array(line.utf8))
            #expect(outcome == .changed)
            #expect(!String(decoding: out, as: UTF8.self).contains(shape.secret))
            #expect(bench.redact(out).0 == .clean, "\(line) => \(String(decoding: out, as: UTF8.self)) => \(bench(String(decoding: out, as: UTF8.self)))")
            #expect(rotated.redact(out).0 == .clean, "\(String(decoding: out, as: UTF8.self))")
        }
    }

    @Test func aPseudonymOfAnotherKeyIsAValue() throws {
        let line = "password=secret:k9:0123456789abcdef0123456789abcdef"
        #expect(try Bench(Self.settings()).redact(Array(line.utf8)).0 == .changed)
        #expect(try Bench(Self.settings()).redact(Array("password=secret:k1:0123456789abcdef0123456789abcdef".utf8)).0 == .clean)
    }

    @Test func keysAreChecked() {
        #expect(throws: RedactionError.self) { try Redactor(Self.settings([])) }
        #expect(throws: RedactionError.self) { try Redactor(Self.settings([.init(id: "k 1", secret: Self.key.secret)])) }
        #expect(throws: RedactionError.self) { try Redactor(Self.settings([.init(id: "k1", secret: Secret("short"))])) }
        #expect(throws: RedactionError.self) { try Redactor(Self.settings([Self.key, Self.key])) }
        // Without a rule that needs one, none is asked for.
        #expect(throws: Never.self) { try Redactor(RedactionSettings(detectors: [.email])) }
    }

    /// Where findings overlap, the pseudonym would be that of a text that is no value.
    @Test func overlapsAreMasked() throws {
        let out = try Bench(Self.settings { $0.patterns = [.init(name: "tail", regex: "com now")] })("alice@example.com now")
        #expect(out == "[REDACTED:email]")
    }
}
