import Bytes

/// Names of fields to names of labels.
package enum LabelSanitizer {
    /// Appends `key` with everything outside `[A-Za-z0-9_]` replaced by `_`, one for each character (each byte that is
    /// not UTF-8), without blanks at its ends. With `leading`, a name that starts with a digit gets a `_` in front.
    package static func append(_ key: ByteView, to out: ByteArena, leading: Bool) {
        let key = trim(key)
        guard let first = key.first else { return }
        if leading, first.isDigit { out.append(0x5F as UInt8) }
        var i = 0
        while i < key.count {
            let c = key[i]
            if c.isAlphanumeric || c == 0x5F {
                out.append(c)
                i += 1
            } else {
                out.append(0x5F as UInt8)
                i += c < 0x80 ? 1 : max(1, UTF8Length.at(key, i))
            }
        }
    }

    /// Whether `append` with `leading` would add the key as it stands.
    package static func isClean(_ key: ByteView) -> Bool {
        guard let first = key.first, !first.isDigit else { return false }
        return key.allSatisfy { $0.isAlphanumeric || $0 == 0x5F }
    }

    // Go's TrimSpace: ASCII white space, VT and FF included, U+0085, U+00A0 and the Unicode spaces.
    package static func trim(_ text: ByteView) -> ByteView {
        var low = 0
        var high = text.count
        while low < high {
            let width = spaceAt(text, low, high)
            if width == 0 { break }
            low += width
        }
        while high > low {
            var width = 0
            for back in 1...3 where high - back >= low && spaceAt(text, high - back, high) == back {
                width = back
                break
            }
            if width == 0 { break }
            high -= width
        }
        return text[low..<high]
    }

    /// Bytes of the white space that starts at `at`, 0 where there is none.
    package static func spaceAt(_ text: ByteView, _ at: Int, _ end: Int) -> Int {
        let c = text[at]
        if c < 0x80 { return c == 0x20 || (c >= 0x09 && c <= 0x0D) ? 1 : 0 }
        if c == 0xC2, at + 1 < end { return text[at + 1] == 0x85 || text[at + 1] == 0xA0 ? 2 : 0 }
        guard at + 2 < end else { return 0 }
        switch (c, text[at + 1], text[at + 2]) {
        case (0xE1, 0x9A, 0x80), (0xE2, 0x81, 0x9F), (0xE3, 0x80, 0x80): return 3
        case (0xE2, 0x80, let last): return last <= 0x8A || last == 0xA8 || last == 0xA9 || last == 0xAF ? 3 : 0
        default: return 0
        }
    }
}
