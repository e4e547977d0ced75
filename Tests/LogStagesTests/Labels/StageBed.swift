import Bytes
import LogModel

@testable import LogStages

/// What stages made of one line.
struct Outcome: Equatable {
    var kept: Bool
    var line: String
    /// All labels that are not the stream's, merged: what the stages added or the metadata brought.
    var labels: [String: String]
    var sample = 0.0

    subscript(name: String) -> String? { labels[name] }
}

/// Runs stages on single lines.
struct StageBed {
    var stream: KeyValuePairs<String, String> = ["app": "x"]
    var metadata: KeyValuePairs<String, String> = [:]
    var hints = ParserHints.everything
    /// Leave the stream's own labels out of the outcome, where they still have the stream's value.
    var hidesStream = true

    func run(_ stages: [PipelineStage], _ line: String, timestamp: Int64 = 0) -> Outcome {
        run(stages, bytes: Array(line.utf8), timestamp: timestamp)
    }

    func run(_ stages: [PipelineStage], bytes: [UInt8], timestamp: Int64 = 0) -> Outcome {
        let pipeline = StagePipeline(stages, hints: hints)
        pipeline.setStream(Labels(stream))
        pipeline.setMetadata(Labels(metadata))
        return bytes.withView { view in
            let kept = pipeline.run(view, timestamp: timestamp)
            var labels: [String: String] = [:]
            for pair in pipeline.state.labels().pairs { labels[pair.name.string] = pair.value.string }
            if hidesStream {
                for (name, value) in stream where labels[name] == value { labels[name] = nil }
            }
            return Outcome(
                kept: kept,
                line: pipeline.state.line.string,
                labels: labels,
                sample: pipeline.state.sample
            )
        }
    }
}

func labelFilter(_ condition: LabelCondition, quirks: Bool = false) throws -> PipelineStage {
    .labelFilter(try LabelFilter(condition, lokiQuirks: quirks))
}

func lineFilter(_ op: LineFilter.Operator, _ texts: String..., quirks: Bool = false) throws -> PipelineStage {
    .lineFilter(try LineFilter(op, texts.map { .text(ByteString($0)) }, lokiQuirks: quirks))
}

func lineFormat(_ template: String) throws -> PipelineStage { .lineFormat(try LineFormat(ByteString(template))) }

/// The message of the error that `body` throws.
func message(_ body: () throws -> Void) -> String? {
    do {
        try body()
        return nil
    } catch {
        return (error as? StageError)?.message ?? "\(error)"
    }
}

/// Reproducible randomness (SplitMix64).
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// Up to `most` bytes out of `alphabet`, now and then any byte.
    mutating func text(_ alphabet: String, most: Int) -> [UInt8] {
        let letters = Array(alphabet.utf8)
        return (0..<Int.random(in: 0...most, using: &self)).map { _ in
            Int.random(in: 0..<40, using: &self) == 0
                ? UInt8.random(in: 0...255, using: &self) : letters[Int.random(in: 0..<letters.count, using: &self)]
        }
    }
}
