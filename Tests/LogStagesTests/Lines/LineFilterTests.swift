import Bytes
import LogModel
import Testing

@testable import LogStages

@Suite("Line filters")
struct LineFilterTests {
    @Test(
        "Text and regex",
        arguments: [
            (LineFilter.Operator.contains, "foo", "xx foo bar", true), (.contains, "FOO", "foo", false),
            (.contains, "", "", true), (.containsNot, "", "a", false), (.containsNot, "foo", "bar", true),
            (.matches, "^foo", "foo bar", true), (.matches, "^foo", "xfoo", false), (.matches, "bar$", "foo bar", true),
            (.matches, "", "x", true), (.matches, ".+", "", false), (.matches, ".+", "a", true),
            (.matches, ".*", "", true), (.matches, "(?m)^line two$", "line one\nline two\nthree", true),
            (.matches, #"\d+"#, "a1", true), (.matches, #"\bprod\b"#, "preprod and prod", true),
            (.matches, #"\bprod\b"#, "preprod", false), (.matches, "f.o", "f\no", false),
            (.matches, "(?i)ERROR", "an error", true), (.matches, #"\|y\|"#, "x|y|z", true),
            (.matches, "a{2}b", "xaab", true), (.matches, "colou?r", "color", true), (.matches, "ab+c", "abbc", true),
            (.matches, "x*", "y", true), (.matches, "日本", "日本語", true), (.matches, "日+", "日日", true),
            (.matchesNot, "[a-z]", "ABC", true), (.matches, "foo.*bar", "foo and bar", true),
            (.matches, "foo.*bar", "bar and foo", false), (.matches, #"a\.b"#, "axb", false),
            (.matches, "(?:foo|bar)+", "xbarx", true), (.matches, "user_1[0-9]+7\"", "user_1237\"", true),
        ]
    )
    func textAndRegex(op: LineFilter.Operator, text: String, line: String, keeps: Bool) throws {
        #expect(try LineFilter(op, [.text(ByteString(text))]).matches(line) == keeps)
    }

    @Test("Alternatives: any for a positive filter, none for a negative one")
    func alternatives() throws {
        let either = try LineFilter(.contains, [.text("error"), .text("warn")])
        #expect(either.matches("a warning"))
        #expect(!either.matches("fine"))
        let neither = try LineFilter(.containsNot, [.text("error"), .text("warn")])
        #expect(!neither.matches("a warning"))
        #expect(neither.matches("fine"))
        let mixed = try LineFilter(.contains, [.text("version"), .ip("10.0.0.1")])
        #expect(mixed.matches("from 10.0.0.1 to 10.2.3.4"))
        #expect(mixed.matches("version 3"))
    }

    @Test("Loki's simplifier forgets alternatives that are always true")
    func quirks() throws {
        #expect(try LineFilter(.contains, [.text("foo"), .text("")]).matches("bar"))
        #expect(!(try LineFilter(.contains, [.text("foo"), .text("")], lokiQuirks: true).matches("bar")))
        #expect(try LineFilter(.matches, [.text("foo|.*")]).matches("bar"))
        #expect(!(try LineFilter(.matches, [.text("foo|.*")], lokiQuirks: true).matches("bar")))
    }

    @Test("Bytes that are not UTF-8 are compared as bytes")
    func bytes() throws {
        let filter = try LineFilter(.contains, [.text(ByteString([0xFF, 0x41]))])
        #expect([0x20, 0xFF, 0x41, 0x00].withView { filter.matches($0) })
        #expect(!([0x20, 0xFE, 0x41] as [UInt8]).withView { filter.matches($0) })
    }

    @Test(
        "Required literals",
        arguments: [
            (LineFilter.Operator.contains, "abc", "abc"), (.matches, "user_[0-9]+", "user_"), (.matches, "abc", "abc"),
            (.matches, "a(b|c)def", "def"), (.matches, "abc|def", nil), (.matches, "(?i)abcd", nil),
            (.matches, "abcx?", "abc"), (.matches, "[abc]+", nil), (.containsNot, "abc", nil),
            (.matches, "ab{0,2}", nil),
            // What stands behind an escape, a brace or a bracket may be an alternative.
            (.matches, "error\\tcode|warning", nil), (.matches, "abcd{x|def}", nil),
            (.matches, "[[:a]x|bcd]efgh", nil), (.matches, "[]abc]defg", "defg"), (.matches, "abc{2}defg", "defg"),
            (.matches, "user_1[0-9]+7\"", "user_1"), (.matches, "a\\.b\\.c", "a.b.c"),
        ] as [(LineFilter.Operator, String, String?)]
    )
    func requiredLiterals(op: LineFilter.Operator, text: String, literal: String?) throws {
        let found: ByteString? =
            switch try LineFilter(op, [.text(ByteString(text))]).predicate {
            case .lineContains(let needle): needle
            case .lineMatches(let pattern): pattern.requires
            default: nil
            }
        #expect(found?.string == literal)
    }

    /// `[:` behind a dash is the end of a range: what was taken for a class ran past its bracket.
    @Test(arguments: [
        ("[+-[::]|foo[x]hello", "+", true), ("[+-[::].*xyz[a]", #"{"a":"+1 ","b":"xyza"}"#, true),
    ])
    func bracketsInClasses(pattern: String, line: String, matches: Bool) throws {
        let filter = try LineFilter(.matches, [.text(ByteString(pattern))])
        #expect(line.withView { filter.matches($0) } == matches)
        #expect(try line.withView { try CompiledRegex(pattern).matches($0) } == matches)
    }

    @Test("A claimed literal never loses a match", arguments: 0..<20)
    func literalsAreNecessary(seed: UInt64) throws {
        var random = SeededRandom(seed)
        for _ in 0..<300 {
            let pattern = String(decoding: random.text("abc.*+?()[]|\\d{}1^$", most: 12), as: UTF8.self)
            guard let plain = try? CompiledRegex(pattern),
                let filter = try? LineFilter(.matches, [.text(ByteString(pattern))])
            else { continue }
            for _ in 0..<8 {
                let line = random.text("aabbcc.1", most: 10)
                line.withView { view in
                    // Loki takes `.+` for "not empty", which differs on lines of newlines only.
                    #expect(
                        filter.matches(view) == plain.matches(view) || pattern == ".+",
                        "\(pattern) on \(view.string)"
                    )
                }
            }
        }
    }

    @Test(
        "Patterns with gaps",
        arguments: [
            ("<_> bar", "foo bar", true), ("<_> bar", "foo bar x bar", false), ("foo <_>", "xx foo bar", true),
            ("GET /api <_>", "GET /api 200", true), ("GET /api", "GET /api 200", false), ("GET /api", "GET /api", true),
            ("foo <_>", "foo ", false), ("foo <_>", "foo", false), ("", "", true), ("", "a", false), ("<_>", "", false),
            ("<_>", "a", true), ("<_>o<_>", "foo", true), ("<_>o<_>", "of", false), ("a<_>b", "ab", false),
            ("foo <_> x <_>", "foo bar x bar", true), ("a <b c> <_>", "a <b c> d", true),
        ]
    )
    func patterns(pattern: String, line: String, matches: Bool) throws {
        #expect(try LineFilter(.pattern, [.text(ByteString(pattern))]).matches(line) == matches)
        #expect(try LineFilter(.patternNot, [.text(ByteString(pattern))]).matches(line) == !matches)
    }

    @Test("Faulty filters")
    func faults() {
        #expect(
            message { _ = try LineFilter(.pattern, [.text("<_> and <_><_>")]) }
                == "found consecutive capture '<_><_>': invalid expression"
        )
        #expect(
            message { _ = try LineFilter(.pattern, [.text("<x> y")]) }
                == "named captures are not allowed: found '<x>'"
        )
        #expect(message { _ = try LineFilter(.matches, [.ip("1.2.3.4")]) } == "ip: invalid operation")
        #expect(
            message { _ = try LineFilter(.matches, [.text("[a")]) } == "error parsing regexp: missing closing ]: `[a`"
        )
    }
}

extension LineFilter {
    fileprivate func matches(_ line: String) -> Bool { line.withView { matches($0) } }
}
