import CKernels

/// Finds places where personal data may stand by byte classes (runs of digits, `@`, escapes), beside `LiteralScanner`,
/// which finds them by words. One pass, a few GB/s; the caller validates around each mark.
package struct MarkScanner {
    package enum Kind: UInt32, Sendable {
        /// `@`.
        case at = 1
        /// Enough digits for a payment card, in a row or in its grouping.
        case card
        /// `ddd-dd-dddd`.
        case ssn
        /// Two letters and two digits that can begin a bank account number: the country, and its length or a gap.
        case iban
        /// An escape that stands for a printable ASCII byte (`\u0040`, `\x40`, `%40`) and may so hide any other mark;
        /// or for one of the gaps of `wideGap` (`\u00a0`).
        case hidden
        /// A no-break, thin or narrow blank or an en dash between two digits: U+00A0, U+2009, U+202F, U+2013.
        case wideGap
    }

    package struct Mark: Equatable, Sendable {
        package var kind: Kind
        /// Offset of the first byte.
        package var at: Int

        package init(kind: Kind, at: Int) {
            self.kind = kind
            self.at = at
        }
    }

    private var raw: [tr_hit]
    /// How many marks the last scan found.
    package private(set) var count = 0
    private let portable: Bool

    /// `portable`: without vector instructions, for the test that compares both.
    package init(portable: Bool = false) {
        raw = [tr_hit](repeating: tr_hit(id: 0, end: 0), count: 32)
        self.portable = portable
    }

    /// Leaves the marks of `text` to be read by number. False when there are more than `marksMax`: the text is then
    /// unscanned. Memory: 16 bytes a mark, at most `marksMax`.
    @discardableResult
    package mutating func scan(_ text: ByteView, marksMax: Int = 1 << 20) -> Bool {
        while true {
            let capacity = raw.count
            let found =
                portable
                ? tr_marks_scan_portable(text.base, text.count, &raw, capacity)
                : tr_marks_scan(text.base, text.count, &raw, capacity)
            // Beyond its capacity the kernel stops counting.
            if found < 0 || found > marksMax {
                count = 0
                return false
            }
            if found <= capacity {
                count = found
                return true
            }
            raw = [tr_hit](repeating: tr_hit(id: 0, end: 0), count: min(capacity * 4, marksMax))
        }
    }

    package subscript(index: Int) -> Mark {
        precondition(index >= 0 && index < count, "mark outside the scan")
        return Mark(kind: Kind(rawValue: raw[index].id) ?? .hidden, at: Int(raw[index].end))
    }
}
