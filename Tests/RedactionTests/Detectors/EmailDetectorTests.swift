import Redaction
import Testing

@Suite struct EmailDetectorTests {
    @Test(arguments: [
        "alice@example.com", "weber.niaj-1@mail.example", "heidi_castro+llm@example.co.uk", "o'brien@example.org",
        "a@b.io", "x.y.z@sub.domain.example.museum", "user@xn--bcher-kva.example", "j\u{FC}rgen@m\u{FC}nchen.de",
        "1234@example.com", "alice@example.xn--p1ai", "ALICE@EXAMPLE.COM",
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
    ])
    func othersStay(_ text: String) throws {
        let bench = try Bench(.email)
        #expect(bench(text) == text)
    }

    @Test func percentEncodedAddressIsFound() throws {
        let bench = try Bench(.email)
        #expect(
            bench("GET /users?mail=alice%40example.com&x=1 HTTP/1.1") == "GET /users?mail=[REDACTED:email]&x=1 HTTP/1.1"
        )
    }
}
