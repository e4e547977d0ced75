import Bytes

/// Payment card numbers: issuer prefix and length, uniform grouping, Luhn's check digit (ISO/IEC 7812-1).
///
/// Luhn alone passes one of ten random numbers; prefix, length and borders keep identifiers safe.
enum CardDetector {
    static let digitsMax = 19

    /// The card number that begins at `start`, where no digit stands before. `escaped`: the text may hold escapes, so
    /// that a letter in front need not be one.
    static func match(_ text: ByteView, at start: Int, escaped: Bool = false) -> Range<Int>? {
        guard escaped || !text.numberComesFrom(before: start) else { return nil }
        let run = text.run(of: .digit, from: start, limit: digitsMax + 1)
        if run >= 13 {
            let end = start + run
            guard run <= digitsMax, !text.numberGoesOn(after: end) || hasZeroFraction(text, end),
                isCard(text, start..<end)
            else { return nil }
            return start..<end
        }
        guard run == 4 else { return nil }
        return grouped(text, start)
    }

    /// 4-4-4-4, 4-4-4-4-3, 4-6-5 and 4-6-4, with the same gap between all groups. With dots and plus signs only the
    /// first of them, for versions and sums look like the others.
    private static func grouped(_ text: ByteView, _ start: Int) -> Range<Int>? {
        guard let gap = Gap(text, at: start + 4) else { return nil }
        // Ends of the groups that follow each other with this gap.
        var ends: (Int, Int, Int, Int, Int) = (start + 4, 0, 0, 0, 0)
        var lengths: (Int, Int, Int, Int, Int) = (4, 0, 0, 0, 0)
        var at = start + 4
        for group in 1..<5 {
            guard gap.stands(text, at: at) else { break }
            let length = text.run(of: .digit, from: at + gap.width, limit: 7)
            guard length > 0 else { break }
            at += gap.width + length
            switch group {
            case 1: (ends.1, lengths.1) = (at, length)
            case 2: (ends.2, lengths.2) = (at, length)
            case 3: (ends.3, lengths.3) = (at, length)
            default: (ends.4, lengths.4) = (at, length)
            }
        }
        if gap.isAmbiguous {
            guard case (4, 4, 4, 4, 0) = lengths else { return nil }
            return accept(text, start..<ends.3)
        }
        switch lengths {
        case (4, 4, 4, 4, let fifth):
            if fifth == 3, let found = accept(text, start..<ends.4) { return found }
            guard !isInRow(text, start, ends.3, gap) else { return nil }
            return accept(text, start..<ends.3)
        case (4, 6, 5, _, _), (4, 6, 4, _, _): return accept(text, start..<ends.2)
        default: return nil
        }
    }

    /// The number whose first gap of more than one byte stands at `gap`.
    static func match(_ text: ByteView, wideGap gap: Int, escaped: Bool = false) -> Range<Int>? {
        let start = text.runStart(of: .digit, before: gap, limit: 5)
        return gap - start == 4 ? match(text, at: start, escaped: escaped) : nil
    }

    /// Rows of four-digit numbers, as tables hold them, are no cards: two more groups beside the candidate say so,
    /// unless they begin (or end) another card.
    private static func isInRow(_ text: ByteView, _ start: Int, _ end: Int, _ gap: Gap) -> Bool {
        let step = gap.width + 4
        let goesOn =
            gap.stands(text, at: end) && isGroup(text, end + gap.width) && gap.stands(text, at: end + step)
            && isGroup(text, end + step + gap.width)
        let comesFrom =
            gap.stands(text, at: start - gap.width) && isGroup(text, start - step)
            && gap.stands(text, at: start - step - gap.width) && isGroup(text, start - 2 * step)
        guard goesOn || comesFrom else { return false }
        let length = 16 + 3 * gap.width
        let next = end + gap.width
        if goesOn, next + length <= text.count, isCard(text, next..<next + length) { return false }
        let previous = start - gap.width - length
        if comesFrom, previous >= 0, isCard(text, previous..<previous + length) { return false }
        return true
    }

    /// `.0` behind the digits: what becomes of a whole number in a column of floats.
    private static func hasZeroFraction(_ text: ByteView, _ end: Int) -> Bool {
        guard text.at(end) == UInt8(ascii: "."), text.at(end + 1) == UInt8(ascii: "0") else { return false }
        let behind = text.at(end + 2) == UInt8(ascii: "0") ? end + 3 : end + 2
        return !text.numberGoesOn(after: behind)
    }

    private static func isGroup(_ text: ByteView, _ start: Int) -> Bool {
        start >= 0 && text.run(of: .digit, from: start, limit: 5) == 4
    }

    private static func accept(_ text: ByteView, _ range: Range<Int>) -> Range<Int>? {
        !text.numberGoesOn(after: range.upperBound) && isCard(text, range) ? range : nil
    }

    /// Whether the digits in `range` (anything else is skipped) are a card number of an issuer we know.
    static func isCard(_ text: ByteView, _ range: Range<Int>) -> Bool {
        var digits = InlineDigits()
        for i in range where text[i].isDigit {
            guard digits.append(text[i] - 0x30) else { return false }
        }
        guard issuerAccepts(digits), !digits.allEqual, luhn(digits) else { return false }
        // European article numbers have 13 digits too and a check digit of their own.
        return digits.count != 13 || !isArticleNumber(digits)
    }

    /// Prefixes and lengths as issuers publish them. Maestro (50, 56-69 with 12 to 19 digits) covers so much that it
    /// would need words around it; it is left out.
    private static func issuerAccepts(_ digits: InlineDigits) -> Bool {
        let length = digits.count
        guard length >= 13 else { return false }
        let four = digits.prefix(4)
        switch four {
        case 4000...4999: return length == 13 || length == 16 || length == 19  // Visa
        case 5100...5599, 2221...2720: return length == 16  // Mastercard
        case 3400...3499, 3700...3799: return length == 15  // American Express
        case 3000...3059, 3600...3699, 3800...3999: return length >= 14  // Diners Club
        case 3528...3589: return length >= 16  // JCB
        case 2200...2204: return length >= 16  // Mir
        case 6011, 6440...6599, 6200...6299: return length >= 16  // Discover, UnionPay
        case 6000...6099, 8100...8299: return length == 16  // RuPay
        default: return false
        }
    }

    private static func luhn(_ digits: InlineDigits) -> Bool {
        var sum = 0
        for i in 0..<digits.count {
            var digit = digits[digits.count - 1 - i]
            if i & 1 == 1 {
                digit *= 2
                if digit > 9 { digit -= 9 }
            }
            sum += digit
        }
        return sum % 10 == 0
    }

    private static func isArticleNumber(_ digits: InlineDigits) -> Bool {
        var sum = 0
        for i in 0..<digits.count { sum += digits[i] * (i & 1 == 0 ? 1 : 3) }
        return sum % 10 == 0
    }
}
