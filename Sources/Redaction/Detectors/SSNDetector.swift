import Bytes

/// US social security numbers: area, group and serial that can have been issued.
enum SSNDetector {
    /// `ddd-dd-dddd` at `start`, or with blanks of any width. `escaped`: the text may hold escapes, so that a letter in
    /// front need not be one.
    static func match(_ text: ByteView, at start: Int, escaped: Bool = false) -> Range<Int>? {
        guard start >= 0, let gap = Gap(text, at: start + 3), !gap.isAmbiguous else { return nil }
        let second = start + 3 + gap.width
        let third = second + 2 + gap.width
        let end = third + 4
        guard end <= text.count, gap.stands(text, at: second + 2), escaped || !text.numberComesFrom(before: start),
            !text.numberGoesOn(after: end), let area = number(text, start, 3), let group = number(text, second, 2),
            let serial = number(text, third, 4)
        else { return nil }
        return isIssued(area, group, serial) ? start..<end : nil
    }

    /// The number whose first gap of more than one byte stands at `gap`.
    static func match(_ text: ByteView, wideGap gap: Int, escaped: Bool = false) -> Range<Int>? {
        gap >= 3 && text.at(gap - 3).isDigit ? match(text, at: gap - 3, escaped: escaped) : nil
    }

    /// Nine bare digits at `start`: only where words around them say what they are.
    static func matchBare(_ text: ByteView, at start: Int) -> Range<Int>? {
        let end = start + 9
        guard start >= 0, end <= text.count, !text.numberComesFrom(before: start), !text.numberGoesOn(after: end),
            let area = number(text, start, 3), let group = number(text, start + 3, 2),
            let serial = number(text, start + 5, 4)
        else { return nil }
        return isIssued(area, group, serial) ? start..<end : nil
    }

    /// The first number in the 40 bytes behind the word `ssn` or `social security`.
    static func match(_ text: ByteView, word start: Int, _ end: Int) -> Range<Int>? {
        // `className` holds the letters too.
        guard !text.at(start - 1).isLetter || text.at(start) &- 0x41 < 26 else { return nil }
        var at = end
        let limit = min(text.count, end + 40)
        while at < limit {
            if text[at].isDigit {
                return match(text, at: at) ?? matchBare(text, at: at)
            }
            at += 1
        }
        return nil
    }

    private static func isIssued(_ area: Int, _ group: Int, _ serial: Int) -> Bool {
        guard area != 0, area != 666, area < 900, group != 0, serial != 0 else { return false }
        // Numbers of advertisements, printed millions of times.
        return !(area == 78 && group == 5 && serial == 1120) && !(area == 219 && group == 9 && serial == 9999)
    }

    private static func number(_ text: ByteView, _ start: Int, _ digits: Int) -> Int? {
        var value = 0
        for i in start..<start + digits {
            let byte = text.at(i)
            guard byte.isDigit else { return nil }
            value = value * 10 + Int(byte - 0x30)
        }
        return value
    }
}
