import Bytes
import LogModel
import Testing

@testable import LogStages

@Suite("Label filters")
struct LabelFilterTests {
    private static let logfmt = PipelineStage.logfmt(LogfmtParser(keepEmpty: true))

    private func run(_ condition: LabelCondition, _ line: String, quirks: Bool = false) throws -> Outcome {
        StageBed().run([Self.logfmt, try labelFilter(condition, quirks: quirks)], line)
    }

    @Test(
        "Numbers compare as floats",
        arguments: [
            ("code=200", true), ("code=200.0", true), ("code=2e2", true), ("code=0x1.9p7", true), ("code=404", false),
            ("n=7", false), ("code=NaN", false),
        ]
    )
    func numbers(line: String, keeps: Bool) throws {
        let outcome = try run(.number("code", .equal, 200), line)
        #expect(outcome.kept == keeps)
        #expect(outcome["__error__"] == nil)
    }

    @Test("1_000 is a thousand")
    func underscores() throws {
        #expect(try run(.number("code", .greater, 999), "code=1_000").kept)
    }

    @Test(
        "What does not convert is kept with an error",
        arguments: [
            (LabelCondition.number("v", .greater, 1), "v=abc", #"strconv.ParseFloat: parsing "abc": invalid syntax"#),
            (.number("v", .greater, 1), "v=", #"strconv.ParseFloat: parsing "": invalid syntax"#),
            (.number("v", .greater, 1), "v=0x10", #"strconv.ParseFloat: parsing "0x10": invalid syntax"#),
            (.number("v", .greater, 1), "v=\"200 \"", #"strconv.ParseFloat: parsing "200 ": invalid syntax"#),
            (.number("v", .greater, 1), "v=1e999", #"strconv.ParseFloat: parsing "1e999": value out of range"#),
            (.duration("v", .greater, 1), "v=oops", #"time: invalid duration "oops""#),
            (.duration("v", .greater, 1), "v=90", #"time: missing unit in duration "90""#),
            (.duration("v", .greater, 1), "v=1d", #"time: unknown unit "d" in duration "1d""#),
            (.bytes("v", .greater, 1), "v=big", #"strconv.ParseFloat: parsing "": invalid syntax"#),
            (.bytes("v", .greater, 1), "v=5XB", "unhandled size name: xb"),
        ]
    )
    func conversionErrors(condition: LabelCondition, line: String, details: String) throws {
        let outcome = try run(condition, line)
        #expect(outcome.kept)
        #expect(outcome["__error__"] == "LabelFilterErr")
        #expect(outcome["__error_details__"] == details)
    }

    @Test("An absent label drops the line for typed conditions, compares as empty for text")
    func absent() throws {
        #expect(!(try run(.number("x", .notEqual, 1), "n=1").kept))
        #expect(!(try run(.duration("x", .notEqual, 1), "n=1").kept))
        #expect(!(try run(.bytes("x", .notEqual, 1), "n=1").kept))
        #expect(!(try run(.ip("x", equal: false, "10.0.0.1"), "n=1").kept))
        #expect(try run(.text("x", .equal, ""), "n=1").kept)
        #expect(try run(.text("x", .notEqual, "a"), "n=1").kept)
    }

    @Test(
        "Sizes",
        arguments: [("3mb", true), ("1.5B", false), ("2,048", false), ("1MiB", true), ("\"1.5 MB\"", true)]
    )
    func sizes(value: String, keeps: Bool) throws {
        #expect(try run(.bytes("size", .greater, 1_000_000), "size=\(value)").kept == keeps)
    }

    @Test("or stops at the first side that keeps the line, and evaluates both")
    func orHidesErrors() throws {
        let error = LabelCondition.text("lvl", .equal, "error")
        let slow = LabelCondition.duration("took", .greater, 1_000_000_000)
        #expect(try run(.or(error, slow), "lvl=error took=oops")["__error__"] == nil)
        #expect(try run(.or(slow, error), "lvl=error took=oops")["__error__"] == "LabelFilterErr")
        #expect(try run(.and(error, slow), "lvl=error took=oops")["__error__"] == "LabelFilterErr")
        // The second side drops the line, error or not.
        #expect(!(try run(.and(slow, .bytes("size", .less, 1_000_000)), "took=oops size=2MB").kept))
    }

    @Test("A filter behind __error__=\"\" is asked while the line is parsed")
    func eagerError() throws {
        let stages = [
            Self.logfmt, try labelFilter(.text("__error__", .equal, "")),
            try labelFilter(.duration("took", .greater, 1_000_000_000)),
        ]
        #expect(!StageBed().run(stages, "took=oops").kept)
        #expect(StageBed().run(stages, "took=2s").kept)
    }

    @Test("Below by (…) a filter waits for its turn, but a line that it drops anyway is not read on")
    func noEagerErrorBelowGrouping() throws {
        let bed = StageBed(hints: .only(["took", "__error__", "app"], filtersActEarly: false))
        let stages = [
            Self.logfmt, try labelFilter(.text("__error__", .equal, "")),
            try labelFilter(.duration("took", .greater, 1_000_000_000)),
        ]
        let outcome = bed.run(stages, "took=oops")
        #expect(outcome.kept)
        #expect(outcome["__error__"] == "LabelFilterErr")
        #expect(bed.run(stages, "took=2s")["__error__"] == nil)
        #expect(!bed.run(stages, "took=1ms").kept)
        // An address does not decide on a line that fails behind it.
        let json = [PipelineStage.json(JSONParser()), try labelFilter(.ip("addr", equal: true, "10.0.0.1"))]
        let line = #"{"addr":"192.168.0.1","took":"x","app":tru}"#
        #expect(StageBed(hints: .only(["addr", "took", "rest"], filtersActEarly: false)).run(json, line).kept)
        #expect(!StageBed(hints: .only(["addr", "took", "rest"])).run(json, line).kept)
    }

    @Test("A filter in front of a stage that changes labels sees the changed ones")
    func notEagerBehindChanges() throws {
        let format = PipelineStage.labelFormat(try LabelFormat([.template(to: "took", "5s")]))
        let slow = try labelFilter(.duration("took", .greater, 1_000_000_000))
        #expect(StageBed().run([Self.logfmt, format, slow], "took=1ms").kept)
        let drop = PipelineStage.drop(try DropLabels([.name("took")]))
        #expect(StageBed().run([Self.logfmt, drop, try labelFilter(.text("took", .equal, ""))], "took=1ms").kept)
        // And one in front of the parser sees what was there before.
        #expect(StageBed().run([try labelFilter(.text("took", .equal, "")), Self.logfmt], "took=1ms").kept)
    }

    @Test("Typed filters on __error__ drop everything, a filter on __error_details__ looks for a label")
    func errorSlots() throws {
        #expect(!(try run(.number("__error__", .greater, 0), "a=1").kept))
        let bad = LabelCondition.duration("took", .greater, 1)
        #expect(try run(.and(bad, .text("__error_details__", .equal, "")), "took=oops").kept)
        #expect(try run(.and(bad, .text("__error__", .matches, "Label.*")), "took=oops").kept)
    }

    @Test("Addresses")
    func addresses() throws {
        let inside = LabelCondition.ip("addr", equal: true, "192.168.0.0/16")
        let outside = LabelCondition.ip("addr", equal: false, "192.168.0.0/16")
        for (value, isIn) in [("192.168.4.5", true), ("192.168.4.5:80", true), ("10.0.0.1", false), ("notanip", false)]
        {
            #expect(try run(inside, "addr=\(value)").kept == isIn, "\(value)")
            #expect(try run(outside, "addr=\(value)").kept == !isIn, "\(value)")
        }
        // A line that has an error already passes.
        let stages = [PipelineStage.json(JSONParser()), try labelFilter(inside)]
        #expect(StageBed().run(stages, "no json").kept)
        #expect(
            message { _ = try labelFilter(.ip("a", equal: true, "300.1.1.1")) } == #"ip: invalid pattern: "300.1.1.1""#
        )
    }

    @Test(
        "Regexes match whole values; with Loki's quirks some do not",
        arguments: [
            ("warn", "warn", true, true), ("warn", "warning", false, false), ("foo.*", "xfoo", false, true),
            ("foo.*", "foobar", true, true), (".*foo", "foobar", false, true), (".*foo.*", "xfooy", true, true),
            ("prod|preprod", "xprod", false, true), ("error|critical", "error", true, true),
            ("error|critical", "xerror", false, false), ("", "a", false, true), (".*", "a", true, true),
            (".+", "", false, false), ("bar|.*", "foo", true, false), ("warn(ing)?", "warning", true, true),
            ("[fF].*", "xfoo", false, true), ("f.o", "xfoo", false, false), ("w.*d|b.*r", "warned", true, true),
            ("(?i)FO+", "foo", true, true), ("^foo$", "foo", true, true), ("multi.line", "multi\nline", false, false),
        ]
    )
    func regexes(pattern: String, value: String, anchored: Bool, quirky: Bool) throws {
        let condition = LabelCondition.text("v", .matches, ByteString(pattern))
        let bed = StageBed(metadata: value.isEmpty ? [:] : ["v": value])
        #expect(bed.run([try labelFilter(condition)], "").kept == anchored)
        #expect(bed.run([try labelFilter(condition, quirks: true)], "").kept == quirky)
        let negated = LabelCondition.text("v", .matchesNot, ByteString(pattern))
        #expect(bed.run([try labelFilter(negated)], "").kept == !anchored)
    }

    @Test("A faulty regex is an error in Go's words")
    func badRegex() {
        #expect(
            message { _ = try labelFilter(.text("v", .matches, "(")) }
                == "error parsing regexp: missing closing ): `(`"
        )
    }
}
