import Bytes
import LogModel
import LogStages

/// A compiled stage. Nested pipelines are flattened: `match` jumps over the stages of lines that it does not select.
///
/// `memory` numbers the place in the runner where a stage keeps what it remembers between lines.
enum Operation: Sendable {
    case json(JSONExtraction, dropReason: Int?)
    case logfmt(LogfmtExtraction)
    case regex(RegexExtraction)
    case timestamp(TimestampExtraction, fudge: Bool, memory: Int)
    case cri(CRIOperation)
    case multiline(MultilineOperation)
    case output(slot: Int)
    case template(TemplateOperation, slot: Int)
    case replace(ReplaceOperation)
    case pack(PackOperation)
    case decolorize
    case strip(StripOperation)
    case redact(memory: Int)
    case labels([LabelTarget], memory: Int)
    case setLabels([Label], memory: Int)
    case tenantFromLabel(ByteString, memory: Int)
    case allowLabels(Set<ByteString>, memory: Int)
    case dropLabels(Set<ByteString>, memory: Int)
    case structuredMetadata([MetadataTarget], memory: Int)
    /// Labels into the extracted map again, as every nested pipeline begins.
    case seed(within: String)
    case match(MatchOperation, otherwise: Int, memory: Int)
    case dropMatching(MatchOperation, reason: Int, memory: Int)
    case drop(DropOperation, reason: Int)
    case limit(LimitOperation, reason: Int)
    case sample(rate: Double, reason: Int)
    case metrics([MetricOperation])
}

/// A pair of structured metadata: its name by number, where its value comes from.
struct MetadataTarget: Sendable {
    /// Into `Pipeline.metadataNames`, with which a runner's own begin.
    var name: Int
    var slot: Int
    /// A label of this name that holds the same value is moved rather than copied.
    var source: ByteString
}
