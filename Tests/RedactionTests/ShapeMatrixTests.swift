import Bytes
import Redaction
import Testing

/// Every form in which something personal or secret is written, in every wrapping in which logs carry text.
@Suite struct ShapeMatrixTests {
    /// A text, and what must not be readable in it afterwards.
    struct Shape: Sendable, CustomTestStringConvertible {
        var text: String
        var secret: String
        var testDescription: String { text }
        init(_ text: String, _ secret: String) { (self.text, self.secret) = (text, secret) }
    }

    private static let iban = ["DE89", "3704", "0044", "0532", "0130", "00"]
    private static let card = ["4111", "1111", "1111", "1111"]
    private static let password = "hunter2Xq9zz"
    private static let basic = "YWxpY2U6aHVudGVyMlhxOXp6"

    private static let numbers: [Shape] =
        ["", " ", "-", "\u{A0}", "\u{2009}", "\u{202F}"].flatMap { gap -> [Shape] in
            let account = iban.joined(separator: gap)
            return [Shape("to \(account) now", account), Shape("to \(account.lowercased()) now", account.lowercased())]
        }
        + ["", " ", "-", ".", "+", "\u{A0}", "\u{2009}", "\u{202F}", "\u{2013}"].map {
            Shape("pay \(card.joined(separator: $0)) now", card.joined(separator: $0))
        }
        + ["-", " ", "\u{A0}", "\u{2009}", "\u{202F}", "\u{2013}"].map {
            Shape("is \(["313", "93", "2516"].joined(separator: $0)) ok", ["313", "93", "2516"].joined(separator: $0))
        }
        + [
            Shape("ssn 313932516", "313932516"), Shape("De89370400440532013000", "370400440532013000"),
            Shape("card=4111111111111111.0", "4111111111111111"),
        ]

    private static let addresses: [Shape] = [
        Shape("alice@example.com", "alice"), Shape("ALICE@EXAMPLE.COM", "ALICE"), Shape("\"alice smith\"@example.com", "alice smith"),
        Shape("\u{5F20}\u{4F1F}@example.com", "\u{5F20}\u{4F1F}"), Shape("alice@[192.0.2.1]", "alice"),
        Shape("j\u{FC}rgen@m\u{FC}nchen.de", "rgen"), Shape("/u?e=alice%40example.com", "alice"), Shape("a=b@example.com", "b@example.com"),
    ]

    private static let assignments: [Shape] = [
        "password=%", "password: %", "password => '%'", "DB_PASSWORD=%", "x?user=a&password=%&b=1", "--password %", "--db-password=%",
        "password1=%", "password_new=%", "passwordConfirm: %", "password_hash=%", "passwort=%", "kennwort: %", "passwd=%", "pass=%",
        "user_pass=%", "passphrase=%", "pwd=%", "token=%", "auth_token=%", "access_token=%", "api_key=%", "API-KEY: %", "apikey=%",
        "api_key_openai=%", "secret=%", "client_secret=%", "('password', '%')", "[('password', b'%')]", "<password>%</password>",
        "{'password': '%'}", "password=ab,%", "password=/%", "passwords: [%]", "Server=db;User Id=sa;Password=%;",
        "postgres://app:%@db/x", "redis://:%@h:6379", "postgres%3A%2F%2Fapp%3A%%40db", "GET /x?key=%&a=1", "/cb?access_token=%",
    ].map { Shape(fill($0, password), password) }

    private static let headers: [Shape] = [
        Shape("Authorization: Basic \(basic)", basic), Shape("got Basic \(basic) from", basic), Shape("Proxy-Authorization: Basic \(basic)", basic),
        Shape("Authorization: Bearer abcdefgh12345678", "abcdefgh12345678"), Shape("[(b'authorization', b'Bearer abcdefghijkl')]", "abcdefghijkl"),
        Shape("authorization: Token abcdefgh12345678", "abcdefgh12345678"), Shape("Authorization: abc123def456", "abc123def456"),
        Shape("Cookie: sid=abc123; t=zzz9", "abc123"), Shape("Set-Cookie: sid=abc123; Path=/", "abc123"), Shape("x-api-key: abcd1234efgh5678", "abcd1234"),
        Shape("https://ghtoken1234567890abcdef@github.com/x", "ghtoken1234567890abcdef"),
        Shape("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnc2ln", "c2lnc2ln"),
    ]

    private static let keys: [Shape] = [
        "sk-proj-aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC2dF4gH6", "sk-ant-api03-aB3_aB3_aB3_aB3_aB3_", "AKIAIOSFODNN7ABCDEFG",
        "ghp_a1B2c3a1B2c3a1B2c3a1B2c3a1B2c3a1B2c3", "hf_aBcDeFgHiJaBcDeFgHiJaBcDeFgHiJabcd", "xoxb-123456789012-abcdefABCDEF",
        "glpat-aB3dE5gH7jK9mN1pQ3sT", "AIzaSyA1B2C3D4E5F6G7H8I9J0K1L2M3N4O5P6Q", "gsk_aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC2dF4gH6jK8mN",
        "npm_a1B2c3a1B2c3a1B2c3a1B2c3a1B2c3a1B2c3", "sk_live_aB3dE5gH7jK9mN1p", "dckr_pat_aB3dE5gH7jK9mN1pQ3sT5vW7",
    ].map { Shape("key \($0) end", $0) }

    static let all: [Shape] = numbers + addresses + assignments + headers + keys

    private static func fill(_ template: String, _ value: String) -> String {
        // The sign for the value is a `%` that begins no escape.
        var out = ""
        let bytes = Array(template)
        for (i, character) in bytes.enumerated() {
            let isEscape = character == "%" && i + 2 < bytes.count && bytes[i + 1].isHexDigit && bytes[i + 2].isHexDigit
            if character == "%", !isEscape { out += value } else { out.append(character) }
        }
        return out
    }

    private static func json(_ text: String, ascii: Bool) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            if scalar == "\"" || scalar == "\\" {
                out += "\\" + String(scalar)
            } else if ascii, scalar.value > 127 {
                let hex = String(scalar.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            } else {
                out.unicodeScalars.append(scalar)
            }
        }
        return out
    }

    private static let wrappings: [@Sendable (String) -> String] = [
        { $0 }, { "2026-11-22T08:00:00Z INFO svc: \($0)" }, { "[\($0)] tail" }, { "\u{1B}[33m\($0)\u{1B}[0m" },
        { "{\"m\":\"\(json($0, ascii: false))\",\"n\":1}" }, { "{\"m\":\"\(json($0, ascii: true))\",\"n\":1}" },
        { "{\"a\":[{\"m\":\"{\\\"x\\\":\\\"\(json(json($0, ascii: true), ascii: true))\\\"}\"}]}" },
        { "level=info msg=\"\(json($0, ascii: false))\" n=1" }, { "{\"m\":\"cut off \(json($0, ascii: true))" },
    ]

    @Test(arguments: all) func isGoneInEveryWrapping(_ shape: Shape) throws {
        let bench = try Bench()
        for wrap in Self.wrappings {
            let line = wrap(shape.text)
            let (outcome, out) = bench.redact(Array(line.utf8))
            let text = String(decoding: out, as: UTF8.self)
            #expect(outcome == .changed, "\(line)")
            for left in [shape.secret, Self.json(shape.secret, ascii: true)] {
                #expect(!text.contains(left), "\(line) => \(text)")
            }
            #expect(bench.redact(out).0 == .clean, "once is enough: \(line) => \(text) => \(bench(text))")
            var cursor = JSONCursor()
            let wasJSON = line.withView { text in (try? cursor.scan(text)) != nil }
            let isJSON = out.withView { text in (try? cursor.scan(text)) != nil }
            #expect(wasJSON == isJSON, "\(line) => \(text)")
        }
    }
}
