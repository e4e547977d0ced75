import Bytes

/// International bank account numbers (ISO 13616): length of the country, check digits modulo 97.
enum IBANDetector {
    /// The account number that begins at `start`, in one piece or with a blank behind every four characters. `escaped`:
    /// the text may hold escapes, so that a letter in front need not be one.
    static func match(_ text: ByteView, at start: Int, escaped: Bool = false) -> Range<Int>? {
        let before = text.at(start - 1)
        guard escaped || (!before.isAlphanumeric && before != UInt8(ascii: "_")), start + 5 <= text.count,
            let length = length(of: text.at(start), text.at(start + 1))
        else { return nil }
        let spaced = text.at(start + 4) == UInt8(ascii: " ")
        var at = start
        // The remainder of the number that begins at the fifth character and ends with the first four.
        var remainder = 0
        var head = 0
        for index in 0..<length {
            if spaced, index > 0, index % 4 == 0 {
                guard text.at(at) == UInt8(ascii: " ") else { return nil }
                at += 1
            }
            let byte = text.at(at)
            let value: Int
            if byte.isDigit {
                value = Int(byte - 0x30)
            } else if byte &- 0x41 < 26 {
                value = Int(byte - 0x37)
            } else {
                return nil
            }
            if index == 2 || index == 3 {
                guard byte.isDigit else { return nil }
            }
            if index < 4 {
                head = head * (value > 9 ? 100 : 10) + value
            } else {
                remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97
            }
            at += 1
        }
        let next = text.at(at)
        guard !next.isAlphanumeric, next != UInt8(ascii: "_") else { return nil }
        let check = Int(text.at(start + 2) &- 0x30) * 10 + Int(text.at(start + 3) &- 0x30)
        guard (2...98).contains(check), (remainder * 1_000_000 + head) % 97 == 1 else { return nil }
        return start..<at
    }

    /// Length by country, from the registry of SWIFT; nil where there are no such numbers.
    static func length(of first: UInt8, _ second: UInt8) -> Int? {
        lengths[Int(first) << 8 | Int(second)]
    }

    private static let lengths: [Int: Int] = {
        let groups: [(Int, String)] = [
            (15, "NO"), (16, "BE"), (18, "DK FI FO GL NL SD FK"), (19, "MK SI"), (20, "AT BA EE KZ LT LU XK MN"),
            (21, "CH HR LI LV"), (22, "BG BH CR DE GB GE IE ME RS VA"), (23, "AE GI IL IQ TL OM SO"),
            (24, "AD CZ ES MD PK RO SA SE SK TN VG"), (25, "PT ST LY"), (26, "IS TR"), (27, "BI DJ FR GR IT MC MR SM"),
            (28, "AL AZ BY CY DO GT HU LB PL SV NI"), (29, "BR EG PS QA UA"), (30, "JO KW MU YE"), (31, "MT SC"),
            (32, "LC"), (33, "RU"),
        ]
        var table: [Int: Int] = [:]
        for (length, countries) in groups {
            for country in countries.split(separator: " ") {
                let bytes = Array(country.utf8)
                table[Int(bytes[0]) << 8 | Int(bytes[1])] = length
            }
        }
        return table
    }()
}
