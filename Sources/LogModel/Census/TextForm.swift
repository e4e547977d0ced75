import Bytes

/// What a text has in common with others that differ in their numbers and ids: `job 17 took 3.5 s` is `job <_> took <_> s`.
///
/// A token with a digit in it is a gap, whatever else it holds, so a text and the same text with other digits have one
/// form: a store may work the form out from any one of them. Gaps with nothing but commas or spaces between them are one,
/// so that lists of different length agree. Looks at `tokensMax` tokens: what tells messages apart stands in front.
package struct TextForm {
    private let out = ByteArena(capacity: 1024)

    package init() {}

    package static let gap: StaticString = "<_>"
    /// Chosen: some 150 bytes of a sentence.
    private static let tokensMax = 24
    /// Bytes that are looked at, for texts of few but endless tokens.
    private static let bytesMax = 4096
    /// A token longer than this is no word: base64, a path without slashes.
    private static let wordMax = 48
    /// So many letters, all of them a–f, are a hash that happens to have no digit rather than a word.
    private static let hexMin = 6

    private enum Class {
        /// Part of a word, but no letter.
        static let other: UInt8 = 0
        static let separator: UInt8 = 1
        /// A separator that may stand between gaps that are taken for one.
        static let soft: UInt8 = 2
        static let digit: UInt8 = 3
        static let hex: UInt8 = 4
        static let letter: UInt8 = 5
    }

    private static let classes: [UInt8] = (0..<256).map { value in
        let c = UInt8(value)
        switch c {
        case 0x20, 0x2C, 0x3B, 0x7C, 0x09: return Class.soft
        case 0x22, 0x27, 0x28, 0x29, 0x3D, 0x5B, 0x5D, 0x7B, 0x7D, 0x3C, 0x3E, 0x2F, 0x3F, 0x26, 0x5C, 0x0A, 0x0D:
            return Class.separator
        case _ where c.isDigit: return Class.digit
        case _ where c.isHexDigit: return Class.hex
        case _ where c.isLetter || c >= 0x80: return Class.letter
        default: return Class.other
        }
    }

    /// The form, valid until the next call; nil when nothing but gaps and punctuation is left. O(bytes looked at).
    package func form(of text: ByteView) -> ByteView? {
        out.reset()
        var tokens = 0
        var at = 0
        var hasLetters = false
        // Where the output ends with a gap and soft separators; −1: it does not.
        var gapEnd = -1
        let end = min(text.count, Self.bytesMax)
        let classes = Self.classes
        while at < end, tokens < Self.tokensMax {
            let first = text[at]
            let kind = classes[Int(first)]
            if kind == Class.soft || kind == Class.separator || first == 0x3A {
                out.append(first)
                if kind != Class.soft { gapEnd = -1 }
                at += 1
                continue
            }
            let start = at
            var hasDigit = false
            var isHex = true
            var letters = 0
            while at < end {
                let c = text[at]
                let kind = classes[Int(c)]
                if kind == Class.soft || kind == Class.separator { break }
                // `error:42` is two tokens, `10:15` is one.
                if c == 0x3A, !hasDigit { break }
                if kind == Class.digit { hasDigit = true }
                if kind == Class.letter || kind == Class.hex { letters += 1 }
                if kind != Class.hex { isHex = false }
                at += 1
            }
            tokens += 1
            let isGap = hasDigit || at - start > Self.wordMax || (isHex && at - start >= Self.hexMin)
            if isGap {
                if gapEnd >= 0 { out.truncate(to: gapEnd) } else { out.append(Self.gap) }
                gapEnd = out.count
            } else {
                out.append(text[start..<at])
                gapEnd = -1
                if letters > 0 { hasLetters = true }
            }
        }
        // What follows the last token that was looked at is left open.
        if at < text.count { out.append("…") }
        return hasLetters ? out.view : nil
    }
}
