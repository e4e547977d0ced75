import Redaction
import Testing

@Suite struct EmailDetectorTests {
    @Test(arguments: [
        "alice@example.com", "weber.niaj-1@mail.example", "heidi_castro+llm@example.co.uk", "o'brien@example.org",
        "a@b.io", "x.y.z@sub.domain.example.museum", "user@xn--bcher-kva.example", "j\u{FC}rgen@m\u{FC}nchen.de",
        "1234@example.com", "\u{5F20}\u{4F1F}@example.com", "\u{930}\u{91C}\u{92F}@example.com", "alice@[192.0.2.1]",
        "alice@[IPv6:2001:db8::1]", "alice@example.xn--p1ai", "ALICE@EXAMPLE.COM",
    ])
    func addressesAreFound(_ address: String) throws {
        let bench = try Bench(.email)
        for (before, after) in [
            ("", ""), ("my contact is ", "."), ("(", ")"), ("<", ">"), ("'", "'"), ("\"", "\""),
            ("mailto:", "?subject=x"),
            ("user=", "&b=c"), ("\u{201C}", "\u{201D}"), ("\n", "\n"), ("\t", ", thanks"), ("a,", ";"), ("x: ", " - y"),
        ] {
            #expect(bench(before + address + after) == before + "[REDACTED:email]" + after)
        }
    }

    @Test(arguments: [
        "@alice", "hello @bob, hi", "icon@2x.png", "user@1000.service", "pkg@1.2.3", "react@18.2.0",
        "name@sha256:0123abcd",
        "git@github.com:org/repo.git", "ssh://git@github.com/org/repo", "a@b", "root@localhost", "x@.com", "foo@-bar.c",
        "@types/node@18.0.0", "@", "@@", "a@@b.c", "session-1.scope@4.scope", "5 @ 3.20",
        "aes256-cbc,rijndael-cbc@lysator.liu.se,aes128-gcm@openssh.com", "@decorator.name",
        "a@[1]", "a@[1.2.3.4", "a@[300]", "\u{201C}@b.com", "\u{3002}@b.com",
    ])
    func othersStay(_ text: String) throws {
        let bench = try Bench(.email)
        #expect(bench(text) == text)
    }

    @Test func quotedLocalPartIsFound() throws {
        let bench = try Bench(.email)
        #expect(bench(#"to "alice smith"@example.com ok"#) == "to [REDACTED:email] ok")
        #expect(bench(#"{"to":"\"alice smith\"@example.com","n":1}"#) == #"{"to":"[REDACTED:email]","n":1}"#)
        // Two strings side by side, the second of which begins with the sign.
        for text in [#"["a","@b.com"]"#, #"x "a" "@b.com""#, #"f("","@b.com")"#] { #expect(bench(text) == text) }
    }

    @Test func percentEncodedAddressIsFound() throws {
        let bench = try Bench(.email)
        #expect(
            bench("GET /users?mail=alice%40example.com&x=1 HTTP/1.1") == "GET /users?mail=[REDACTED:email]&x=1 HTTP/1.1"
        )
    }
}
