import Bytes
import LogModel

/// A condition on the text of a label, compiled: `= != =~ !~`. An absent label counts as the empty text.
struct LabelTextTest: Sendable {
    private enum Test: Sendable {
        case always
        case notEmpty
        case equal(ByteString)
        case oneOf([ByteString])
        case contains(ByteString)
        case regex(CompiledRegex)
        /// Loki's simplifier: any of these.
        case any([LabelTextTest])
    }

    private let test: Test
    private let isNegative: Bool

    init(_ op: LabelMatcher.Operator, _ value: ByteString, lokiQuirks: Bool) throws(StageError) {
        switch op {
        case .equal, .notEqual: test = .equal(value)
        case .matches, .matchesNot:
            test = lokiQuirks ? try Self.simplified(value.string) : try Self.anchored(value.string)
        }
        isNegative = op == .notEqual || op == .matchesNot
    }

    private init(_ test: Test) {
        self.test = test
        isNegative = false
    }

    /// The one text that it lets pass, where there is just one.
    var onlyText: ByteString? {
        guard !isNegative, case .equal(let text) = test, !text.bytes.isEmpty else { return nil }
        return text
    }

    func matches(_ value: ByteView) -> Bool { Self.matches(test, value) != isNegative }

    private static func matches(_ test: Test, _ value: ByteView) -> Bool {
        switch test {
        case .always: return true
        case .notEmpty: return !value.isEmpty
        case .equal(let text): return text == value
        case .oneOf(let texts):
            for text in texts where text == value { return true }
            return false
        case .contains(let text): return text.withView { value.contains($0) }
        case .regex(let regex): return regex.matches(value)
        case .any(let tests):
            for test in tests where test.matches(value) { return true }
            return false
        }
    }

    /// The whole value, `.` excluding newline. Literals and alternations of literals are compared directly.
    private static func anchored(_ pattern: String) throws(StageError) -> Test {
        // The pattern itself must be sound: the group around it would hide a stray parenthesis.
        _ = try CompiledRegex.stage(pattern)
        if pattern.isEmpty { return .equal(ByteString()) }
        // Whoever writes these means any value, and any but the empty one, be there newlines in it or not.
        if pattern == ".*" { return .always }
        if pattern == ".+" { return .notEmpty }
        if let branches = RegexShape(pattern).topLevelAlternation() {
            var texts: [ByteString] = []
            for branch in branches {
                guard let text = branch.isEmpty ? ByteString() : RegexShape(branch).plainLiteral else { break }
                texts.append(text)
            }
            if texts.count == branches.count { return texts.count == 1 ? .equal(texts[0]) : .oneOf(texts) }
        }
        return .regex(try CompiledRegex.stage("^(?:\(pattern))$"))
    }

    /// As Loki rewrites it. Known there as bugs: `foo.*`, `.*foo` and alternations with a common prefix or suffix
    /// become "contains", an empty regex or `.*` is always true, `bar|.*` is `bar`.
    private static func simplified(_ pattern: String) throws(StageError) -> Test {
        _ = try CompiledRegex.stage(pattern)
        let shape = RegexShape(pattern)
        if pattern.isEmpty || pattern == ".*" { return .always }
        if pattern == ".+" { return .notEmpty }
        if let branches = shape.topLevelAlternation(), branches.count > 1 {
            let literals = branches.map { RegexShape($0).plainLiteral }
            let texts = literals.compactMap { $0 }
            if texts.count == branches.count {
                return sharesAffix(texts) ? .any(texts.map { LabelTextTest(.contains($0)) }) : .oneOf(texts)
            }
            if let rest = shape.alternationWithoutAnything { return try simplified(rest) }
            return .regex(try CompiledRegex.stage("^(?:\(pattern))$"))
        }
        if let text = shape.plainLiteral { return .equal(text) }
        if let parts = shape.topLevelConcatenation(), parts.contains(.anything) {
            // A concatenation of `.*` and one literal, or one character class that RE2 splits: `[fF].*`.
            let rest = parts.filter { $0 != .anything }
            if rest.count == 1, case .literal(let bytes) = rest[0] { return .contains(ByteString(bytes)) }
            if let choices = smallClass(pattern) { return .any(choices.map { LabelTextTest(.contains($0)) }) }
        }
        return .regex(try CompiledRegex.stage("^(?:\(pattern))$"))
    }

    // RE2 factors `warn|warning` into `warn(?:|ing)`, and the simplifier then forgets the anchors.
    private static func sharesAffix(_ texts: [ByteString]) -> Bool {
        for i in texts.indices.dropFirst() {
            let a = texts[i - 1].bytes
            let b = texts[i].bytes
            guard let x = a.first, let y = b.first else { return true }
            if x == y { return true }
        }
        return false
    }

    /// `[fF].*`: a class of a few characters with `.*` beside it.
    private static func smallClass(_ pattern: String) -> [ByteString]? {
        var text = Array(pattern.utf8)[...]
        if text.starts(with: Array(".*".utf8)) { text = text.dropFirst(2) }
        if text.suffix(2).elementsEqual(".*".utf8) { text = text.dropLast(2) }
        guard text.count >= 3, text.count <= 18, text.first == 0x5B, text.last == 0x5D else { return nil }
        let inside = text.dropFirst().dropLast()
        guard inside.allSatisfy({ $0.isAlphanumeric }) else { return nil }
        return inside.map { ByteString([$0]) }
    }
}
