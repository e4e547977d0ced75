import Bytes

/// Keys that carry the prefix of the vendor who issued them (`APIKeyRule`).
enum APIKeyDetector {
    /// A run longer than this is taken without further questions, so that text made of prefixes costs linear time.
    private static let bareMax = 512

    /// The key whose literal stands at `start` and ends before `end`.
    static func match(_ text: ByteView, _ rule: APIKeyRule, literal start: Int, _ end: Int) -> Range<Int>? {
        switch rule.shape {
        case .telegram:
            let from = text.runStart(of: .digit, before: start, limit: 11)
            guard (8...10).contains(start - from), isBorder(text.at(from - 1)) else { return nil }
            return wholeRun(text, rule, end).map { from..<$0.upperBound }
        case .terraform:
            let from = text.runStart(of: .alphanumeric, before: start, limit: 15)
            guard start - from == 14, isBorder(text.at(from - 1)) else { return nil }
            return wholeRun(text, rule, end).map { from..<$0.upperBound }
        case .azureSecret:
            let before: ByteClass = [.alphanumeric, .underscore, .tilde, .dot]
            let from = start - 4
            guard from >= 0, text.at(start - 1).isDigit, text.runStart(of: before, before: start, limit: 4) == from,
                let run = wholeRun(text, rule, end, alphabet: [.base64URL, .tilde, .dot])
            else { return nil }
            return from..<run.upperBound
        case .mailchimp:
            let from = text.runStart(of: .hex, before: start, limit: 33)
            let digits = text.run(of: .digit, from: end, limit: 3)
            guard start - from == 32, isBorder(text.at(from - 1)), digits == 1 || digits == 2 else { return nil }
            return from..<end + digits
        case .slackHook:
            guard
                text.hasWord("/services/", at: end) || text.hasWord("/workflows/", at: end)
                    || text.hasWord("/triggers/", at: end)
            else { return nil }
            let length = text.run(of: [.alphanumeric, .slash, .dash, .underscore], from: end)
            return length >= 30 ? start..<end + length : nil
        case .dotted:
            guard isBorder(text.at(start - 1)) else { return nil }
            let first = text.run(of: rule.alphabet, from: end)
            guard first >= rule.minimum, text.at(end + first) == UInt8(ascii: ".") else { return nil }
            let second = text.run(of: rule.alphabet, from: end + first + 1)
            return second >= rule.minimum ? start..<end + first + 1 + second : nil
        case .sk: return isBorder(text.at(start - 1)) ? modelKey(text, start, end) : nil
        case .run, .exactly, .runWithDigit:
            guard isBorder(text.at(start - 1)), let run = wholeRun(text, rule, end) else { return nil }
            if rule.shape == .exactly, run.count > rule.minimum { return nil }
            if rule.shape == .runWithDigit, run.count <= bareMax, !hasDigit(text, run) { return nil }
            // Keys of documentation.
            if text[run].hasSuffix(ByteView("EXAMPLE")) { return nil }
            return start + rule.kept..<run.upperBound
        }
    }

    /// The beginning of a key at the end of a text that may have been cut there: its prefix and something of the right
    /// alphabet.
    static func matchCut(_ text: ByteView, _ rule: APIKeyRule, literal start: Int, _ end: Int) -> Range<Int>? {
        switch rule.shape {
        case .run, .exactly, .runWithDigit, .sk, .dotted: break
        case .slackHook, .telegram, .terraform, .azureSecret, .mailchimp: return nil
        }
        let length = text.run(of: rule.alphabet, from: end)
        guard length >= 4, end + length == text.count, isBorder(text.at(start - 1)) else { return nil }
        return start + rule.kept..<text.count
    }

    /// Behind `sk-`: a known family with its own dash, 40 letters and digits, or 20 mixed ones.
    private static func modelKey(_ text: ByteView, _ start: Int, _ end: Int) -> Range<Int>? {
        let length = text.run(of: .base64URL, from: end)
        let run = end..<end + length
        guard length >= 20 else { return nil }
        if length > bareMax { return start..<run.upperBound }
        for family in families where text.hasWord(family, at: end, ignoringCase: false) {
            return start..<run.upperBound
        }
        let plain = text.run(of: .alphanumeric, from: end)
        if plain >= 40 { return start..<run.upperBound }
        var digits = 0
        var lower = 0
        var upper = 0
        for i in run {
            if text[i].isDigit {
                digits += 1
            } else if text[i] &- 0x61 < 26 {
                lower += 1
            } else if text[i].isLetter {
                upper += 1
            }
        }
        // Words joined with dashes (`sk-learn-…`) have no digits or no capitals.
        guard digits > 0 else { return nil }
        return plain >= 20 || (lower > 0 && upper > 0) ? start..<run.upperBound : nil
    }

    private static let families: [StaticString] = ["proj-", "svcacct-", "admin-", "ant-", "or-v1-", "None-", "lf-"]

    private static func wholeRun(_ text: ByteView, _ rule: APIKeyRule, _ start: Int, alphabet: ByteClass? = nil)
        -> Range<Int>?
    {
        let length = text.run(of: alphabet ?? rule.alphabet, from: start)
        return length >= rule.minimum ? start..<start + length : nil
    }

    /// A prefix counts at the start of a token; `task-` is no `sk-`.
    private static func isBorder(_ byte: UInt8) -> Bool { !byte.isAlphanumeric }

    private static func hasDigit(_ text: ByteView, _ range: Range<Int>) -> Bool {
        for i in range where text[i].isDigit { return true }
        return false
    }
}
