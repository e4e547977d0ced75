import Bytes

/// International bank account numbers (ISO 13616), in any case: length and layout of the country, check digits modulo 97.
///
/// Identifiers in hexadecimal and other alphabets have the length often, and one in 97 of those the remainder: letters
/// and digits must stand where the country has them (`IBANCountry`).
enum IBANDetector {
    /// The account number that begins at `start`, in one piece or with the same gap behind every four characters.
    /// `escaped`: the text may hold escapes, so that a letter in front need not be one.
    static func match(_ text: ByteView, at start: Int, escaped: Bool = false) -> Range<Int>? {
        let before = text.at(start - 1)
        guard escaped || (!before.isAlphanumeric && before != UInt8(ascii: "_")), start + 5 <= text.count,
            let country = IBANCountry(text.at(start), text.at(start + 1))
        else { return nil }
        let gap = Gap(text, at: start + 4)
        if let gap {
            guard !gap.isAmbiguous else { return nil }
            // A group of a longer row.
            if !escaped, gap.isDash, gap.stands(text, at: start - gap.width), text.at(start - gap.width - 1).isAlphanumeric {
                return nil
            }
        }
        var at = start
        // The remainder of the number that begins at the fifth character and ends with the first four.
        var remainder = 0
        var head = 0
        var layout = country.layout
        for index in 0..<country.length {
            if let gap, index > 0, index % 4 == 0 {
                guard gap.stands(text, at: at) else { return nil }
                at += gap.width
            }
            let byte = text.at(at)
            guard byte.isAlphanumeric else { return nil }
            let value = byte.isDigit ? Int(byte - 0x30) : Int(byte | 0x20) - 0x57
            if index == 2 || index == 3 {
                guard byte.isDigit else { return nil }
            }
            if index < 4 {
                head = head * (value > 9 ? 100 : 10) + value
            } else {
                remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97
                guard layout.accepts(byte) else { return nil }
            }
            at += 1
        }
        let next = text.at(at)
        guard !next.isAlphanumeric, next != UInt8(ascii: "_") else { return nil }
        if let gap, gap.isDash, gap.stands(text, at: at), text.at(at + gap.width).isAlphanumeric { return nil }
        let check = Int(text.at(start + 2) &- 0x30) * 10 + Int(text.at(start + 3) &- 0x30)
        guard (2...98).contains(check), (remainder * 1_000_000 + head) % 97 == 1 else { return nil }
        return start..<at
    }
}
