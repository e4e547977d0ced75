import Bytes
import Redaction
import Testing

@Suite struct RedactorTests {
    @Test func cleanLineCostsNothingAndSaysSo() throws {
        let bench = try Bench()
        let line =
            #"{"timestamp": "2026-11-01T00:00:00.377122", "level": "INFO", "tokens": 1449, "trace_id": "063ae7c50a32dbde49c5607bbe34c11e", "prompt": "Explain \u201cthis\u201d\n {\"role\": \"user\"}"}"#
        let (outcome, out) = bench.redact(Array(line.utf8))
        #expect(outcome == .clean)
        #expect(out == Array(line.utf8))
        #expect(bench.scratch.counts.allSatisfy { $0 == 0 })
    }

    /// The findings on raw JSON text that made one of eight lines invalid: an escape before the candidate.
    @Test(arguments: [
        (#"{"p": "hi\nalice@x.com\nbye", "q": 1}"#, #"{"p": "hi\n[REDACTED:email]\nbye", "q": 1}"#),
        (#"{"p": "\u201c4111111111111111\u201d"}"#, #"{"p": "\u201c[REDACTED:card]\u201d"}"#),
        (#"{"p":"\tDE89370400440532013000 "}"#, #"{"p":"\t[REDACTED:iban] "}"#),
        (#"{"p":"a \"alice@example.com\" b"}"#, #"{"p":"a \"[REDACTED:email]\" b"}"#),
        (#"{"p":"alice\u0040example.com"}"#, #"{"p":"[REDACTED:email]"}"#),
        (#"{"p":"41\u00311111\u003111111111"}"#, #"{"p":"[REDACTED:card]"}"#),
        (#"{"p":"{\"to\":\"x\\nalice@example.com\"}"}"#, #"{"p":"{\"to\":\"x\\n[REDACTED:email]\"}"}"#),
        (
            #"{"p":"{\"q\":\"{\\\"to\\\":\\\"\\\\nalice@example.com\\\"}\"}"}"#,
            #"{"p":"{\"q\":\"{\\\"to\\\":\\\"\\\\n[REDACTED:email]\\\"}\"}"}"#
        ),
        (#"{"p":"alice\u0040example.com"}"#, #"{"p":"[REDACTED:email]"}"#),
        (
            #"{"a":["x",{"b":"alice@example.com"}],"alice@example.com":1}"#,
            #"{"a":["x",{"b":"[REDACTED:email]"}],"[REDACTED:email]":1}"#
        ),
        (#"  {"p" : "313-93-2516"}  "#, #"  {"p" : "[REDACTED:ssn]"}  "#),
    ])
    func escapesAreSeenThrough(_ line: String, _ wanted: String) throws {
        #expect(try Bench()(line) == wanted)
    }

    @Test(arguments: [
        (#"ts=1 msg="mail \"alice@example.com\" sent" n=2"#, #"ts=1 msg="mail \"[REDACTED:email]\" sent" n=2"#),
        (#"user=alice@example.com level=info"#, #"user=[REDACTED:email] level=info"#),
        (#"prompt: 'hello\nalice@example.com'"#, #"prompt: 'hello\n[REDACTED:email]'"#),
        (#"INFO {"p": "x\nalice@example.com"} tail"#, #"INFO {"p": "x\n[REDACTED:email]"} tail"#),
        (
            #"{"p": "cut off alice@example.com and 4111 1111 1111 1111"#,
            #"{"p": "cut off [REDACTED:email] and [REDACTED:card]"#
        ),
        (#"nginx \x22alice\x40example.com\x22"#, #"nginx \x22[REDACTED:email]\x22"#),
        ("two alice@example.com,bob@example.com", "two [REDACTED:email],[REDACTED:email]"),
    ])
    func textIsRedactedInPlace(_ line: String, _ wanted: String) throws {
        #expect(try Bench()(line) == wanted)
    }

    @Test func exceptedKeysAreLeftAlone() throws {
        let bench = try Bench()
        let line = #"{"request_id":"4111111111111111","x":{"trace_id":4111111111111111},"id":"4111111111111111"}"#
        #expect(
            bench(line)
                == #"{"request_id":"4111111111111111","x":{"trace_id":4111111111111111},"id":"[REDACTED:card]"}"#
        )
        var settings = RedactionSettings()
        settings.identifiers = []
        #expect(try Bench(settings)(#"{"request_id":"4111111111111111"}"#) == #"{"request_id":"[REDACTED:card]"}"#)
        settings.except = ["request_id"]
        let excepted = #"{"request_id":"alice@example.com 4111111111111111"}"#
        #expect(try Bench(settings)(excepted) == excepted)
    }

    /// The names held for JSON only: of 6,000 lines of logfmt with a numeric span id 192 lost it.
    @Test(arguments: [
        "span_id=4111111111111111", #"x trace_id="4111111111111111" y"#, #"{"m":"{\"span_id\": \"4111111111111111\"}"}"#,
        "X-Request-ID: 4111111111111111", #"{"traceId":"4111111111111111","dd.span_id":4111111111111111}"#,
        "order_id: 4111 1111 1111 1111", "'request_id': 4111111111111111,",
    ])
    func identifiersOfText(_ line: String) throws {
        #expect(try Bench()(line) == line)
        var settings = RedactionSettings()
        settings.identifiers = []
        #expect(try Bench(settings)(line) != line)
    }

    @Test func exceptionsOfText() throws {
        var settings = RedactionSettings()
        settings.except = ["owner", "api_key"]
        settings.identifiers = ["ticket"]
        let bench = try Bench(settings)
        #expect(
            bench(#"owner=a@example.com to=b@example.com owner="x c@example.com y" "owner": "d@example.com""#)
                == #"owner=a@example.com to=[REDACTED:email] owner="x c@example.com y" "owner": "d@example.com""#)
        #expect(bench("co_owner=a@example.com owner a@example.com") == "co_owner=[REDACTED:email] owner [REDACTED:email]")
        #expect(bench("api_key=abcd1234efgh5678 password=x1y") == "api_key=abcd1234efgh5678 password=[REDACTED:secret]")
        #expect(bench("ticket=4111111111111111 paid=4111111111111111") == "ticket=4111111111111111 paid=[REDACTED:card]")
        #expect(bench("myticket=4111111111111111") == "myticket=[REDACTED:card]")
    }

    /// A client that chooses its own request id could carry anything past the redactor.
    @Test func identifiersMayLookLikeCardsButHoldNoSecrets() throws {
        let bench = try Bench()
        #expect(
            bench(#"{"request_id":"4111111111111111 alice@example.com"}"#)
                == #"{"request_id":"4111111111111111 [REDACTED:email]"}"#)
        #expect(bench.value("AKIAIOSFODNN7QRSTUVW", name: "trace_id") == (.changed, "[REDACTED:api_key]"))
        #expect(bench.value("4111111111111111", name: "trace_id").0 == .clean)
    }

    @Test func keysAreLookedAtToo() throws {
        let bench = try Bench()
        #expect(bench(#"{"jane@example.com":3,"n":{"AKIAIOSFODNN7QRSTUVW":1}}"#) == #"{"[REDACTED:email]":3,"n":{"[REDACTED:api_key]":1}}"#)
        #expect(bench(#"{"jane\u0040example.com":3}"#) == #"{"[REDACTED:email]":3}"#)
        #expect(bench(#"{"password":"","authorization":null,"token":7}"#) == #"{"password":"","authorization":null,"token":7}"#)
    }

    /// The letter at the end of a colour's code was taken for the beginning of the word behind it.
    @Test(arguments: [
        ("\u{1B}[33mAKIAIOSFODNN7QRSTUVW\u{1B}[0m", "\u{1B}[33m[REDACTED:api_key]\u{1B}[0m"),
        ("\u{1B}[1;31m4111111111111111\u{1B}[0m ok", "\u{1B}[1;31m[REDACTED:card]\u{1B}[0m ok"),
        ("\u{1B}[1m536-22-1234\u{1B}[m", "\u{1B}[1m[REDACTED:ssn]\u{1B}[m"),
        (#"{"msg":"\u001b[33mAKIAIOSFODNN7QRSTUVW\u001b[0m"}"#, #"{"msg":"\u001b[33m[REDACTED:api_key]\u001b[0m"}"#),
        ("\u{1B}[33mDE89370400440532013000\u{1B}[0m", "\u{1B}[33m[REDACTED:iban]\u{1B}[0m"),
        ("\u{1B}[0m nothing \u{1B}[", "\u{1B}[0m nothing \u{1B}["),
        // No colours, but the beginning of something else: nothing of a secret may be taken for the end of a sequence.
        (#"{"p":"\u001b[ \"NL13WNUW6508541116\" x"}"#, #"{"p":"\u001b[ \"[REDACTED:iban]\" x"}"#),
        ("\u{1B}[DE89370400440532013000 x", "\u{1B}[[REDACTED:iban] x"),
        ("\u{1B}[536-22-1234 x", "\u{1B}[[REDACTED:ssn] x"),
        (#"{"p":"\u001b[ \"ghp_sVIiJT5iBAor0SR5R8vyIPRxl5zs3C0rjnNM\""}"#, #"{"p":"\u001b[ \"[REDACTED:api_key]\""}"#),
    ])
    func colouredTextIsRedacted(_ line: String, _ wanted: String) throws {
        #expect(try Bench()(line) == wanted)
    }

    @Test func priorityNamesOverlappingFindings() throws {
        let bench = try Bench()
        #expect(bench("password=alice@example.com") == "password=[REDACTED:secret]")
        #expect(
            bench("Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln")
                == "Authorization: Bearer [REDACTED:jwt]"
        )
        #expect(bench("https://u:alice@example.com/x") == "https://u:[REDACTED:url_credential]@example.com/x")
    }

    @Test func valuesOfLabels() throws {
        let bench = try Bench()
        #expect(bench.value("alice@example.com", name: "user") == (.changed, "[REDACTED:email]"))
        #expect(bench.value("hunter2", name: "db_password") == (.changed, "[REDACTED:secret]"))
        #expect(bench.value("prod", name: "env") == (.clean, "prod"))
        #expect(bench.value("4111111111111111", name: "request_id") == (.clean, "4111111111111111"))
        #expect(bench.value("", name: "password") == (.clean, ""))
        #expect(bench.value("Bearer abc12345", name: "authorization") == (.changed, "Bearer [REDACTED:authorization]"))
        #expect(bench.value("313932516", name: "ssn") == (.changed, "[REDACTED:ssn]"))
        #expect(
            bench.value("a=1; b=2", name: "Cookie") == (
                .changed, "a=[REDACTED:authorization]; b=[REDACTED:authorization]"
            )
        )
    }

    /// I6: what cannot be scanned is not passed on.
    @Test func failureOfTheEngineFailsClosed() throws {
        let bench = try Bench()
        bench.scratch.failsNextScan = true
        let (outcome, out) = bench.redact(Array("alice@example.com".utf8))
        #expect(outcome == .failed)
        #expect(String(decoding: out, as: UTF8.self) == "[REDACTED:unscanned]")
        #expect(bench.scratch.failures == 1)
        bench.scratch.failsNextScan = true
        #expect(bench.value("alice@example.com", name: "x") == (.failed, "[REDACTED:unscanned]"))
        // A text with more candidates than memory is given for.
        let many = [UInt8](repeating: UInt8(ascii: "@"), count: 1 << 19)
        #expect(bench.redact(many).0 == .failed)
    }

    /// I6: what takes too long is not passed on half looked at. A nanosecond is over at the first look at the clock.
    @Test func timeBudgetFailsClosed() throws {
        var settings = RedactionSettings()
        settings.budget = 1
        let bench = try Bench(settings)
        let many = String(repeating: "alice@example.com ", count: 200)
        #expect(bench(many) == "[REDACTED:unscanned]")
        #expect(bench.value(many, name: "x") == (.failed, "[REDACTED:unscanned]"))
        var reasons: [String] = []
        bench.scratch.drain { _, _, _ in } failures: { reason, count in reasons.append("\(reason) \(count)") } dropped: { _, _ in }
        #expect(reasons == ["budget 2"])
        // The next line is looked at as ever, and a few candidates are no reason to look at a clock.
        #expect(bench("alice@example.com") == "[REDACTED:email]")
        settings.budget = 60_000_000_000
        #expect(try Bench(settings)(many) == String(repeating: "[REDACTED:email] ", count: 200))
    }

    @Test func countsByDetector() throws {
        let bench = try Bench()
        _ = bench("alice@example.com bob@example.com 4111111111111111 password=x1y2z3")
        #expect(bench.scratch.counts[Int(Detector.email.rawValue)] == 2)
        #expect(bench.scratch.counts[Int(Detector.card.rawValue)] == 1)
        #expect(bench.scratch.counts[Int(Detector.secret.rawValue)] == 1)
        #expect(bench.scratch.counts.reduce(0, +) == 4)
    }

    /// What metrics are made of: each finding once, where it stood, though the line stays (`detect`).
    @Test func drainsWhatWasCounted() throws {
        let bench = try Bench(RedactionSettings(detectors: [.email, .card], mode: .detect))
        _ = bench("alice@example.com bob@example.com 4111111111111111")
        _ = bench.value("alice@example.com", name: "user")
        bench.scratch.failsNextScan = true
        _ = bench("x")
        _ = bench(String(repeating: "@", count: 1 << 19))
        var seen: [String: Int] = [:]
        func drain() {
            seen = [:]
            bench.scratch.drain { target, rule, count in
                seen["\(target) \(bench.redactor.rules[rule].name)"] = count
            } failures: { reason, count in
                seen["\(reason)"] = count
            } dropped: { seen["dropped \($0)"] = $1 }
        }
        drain()
        #expect(seen == ["line email": 2, "line card": 1, "metadata email": 1, "engine": 1, "candidates": 1])
        drain()
        #expect(seen == [:])
        let dropping = try Bench(RedactionSettings(detectors: [.email], mode: .dropLine))
        _ = dropping("alice@example.com")
        dropping.scratch.drain { _, _, count in #expect(count == 1) } failures: { _, _ in } dropped: {
            #expect($0 == Int(Detector.email.rawValue) && $1 == 1)
        }
    }

    @Test func detectorsCanBeChosen() throws {
        let bench = try Bench(RedactionSettings(detectors: [.email]))
        #expect(bench("alice@example.com 4111111111111111") == "[REDACTED:email] 4111111111111111")
        let cards = try Bench(RedactionSettings(detectors: [.card]))
        #expect(cards("alice@example.com 4111111111111111") == "alice@example.com [REDACTED:card]")
        #expect(throws: RedactionError.self) { try Redactor(RedactionSettings(detectors: [])) }
    }

    @Test func namesOfDetectors() {
        for detector in Detector.allCases { #expect(Detector(named: detector.name) == detector) }
        #expect(Detector(named: "credit_card") == .card)
        #expect(Detector(named: "shoe_size") == nil)
    }
}

@Suite struct RedactionModeTests {
    static let line =
        #"{"m":"alice@example.com 4111 1111 1111 1111 DE89370400440532013000 313-93-2516","n":4111111111111111,"password":"hunter2"}"#

    @Test func charMaskKeepsTheLength() throws {
        let bench = try Bench(RedactionSettings(detectors: Detector.allCases, mode: .charMask))
        let out = bench(Self.line)
        #expect(
            out
                == #"{"m":"***************** ******************* ********************** ***********","n":"****************","password":"*******"}"#
        )
        #expect(bench(out) == out)
    }

    @Test func partialLeavesAHarmlessRest() throws {
        let bench = try Bench(RedactionSettings(detectors: Detector.allCases, mode: .partial))
        let out = bench(Self.line)
        #expect(
            out
                == #"{"m":"a***@example.com ****1111 DE****3000 ***-**-2516","n":"****1111","password":"[REDACTED:secret]"}"#
        )
        #expect(bench(out) == out)
        #expect(bench("key ghp_" + APIKeyDetectorTests.letters(36)) == "key ghp_****")
    }

    @Test func dropLine() throws {
        let bench = try Bench(RedactionSettings(detectors: Detector.allCases, mode: .dropLine))
        let (outcome, out) = bench.redact(Array(Self.line.utf8))
        #expect(outcome == .dropped)
        #expect(out.isEmpty)
        #expect(bench.scratch.dropped == 1)
        #expect(bench.redact(Array("fine".utf8)).0 == .clean)
    }

    @Test func detectOnlyCounts() throws {
        let bench = try Bench(RedactionSettings(detectors: Detector.allCases, mode: .detect))
        #expect(bench.redact(Array(Self.line.utf8)).0 == .clean)
        #expect(bench.scratch.counts[Int(Detector.email.rawValue)] == 1)
    }
}
