import Bytes
import LogModel

/// Why a relabelling rule was refused.
package struct RelabelError: Error, Equatable, CustomStringConvertible {
    package var description: String
}

/// One entry of `relabel_configs`, with the semantics of Prometheus: checked and compiled once, applied to targets and
/// to journal entries.
package struct RelabelRule: Sendable {
    package enum Action: String, Sendable, CaseIterable {
        case replace, keep, drop, keepequal, dropequal, hashmod, labelmap, labeldrop, labelkeep, lowercase, uppercase
    }

    package let action: Action
    package let sourceLabels: [ByteString]
    let separator: ByteString
    let regex: CompiledRegex
    let modulus: UInt64
    let target: ByteString
    private let targetTemplate: GoTemplate
    private let replacement: GoTemplate
    /// Set for `replace` without sources, templates and own regex: a constant.
    private let constant: ByteString?

    static let defaultRegex = "(.*)"

    /// nil where the configuration says nothing. `action` in any case.
    package init(
        sourceLabels: [String] = [], separator: String? = nil, regex: String? = nil, modulus: UInt64? = nil,
        targetLabel: String? = nil, replacement: String? = nil, action: String? = nil
    ) throws(RelabelError) {
        guard let action = Action(rawValue: (action ?? "replace").lowercased()) else {
            let known = Action.allCases.map(\.rawValue).joined(separator: ", ")
            throw RelabelError(description: "unknown relabel action \"\(action ?? "")\"; there are \(known)")
        }
        self.action = action
        self.sourceLabels = sourceLabels.map { ByteString($0) }
        self.separator = ByteString(separator ?? ";")
        self.modulus = modulus ?? 0
        target = ByteString(targetLabel ?? "")
        do { self.regex = try CompiledRegex("^(?s:\(regex ?? Self.defaultRegex))$") } catch {
            throw RelabelError(description: "relabel regex: \(error)")
        }
        targetTemplate = GoTemplate(targetLabel ?? "", for: self.regex)
        self.replacement = GoTemplate(replacement ?? "$1", for: self.regex)
        let isPlain =
            action == .replace && sourceLabels.isEmpty && (regex ?? Self.defaultRegex) == Self.defaultRegex
            && !targetTemplate.hasVariables && !self.replacement.hasVariables && replacement != nil
        constant = isPlain ? self.replacement.expand(ByteView(), []) : nil

        let needsTarget: [Action] = [.replace, .hashmod, .lowercase, .uppercase, .keepequal, .dropequal]
        if needsTarget.contains(action), target.isEmpty {
            throw RelabelError(description: "relabel action \(action.rawValue) needs `target_label`")
        }
        if action == .hashmod, self.modulus == 0 {
            throw RelabelError(description: "relabel action hashmod needs a `modulus` other than 0")
        }
        func refuse(_ field: String, _ given: Bool) throws(RelabelError) {
            if given { throw RelabelError(description: "relabel action \(action.rawValue) does not use `\(field)`") }
        }
        let onNames = action == .labeldrop || action == .labelkeep
        if onNames || action == .keepequal || action == .dropequal {
            try refuse("modulus", self.modulus != 0)
            try refuse("separator", self.separator != ";")
            try refuse("replacement", (replacement ?? "$1") != "$1")
            try refuse("regex", !onNames && (regex ?? Self.defaultRegex) != Self.defaultRegex)
            try refuse("source_labels", onNames && !sourceLabels.isEmpty)
            try refuse("target_label", onNames && !target.isEmpty)
        }
    }

    /// Whether the outcome may depend on the value of label `name`.
    func reads(_ name: ByteString) -> Bool {
        switch action {
        case .labelmap: name.withView { regex.matches($0) }
        case .labeldrop, .labelkeep: false
        case .keepequal, .dropequal: target == name || sourceLabels.contains(name)
        default: sourceLabels.contains(name)
        }
    }

    /// All rules in order; nil when one drops the target or entry. A label with an empty value is none.
    package static func apply(_ rules: [RelabelRule], to labels: Labels) -> Labels? {
        var labels = labels
        for rule in rules where !rule.apply(&labels) { return nil }
        return labels.withoutEmptyValues
    }

    private func set(_ name: ByteString, _ value: ByteString, _ labels: inout Labels) {
        labels[name] = value.isEmpty ? nil : value
    }

    /// False: drop.
    private func apply(_ labels: inout Labels) -> Bool {
        if let constant {
            set(target, constant, &labels)
            return true
        }
        switch action {
        case .labelmap:
            for pair in labels.pairs {
                if let name = expand(replacement, pair.name), !name.isEmpty { set(name, pair.value, &labels) }
            }
            return true
        case .labeldrop:
            labels = Labels(labels.pairs.filter { !$0.name.withView { regex.matches($0) } })
            return true
        case .labelkeep:
            labels = Labels(labels.pairs.filter { $0.name.withView { regex.matches($0) } })
            return true
        default: break
        }
        var joined: [UInt8] = []
        for (i, name) in sourceLabels.enumerated() {
            if i > 0 { joined.append(contentsOf: separator.bytes) }
            joined.append(contentsOf: labels[name]?.bytes ?? [])
        }
        let value = ByteString(joined)
        switch action {
        case .keep: return value.withView { regex.matches($0) }
        case .drop: return !value.withView { regex.matches($0) }
        case .keepequal: return labels[target] ?? "" == value
        case .dropequal: return labels[target] ?? "" != value
        case .lowercase: set(target, ByteString(value.string.lowercased()), &labels)
        case .uppercase: set(target, ByteString(value.string.uppercased()), &labels)
        case .hashmod:
            // Eight bytes, big endian; the modulus is not 0.
            let tail = MD5.digest(value).suffix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            set(target, ByteString(String(tail % modulus)), &labels)
        case .replace:
            guard let name = expand(targetTemplate, value), let text = expand(replacement, value) else { return true }
            guard !name.isEmpty, name.withView(\.isUTF8) else { return true }
            set(name, text, &labels)
        case .labelmap, .labeldrop, .labelkeep: break
        }
        return true
    }

    private func expand(_ template: GoTemplate, _ value: ByteString) -> ByteString? {
        value.withView { text in
            var groups: [Range<Int>?] = []
            guard regex.firstMatch(in: text, groups: &groups) else { return nil }
            return template.expand(text, groups)
        }
    }
}
