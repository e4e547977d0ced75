import Bytes
import LogStages

/// A template and a line, whose logfmt pairs are its labels. A run ends with an output under the limit or an error.
@Sendable func fuzzTemplate(_ input: ByteView) throws(FuzzTarget.Breach) {
    let parts = input.records(2)
    let (text, line) = (ByteString(parts[0]), parts[1])
    let labels = PipelineStage.logfmt(LogfmtParser(keepEmpty: true))
    if let stage = try? LineFormat(text) {
        let pipeline = StagePipeline([labels, .lineFormat(stage)])
        pipeline.setStream(StageRun.stream)
        _ = pipeline.run(line, timestamp: 1_700_000_000_123_456_789)
        let count = pipeline.state.line.count
        try expect(count <= max(Template.outputMax, line.count), "a line of \(count) bytes")
        if let required = stage.requiredLabels { _ = ParserHints.only(required) }
    }
    let assignments: [LabelFormat.Assignment] = [
        .rename(to: "y", from: "a"), .template(to: "x", text), .template(to: "app", "{{.x}}{{.y}}"),
    ]
    if let stage = try? LabelFormat(assignments) {
        let pipeline = StagePipeline([labels, .labelFormat(stage)])
        pipeline.setStream(StageRun.stream)
        _ = pipeline.run(line, timestamp: -1)
        let count = pipeline.state.value(LabelName("x"))?.count ?? 0
        try expect(count <= Template.outputMax, "a label of \(count) bytes")
    }
    // The collector's stage has any value for the dot.
    if let template = try? Template(text.string, name: "pipeline_template", dialect: .collector) {
        let out = ByteArena()
        let dot = TemplateValue.map([("Value", .text(ByteString(line))), ("n", .int(-7)), ("t", .labels)])
        _ = template.execute(dot, line: line, into: out)
    }
}
