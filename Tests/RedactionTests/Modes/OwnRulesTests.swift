import Bytes
import LogModel
import Redaction
import Testing

/// Modes by rule, rules of the configuration's own, and addresses of hosts.
@Suite struct OwnRulesTests {
    private func bench(_ patterns: [RedactionSettings.Pattern], _ change: (inout RedactionSettings) -> Void = { _ in }) throws -> Bench {
        var settings = RedactionSettings()
        settings.patterns = patterns
        change(&settings)
        return try Bench(settings)
    }

    @Test(arguments: [
        ("badge-123456 in", "[REDACTED:badge] in"), (#"{"m":"badge-123456 in","n":1}"#, #"{"m":"[REDACTED:badge] in","n":1}"#),
        (#"{"m":"badge\u002d123456"}"#, #"{"m":"[REDACTED:badge]"}"#), (#"{"badge-123456":1}"#, #"{"[REDACTED:badge]":1}"#),
        ("badge-12345", "badge-12345"), (#"{"n":123456}"#, #"{"n":123456}"#),
    ])
    func allThatMatches(_ line: String, _ expected: String) throws {
        let bench = try bench([.init(name: "badge", regex: #"badge-\d{6}"#)])
        #expect(bench(line) == expected)
        #expect(bench(expected) == expected)
    }

    @Test func aGroupSaysWhatGoes() throws {
        #expect(try bench([.init(name: "u", regex: #"uid=(\d+)"#)])("uid=17 n=17") == "uid=[REDACTED:u] n=17")
        #expect(try bench([.init(name: "u", regex: #"(uid|gid)=(?P<secret>\d+)"#)])("uid=17 gid=4") == "uid=[REDACTED:u] gid=[REDACTED:u]")
        // An anchored one means each value of JSON.
        #expect(try bench([.init(name: "u", regex: #"^u\d+$"#)])(#"{"a":"u17","b":"is u17"}"#) == #"{"a":"[REDACTED:u]","b":"is u17"}"#)
        #expect(try bench([.init(name: "n", regex: #"^\d{6}$"#)])(#"{"a":123456}"#) == #"{"a":"[REDACTED:n]"}"#)
    }

    @Test func eachRuleHasItsMode() throws {
        let bench = try bench([.init(name: "badge", regex: #"badge-\d+"#, mode: .charMask), .init(name: "seen", regex: "GET", mode: .detect)]) {
            $0.modes = [.email: .partial, .card: .detect]
        }
        #expect(bench("GET badge-12 alice@example.com 4111111111111111 x") == "GET ******** a***@example.com 4111111111111111 x")
        let counts = bench.redactor.rules.indices.map { bench.scratch.counts[$0] }
        #expect(counts.reduce(0, +) == 4)
        #expect(bench.redactor.rules.last?.name == "seen" && counts.last == 1)
        // A rule that only watches takes nothing under its wing.
        #expect(try self.bench([.init(name: "all", regex: ".+", mode: .detect)])("x alice@example.com") == "x [REDACTED:email]")
        #expect(try self.bench([.init(name: "bad", regex: "forbidden", mode: .dropLine)]).redact(Array("a forbidden thing".utf8)).0 == .dropped)
    }

    /// What a redactor wrote is nothing to be found.
    @Test func masksAreNotMatched() throws {
        let bench = try bench([.init(name: "caps", regex: "[A-Z]{5,}"), .init(name: "user", regex: #"user=(\S+)"#)])
        for line in ["mail alice@example.com LOUDLY", "user=alice@example.com", "user=someone", #"{"m":"user=bob@example.com HELLO"}"#] {
            let once = bench(line)
            #expect(once != line)
            #expect(bench.redact(Array(once.utf8)).0 == .clean, "\(line) => \(once) => \(bench(once))")
        }
        #expect(bench("mail alice@example.com LOUDLY") == "mail [REDACTED:email] [REDACTED:caps]")
    }

    @Test func mistakesStopTheStart() {
        for (pattern, part) in [
            (RedactionSettings.Pattern(name: "x", regex: "("), "missing"), (.init(name: "x", regex: "a*"), "empty text"),
            (.init(name: "1x", regex: "a"), "no name"), (.init(name: "email", regex: "a"), "already"), (.init(name: "a b", regex: "a"), "no name"),
            (.init(name: "x", regex: "a", mode: .pseudonym), "no key"),
        ] {
            var settings = RedactionSettings()
            settings.patterns = [pattern]
            let error = #expect(throws: RedactionError.self) { try Redactor(settings) }
            #expect(error?.message.contains(part) == true, "\(error?.message ?? "")")
            #expect(throws: RedactionError.self) { try Redactor.check(settings) }
        }
        #expect(throws: RedactionError.self) { try Redactor(RedactionSettings(detectors: [.email], mode: .truncateIP)) }
        var settings = RedactionSettings()
        settings.modes[.email] = .truncateIP
        #expect(throws: RedactionError.self) { try Redactor(settings) }
    }

    @Test func labelsAndMetadata() throws {
        let bench = try bench([.init(name: "badge", regex: #"badge-\d+"#)])
        #expect(bench.value("badge-7", name: "x") == (.changed, "[REDACTED:badge]"))
        #expect(bench.value("fine", name: "x") == (.clean, "fine"))
    }

    // MARK: Addresses

    private func addresses(_ mode: RedactionSettings.Mode = .truncateIP) throws -> Bench {
        var settings = RedactionSettings(detectors: [.ip])
        settings.modes[.ip] = mode
        return try Bench(settings)
    }

    @Test(arguments: [
        ("from 203.0.113.7 port", "from 203.0.113.0/24 port"), ("203.0.113.7", "203.0.113.0/24"), ("203.0.113.7:443", "203.0.113.0/24:443"),
        ("(203.0.113.7).", "(203.0.113.0/24)."), ("10.0.0.1-10.0.0.9", "10.0.0.0/24-10.0.0.0/24"), (#"{"ip":"203.0.113.7"}"#, #"{"ip":"203.0.113.0/24"}"#),
        (#"{"ip":"203.0.113\u002e7"}"#, #"{"ip":"203.0.113.0/24"}"#), ("client:203.0.113.7,x", "client:203.0.113.0/24,x"),
        ("from 2001:db8:1:2::17 port", "from 2001:db8:1::/48 port"), ("[2001:db8::17]:443", "[2001:db8::/48]:443"),
        ("fe80::1:2%eth0 up", "fe80::/48 up"), ("::ffff:203.0.113.7", "::/48"), ("2001:0DB8:0001:0:0:0:0:0017.", "2001:db8:1::/48."),
    ])
    func addressesLoseTheirHost(_ line: String, _ expected: String) throws {
        let bench = try addresses()
        #expect(bench(line) == expected)
        #expect(bench.redact(Array(expected.utf8)).0 == .clean, "\(bench(expected))")
    }

    @Test(arguments: [
        "v1.2.3.4", "version 1.2.3.4", "10.0.19041.1", "1.2.3.4.5", "01.2.3.4", "256.1.1.1", "127.0.0.1 ::1 0.0.0.0 ::", "12:34:56", "2026-11-22T08:00:00.123",
        "00:1a:2b:3c:4d:5e", "std::deque a::b", "dead::beef", "app-1.2.3.4-rc1", "x1.2.3.4", "1.2.3", "12:34", "a:b:c", "203.0.113.0/24", "2001:db8:1::/48",
    ])
    func othersStay(_ line: String) throws {
        #expect(try addresses()(line) == line)
    }

    @Test func offByDefault() throws {
        #expect(try Bench()("from 203.0.113.7") == "from 203.0.113.7")
        #expect(try addresses(.mask)("from 203.0.113.7") == "from [REDACTED:ip]")
        #expect(try addresses(.partial)("from 203.0.113.7") == "from 203.0.113.0/24")
    }
}
