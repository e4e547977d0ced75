import Bytes
import Testing

@testable import LogStages

@Suite("JMESPath: the part that pipelines use")
struct JMESPathTests {
    @Test(
        "Paths",
        arguments: [
            ("a", [.key("a")]), ("a.b_1", [.key("a"), .key("b_1")]), (#""a.b".c"#, [.key("a.b"), .key("c")]),
            (#""\u00e9\"""#, [.key("é\"")]), ("a[0]", [.key("a"), .index(0)]), ("[1].x", [.index(1), .key("x")]),
            (" a . b [-2] ", [.key("a"), .key("b"), .index(-2)]), ("_x", [.key("_x")]),
        ] as [(String, [JMESPath.Step])])
    func paths(text: String, steps: [JMESPath.Step]) throws {
        #expect(try JMESPath(text).steps == steps)
    }

    @Test("Refused, with a hint", arguments: ["", "a.", ".a", "a-b", "a b", "a[*]", "a[0:1]", "a | b", "length(a)", "@", "1a", "\"open", "a..b", "a[", "a[]"])
    func refused(text: String) {
        #expect(throws: JMESPath.Failure.self) { try JMESPath(text) }
    }

    @Test("One key is a plain key")
    func plainKey() throws {
        #expect(try JMESPath("abc").plainKey == "abc")
        #expect(try JMESPath("a.b").plainKey == nil)
        #expect(try JMESPath("[0]").plainKey == nil)
    }
}
