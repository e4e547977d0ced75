import Bytes
import LogModel
import Testing

@testable import LogStages

@Suite("Labels of one line")
struct LineStateTests {
    @Test("Metadata with the name of a stream label gets a suffix")
    func metadataCollision() {
        let bed = StageBed(stream: ["tri": "s"], metadata: ["tri": "m", "x": "1"])
        #expect(bed.run([], "plain").labels == ["tri_extracted": "m", "x": "1"])
    }

    @Test("A parsed value beats metadata of the suffixed name, and the metadata is lost")
    func threeWay() {
        let bed = StageBed(stream: ["tri": "s"], metadata: ["tri": "m"])
        #expect(bed.run([.logfmt(LogfmtParser())], "tri=p").labels == ["tri_extracted": "p"])
        #expect(bed.run([.logfmt(LogfmtParser())], "tri=p tri_extracted=q")["tri_extracted"] == "p")
    }

    @Test("Metadata may bring the error of a line")
    func metadataError() throws {
        let bed = StageBed(metadata: ["__error__": "MyErr", "__error_details__": "told so"])
        #expect(bed.run([], "x").labels == ["__error__": "MyErr", "__error_details__": "told so"])
        #expect(!bed.run([try labelFilter(.text("__error__", .equal, ""))], "x").kept)
    }

    @Test("The first of two parsed values stays, even when it was dropped in between")
    func firstWins() throws {
        let drop = PipelineStage.drop(try DropLabels([.name("a")]))
        let bed = StageBed()
        #expect(bed.run([.logfmt(LogfmtParser())], "a=1 a=2")["a"] == "1")
        #expect(bed.run([.json(JSONParser()), .json(JSONParser())], #"{"a":1,"a":2}"#)["a"] == "1")
        #expect(bed.run([.logfmt(LogfmtParser()), drop, .logfmt(LogfmtParser())], "a=1")["a"] == nil)
    }

    @Test("Overwriting moves a stream label to the parsed ones; the next line has it back")
    func overwriteAndReset() throws {
        let format = PipelineStage.labelFormat(try LabelFormat([.template(to: "app", "new")]))
        let pipeline = StagePipeline([format])
        pipeline.setStream(["app": "old"].labels)
        for _ in 0..<3 {
            #expect("line".withView { pipeline.run($0, timestamp: 1) })
            #expect(pipeline.state.labels([.stream]) == Labels())
            #expect(pipeline.state.labels([.parsed]) == ["app": "new"].labels)
        }
        pipeline.setStream(["app": "other", "b": "2"].labels)
        #expect("line".withView { pipeline.run($0, timestamp: 1) })
        #expect(pipeline.state.labels() == ["app": "new", "b": "2"].labels)
    }

    @Test("Categories, groups and fingerprints")
    func results() {
        let pipeline = StagePipeline([.logfmt(LogfmtParser())])
        pipeline.setStream(["app": "x"].labels)
        pipeline.setMetadata(["trace": "t"].labels)
        var first: UInt64 = 0
        "b=2 a=1".withView { line in
            #expect(pipeline.run(line, timestamp: 0))
            #expect(pipeline.state.labels([.stream]) == ["app": "x"].labels)
            #expect(pipeline.state.labels([.metadata]) == ["trace": "t"].labels)
            #expect(pipeline.state.labels([.parsed]) == ["a": "1", "b": "2"].labels)
            #expect(pipeline.state.labels(by: [LabelName("a"), LabelName("nosuch")]) == ["a": "1"].labels)
            #expect(
                pipeline.state.labels(without: [LabelName("a"), LabelName("app")]) == ["b": "2", "trace": "t"].labels
            )
            first = pipeline.state.fingerprint
        }
        "a=1 b=2".withView { line in
            #expect(pipeline.run(line, timestamp: 0))
            #expect(pipeline.state.fingerprint == first)
            #expect(
                pipeline.state.fingerprint(without: [LabelName("b")])
                    != pipeline.state.fingerprint(without: [LabelName("a")])
            )
            #expect(
                pipeline.state.fingerprint(by: [LabelName("a")]) == pipeline.state.fingerprint(by: [LabelName("a")])
            )
        }
        "a=1 b=3".withView { line in
            #expect(pipeline.run(line, timestamp: 0))
            #expect(pipeline.state.fingerprint != first)
        }
    }

    @Test("A line with many thousand labels is no trouble")
    func manyLabels() {
        let line = (0..<20_000).map { "k\($0)=v\($0)" }.joined(separator: " ") + " k7=again"
        let outcome = StageBed().run([.logfmt(LogfmtParser())], line)
        #expect(outcome.labels.count == 20_000)
        #expect(outcome["k7"] == "v7")
        #expect(outcome["k19999"] == "v19999")
        let again = StageBed().run([.logfmt(LogfmtParser()), .logfmt(LogfmtParser())], line)
        #expect(again.labels == outcome.labels)
    }

    @Test("Hints: nothing wanted, parsers do not run")
    func hintsNothing() {
        let bed = StageBed(hints: .nothing)
        #expect(bed.run([.json(JSONParser())], "no json").labels == [:])
        #expect(bed.run([.logfmt(LogfmtParser(strict: true))], "a=\"").labels == [:])
    }

    @Test("Hints: only wanted labels, and what is wrong behind the last of them is not seen")
    func hintsSome() {
        let bed = StageBed(hints: .only(["a", "z"]))
        #expect(bed.run([.json(JSONParser())], #"{"b":1,"a":2,"c":3}"#).labels == ["a": "2"])
        let one = StageBed(hints: .only(["good"]))
        #expect(one.run([.json(JSONParser())], #"{"good":"before","a":tru}"#).labels == ["good": "before"])
        #expect(one.run([.json(JSONParser())], #"{"a":tru,"good":1}"#)["__error__"] == "JSONParserErr")
        let nested = StageBed(hints: .only(["a_b"]))
        #expect(nested.run([.json(JSONParser())], #"{"a":{"b":1,"c":2},"ax":{"b":3}}"#).labels == ["a_b": "1"])
        let clash = StageBed(hints: .only(["app_extracted"]))
        #expect(clash.run([.json(JSONParser())], #"{"app":"in","b":1}"#).labels == ["app_extracted": "in"])
    }
}

extension KeyValuePairs where Key == String, Value == String {
    var labels: Labels { Labels(self) }
}

extension [String: String] {
    var labels: Labels { Labels(map { Label(ByteString($0.key), ByteString($0.value)) }) }
}
