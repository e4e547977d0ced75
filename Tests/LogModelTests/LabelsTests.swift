import Bytes
import LogModel
import Testing

@Suite struct LabelsTests {
    @Test func sortsAndKeepsTheLastOfEqualNames() {
        let labels = Labels([Label("b", "1"), Label("a", "2"), Label("b", "3")])
        #expect(labels.description == #"{a="2", b="3"}"#)
        #expect(labels["b"] == "3")
        #expect(labels["c"] == nil)
    }

    @Test func edits() {
        var labels = Labels(["a": "1", "c": "3"])
        labels["b"] = "2"
        labels["a"] = nil
        labels["c"] = "4"
        labels["d"] = "5"
        #expect(labels == Labels(["b": "2", "c": "4", "d": "5"]))
        labels["x"] = nil
        #expect(labels.count == 3)
    }

    @Test(arguments: [
        ("plain", #""plain""#), ("q\"\\", #""q\"\\""#), ("\n\t\u{1}", #""\n\t\x01""#), ("é日本", #""é日本""#),
        ("\u{A0}", #""\u00a0""#), ("\u{E000}", #""\ue000""#), ("\u{10FFFF}", #""\U0010ffff""#),
    ])
    func quotesAsGoDoes(text: String, quoted: String) {
        #expect(GoQuote.quote(text) == quoted)
    }

    @Test func encodingComesBack() throws {
        let labels = Labels([Label("a", ByteString([0xFF, 0x00])), Label("empty", "")])
        let arena = ByteArena()
        labels.encode(into: arena)
        var reader = ByteReader(arena.view)
        #expect(try Labels.decode(&reader) == labels)
        for cut in 0..<arena.count {
            var reader = ByteReader(arena.view.prefix(cut))
            #expect(throws: DecodeError.self) { try Labels.decode(&reader) }
        }
    }

    @Test func matchers() throws {
        let labels = Labels(["app": "foobar", "env": "a\nb"])
        #expect(!(try LabelMatcher("app", .matches, "foo").matches(labels["app"])), "anchored")
        #expect(try LabelMatcher("app", .matches, "foo.*").matches(labels["app"]))
        #expect(try LabelMatcher("env", .matches, "a.b").matches(labels["env"]), "dot matches newline")
        #expect(try LabelMatcher("none", .equal, "").matches(labels["none"]))
        #expect(try LabelMatcher("none", .matchesNot, ".+").matches(labels["none"]))
        #expect(try LabelMatcher("app", .notEqual, "x").matchesEmpty)
        #expect(throws: RegexError.self) { try LabelMatcher("app", .matches, "(") }
    }

    @Test func secretsPrintRedacted() {
        struct Holder { var token = Secret("s3cr3t") }
        #expect("\(Secret("s3cr3t"))" == "[redacted]")
        var dumped = ""
        dump(Holder(), to: &dumped)
        #expect(!dumped.contains("s3cr3t"))
    }

    @Test(arguments: [("fake", true), ("team-1", true), ("", false), ("..", false), ("a/b", false), ("a|b", false)])
    func tenantNames(name: String, good: Bool) {
        #expect((Tenant(name) != nil) == good)
    }
}
