import Bytes

/// `| decolorize`: removes the control sequences that colour terminals.
///
/// The grammar is that of the widespread `ansi-regex` pattern: ESC or U+009B, any of `[ ] ( ) # ; ?`, and then either
/// an operating system command that ends with BEL, or up to four-digit parameters and one final character.
package struct Decolorize: Sendable {
    package init() {}

    func process(_ state: inout LineState) -> Bool {
        let line = state.line
        guard line.contains(0x1B) || line.contains(0x9B) else { return true }
        state.scratch.reset()
        if Self.strip(line, into: state.scratch) { state.setLineFromScratch() }
        return true
    }

    /// Appends `line` without sequences; false, and nothing useful appended, when it has none.
    static func strip(_ line: ByteView, into out: ByteArena) -> Bool {
        var i = 0
        var copied = 0
        var found = false
        while i < line.count {
            let lead = line[i] == 0x1B ? 1 : line[i] == 0xC2 && i + 1 < line.count && line[i + 1] == 0x9B ? 2 : 0
            if lead > 0, let end = sequenceEnd(line, i + lead) {
                found = true
                out.append(line[copied..<i])
                i = end
                copied = end
            } else {
                i += 1
            }
        }
        if found { out.append(line.suffix(from: copied)) }
        return found
    }

    private static func isIntroducer(_ c: UInt8) -> Bool {
        switch c {
        case 0x5B, 0x5D, 0x28, 0x29, 0x23, 0x3B, 0x3F: true
        default: false
        }
    }

    private static func isFinal(_ c: UInt8) -> Bool {
        switch c {
        case 0x30...0x39, 0x41...0x50, 0x52, 0x5A, 0x63, 0x66...0x6E, 0x74, 0x71, 0x72, 0x79, 0x3D, 0x3E, 0x3C, 0x7E:
            true
        default: false
        }
    }

    private static func isWord(_ c: UInt8) -> Bool { c.isAlphanumeric }

    /// End of the sequence whose introducers start at `start`. A regex would backtrack over the introducers and the
    /// digits; both alternatives are tried from the longest run of introducers downwards, which is the same.
    private static func sequenceEnd(_ line: ByteView, _ start: Int) -> Int? {
        var longest = start
        while longest < line.count, isIntroducer(line[longest]) { longest += 1 }
        var at = longest
        while at >= start {
            if let end = command(line, at) { return end }
            if let end = parameters(line, at) { return end }
            at -= 1
            // Beyond a handful of introducers nothing real follows: no quadratic time on made-up lines.
            if longest - at > 64 { return nil }
        }
        return nil
    }

    // (?:(?:[a-zA-Z\d]*(?:;[a-zA-Z\d]*)*)?\u0007)
    private static func command(_ line: ByteView, _ start: Int) -> Int? {
        var i = start
        while i < line.count, isWord(line[i]) || line[i] == 0x3B { i += 1 }
        return i < line.count && line[i] == 0x07 ? i + 1 : nil
    }

    // (?:(?:\d{1,4}(?:;\d{0,4})*)?[\dA-PRZcf-ntqry=><~])
    private static func parameters(_ line: ByteView, _ start: Int) -> Int? {
        // Positions at which the parameters may end, the last one that works wins: greedy with backtracking.
        var i = start
        var best: Int?
        func tryFinal(_ at: Int) { if at < line.count, isFinal(line[at]) { best = at + 1 } }
        tryFinal(i)
        var digits = 0
        while i < line.count, digits < 4, line[i].isDigit {
            i += 1
            digits += 1
            tryFinal(i)
        }
        guard digits > 0 else { return best }
        while i < line.count, line[i] == 0x3B {
            i += 1
            tryFinal(i)
            digits = 0
            while i < line.count, digits < 4, line[i].isDigit {
                i += 1
                digits += 1
                tryFinal(i)
            }
        }
        return best
    }
}
