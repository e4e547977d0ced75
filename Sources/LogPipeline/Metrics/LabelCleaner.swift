import Bytes
import LogModel
import Redaction

/// Takes personal data and secrets out of what becomes labels of metrics. `/metrics` is read by everybody, and what is
/// scraped once stays in another database: so values pass all redaction there is, that of the `redaction:` block and
/// that of the pipeline's own stages, wherever these stand.
///
/// For values that are new, not for each line. One user at a time.
final class LabelCleaner {
    private let redactors: [Redactor]
    /// Made with the first value: most pipelines have no metrics.
    private var scratches: [RedactionScratch?]?

    init(_ redactors: [Redactor]) { self.redactors = redactors }

    var isIdle: Bool { redactors.isEmpty }

    /// The value as it may be shown. `name`: of the label. O(value · redactors).
    func clean(_ value: ByteString, name: ByteString) -> ByteString {
        guard !redactors.isEmpty else { return value }
        let scratches = scratches ?? redactors.map { try? $0.makeScratch() }
        self.scratches = scratches
        var value = value
        let out = ByteArena(capacity: 256)
        for (redactor, scratch) in zip(redactors, scratches) {
            guard let scratch else { return ByteString(ByteView(Redactor.placeholder)) }
            out.reset()
            let outcome = value.withView { value in
                name.withView { redactor.redactValue(value, name: $0, scratch, into: out) }
            }
            switch outcome {
            case .clean: break
            case .changed: value = ByteString(out.view)
            // A metric cannot leave out a line that the line's own redaction drops: it says nothing of it.
            case .failed, .dropped: return ByteString(ByteView(Redactor.placeholder))
            }
        }
        return value
    }

    func clean(_ labels: Labels) -> Labels {
        guard !redactors.isEmpty else { return labels }
        return Labels(labels.pairs.map { Label($0.name, clean($0.value, name: $0.name)) })
    }
}
