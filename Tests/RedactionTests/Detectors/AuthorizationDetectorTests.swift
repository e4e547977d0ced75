import Redaction
import Testing

@Suite struct AuthorizationDetectorTests {
    @Test(arguments: [
        ("Authorization: Bearer abcdefgh12345678", "Authorization: Bearer [REDACTED:authorization]"),
        ("authorization=Basic dXNlcjpwYXNzd29yZA==", "authorization=Basic [REDACTED:authorization]"),
        ("> Authorization: Token abcdefghij", "> Authorization: Token [REDACTED:authorization]"),
        ("{'authorization': 'Bearer abc.def-ghi_123'}", "{'authorization': 'Bearer [REDACTED:authorization]'}"),
        (
            #"{"headers":{"Authorization":"Bearer abc12345"}}"#,
            #"{"headers":{"Authorization":"Bearer [REDACTED:authorization]"}}"#
        ),
        (
            #"{"m":"{\"Authorization\": \"Bearer abc12345\"}"}"#,
            #"{"m":"{\"Authorization\": \"Bearer [REDACTED:authorization]\"}"}"#
        ),
        (
            #"curl -H "Authorization: Bearer tok_123456" http://x"#,
            #"curl -H "Authorization: Bearer [REDACTED:authorization]" http://x"#
        ),
        ("got Basic YWxpY2U6aHVudGVyMlhxOXp6 from", "got Basic [REDACTED:authorization] from"),
        (#"{"authorization":["Basic YWxpY2U6aHVudGVyMg=="]}"#, #"{"authorization":["Basic [REDACTED:authorization]"]}"#),
        (#"[["authorization","Bearer abcdefghijkl"]]"#, #"[["authorization","Bearer [REDACTED:authorization]"]]"#),
        (#"{"name":"Authorization","value":"Bearer abcdefghijkl"}"#, #"{"name":"Authorization","value":"Bearer [REDACTED:authorization]"}"#),
        ("[(b'authorization', b'Bearer abcdefghijklmnop')]", "[(b'authorization', b'Bearer [REDACTED:authorization]')]"),
        (#"{"m":"Authorization: Bearer\n  abcdefgh"}"#, #"{"m":"Authorization: Bearer\n  [REDACTED:authorization]"}"#),
        ("Authorization: abc123def456", "Authorization: [REDACTED:authorization]"),
        ("got bearer 0123456789abcdef from", "got bearer [REDACTED:authorization] from"),
        ("Cookie: sid=abc123; theme=dark", "Cookie: sid=[REDACTED:authorization]; theme=[REDACTED:authorization]"),
        (
            "Set-Cookie: sid=abc; Path=/; Secure; HttpOnly",
            "Set-Cookie: sid=[REDACTED:authorization]; Path=/; Secure; HttpOnly"
        ),
        (#"{"cookie":"a=1; b=2"}"#, #"{"cookie":"a=[REDACTED:authorization]; b=[REDACTED:authorization]"}"#),
        (
            "Authorization: Digest username=\"u\", response=\"6629fae49393a05397450978507c4ef1\"",
            "Authorization: Digest [REDACTED:authorization]"
        ),
    ])
    func credentialsAreFound(_ text: String, _ wanted: String) throws {
        let bench = try Bench(.authorization)
        #expect(bench(text) == wanted)
        #expect(bench(wanted) == wanted)
    }

    @Test(arguments: [
        "authorization failed for user", "Authorization: required", "Bearer authentication failed",
        "the bearer of bad news", "Basic configuration loaded", "basic functionality12", "BASIC AAAAAAAAAAAAAAAA",
        "authorization: Bearer ***", "Authorization: Bearer ${TOKEN}", "cookie consent: yes", "a cookie: chocolate",
        "Authorization: Basic auth", "bearer [REDACTED:authorization]",
    ])
    func othersStay(_ text: String) throws {
        let bench = try Bench(.authorization)
        #expect(bench(text) == text)
    }
}
