import Bytes
import Redaction
import Testing

/// Random lines: planted data goes, all else stays, JSON stays JSON, and once is enough.
@Suite struct RedactionPropertyTests {
    private static let planted = [
        "alice@example.com", "4111 1111 1111 1111", "5555555555554444", "DE89370400440532013000", "313-93-2516",
        "ghp_" + APIKeyDetectorTests.letters(36), "sk-" + APIKeyDetectorTests.letters(48),
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
    ]
    private static let decoys = [
        "84cc2087-4270-4a07-a599-9ed92289c778", "v4.21.0-rc2", "@alice", "ORD-69518968", "1761955200377122000",
        "812.123456789",
        "icon@2x.png", "user@1000.service", "0af7651916cd43dd8448eb211c80319c", "10.0.19041.1", "4111111111111112",
        "\u{00E9}t\u{00E9}",
        "\u{65E5}\u{672C}", "a\\b", "say \"hi\"", "tab\there", "line\nbreak", "50% off", "{\"role\": \"user\"}",
        "x=1&y=2",
    ]
    private static let joints = [
        " ", "\n", "\t", " (", ") ", ", ", ": ", " \u{201C}", "\u{201D} ", " <", "> ", " \"", "\" ", "; ",
    ]

    /// The JSON string for `text`, with some characters written as escapes that need not be.
    private static func encode(_ text: String, _ dice: inout Dice) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            let value = scalar.value
            if value < 0x10000, dice.next() % 40 == 0 || (value > 127 && dice.next() % 2 == 0) {
                let hex = String(value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            } else if scalar == "\"" || scalar == "\\" {
                out += "\\" + String(scalar)
            } else if scalar == "\n" {
                out += "\\n"
            } else if scalar == "\t" {
                out += "\\t"
            } else {
                out.unicodeScalars.append(scalar)
            }
        }
        return out
    }

    private static func decodedValues(_ line: [UInt8]) -> [String]? {
        var cursor = JSONCursor()
        return line.withView { text -> [String]? in
            do throws(JSONCursor.Failure) { try cursor.scan(text) } catch { return nil }
            var values: [String] = []
            for i in cursor.indices where cursor[i].type == .string && !cursor[i].isKey {
                let out = ByteArena()
                guard JSONText.unescape(JSONCursor.raw(cursor[i], in: text), into: out) else { return nil }
                values.append(out.view.string)
            }
            return values
        }
    }

    @Test(arguments: 0..<8) func plantedDataGoesAndTheRestStays(_ seed: Int) throws {
        let bench = try Bench()
        var dice = Dice(UInt64(seed) &* 7919 &+ 1)
        for _ in 0..<400 {
            var text = "start"
            var secrets: [String] = []
            var harmless: [String] = []
            for _ in 0..<Int.random(in: 1...6, using: &dice) {
                text += Self.joints.randomElement(using: &dice) ?? " "
                if dice.next() % 2 == 0 {
                    let value = Self.planted.randomElement(using: &dice) ?? ""
                    secrets.append(value)
                    text += value
                } else {
                    let value = Self.decoys.randomElement(using: &dice) ?? ""
                    harmless.append(value)
                    text += value
                }
            }
            // Depth 0: plain text; 1: a JSON value; 2: JSON inside a JSON value.
            for depth in 0..<3 {
                var line = text
                for level in 0..<depth { line = "{\"k\(level)\": \"" + Self.encode(line, &dice) + "\", \"n\": 1}" }
                let (outcome, out) = bench.redact(Array(line.utf8))
                #expect(outcome == (secrets.isEmpty ? .clean : .changed), "\(line)")
                var readable = String(decoding: out, as: UTF8.self)
                if depth > 0 {
                    guard let values = Self.decodedValues(out) else {
                        Issue.record("no JSON any more: \(readable) from \(line)")
                        continue
                    }
                    readable = values.joined(separator: "\n")
                    if depth == 2 {
                        guard let inner = Self.decodedValues(Array(values[0].utf8)) else {
                            Issue.record("no JSON inside any more: \(readable) from \(line)")
                            continue
                        }
                        readable = inner.joined(separator: "\n")
                    }
                }
                for secret in secrets { #expect(!readable.contains(secret), "\(secret) left in \(readable)") }
                for value in harmless { #expect(readable.contains(value), "\(value) lost from \(readable)") }
                // Everything outside the findings is untouched.
                var expected = text
                for secret in Set(secrets).sorted(by: { $0.count > $1.count }) {
                    expected = Self.replace(expected, secret)
                }
                #expect(Self.unnamed(readable) == expected)
                let again = bench.redact(out)
                #expect(again.0 == .clean, "\(String(decoding: again.1, as: UTF8.self))")
            }
        }
    }

    private static func replace(_ text: String, _ secret: String) -> String {
        var bytes = Array(text.utf8)
        let needle = Array(secret.utf8)
        var i = 0
        while i + needle.count <= bytes.count {
            if Array(bytes[i..<i + needle.count]) == needle {
                bytes.replaceSubrange(i..<i + needle.count, with: Array("[*]".utf8))
            }
            i += 1
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func unnamed(_ text: String) -> String {
        var out = text
        for detector in Detector.allCases { out = replace(out, "[REDACTED:\(detector.name)]") }
        return out
    }

    /// Bytes of any kind, and lines that were cut and bent: no trap, and a second pass finds nothing new.
    @Test(arguments: 0..<6) func anyBytes(_ seed: Int) throws {
        let bench = try Bench()
        var dice = Dice(UInt64(seed) &+ 77)
        let pieces: [[UInt8]] =
            (Self.planted + Self.decoys + Self.joints).map { Array($0.utf8) }
            + [
                "\\", "\\u", "\\u00", "\\u004", "\\u0040", "\\x4", "%4", "%40", "\"", "{\"", "\":\"", "\"}",
                "password=", "\"token\":", "://", "@",
                "-----BEGIN RSA PRIVATE KEY-----", "-----END", "eyJ", "sk-", "Authorization: ", "Bearer ", "Cookie: a=",
                ";", "ssn", "Basic ", "'",
            ]
            .map { Array($0.utf8) } + [[0xFF], [0xC3], [0xE2, 0x80], [0], [0xED, 0xA0, 0x80]]
        for _ in 0..<1500 {
            var line: [UInt8] = []
            for _ in 0..<Int.random(in: 0...14, using: &dice) {
                line += pieces.randomElement(using: &dice) ?? []
                if !line.isEmpty, dice.next() % 6 == 0 {
                    line[Int.random(in: 0..<line.count, using: &dice)] = UInt8(truncatingIfNeeded: dice.next())
                }
            }
            let (outcome, out) = bench.redact(line)
            #expect(outcome == .clean || outcome == .changed)
            if line.first == UInt8(ascii: "{") || line.first == UInt8(ascii: "["), Self.decodedValues(line) != nil {
                #expect(
                    Self.decodedValues(out) != nil,
                    "\(String(decoding: line, as: UTF8.self)) => \(String(decoding: out, as: UTF8.self))"
                )
            }
        }
    }

    /// Text made to be slow takes time in proportion to its length: no candidate is looked at over and over.
    @Test(arguments: [
        "token=", "sk-", "eyJ-", "password=\"", "xoxb-", "cookie: ", "authorization: bearer ", "a@", "://@", "%41",
        "-----BEGIN PRIVATE KEY", "ssn ", "\\\"",
    ])
    func hostileRepetitionEnds(_ piece: String) throws {
        let bench = try Bench()
        let line = Array(String(repeating: piece, count: 200_000 / piece.utf8.count).utf8)
        let outcome = bench.redact(line).0
        #expect(outcome != .dropped)
    }
}
