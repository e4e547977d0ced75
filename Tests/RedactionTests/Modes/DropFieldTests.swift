import Bytes
import Redaction
import Testing

/// `drop_field`: the member or pair goes, the rest stays byte for byte.
@Suite struct DropFieldTests {
    private static let settings = RedactionSettings(detectors: Detector.defaults, mode: .dropField)

    @Test(arguments: [
        (#"{"a":1,"m":"alice@example.com","z":2}"#, #"{"a":1,"z":2}"#),
        (#"{"m":"alice@example.com","z":2}"#, #"{"z":2}"#),
        (#"{"a":1,"m":"alice@example.com"}"#, #"{"a":1}"#),
        (#"{"m":"alice@example.com"}"#, "{}"),
        (#"{ "m" : "alice@example.com" , "z" : 2 }"#, #"{ "z" : 2 }"#),
        (#"{ "a" : 1 , "m" : "alice@example.com" }"#, #"{ "a" : 1  }"#),
        (#"{"m":"alice@example.com","n":"bob@example.com"}"#, "{}"),
        (#"{"m":"alice@example.com","n":"bob@example.com","z":1}"#, #"{"z":1}"#),
        (#"{"a":0,"m":"alice@example.com","n":"bob@example.com","z":1}"#, #"{"a":0,"z":1}"#),
        (#"{"a":0,"m":"alice@example.com","b":1,"n":"bob@example.com"}"#, #"{"a":0,"b":1}"#),
        (#"{"m":"alice@example.com","b":1,"n":"bob@example.com"}"#, #"{"b":1}"#),
        (#"{"o":{"m":"alice@example.com"},"n":"bob@example.com"}"#, #"{"o":{}}"#),
        (#"{"m":"alice@example.com","o":{"m":"alice@example.com","x":[]},"n":4111111111111111}"#, #"{"o":{"x":[]}}"#),
        (#"{"m":"alice@example.com and bob@example.com","password":"x1y2z3","z":true}"#, #"{"z":true}"#),
        (#"{"l":["alice@example.com",1],"z":2}"#, #"{"l":["[REDACTED:email]",1],"z":2}"#),
        (#"{"alice@example.com":1}"#, #"{"[REDACTED:email]":1}"#),
        ("level=info user=alice@example.com n=1", "level=info n=1"),
        ("user=alice@example.com n=1", "n=1"),
        ("user=alice@example.com", ""),
        ("n=1 user=alice@example.com", "n=1"),
        (#"a=1 msg="hi alice@example.com there" z=2"#, "a=1 z=2"),
        (#"a=1 msg="hi \"alice@example.com\" there" z=2"#, "a=1 z=2"),
        ("user=alice@example.com mail=bob@example.com n=1", "n=1"),
        ("n=1 user=alice@example.com mail=bob@example.com", "n=1"),
        ("hello alice@example.com", "hello [REDACTED:email]"),
        ("n=1 hello alice@example.com", "n=1 hello [REDACTED:email]"),
    ])
    func goesWithItsCommaOrBlank(_ line: String, _ expected: String) throws {
        let bench = try Bench(Self.settings)
        #expect(bench(line) == expected)
        #expect(bench(expected) == expected)
    }

    @Test func onlyTheRulesThatAskForIt() throws {
        var settings = RedactionSettings()
        settings.modes[.secret] = .dropField
        let bench = try Bench(settings)
        #expect(bench(#"{"user":"alice@example.com","password":"x1y2z3","n":1}"#) == #"{"user":"[REDACTED:email]","n":1}"#)
        #expect(bench("user=alice@example.com password=x1y2z3 n=1") == "user=[REDACTED:email] n=1")
        #expect(bench.scratch.counts[Int(Detector.secret.rawValue)] == 2)
    }

    @Test func labelsAndMetadataGoToo() throws {
        let bench = try Bench(Self.settings)
        #expect(bench.value("hi alice@example.com", name: "m") == (.changed, ""))
    }

    /// Random documents: what is left is the document without the members, as a writer of JSON would have left them out.
    @Test(arguments: 0..<20) func randomDocuments(_ seed: Int) throws {
        let bench = try Bench(Self.settings)
        var dice = Dice(UInt64(seed) &+ 4242)
        for _ in 0..<100 {
            var (given, wanted) = ("", "")
            func object(_ depth: Int) {
                given += "{"
                wanted += "{"
                var isFirst = true
                for index in 0..<Int(dice.next() % 6) {
                    let goes = dice.next() % 2 == 0
                    given += index > 0 ? "," : ""
                    given += "\"k\(index)\":"
                    if goes {
                        given += "\"bob@example.com\""
                        continue
                    }
                    wanted += (isFirst ? "" : ",") + "\"k\(index)\":"
                    isFirst = false
                    if depth < 3, dice.next() % 3 == 0 {
                        object(depth + 1)
                    } else {
                        given += "\(index)"
                        wanted += "\(index)"
                    }
                }
                given += "}"
                wanted += "}"
            }
            object(0)
            #expect(bench(given) == wanted)
        }
    }
}
