import LogTestKit
import Testing

@testable import Bytes

@Suite struct LineShredderTests {
    /// Lines, cut and put together again.
    struct Cut {
        let shredder = LineShredder()
        var templates: [UInt32] = []
        var back: [String] = []

        init(_ lines: [String]) throws {
            let text = ByteArena()
            let table = LineTable()
            for line in lines {
                table.append(start: text.count, length: line.utf8.count)
                text.append(line)
            }
            templates = try #require(shredder.run(text.view, table))
            let spelled = ByteArena()
            for number in 0..<shredder.templateCount { spelled.append(shredder.template(number)) }
            let known = try LineTemplates(
                OwnedBytes(spelled.view),
                count: shredder.templateCount,
                columns: shredder.columnCount
            )
            let columns = (0..<shredder.columnCount).map { shredder.values(of: $0) }
            let out = ByteArena()
            let (starts, lengths) = try known.rebuild(
                templates[...],
                wanted: [UInt64](repeating: .max, count: lines.count / 64 + 1),
                columns,
                into: out
            )
            back = starts.indices.map { out[starts[$0]..<starts[$0] + Int(lengths[$0])].string }
        }
    }

    @Test func oneTemplateForOneShape() throws {
        let lines = (0..<100).map { #"{"level": "INFO", "n": \#($0), "ok": true, "tags": ["a", \#($0)], "o": {"x": 1.5}}"# }
        let cut = try Cut(lines)
        #expect(cut.back == lines)
        #expect(Set(cut.templates) == [1])
        #expect(cut.shredder.columnCount == 6)
        let kinds = (1..<6).map { cut.shredder.column($0).kind }
        #expect(kinds == [.string, .number, .atom, .array, .number])
    }

    /// Events that are each of their own shape made layouts larger than the lines.
    @Test func shapesThatHardlyRepeatStayWhole() throws {
        let common = (0..<20).map { #"{"n":\#($0)}"# }
        let long = String(repeating: "key_", count: 40)
        let rare = (0..<40).map { i in
            "{" + (0..<20).map { #""\#(long)\#(i * 100 + $0)":\#($0)"# }.joined(separator: ",") + "}"
        }
        let cut = try Cut(common + rare)
        #expect(cut.back == common + rare)
        #expect(Set(cut.templates[..<20]) == [1])
        #expect(Set(cut.templates[20...]) == [0])
        // Of what is not used nothing is left to write.
        #expect((2..<cut.shredder.templateCount).allSatisfy { cut.shredder.template($0).count == 8 })
        #expect((2..<cut.shredder.columnCount).allSatisfy { cut.shredder.column($0).path.count == 1 })
    }

    @Test func optionalMembersAndKindsMakeTemplatesOfTheirOwn() throws {
        let lines = [
            #"{"a":1}"#, #"{"a":"1"}"#, #"{"a":null}"#, #"{"a":[1]}"#, #"{"a":1,"b":2}"#, #"{"b":2,"a":1}"#, #"{ "a":1}"#,
            #"{"a":1} "#, #"{"a":{}}"#, #"{"a":{"b":{}}}"#, "{}", #"{"a":1,"a":2}"#, #"{"a":"","a":"x"}"#,
        ]
        let cut = try Cut(lines + lines)
        #expect(cut.back == lines + lines)
        #expect(!cut.templates.contains(0))
        #expect(cut.templates[..<lines.count] == cut.templates[lines.count...])
        #expect(Array(cut.templates[..<lines.count]) == (1...UInt32(lines.count)).map { $0 })
    }

    @Test(arguments: [
        "", "x", "{", "}", "{}x", #"{"a":01}"#, #"{"a":1.}"#, #"{"a":-}"#, #"{"a":1e}"#, #"{"a":+1}"#, #"{"a":tru}"#, #"{"a":"\x"}"#,
        #"{"a":"\u12"}"#, "{\"a\":\"\u{1}\"}", #"{"a":"b}"#, #"{"a":1,}"#, #"{"a":[1,]}"#, #"{"a" 1}"#, #"["a"]"#, #""a""#, "12",
        #"{"a":{"b":1}"#, #"{"a":[}"#, #"{"a":1}{"a":1}"#,
    ])
    func whatIsNoJSONObjectStaysWhole(line: String) throws {
        // A valid line of nearly the same shape first, so that the walk gets as far as it can.
        let near = [#"{"a":1}"#, #"{"a":"b"}"#, #"{"a":true}"#, #"{"a":[1]}"#, #"{"a":{"b":1}}"#]
        let cut = try Cut(near + [line])
        #expect(cut.back == near + [line])
        #expect(cut.templates.last == 0)
    }

    @Test func aShapeThatNeverComesTwiceStopsBeingLearned() throws {
        let lines = (0..<3000).map { #"{"key\#($0)":1}"# }
        let cut = try Cut(lines)
        #expect(cut.back == lines)
        #expect(cut.shredder.templateCount < 400)
    }

    /// Keys drawn at random: one line in sixteen was cut, into a thousand columns of a few values each, because the lines
    /// that stayed whole anyway were counted as a reason to go on.
    @Test func aFewLinesOfRareShapesAmongWholeOnesStayWhole() throws {
        var random = SeededRandom(5)
        let lines = (0..<4000).map { row in
            let keys = (0..<6).map { _ in random.below(900) }
            return "{" + keys.enumerated().map { "\"key_\($1)_\($0)\":\(row)" }.joined(separator: ",")
                + ",\"text\":\"\(String(repeating: "x", count: 200))\"}"
        }
        let cut = try Cut(lines)
        #expect(cut.back == lines)
        #expect(cut.templates.allSatisfy { $0 == 0 })
        // Neither are they learnt for nothing.
        #expect(cut.shredder.templateCount < 150)
    }

    /// Lines of one shape behind many that never come again.
    @Test func aShapeIsLearntBehindManyOfOtherShapes() throws {
        let lines = (0..<200).map { #"{"a":1,"key\#($0)":1}"# } + (0..<2000).map { #"{"n":\#($0)}"# }
        let cut = try Cut(lines)
        #expect(cut.back == lines)
        #expect(cut.templates.suffix(1000).allSatisfy { $0 != 0 })
    }

    @Test func objectsOfManyMembersAreOneValue() throws {
        let big = "{" + (0..<100).map { "\"k\($0)\":\($0)" }.joined(separator: ",") + "}"
        let cut = try Cut([#"{"o":\#(big),"n":1}"#, #"{"o":\#(big),"n":2}"#])
        #expect(cut.templates == [1, 1])
        #expect(cut.shredder.column(1).kind == .object)
    }

    @Test func linesMadeByChanceComeBack() throws {
        var random = SeededRandom(31)
        for _ in 0..<40 {
            var lines: [String] = []
            for _ in 0..<200 { lines.append(OddLines.line(&random)) }
            let cut = try Cut(lines)
            #expect(cut.back == lines)
        }
    }
}

/// Lines as careless programs write them: JSON of odd spelling, broken JSON, text.
enum OddLines {
    static func line(_ random: inout SeededRandom) -> String {
        switch random.below(8) {
        case 0: return text(&random)
        case 1:
            let whole = object(&random, depth: 0)
            return String(whole.prefix(random.below(whole.count + 1)))
        default: return object(&random, depth: 0)
        }
    }

    static func text(_ random: inout SeededRandom) -> String {
        let words = ["INFO", "worker", "0x1f", "10.5ms", "é", "GET", "/v1/chat?id=12", "\t", "[500]", "\u{0}", "007", "\"q\"", "\\"]
        return (0..<random.below(12)).map { _ in words[random.below(words.count)] }.joined(separator: " ")
    }

    static func object(_ random: inout SeededRandom, depth: Int) -> String {
        let keys = ["a", "b", "level", "a", "k\\u00e9", "é", "", "x.y", "deep", "ms"]
        let space = random.chance(0.7) ? "" : " "
        let members = (0..<random.below(6)).map { _ in
            "\"\(keys[random.below(keys.count)])\":\(space)\(value(&random, depth: depth + 1))"
        }
        return "{\(space)" + members.joined(separator: ",\(space)") + "\(space)}"
    }

    static func value(_ random: inout SeededRandom, depth: Int) -> String {
        let numbers = ["0", "-0", "1.0", "1e5", "1E-3", "-12", "3.25", "1234567890123456789012345", "0.1", "100", "7"]
        let texts = ["", "INFO", "a\\\"b", "\\u00e9\\n", "é", "\\ud800", "2026-11-01T00:00:10.5Z", "id-9f86d081884c7d65", "42", "3.50"]
        switch random.below(depth > 4 ? 4 : 7) {
        case 0, 1: return "\"\(texts[random.below(texts.count)])\""
        case 2: return numbers[random.below(numbers.count)]
        case 3: return ["true", "false", "null"][random.below(3)]
        case 4: return "[" + (0..<random.below(3)).map { _ in value(&random, depth: depth + 1) }.joined(separator: ", ") + "]"
        case 5: return "{}"
        default: return object(&random, depth: depth + 1)
        }
    }
}
