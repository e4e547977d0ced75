import Bytes

/// A rule that the configuration gives as an expression, compiled.
struct OwnPattern: Sendable {
    /// Number of the rule.
    let rule: Int
    let regex: CompiledRegex
    /// The group that is what was looked for; 0: all of the match.
    let group: Int
    /// Whether it speaks of beginnings and ends, so that it may match a value of a line and not the line itself.
    let isAnchored: Bool

    init(_ pattern: RedactionSettings.Pattern, rule: Int) throws(RedactionError) {
        self.rule = rule
        do throws(RegexError) { regex = try CompiledRegex(pattern.regex) } catch {
            throw RedactionError("rule `\(pattern.name)`: \(error.description)")
        }
        guard !regex.matches(ByteView()) else {
            throw RedactionError("rule `\(pattern.name)`: the expression matches the empty text, and so stands everywhere")
        }
        group = regex.groupNames.firstIndex(of: "secret").map { $0 + 1 } ?? min(1, regex.groupCount)
        isAnchored = pattern.regex.utf8.contains { $0 == UInt8(ascii: "^") || $0 == UInt8(ascii: "$") }
            || [#"\A"#, #"\z"#, #"\B"#, #"\b"#].contains { pattern.regex.contains($0) }
    }
}

extension Redactor {
    /// Whether an own rule may match something in the line, or in a value of it.
    func mayMatchOwn(_ line: ByteView) -> Bool {
        if patterns.isEmpty { return false }
        // What escapes hide is seen in decoded values only.
        if line.contains(UInt8(ascii: "\\")) || line.contains(UInt8(ascii: "%")) || line.contains(0x1B) { return true }
        for pattern in patterns where pattern.isAnchored || pattern.regex.matches(line) { return true }
        return false
    }

    /// Appends what own rules find in the text. False when there is no time left.
    func matchOwn(_ text: ByteView, _ scratch: RedactionScratch) -> Bool {
        for pattern in patterns {
            var from = 0
            while from <= text.count, pattern.regex.firstMatch(in: text, from: from, groups: &scratch.groups) {
                guard scratch.time.allows(), let whole = scratch.groups[0] else { return false }
                from = max(whole.upperBound, whole.lowerBound + 1)
                guard let range = scratch.groups[pattern.group], !range.isEmpty, !isMask(text, range) else { continue }
                scratch.findings.append(Finding(rule: pattern.rule, range: range))
            }
        }
        return true
    }

    /// Whether the range is something that a redactor wrote, or lies in it.
    private func isMask(_ text: ByteView, _ range: Range<Int>) -> Bool {
        var stars = 0
        for i in range where text[i] == UInt8(ascii: "*") { stars += 1 }
        if stars == range.count { return true }
        // The bracket that opens last before the end of the range, and the one that closes it.
        let low = max(0, range.lowerBound - Redactor.maskMax)
        var i = min(range.lowerBound, text.count - 1)
        while i >= low {
            if text[i] == UInt8(ascii: "["), text.suffix(from: i).hasPrefix("[REDACTED:") {
                guard let end = text.firstIndex(of: UInt8(ascii: "]"), from: i) else { return false }
                return end + 1 >= range.upperBound
            }
            if i < range.lowerBound, text[i] == UInt8(ascii: "]") { return false }
            i -= 1
        }
        return false
    }

    /// Longest `[REDACTED:…]`, bytes.
    static let maskMax = 10 + nameMax + 1
    /// Longest name of an own rule.
    static let nameMax = 32
}
