import Bytes
import LogModel
import LogStages

/// Runs stages over a line of a stream whose labels collide with what lines hold.
struct StageRun {
    private(set) var line = ByteString()
    private(set) var labels = Labels()
    private(set) var parsed = Labels()
    private(set) var hasError = false
    private(set) var survives = false

    static let stream = Labels(["app": "web", "level": "info"])
    static let metadata = Labels(["trace_id": "0af7", "user": "u1"])

    /// Twice, with the same working memory: what a line leaves behind must not change the next.
    init(_ stages: [PipelineStage], _ line: ByteView, hints: ParserHints = .everything) throws(FuzzTarget.Breach) {
        let pipeline = StagePipeline(stages, hints: hints)
        pipeline.setStream(Self.stream)
        pipeline.setMetadata(Self.metadata)
        try take(pipeline, line)
        let first = self
        try take(pipeline, line)
        try expect(
            first.survives == survives && first.labels == labels && first.line == self.line,
            "a line has \(first.labels), the same again \(labels)")
    }

    private mutating func take(_ pipeline: StagePipeline, _ line: ByteView) throws(FuzzTarget.Breach) {
        survives = pipeline.run(line, timestamp: 1_700_000_000_123_456_789)
        self.line = ByteString(pipeline.state.line)
        labels = pipeline.state.labels()
        parsed = pipeline.state.labels([.parsed])
        hasError = pipeline.state.errorText != nil
        var names: Set<ByteString> = []
        var repeated: ByteString?
        pipeline.state.forEach { name, _, _ in
            let name = ByteString(name)
            if !names.insert(name).inserted { repeated = name }
        }
        if let repeated { throw FuzzTarget.Breach("two labels have the name \(repeated)") }
        _ = pipeline.state.fingerprint
    }
}

/// A parser asked for one label only must find what it finds without being asked.
func expectHintsAgree(
    _ stage: PipelineStage, _ line: ByteView, _ all: StageRun
) throws(FuzzTarget.Breach) {
    if all.hasError { return }
    for label in all.parsed.pairs.prefix(3) + all.parsed.pairs.suffix(2) {
        let one = try StageRun([stage], line, hints: .only([label.name]))
        let found = one.labels[label.name]
        try expect(found == label.value, "\(label.name) is \(label.value), and \(found.map(\.string) ?? "missing") on request")
    }
}
