import Bytes

/// What can be said about a regex by looking at its text: whether it is a plain literal, or contains one for certain.
///
/// Cautious: whatever it does not understand is `.other`, and RE2 decides.
struct RegexShape {
    enum Meaning: Equatable {
        /// Matches every text: empty, or `.*` any number of times.
        case anything
        /// `.+`: matches every text that has a character other than newline. Only claimed where that is the same as
        /// "not empty", see `meaning`.
        case something
        /// Finds exactly the texts that contain this.
        case literal(ByteString)
        /// Every text that it finds contains this.
        case containing(ByteString)
        case other
    }

    private let pattern: [UInt8]

    init(_ pattern: String) { self.pattern = Array(pattern.utf8) }

    /// As an unanchored search.
    var meaning: Meaning {
        if pattern.isEmpty || text == ".*" { return .anything }
        guard let parts = topLevelConcatenation() else { return .other }
        var longest: [UInt8] = []
        var onlyLiteral = true
        var literalCount = 0
        for part in parts {
            switch part {
            case .literal(let bytes):
                literalCount += 1
                if bytes.count > longest.count { longest = bytes }
            case .anything: onlyLiteral = false
            case .other: onlyLiteral = false
            }
        }
        if onlyLiteral, literalCount == 1 { return .literal(ByteString(longest)) }
        // A leading and a trailing `.*` add nothing to a search: `.*foo.*` finds what `foo` finds.
        if literalCount == 1, parts.allSatisfy({ if case .other = $0 { false } else { true } }) {
            let inner = parts.drop { $0 == .anything }
            if inner.count == 1 || inner.dropFirst().allSatisfy({ $0 == .anything }) {
                return .literal(ByteString(longest))
            }
        }
        // Shorter than three bytes it filters too little to pay for the extra pass.
        return longest.count >= 3 ? .containing(ByteString(longest)) : .other
    }

    /// For Loki's simplifier: the alternation without its `.*` branches, where it has some beside others.
    var alternationWithoutAnything: String? {
        guard let branches = topLevelAlternation(), branches.count > 1 else { return nil }
        let some = branches.filter { $0 != ".*" && !$0.isEmpty }
        guard !some.isEmpty, some.count < branches.count else { return nil }
        return some.joined(separator: "|")
    }

    /// The branches of an alternation at the top level, as texts; nil where brackets make that hard to say.
    func topLevelAlternation() -> [String]? {
        var branches: [String] = []
        var start = 0
        var i = 0
        while i < pattern.count {
            switch pattern[i] {
            case 0x5C: i += 1
            case 0x28, 0x29, 0x5B, 0x5D: return nil
            case 0x7C:
                branches.append(String(decoding: pattern[start..<i], as: UTF8.self))
                start = i + 1
            default: break
            }
            i += 1
        }
        guard start <= pattern.count else { return nil }
        branches.append(String(decoding: pattern[start...], as: UTF8.self))
        return branches
    }

    /// The text that a pattern without any operator stands for.
    var plainLiteral: ByteString? {
        guard let parts = topLevelConcatenation(), parts.count == 1, case .literal(let bytes) = parts[0] else {
            return nil
        }
        return ByteString(bytes)
    }

    /// All bytes that a match can hold, or more; nil where that is all but every byte, hard to say, or where a match
    /// depends on what stands around it (anchors, word borders). Letters come in both cases, whatever the flags.
    var alphabet: ByteSet? {
        // Beside characters that are not ASCII, of which some are the other case of these.
        var set = ByteSet(ByteView("kKsS"))
        set.formUnion(.other)
        func add(_ byte: UInt8) {
            set.insert(byte)
            if byte | 0x20 >= 0x61, byte | 0x20 <= 0x7A { set.insert(byte ^ 0x20) }
        }
        func escape(_ at: Int) -> ByteSet? {
            guard at < pattern.count else { return nil }
            let letter = pattern[at]
            switch letter {
            case 0x64: return .digits
            case 0x77: return .word
            case 0x73: return ByteSet(ByteView(" \t\n\u{C}\r"))
            case 0x6E: return ByteSet(ByteView("\n"))
            case 0x74: return ByteSet(ByteView("\t"))
            case 0x72: return ByteSet(ByteView("\r"))
            default:
                // Other letters and digits are classes, borders or numbers of characters.
                if letter.isAlphanumeric || letter >= 0x80 { return nil }
                var one = ByteSet()
                one.insert(letter)
                return one
            }
        }
        var i = 0
        while i < pattern.count {
            switch pattern[i] {
            case 0x2E, 0x5E, 0x24: return nil
            case 0x5C:
                guard let some = escape(i + 1) else { return nil }
                set.formUnion(some)
                i += 1
            case 0x5B:
                guard let end = classEnd(i), let some = members(i + 1, end, escape) else { return nil }
                set.formUnion(some)
                i = end
            case 0x28, 0x29, 0x7C, 0x2A, 0x2B, 0x3F: break
            case 0x7B where repetitionEnd(i) != nil: i = repetitionEnd(i) ?? i
            case let byte: add(byte)
            }
            i += 1
        }
        return set == .all ? nil : set
    }

    /// The bytes of a class whose inside is `from ..< end`, and their other case; nil where it is hard to say.
    private func members(_ from: Int, _ end: Int, _ escape: (Int) -> ByteSet?) -> ByteSet? {
        var set = ByteSet()
        var i = from
        let isNegated = i < end && pattern[i] == 0x5E
        if isNegated { i += 1 }
        while i < end {
            let byte = pattern[i]
            if byte == 0x5B, i + 1 < end, pattern[i + 1] == 0x3A { return nil }
            if byte == 0x5C {
                // A range from or to an escaped character: too rare to read.
                guard let some = escape(i + 1), i + 2 >= end || pattern[i + 2] != 0x2D || i + 3 == end else { return nil }
                set.formUnion(some)
                i += 2
            } else if i + 2 < end, pattern[i + 1] == 0x2D {
                let last = pattern[i + 2]
                guard byte < 0x80, last < 0x80, last != 0x5C, byte <= last else { return nil }
                for one in byte...last { set.insert(one) }
                i += 3
            } else {
                if byte < 0x80 { set.insert(byte) }
                i += 1
            }
        }
        if isNegated { set = set.inverted }
        var both = set
        for letter in 0x61...0x7A as ClosedRange<UInt8> where set.contains(letter) || set.contains(letter ^ 0x20) {
            both.insert(letter)
            both.insert(letter ^ 0x20)
        }
        both.formUnion(.other)
        return both
    }

    private var text: String { String(decoding: pattern, as: UTF8.self) }

    enum Part: Equatable {
        case literal([UInt8])
        /// `.*`
        case anything
        case other
    }

    /// The factors of a concatenation; nil for an alternation at the top level or anything else that is not one.
    func topLevelConcatenation() -> [Part]? {
        var parts: [Part] = []
        var run: [UInt8] = []
        var lastScalar = 0  // length of the last character in `run`, for the operator behind it
        func flush(_ parts: inout [Part], _ run: inout [UInt8]) {
            if !run.isEmpty { parts.append(.literal(run)) }
            run = []
        }
        var i = 0
        while i < pattern.count {
            let c = pattern[i]
            switch c {
            case 0x7C: return nil
            case 0x28:
                // A group, flags included: look for its end. Flags such as (?i) change what follows: give up.
                if i + 1 < pattern.count, pattern[i + 1] == 0x3F {
                    guard i + 2 < pattern.count, pattern[i + 2] == 0x3A || pattern[i + 2] == 0x50 else { return nil }
                }
                guard let end = groupEnd(i) else { return nil }
                flush(&parts, &run)
                parts.append(.other)
                i = end
                lastScalar = 0
            case 0x5B:
                guard let end = classEnd(i) else { return nil }
                flush(&parts, &run)
                parts.append(.other)
                i = end
                lastScalar = 0
            case 0x2E:
                flush(&parts, &run)
                if i + 1 < pattern.count, pattern[i + 1] == 0x2A,
                    i + 2 >= pattern.count || !isRepetition(pattern[i + 2])
                {
                    parts.append(.anything)
                    i += 1
                } else {
                    parts.append(.other)
                }
                lastScalar = 0
            case 0x5E, 0x24:
                flush(&parts, &run)
                parts.append(.other)
                lastScalar = 0
            case 0x7B where repetitionEnd(i) == nil:
                // `x{` without numbers behind it is text.
                run.append(c)
                lastScalar = 1
            case 0x2A, 0x2B, 0x3F, 0x7B:
                // The operator takes the character in front of it out of the literal.
                if lastScalar > 0, run.count >= lastScalar {
                    run.removeLast(lastScalar)
                    flush(&parts, &run)
                    parts.append(.other)
                }
                if c == 0x7B {
                    guard let end = repetitionEnd(i) else { return nil }
                    i = end
                    if parts.isEmpty { return nil }
                }
                lastScalar = 0
            case 0x5C:
                guard i + 1 < pattern.count else { return nil }
                let next = pattern[i + 1]
                if next < 0x80, !next.isAlphanumeric {
                    run.append(next)
                    lastScalar = 1
                } else {
                    switch next {
                    case 0x6E: run.append(0x0A)
                    case 0x74: run.append(0x09)
                    case 0x72: run.append(0x0D)
                    case 0x62, 0x42, 0x64, 0x44, 0x73, 0x53, 0x77, 0x57:
                        flush(&parts, &run)
                        parts.append(.other)
                        lastScalar = 0
                        i += 2
                        continue
                    default: return nil
                    }
                    lastScalar = 1
                }
                i += 1
            default:
                var length = 1
                if c >= 0x80 {
                    length = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2
                    guard i + length <= pattern.count else { return nil }
                }
                run += pattern[i..<i + length]
                lastScalar = length
                i += length - 1
            }
            i += 1
        }
        flush(&parts, &run)
        return parts
    }

    private func isRepetition(_ c: UInt8) -> Bool { c == 0x2A || c == 0x2B || c == 0x3F || c == 0x7B }

    private func groupEnd(_ start: Int) -> Int? {
        var depth = 0
        var i = start
        while i < pattern.count {
            switch pattern[i] {
            case 0x5C: i += 1
            case 0x5B:
                guard let end = classEnd(i) else { return nil }
                i = end
            case 0x28: depth += 1
            case 0x29:
                depth -= 1
                if depth == 0 { return i }
            default: break
            }
            i += 1
        }
        return nil
    }

    /// The closing brace of `{n}`, `{n,}`, `{n,m}`; nil where a brace opens nothing.
    private func repetitionEnd(_ start: Int) -> Int? {
        var i = start + 1
        let first = i
        while i < pattern.count, pattern[i].isDigit { i += 1 }
        guard i > first, i < pattern.count else { return nil }
        if pattern[i] == 0x2C {
            i += 1
            while i < pattern.count, pattern[i].isDigit { i += 1 }
        }
        return i < pattern.count && pattern[i] == 0x7D ? i : nil
    }

    private func classEnd(_ start: Int) -> Int? {
        var i = start + 1
        if i < pattern.count, pattern[i] == 0x5E { i += 1 }
        if i < pattern.count, pattern[i] == 0x5D { i += 1 }
        while i < pattern.count {
            switch pattern[i] {
            case 0x5C: i += 1
            case 0x5B where i + 1 < pattern.count && pattern[i + 1] == 0x3A && pattern[i - 1] == 0x2D:
                // The end of a range (`[+-[::]`), or a class behind a dash: RE2 knows.
                return nil
            case 0x5B where i + 1 < pattern.count && pattern[i + 1] == 0x3A:
                // [:alpha:]; without its end the bracket is one of the class.
                guard let close = pattern[i...].firstIndex(of: 0x5D) else { return nil }
                if pattern[close - 1] == 0x3A, close > i + 2 { i = close }
            case 0x5D: return i
            default: break
            }
            i += 1
        }
        return nil
    }
}
