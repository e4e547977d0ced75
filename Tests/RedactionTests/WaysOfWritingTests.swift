import Bytes
import Redaction
import Testing

/// Shapes of secrets, times what happens to text on its way into a log: it is split over reads and joined again, escaped, encoded,
/// cut, or stands in a line that is longer than any other. Nothing of them passes.
@Suite struct WaysOfWritingTests {
    static let shapes = ShapeMatrixTests.all + more

    /// More keys of vendors, and more names.
    private static let more: [ShapeMatrixTests.Shape] = keys.map { .init("key \($0) end", $0) } + assignments

    private static let value = "a1B2c3D4e5F6g7H8i9"
    private static let assignments: [ShapeMatrixTests.Shape] = names.flatMap { name -> [ShapeMatrixTests.Shape] in
        [.init("\(name)=\(value)", value), .init("\(name): '\(value)'", value), .init("\"\(name)\": \"\(value)\"", value)]
    }

    private static let letters = "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC2dF4gH6jK8mN0pQ2rS4tU6vX8zA1cD3fG5hJ7kL9"
    private static let hex = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

    /// Prefixes of vendors, and how many letters and digits, or hexadecimal digits, stand behind them.
    private static let mixed: [(String, Int)] = [
        ("gho_", 36), ("ghu_", 36), ("ghs_", 36), ("ghr_", 36), ("github_pat_", 60), ("ya29.", 40), ("GOCSPX-", 28), ("r8_", 37), ("pplx-", 48),
        ("nvapi-", 64), ("xai-", 60), ("csk-", 48), ("lsv2_pt_", 40), ("xapp-1-A1B2C3D4E5F6-", 20), ("rk_live_", 24), ("whsec_", 32), ("dp.pt.", 43),
        ("sq0atp-", 22), ("ntn_", 46), ("pscale_tkn_", 43), ("hvs.", 24), ("pypi-AgEIcHlwaS5vcmc", 60), ("lin_api_", 40), ("HRKU-", 36), ("glrt-", 20),
        ("sk-svcacct-", 48), ("hf_", 34),
    ]
    private static let hexadecimal: [(String, Int)] = [
        ("dop_v1_", 64), ("SK", 32), ("dapi", 32), ("shpat_", 32), ("sbp_", 40), ("rubygems_", 48), ("sk-or-v1-", 64),
    ]
    private static let whole = [
        "ASIAIOSFODNN7ABCDEFG", "xoxp-1234567890-abcdefABCDEF12", "glsa_aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC2dF_a1b2c3d4", "NRAK-ABCDEFGHIJ0123456789ABCDEFG",
        "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", "AGE-SECRET-KEY-1ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGHIJKLMNOPQRSTUVW",
    ]
    private static let keys: [String] = mixed.map { $0.0 + String(letters.prefix($0.1)) } + hexadecimal.map { $0.0 + String(hex.prefix($0.1)) } + whole

    private static let names = [
        "DB_PASSWORD", "dbPassword", "user-password", "new_password", "api_secret", "client_secret", "APP_SECRET", "access_token", "refreshToken", "auth_token",
        "x-api-key", "apiKey", "API_KEY", "secret_key", "secretAccessKey", "private_key", "signing_secret", "encryption_key", "session_key", "credentials",
    ]

    private func json(_ text: String, ascii: Bool = false) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": out += "\\" + String(scalar)
            case "\n": out += "\\n"
            case _ where ascii && (scalar.value > 126 || scalar == "@" || scalar == "=" || scalar == ":"):
                let hex = String(scalar.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }

    private func percent(_ text: String) -> String {
        var out = ""
        for byte in text.utf8 {
            if byte.isAlphanumeric || "-._~".utf8.contains(byte) {
                out.unicodeScalars.append(UnicodeScalar(byte))
            } else {
                out += "%" + String(byte >> 4, radix: 16).uppercased() + String(byte & 15, radix: 16).uppercased()
            }
        }
        return out
    }

    /// What is left readable of the secret, in any of the forms that it may have.
    private func isLeft(_ secret: String, in out: String) -> Bool { out.contains(secret) || out.contains(json(secret, ascii: true)) || out.contains(percent(secret)) }

    @Test func thereAreEnough() { #expect(Self.shapes.count >= 200) }

    @Test(arguments: shapes) func nothingPasses(_ shape: ShapeMatrixTests.Shape) throws {
        let bench = try Bench()
        let filler = String(repeating: "lorem ipsum 12.5 ok ", count: 40_000)
        let lines = [
            // Joined from several lines, with and without JSON around.
            "Traceback:\n  at x\n  \(shape.text)\n  at y", "{\"log\":\"\(json("one\n\(shape.text)\nthree"))\",\"stream\":\"stderr\"}",
            // Escapes that need not be, twice.
            "{\"m\":\"\(json(shape.text, ascii: true))\"}", "{\"m\":\"{\\\"x\\\":\\\"\(json(json(shape.text, ascii: true)))\\\"}\",\"n\":1}",
            // At the end and in the middle of a line beyond every buffer.
            filler + shape.text, "{\"a\":\"\(filler)\",\"m\":\"\(json(shape.text))\"}", shape.text + " " + filler,
        ]
        for line in lines {
            let (outcome, out) = bench.redact(Array(line.utf8))
            #expect(outcome == .changed, "\(line.suffix(300))")
            #expect(!isLeft(shape.secret, in: String(decoding: out, as: UTF8.self)), "\(line.suffix(300))")
            var cursor = JSONCursor()
            let wasJSON = line.withView { text in (try? cursor.scan(text)) != nil }
            #expect(out.withView { text in (try? cursor.scan(text)) != nil } == wasJSON)
        }
    }

    /// A whole line in `%HH`, as it stands in the query of a request for it. What is only told by the words around it is told
    /// there as well.
    @Test(arguments: shapes) func percentEncoded(_ shape: ShapeMatrixTests.Shape) throws {
        let bench = try Bench()
        let out = bench("GET /search?q=\(percent(shape.text))&n=1 HTTP/1.1")
        #expect(!isLeft(shape.secret, in: out), "\(out)")
    }

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    private func base64(_ text: String) -> String {
        let bytes = Array(text.utf8)
        var out: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            var value = 0
            for i in 0..<3 { value = value << 8 | Int(start + i < bytes.count ? bytes[start + i] : 0) }
            for i in 0..<4 { out.append(i <= group.count ? Self.alphabet[value >> (18 - 6 * i) & 63] : UInt8(ascii: "=")) }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// The secret as the password of basic authentication.
    @Test(arguments: shapes) func basicAuthentication(_ shape: ShapeMatrixTests.Shape) throws {
        let bench = try Bench()
        guard shape.secret.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return }
        let word = base64("app:" + shape.secret)
        for line in ["Authorization: Basic \(word)", "{\"headers\":{\"authorization\":\"Basic \(word)\"}}", "curl -H 'authorization: basic \(word)' x", "got Basic \(word) from"] {
            #expect(!bench(line).contains(word), "\(line)")
        }
    }
}
