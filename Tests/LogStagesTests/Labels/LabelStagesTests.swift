import Bytes
import LogModel
import Testing

@testable import LogStages

@Suite("drop, keep, label_format, unwrap")
struct LabelStagesTests {
    private static let logfmt = PipelineStage.logfmt(LogfmtParser())

    @Test("drop removes what is named, or what matches")
    func drop() throws {
        let bed = StageBed()
        func run(_ selections: [LabelSelection]) throws -> [String: String] {
            bed.run([Self.logfmt, .drop(try DropLabels(selections))], "n=7 s=x").labels
        }
        #expect(try run([.name("n")]) == ["s": "x"])
        #expect(try run([.matcher(try LabelMatcher("n", .equal, "7"))]) == ["s": "x"])
        #expect(try run([.matcher(try LabelMatcher("n", .notEqual, "7"))]) == ["n": "7", "s": "x"])
        #expect(try run([.matcher(try LabelMatcher("n", .matches, "[0-9]+")), .name("s")]) == [:])
        #expect(try run([.matcher(try LabelMatcher("missing", .equal, ""))]) == ["n": "7", "s": "x"])
    }

    @Test("drop clears the error, and its details apart from it")
    func dropError() throws {
        let stages = [PipelineStage.json(JSONParser()), .drop(try DropLabels([.name("__error__")]))]
        let outcome = StageBed().run(stages, "no json")
        #expect(outcome["__error__"] == nil)
        #expect(outcome["__error_details__"] != nil)
        let both = [stages[0], .drop(try DropLabels([.name("__error__"), .name("__error_details__")]))]
        #expect(StageBed().run(both, "no json").labels == [:])
    }

    @Test("keep removes the rest, errors stay")
    func keep() throws {
        let bed = StageBed(stream: ["app": "x"], metadata: ["t": "1"], hidesStream: false)
        func run(_ selections: [LabelSelection], _ line: String = "n=7 s=x") throws -> [String: String] {
            bed.run([Self.logfmt, .keep(try KeepLabels(selections))], line).labels
        }
        #expect(try run([.name("n")]) == ["n": "7"])
        #expect(try run([.name("app"), .matcher(try LabelMatcher("n", .equal, "8"))]) == ["app": "x"])
        #expect(try run([.name("t")]) == ["t": "1"])
        let stages = [PipelineStage.json(JSONParser()), .keep(try KeepLabels([.name("a")]))]
        #expect(bed.run(stages, "{").labels["__error__"] == "JSONParserErr")
    }

    @Test("label_format renames and sets from templates")
    func labelFormat() throws {
        func run(_ assignments: [LabelFormat.Assignment]) throws -> [String: String] {
            StageBed(hidesStream: false).run([Self.logfmt, .labelFormat(try LabelFormat(assignments))], "n=7 f=2")
                .labels
        }
        #expect(try run([.rename(to: "m", from: "n")]) == ["app": "x", "m": "7", "f": "2"])
        #expect(try run([.rename(to: "m", from: "missing")]) == ["app": "x", "n": "7", "f": "2"])
        #expect(try run([.template(to: "m", "{{.n}}-{{.f}}")]) == ["app": "x", "n": "7", "f": "2", "m": "7-2"])
        #expect(try run([.template(to: "m", "{{.none}}")])["m"] == "")
        // Both templates see the labels from before the stage.
        let swap = try run([.template(to: "a", "{{.n}}"), .template(to: "n", "{{.a}}")])
        #expect(swap["a"] == "7")
        #expect(swap["n"] == "")
        // Renames act one after the other.
        let chain = try run([.rename(to: "n", from: "f"), .rename(to: "f", from: "n")])
        #expect(chain == ["app": "x", "f": "2"])
    }

    @Test("A failing template leaves its label unset")
    func labelFormatError() throws {
        let stage = PipelineStage.labelFormat(try LabelFormat([.template(to: "x", "{{ div 1 0 }}")]))
        let outcome = StageBed().run([stage], "line")
        #expect(
            outcome.labels == [
                "__error__": "TemplateFormatErr",
                "__error_details__":
                    #"template: label:1:3: executing "label" at <div 1 0>: error calling div: runtime error: integer divide by zero"#,
            ]
        )
    }

    @Test("label_format refuses a target twice, __error__ and bad templates")
    func labelFormatRefusals() {
        #expect(
            message { _ = try LabelFormat([.template(to: "x", "a"), .template(to: "x", "b")]) }
                == "multiple label name 'x' not allowed in a single format operation"
        )
        #expect(
            message { _ = try LabelFormat([.template(to: "__error__", "a")]) } == "__error__ cannot be formatted"
        )
        #expect(
            message { _ = try LabelFormat([.template(to: "x", "{{ .a")]) }
                == "invalid template for label 'x': template: label:1: unclosed action"
        )
    }

    @Test(
        "unwrap",
        arguments: [
            (Unwrap.Conversion.number, "1.5", 1.5), (.number, "1_000", 1000), (.number, "0x1p-2", 0.25),
            (.number, "+Inf", .infinity), (.bytes, "1.5B", 1), (.bytes, "2,048", 2048), (.bytes, "2Kb", 2000),
            (.duration, "1m30s", 90), (.duration, "100us", 0.0001), (.duration, "-3s", -3),
        ]
    )
    func unwrap(conversion: Unwrap.Conversion, value: String, sample: Double) {
        let stages = [PipelineStage.logfmt(LogfmtParser()), .unwrap(Unwrap("v", conversion))]
        let outcome = StageBed().run(stages, "v=\(value)")
        #expect(outcome.kept)
        #expect(outcome.sample == sample)
        #expect(outcome["__error__"] == nil)
    }

    @Test("unwrap drops the line without a value, and marks one that does not convert")
    func unwrapFaults() {
        func run(_ conversion: Unwrap.Conversion, _ line: String) -> Outcome {
            StageBed().run([.logfmt(LogfmtParser(keepEmpty: true)), .unwrap(Unwrap("v", conversion))], line)
        }
        #expect(!run(.number, "a=1").kept)
        #expect(!run(.number, "v=").kept)
        #expect(run(.number, "v=0x")["__error__"] == "SampleExtractionErr")
        #expect(run(.number, "v=0x")["__error_details__"] == #"strconv.ParseFloat: parsing "0x": invalid syntax"#)
        #expect(run(.bytes, "v=1_000")["__error_details__"] == "unhandled size name: _000")
        #expect(run(.duration, "v=1_000")["__error_details__"] == #"time: unknown unit "_" in duration "1_000""#)
    }
}
