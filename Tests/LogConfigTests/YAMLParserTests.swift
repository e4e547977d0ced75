import Bytes
import LogConfig
import Testing

@Suite struct YAMLParserTests {
    private func parse(_ text: String) throws(YAMLFailure) -> YAMLNode? {
        try text.withView { view throws(YAMLFailure) in try YAMLParser.parse(view) }
    }

    private func failure(_ text: String) -> YAMLFailure? {
        do throws(YAMLFailure) {
            _ = try parse(text)
            return nil
        } catch {
            return error
        }
    }

    /// The tree without places, as text.
    private func show(_ node: YAMLNode?) -> String {
        guard let node else { return "nothing" }
        return switch node.content {
        case .scalar(let text, let isPlain): isPlain ? text : "'\(text)'"
        case .sequence(let items): "[" + items.map(show).joined(separator: ", ") + "]"
        case .mapping(let pairs): "{" + pairs.map { "\($0.key): " + show($0.value) }.joined(separator: ", ") + "}"
        }
    }

    @Test(arguments: [
        ("", "nothing"), ("# only words\n", "nothing"), ("---\n", ""), ("a", "a"),
        ("a: 1\nb: [x, 'y', \"z\"]", "{a: 1, b: [x, 'y', 'z']}"),
        ("a:\n  - b: c\n    d:\n  - e", "{a: [{b: c, d: }, e]}"), ("a: |\n  x\n  y\n", "{a: 'x\ny\n'}"),
        ("a: !!str 1", "{a: '1'}"),
        ("a: &x {b: 1}\nc: *x", "{a: {b: 1}, c: {b: 1}}"),
        ("base: &b {x: 1, y: 2}\nc: {<<: *b, y: 3}", "{base: {x: 1, y: 2}, c: {y: 3, x: 1}}"),
        ("a: &a {x: 1}\nb: &b {y: 2}\nc: {<<: [*a, *b]}", "{a: {x: 1}, b: {y: 2}, c: {x: 1, y: 2}}"),
        ("a: 1\n---\nb: 2\n", "{a: 1}"),
        ("{a: 1}", "{a: 1}"), ("a: \u{E9}\u{65E5}", "{a: \u{E9}\u{65E5}}"), ("\u{FEFF}a: 1", "{a: 1}"),
    ])
    func trees(_ text: String, _ wanted: String) throws {
        #expect(show(try parse(text)) == wanted)
    }

    @Test func everyNodeKnowsItsPlace() throws {
        guard case .mapping(let pairs)? = try parse("a: 1\nbb:\n  - x\n  - {c: d}\n")?.content else {
            Issue.record("no mapping")
            return
        }
        #expect(pairs[0].keyMark == YAMLMark(line: 1, column: 1))
        #expect(pairs[0].value.mark == YAMLMark(line: 1, column: 4))
        #expect(pairs[1].keyMark == YAMLMark(line: 2, column: 1))
        guard case .sequence(let items) = pairs[1].value.content, case .mapping(let inner) = items[1].content else {
            Issue.record("no list")
            return
        }
        #expect(items[0].mark == YAMLMark(line: 3, column: 5))
        #expect(inner[0].keyMark == YAMLMark(line: 4, column: 6))
    }

    @Test(arguments: [
        ("a: 1\na: 2", 2, 1, "duplicate key `a`"), ("a: [1", 2, 1, "did not find expected ',' or ']'"),
        ("a: b: c", 1, 5, "mapping values are not allowed"),
        ("\tx: 1", 1, 1, "found character that cannot start any token"), ("a: *x", 1, 4, "unknown alias `*x`"),
        ("a: &x [*x]", 1, 8, "unknown alias `*x`"),
        ("{[a]: b}", 1, 2, "a key must be a single value"), ("x: {<<: 1}", 1, 9, "`<<` needs a mapping"),
        ("a: @b", 1, 4, "found character"),
        ("a: 1\n b: 2", 2, 3, "mapping values are not allowed"),
        ("x: {<<: {a: 1}, <<: {a: [}", 1, 26, "did not find expected node content"),
    ])
    func mistakes(_ text: String, _ line: Int, _ column: Int, _ message: String) {
        let found = failure(text)
        #expect(found?.mark == YAMLMark(line: line, column: column))
        #expect(found?.message.hasPrefix(message) == true, "\(found?.message ?? "none")")
    }

    @Test func badBytesHaveAPlace() {
        let found = [UInt8]("a: 1\nb: \u{FF}".utf8.map { $0 }) + [0xFF]
        do throws(YAMLFailure) {
            _ = try found.withView { view throws(YAMLFailure) in try YAMLParser.parse(view) }
            Issue.record("accepted")
        } catch {
            #expect(error.mark.line == 2)
        }
    }

    /// The billion laughs: nine lines that stand for 10^9 values.
    @Test func aliasesCannotExplode() {
        var text = "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
        for (name, last) in zip("bcdefghi", "abcdefgh") {
            text += "\(name): &\(name) [" + (0..<10).map { _ in "*\(last)" }.joined(separator: ", ") + "]\n"
        }
        #expect(failure(text)?.message.contains("values") == true)
    }

    @Test func depthIsBounded() {
        let deep = String(repeating: "[", count: 500) + String(repeating: "]", count: 500)
        #expect(failure(deep)?.message.contains("levels") == true)
        let nested = (0..<60).map { String(repeating: " ", count: $0) + "a:" }.joined(separator: "\n")
        #expect(failure(nested) == nil)
    }

    @Test func sizeIsBounded() {
        let big = "a: " + String(repeating: "x", count: YAMLParser.sizeMax)
        #expect(failure(big)?.message.contains("MiB") == true)
    }

    @Test(
        arguments: [
            ("yes", true), ("no", false), ("On", true), ("OFF", false), ("y", true), ("true", true), ("False", false),
            ("1", nil), ("tRue", nil), ("", nil),
        ] as [(String, Bool?)]
    )
    func booleans(_ text: String, _ wanted: Bool?) { #expect(YAMLScalar.bool(text) == wanted) }

    @Test(
        arguments: [
            ("0", 0), ("12", 12), ("-5", -5), ("+7", 7), ("0x1F", 31), ("017", 15), ("0o17", 15), ("0b101", 5),
            ("1_000", 1000), ("-0x10", -16),
            ("9223372036854775807", .max), ("9223372036854775808", nil), ("1.5", nil), ("", nil), ("-", nil),
            ("abc", nil), ("0x", nil), ("_1", nil),
            ("--1", nil), ("0x-1", nil), ("08", nil),
        ] as [(String, Int64?)]
    )
    func integers(_ text: String, _ wanted: Int64?) { #expect(YAMLScalar.integer(text) == wanted) }

    @Test(
        arguments: [
            ("1.5", 1.5), ("1e3", 1000), (".5", 0.5), ("-.inf", -.infinity), ("10", 10), ("x", nil), ("", nil),
            ("0x10", 16), ("nan", nil), ("inf", nil),
        ] as [(String, Double?)]
    )
    func numbers(_ text: String, _ wanted: Double?) { #expect(YAMLScalar.float(text) == wanted) }
}
