import Bytes

/// `| label_format dst=src, dst="{{…}}"`: renames labels and sets them from templates.
///
/// Templates see the labels as they were when the first template of the stage ran; renames act as they are met.
package struct LabelFormat: Sendable {
    package enum Assignment: Sendable, Equatable {
        case rename(to: ByteString, from: ByteString)
        case template(to: ByteString, ByteString)

        var target: ByteString {
            switch self {
            case .rename(let to, _), .template(let to, _): to
            }
        }
    }

    private enum Step: Sendable {
        case rename(to: LabelName, from: LabelName)
        case template(to: LabelName, Template)
    }

    private let steps: [Step]
    private let templateCount: Int

    /// Throws for a template's syntax, for a target named twice, and for the target `__error__`.
    package init(_ assignments: [Assignment]) throws(StageError) {
        var seen: Set<ByteString> = []
        var steps: [Step] = []
        for assignment in assignments {
            let target = assignment.target
            if target == "__error__" { throw StageError("__error__ cannot be formatted") }
            guard seen.insert(target).inserted else {
                throw StageError("multiple label name '\(target)' not allowed in a single format operation")
            }
        }
        for assignment in assignments {
            switch assignment {
            case .rename(let to, let from): steps.append(.rename(to: LabelName(to), from: LabelName(from)))
            case .template(let to, let text):
                do {
                    steps.append(.template(to: LabelName(to), try Template(text.string, name: "label")))
                } catch {
                    throw StageError("invalid template for label '\(to)': \(error.message)")
                }
            }
        }
        self.steps = steps
        templateCount = steps.count { if case .template = $0 { true } else { false } }
    }

    func process(_ state: inout LineState) -> Bool {
        // One template sees the labels as they are; of several, the later ones must not see what the earlier ones set.
        var snapshot: TemplateSnapshot?
        for step in steps {
            switch step {
            case .rename(let to, let from):
                guard let value = state.value(from) else { continue }
                let piece = state.piece(value)
                state.set(to, piece)
                if to != from { state.delete(from) }
            case .template(let to, let template):
                if templateCount > 1, snapshot == nil { snapshot = TemplateSnapshot(state) }
                state.scratch.reset()
                if let failure = template.execute(&state, snapshot: snapshot) {
                    state.fail(.template, failure)
                } else {
                    state.set(to, state.store(state.scratch.view))
                }
            }
        }
        return true
    }
}

/// `| line_format "{{…}}"`: replaces the line by what a template prints. A failing template leaves the line as it is
/// and sets `TemplateFormatErr`.
package struct LineFormat: Sendable {
    private let template: Template

    /// Throws `invalid line template: …`.
    package init(_ text: ByteString) throws(StageError) {
        do { template = try Template(text.string, name: "line") } catch {
            throw StageError("invalid line template: \(error.message)")
        }
    }

    func process(_ state: inout LineState) -> Bool {
        if let name = template.onlyField {
            state.setLine(state.visibleValue(name) ?? ByteView())
            return true
        }
        state.scratch.reset()
        if let failure = template.execute(&state, snapshot: nil) {
            state.fail(.template, failure)
        } else {
            state.setLineFromScratch()
        }
        return true
    }

    /// The labels that the template reads, for `ParserHints`; nil where it reads all of them (`{{ . }}`).
    package var requiredLabels: [ByteString]? { template.requiredLabels }
}

extension LabelFormat {
    /// The labels that the stage reads, for `ParserHints`; nil where a template reads all of them.
    package var requiredLabels: [ByteString]? {
        var names: [ByteString] = []
        for step in steps {
            switch step {
            case .rename(_, let from): names.append(from.bytes)
            case .template(_, let template):
                guard let fields = template.requiredLabels else { return nil }
                names += fields
            }
        }
        return names
    }
}
