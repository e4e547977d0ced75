import Redaction
import Testing

@Suite struct JWTDetectorTests {
    static let header = "eyJhbGciOiJIUzI1NiJ9"  // {"alg":"HS256"}
    static let typed = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9"  // {"typ":"JWT","alg":"HS256"}

    @Test(arguments: [
        header + ".eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
        typed + ".eyJzdWIiOiIxMjM0In0.c2ln", "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.",
        header + ".notjson_but-base64url.c2ln",
    ])
    func tokensAreFound(_ token: String) throws {
        let bench = try Bench(.jwt)
        for (before, after) in [
            ("", ""), ("token ", " end"), ("=", "&"), ("\"", "\""), ("\n", "\n"), ("\u{201C}", "\u{201D}"),
        ] {
            #expect(bench(before + token + after) == before + "[REDACTED:jwt]" + after)
        }
    }

    @Test func cutTokenIsFound() throws {
        #expect(try Bench(.jwt)("auth " + Self.typed + ".eyJzdWIi") == "auth [REDACTED:jwt]")
    }

    @Test(arguments: [
        "eyJ", "eyJhbGciOiJIUzI1NiJ9 and more", "eyJmb28iOiJiYXIifQ.eyJzdWIiOiIxIn0.c2ln",  // no alg
        "xeyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0 end",
    ])
    func othersStay(_ text: String) throws {
        let bench = try Bench(.jwt)
        #expect(bench(text) == text)
    }
}
