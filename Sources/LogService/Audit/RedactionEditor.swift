import Bytes
import LogModel
import Redaction

/// What today's rules would have made of rows that are stored: puts that in their place.
///
/// Streams whose labels would be others are not for it: their rows must move (`movesStream`), and are dropped here once they have. Rows
/// that cannot be scanned stay as they are and are counted: what is stored is not replaced by a placeholder on a bad day.
final class RedactionEditor: RowEditor {
    private let redactor: Redactor
    private let scratch: RedactionScratch
    private let out = ByteArena(capacity: 1 << 12)
    private let text = ByteArena(capacity: 256)
    private var isMoving = false
    /// Whether a private key has begun in the stream, whose lines come in order of time.
    private var armour = KeyArmour()
    private(set) var unscanned = 0

    init(_ redactor: Redactor) throws(RedactionError) {
        self.redactor = redactor
        scratch = try redactor.makeScratch()
    }

    func begin(_ tenant: Tenant, _ labels: Labels) -> Bool {
        // Labels that cannot be scanned stay, as lines do.
        isMoving =
            switch redacted(labels) {
            case .changed, .dropped: true
            case .clean, .unscanned: false
            }
        armour = KeyArmour()
        return true
    }

    /// Whether the rows of a stream belong to another one, because its labels are not to be seen.
    func movesStream(_ labels: Labels) -> Bool { if case .changed = redacted(labels) { true } else { false } }

    func verdict(_ timestamp: Int64, metadata: Labels, line: ByteView) throws -> RowVerdict {
        isMoving ? .drop : edit(metadata: metadata, line: line)
    }

    /// What becomes of a row, wherever it lies.
    func edit(metadata: Labels, line: ByteView) -> RowVerdict {
        let pairs = redacted(metadata)
        out.reset()
        var other: OwnedBytes?
        switch redactor.redact(line, scratch, into: out, armour: &armour) {
        case .clean: break
        case .changed: other = OwnedBytes(out.view)
        case .dropped: return .drop
        case .failed:
            unscanned += 1
            return .keep
        }
        switch pairs {
        case .dropped: return .drop
        case .unscanned:
            unscanned += 1
            return .keep
        case .clean: return other == nil ? .keep : .change(line: other, metadata: nil)
        case .changed(let labels): return .change(line: other, metadata: labels)
        }
    }

    enum Pairs: Equatable {
        case clean
        case changed(Labels)
        case dropped
        case unscanned
    }

    /// What becomes of the values of labels or of structured metadata.
    func redacted(_ labels: Labels) -> Pairs {
        var made: [Label] = []
        var isChanged = false
        for pair in labels.pairs {
            text.reset()
            let outcome = pair.value.withView { value in
                pair.name.withView { name in redactor.redactValue(value, name: name, scratch, into: text) }
            }
            switch outcome {
            case .clean: made.append(pair)
            case .changed:
                // Nothing is left of what `drop_field` takes away.
                if !text.isEmpty { made.append(Label(pair.name, ByteString(text.view))) }
                isChanged = true
            case .dropped: return .dropped
            case .failed: return .unscanned
            }
        }
        return isChanged ? .changed(Labels(made)) : .clean
    }

    /// Findings by rule since the last call.
    func takeFindings() -> [Int] {
        defer { before = scratch.counts }
        return zip(scratch.counts, before).map { $0 - $1 }
    }
    private lazy var before = [Int](repeating: 0, count: scratch.counts.count)
}
