import Bytes

/// What stands between the groups of a number. Typography and forms write a blank in more ways than one.
struct Gap: Equatable {
    /// The bytes of it, the last one lowest.
    private let code: UInt32
    /// Bytes of UTF-8: 1 to 3.
    let width: Int

    /// The gap at `at`; nil where something else stands.
    init?(_ text: ByteView, at: Int) {
        switch text.at(at) {
        case UInt8(ascii: " "), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "+"):
            (code, width) = (UInt32(text.at(at)), 1)
        case 0xC2 where text.at(at + 1) == 0xA0: (code, width) = (0xC2A0, 2)
        case 0xE2 where text.at(at + 1) == 0x80:
            let last = text.at(at + 2)
            // U+2009 thin, U+2013 en dash, U+202F narrow no-break.
            guard last == 0x89 || last == 0x93 || last == 0xAF else { return nil }
            (code, width) = (0xE28000 | UInt32(last), 3)
        default: return nil
        }
    }

    /// `.` and the `+` of forms, which numbers of other kinds hold as well.
    var isAmbiguous: Bool { code == UInt32(UInt8(ascii: ".")) || code == UInt32(UInt8(ascii: "+")) }
    var isDash: Bool { code == UInt32(UInt8(ascii: "-")) || code == 0xE28093 }

    /// Whether this very gap stands at `at`.
    func stands(_ text: ByteView, at: Int) -> Bool { Gap(text, at: at) == self }
}
