import Bytes
import LogModel
import LogStages
import Redaction
import Synchronization

/// Tells what each stage does to each line: `--inspect`.
///
/// Whatever is told has passed every redactor there is, the configured one and those of the pipeline: this output is read by people
/// and lands in terminals and tickets. For a person's few lines, not for speed.
package final class PipelineInspector: Sendable {
    private let redactor: Redactor?
    private let colours: Bool
    private let write: @Sendable (String) -> Void
    private let observe: (@Sendable (Step) -> Void)?

    /// `redactor`: of the `redaction:` block. `write` gets whole lines, each with its newline.
    package init(redactor: Redactor?, colours: Bool, write: @escaping @Sendable (String) -> Void) {
        self.redactor = redactor
        self.colours = colours
        self.write = write
        observe = nil
    }

    /// For programs: each step instead of words.
    package init(redactor: Redactor?, observe: @escaping @Sendable (Step) -> Void) {
        self.redactor = redactor
        colours = false
        write = { _ in }
        self.observe = observe
    }

    /// A line has come to a stage, and behind it.
    package struct Step: Sendable {
        /// Of the stage, from 1; stages inside `match` count as if they stood in one list.
        package var number: Int
        package var stage: String
        package var before: Picture
        /// Nil: the line ends here, or waits for more.
        package var after: Picture?
        /// Of the stage that it came to, one more than the last for the way out; 0 where the line ends or waits.
        package var next: Int
    }

    /// Whole seconds, UTC; with the fraction where there is one.
    package static func time(_ nanoseconds: Int64) -> String {
        GoTime.format(Timestamp(nanoseconds: nanoseconds), layout: "2006-01-02T15:04:05.999999999Z07:00")
    }

    /// What one line looks like between two stages.
    package struct Picture: Equatable, Sendable {
        package var line: String
        package var timestamp: Int64
        package var labels: Labels
        package var extracted: [String: String]
        package var metadata: [String]
    }

    /// A line on its way: what it looked like when it was seen last, and where.
    struct Walk {
        var picture: Picture
        var at: Int
    }

    func picture(
        _ entry: borrowing PipelineEntry, _ sets: LabelSets, _ names: [MetadataName], _ pipeline: Pipeline
    ) -> Picture {
        var extracted: [String: String] = [:]
        for (name, slot) in pipeline.slots where entry.state.slots[slot].kind != .absent {
            let value = entry.state.slots[slot]
            extracted[name.string] = value.hasText ? clean(entry.state.view(value.text), name: name, pipeline) : "null"
        }
        var labels = sets.sets[entry.set]
        for pair in labels.pairs { labels[pair.name] = ByteString(pair.value.withView { clean($0, name: pair.name, pipeline) }) }
        return Picture(
            line: clean(entry.state.view(entry.state.line), name: nil, pipeline), timestamp: entry.timestamp, labels: labels,
            extracted: extracted,
            metadata: entry.metadata.map {
                let name = names[$0.name].text
                return "\(name.string)=\(Self.quoted(clean(entry.state.view($0.text), name: name, pipeline)))"
            })
    }

    private func clean(_ text: ByteView, name: ByteString?, _ pipeline: Pipeline) -> String {
        var bytes = text.copy()
        for redactor in (redactor.map { [$0] } ?? []) + pipeline.redactors {
            guard let scratch = try? redactor.makeScratch() else { return "\(Redactor.placeholder)" }
            let out = ByteArena(capacity: 256)
            let outcome = bytes.withView { view in
                name.map { name in name.withView { redactor.redactValue(view, name: $0, scratch, into: out) } }
                    ?? redactor.redact(view, scratch, into: out)
            }
            switch outcome {
            case .clean: break
            case .changed, .failed: bytes = out.view.copy()
            case .dropped: bytes = Array("[REDACTED:dropped]".utf8)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    // MARK: Telling

    /// The line has come behind the stage at `walk.at`, to that at `next`, as `now` shows it.
    func tell(_ walk: Walk, _ now: Picture, _ stage: Operation, next: Int) {
        if let observe {
            return observe(Step(number: walk.at + 1, stage: stage.name, before: walk.picture, after: now, next: next + 1))
        }
        var out = heading(stage)
        let before = walk.picture
        for name in Set(before.extracted.keys).union(now.extracted.keys).sorted() {
            change("extracted[\(Self.quoted(name))]", before.extracted[name].map(Self.quoted), now.extracted[name].map(Self.quoted), &out)
        }
        change("labels", before.labels.description, now.labels.description, &out)
        change("structured metadata", Self.list(before.metadata), Self.list(now.metadata), &out)
        change("timestamp", TimeText.rfc3339(before.timestamp), TimeText.rfc3339(now.timestamp), &out)
        change("line", Self.quoted(before.line), Self.quoted(now.line), &out)
        if before == now { out += "  no change\n" }
        write(out)
    }

    /// The line did not come behind the stage.
    func tellEnd(_ walk: Walk, _ stage: Operation) {
        if let observe { return observe(Step(number: walk.at + 1, stage: stage.name, before: walk.picture, after: nil, next: 0)) }
        var out = heading(stage)
        out += paint("  the line ends here: dropped, or held until more lines come\n", "31")
        write(out)
    }

    private func heading(_ stage: Operation) -> String { paint("[inspect: \(stage.name) stage]\n", "1") }

    private func change(_ what: String, _ before: String?, _ after: String?, _ out: inout String) {
        guard before != after else { return }
        out += "  \(what):\n"
        if let before { out += paint("    - \(before)\n", "31") }
        if let after { out += paint("    + \(after)\n", "32") }
    }

    private func paint(_ text: String, _ code: String) -> String {
        guard colours else { return text }
        return "\u{1B}[\(code)m\(text.dropLast())\u{1B}[0m\n"
    }

    private static func list(_ pairs: [String]) -> String? { pairs.isEmpty ? nil : pairs.joined(separator: ", ") }

    /// As a JSON string, so that no line of a log reaches the terminal as it is.
    package static func quoted(_ text: String) -> String {
        let out = ByteArena(capacity: text.utf8.count + 2)
        out.append("\"")
        text.withView { JSONText.escape($0, into: out) }
        out.append("\"")
        return out.view.string
    }
}

extension Operation {
    /// The name of the stage in a configuration.
    var name: String {
        switch self {
        case .json: "json"
        case .logfmt: "logfmt"
        case .regex: "regex"
        case .timestamp: "timestamp"
        case .cri: "cri"
        case .multiline: "multiline"
        case .output: "output"
        case .template: "template"
        case .replace: "replace"
        case .pack: "pack"
        case .decolorize: "decolorize"
        case .strip: "strip"
        case .redact: "redact"
        case .labels: "labels"
        case .setLabels: "static_labels"
        case .tenantFromLabel: "tenant"
        case .allowLabels: "labelallow"
        case .dropLabels: "labeldrop"
        case .structuredMetadata: "structured_metadata"
        case .seed(let stage): stage
        case .match, .dropMatching: "match"
        case .drop: "drop"
        case .limit: "limit"
        case .sample: "sampling"
        case .metrics: "metrics"
        }
    }
}
