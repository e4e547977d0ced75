import Bytes
import LogModel

/// What `drop` and `keep` name: a label, or a label whose value matches.
package enum LabelSelection: Sendable, Equatable {
    case name(ByteString)
    case matcher(LabelMatcher)

    package var name: ByteString {
        switch self {
        case .name(let name): name
        case .matcher(let matcher): matcher.name
        }
    }
}

/// `| drop a, b="x"`: removes labels; with a matcher only where the current value matches. `__error__` can be dropped.
package struct DropLabels: Sendable {
    private let selections: [CompiledSelection]

    package init(_ selections: [LabelSelection]) throws(StageError) {
        self.selections = try LabelValueMatcher.compile(selections)
    }

    func process(_ state: inout LineState) -> Bool {
        for selection in selections {
            if let matcher = selection.matcher {
                let value: ByteView?
                if selection.name == .errorDetails {
                    value = state.errorDetails
                } else {
                    value = state.filterValue(selection.name)
                }
                // An absent label has nothing to remove; one with an empty value does.
                guard let value, matcher.matches(value) else { continue }
            }
            state.delete(selection.name)
        }
        return true
    }
}

/// `| keep a, b="x"`: removes every label that is not named, or named with a matcher that its value does not satisfy.
/// Errors stay.
package struct KeepLabels: Sendable {
    private let selections: [CompiledSelection]

    package init(_ selections: [LabelSelection]) throws(StageError) {
        self.selections = try LabelValueMatcher.compile(selections)
    }

    func process(_ state: inout LineState) -> Bool {
        let selections = selections
        state.deleteAll(unless: { hash, name, value in
            for selection in selections where selection.name.hash == hash && selection.name.bytes == name {
                if selection.matcher?.matches(value) ?? true { return true }
            }
            return false
        })
        return true
    }
}

/// A selection, ready to run.
struct CompiledSelection: Sendable {
    var name: LabelName
    var matcher: LabelValueMatcher?
}

/// A matcher on views: as `LabelMatcher`, without making an owned value of each.
struct LabelValueMatcher: Sendable {
    private let op: LabelMatcher.Operator
    private let text: ByteString
    private let regex: CompiledRegex?

    init(_ matcher: LabelMatcher) throws(StageError) {
        op = matcher.op
        text = matcher.value
        switch op {
        case .equal, .notEqual: regex = nil
        case .matches, .matchesNot: regex = try CompiledRegex.stage("^(?s:\(matcher.value.string))$")
        }
    }

    func matches(_ value: ByteView) -> Bool {
        switch op {
        case .equal: text == value
        case .notEqual: text != value
        case .matches: regex?.matches(value) ?? false
        case .matchesNot: !(regex?.matches(value) ?? false)
        }
    }

    static func compile(_ selections: [LabelSelection]) throws(StageError) -> [CompiledSelection] {
        var compiled: [CompiledSelection] = []
        for selection in selections {
            switch selection {
            case .name(let name): compiled.append(CompiledSelection(name: LabelName(name)))
            case .matcher(let matcher):
                compiled.append(
                    CompiledSelection(name: LabelName(matcher.name), matcher: try LabelValueMatcher(matcher))
                )
            }
        }
        return compiled
    }
}

extension ByteString {
    static func != (a: ByteString, b: ByteView) -> Bool { !(a == b) }
}
