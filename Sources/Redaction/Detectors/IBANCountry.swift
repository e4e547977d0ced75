import Bytes

/// What account numbers of a country look like, from the registry that SWIFT keeps for ISO 13616.
struct IBANCountry {
    /// Characters, the four in front included.
    let length: Int
    /// What may stand behind the first four.
    let layout: Layout

    /// The country of two letters in any case; nil where there are no such numbers.
    init?(_ first: UInt8, _ second: UInt8) {
        guard first.isLetter, second.isLetter else { return nil }
        let entry = Int(Self.index[Int(first | 0x20 &- 0x61) * 26 + Int(second | 0x20 &- 0x61)])
        guard entry > 0 else { return nil }
        length = Self.all[entry - 1].length
        layout = Layout(rest: ByteView(Self.all[entry - 1].layout))
    }

    /// Walks a layout such as `a4n14`: four letters, fourteen digits. `c` is either.
    struct Layout {
        private var kind: UInt8 = 0
        private var left = 0
        private var rest: ByteView

        init(rest: ByteView) { self.rest = rest }

        /// Whether the next character of an account number may be `byte`.
        mutating func accepts(_ byte: UInt8) -> Bool {
            if left == 0 {
                guard let next = rest.first else { return false }
                kind = next
                let digits = rest.run(of: .digit, from: 1)
                for i in 1..<1 + digits { left = left * 10 + Int(rest[i] - 0x30) }
                rest = rest.suffix(from: 1 + digits)
            }
            left -= 1
            return kind == UInt8(ascii: "c") || (kind == UInt8(ascii: "n")) == byte.isDigit
        }
    }

    private struct Entry: Sendable {
        var length: Int
        var layout: StaticString
        var countries: StaticString

        init(_ length: Int, _ layout: StaticString, _ countries: StaticString) {
            (self.length, self.layout, self.countries) = (length, layout, countries)
        }
    }

    private static let all: [Entry] = [
        Entry(15, "n11", "NO"), Entry(16, "n12", "BE"), Entry(18, "n14", "DKFIFOGLSD"), Entry(18, "a4n10", "NL"),
        Entry(18, "a2n12", "FK"), Entry(19, "n3c10n2", "MK"), Entry(19, "n15", "SI"),
        Entry(20, "n16", "ATBAEELTXKMN"), Entry(20, "n3c13", "KZLU"), Entry(21, "n5c12", "CHLI"),
        Entry(21, "n17", "HR"), Entry(21, "a4c13", "LV"), Entry(22, "a4n6c8", "BG"), Entry(22, "a4c14", "BH"),
        Entry(22, "n18", "CRDEMERSVA"), Entry(22, "a4n14", "GBIE"), Entry(22, "a2n16", "GE"),
        Entry(23, "n19", "AEILTLSO"), Entry(23, "a4c15", "GI"), Entry(23, "a4n15", "IQ"), Entry(23, "n3c16", "OM"),
        Entry(24, "n8c12", "AD"), Entry(24, "n20", "CZESSESKTN"), Entry(24, "c20", "MD"), Entry(24, "a4c16", "PKRO"),
        Entry(24, "n2c18", "SA"), Entry(24, "a4n16", "VG"), Entry(25, "n21", "PTSTLY"), Entry(26, "n22", "IS"),
        Entry(26, "n6c16", "TR"), Entry(27, "n23", "BIDJMR"), Entry(27, "n10c11n2", "FRMC"), Entry(27, "n7c16", "GR"),
        Entry(27, "a1n10c12", "ITSM"), Entry(28, "n8c16", "ALCY"), Entry(28, "a4c20", "AZ"), Entry(28, "c4n4c16", "BY"),
        Entry(28, "c4n20", "DO"), Entry(28, "c24", "GT"), Entry(28, "n24", "HUPL"), Entry(28, "n4c20", "LB"),
        Entry(28, "a4n20", "SVNI"), Entry(29, "n23a1c1", "BR"), Entry(29, "n25", "EG"), Entry(29, "a4c21", "PSQA"),
        Entry(29, "n6c19", "UA"), Entry(30, "a4n4c18", "JOYE"), Entry(30, "a4c22", "KW"), Entry(30, "a4n19a3", "MU"),
        Entry(31, "a4n5c18", "MT"), Entry(31, "a4n20a3", "SC"), Entry(32, "a4c24", "LC"), Entry(33, "n14c15", "RU"),
    ]

    /// From two letters to the number of their entry, counted from one.
    private static let index: [UInt8] = {
        var index = [UInt8](repeating: 0, count: 26 * 26)
        for (number, entry) in all.enumerated() {
            let names = ByteView(entry.countries)
            for at in stride(from: 0, to: names.count, by: 2) {
                index[Int(names[at] - 0x41) * 26 + Int(names[at + 1] - 0x41)] = UInt8(number + 1)
            }
        }
        return index
    }()
}
