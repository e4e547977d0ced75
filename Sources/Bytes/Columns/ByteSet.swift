import CKernels

/// Which bytes occur in some values.
package struct ByteSet: Sendable, Equatable {
    package private(set) var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

    package init() {}

    package init(words: (UInt64, UInt64, UInt64, UInt64)) { self.words = words }

    package init(_ bytes: ByteView) { insert(bytes) }

    package mutating func insert(_ byte: UInt8) {
        let bit = UInt64(1) << UInt64(byte & 63)
        switch byte >> 6 {
        case 0: words.0 |= bit
        case 1: words.1 |= bit
        case 2: words.2 |= bit
        default: words.3 |= bit
        }
    }

    package func contains(_ byte: UInt8) -> Bool {
        let bit = UInt64(1) << UInt64(byte & 63)
        return switch byte >> 6 {
        case 0: words.0 & bit != 0
        case 1: words.1 & bit != 0
        case 2: words.2 & bit != 0
        default: words.3 & bit != 0
        }
    }

    package mutating func insert(_ bytes: ByteView) {
        withUnsafeMutableBytes(of: &words) { room in
            bytes.withUnsafeBytes { source in
                guard let start = source.baseAddress else { return }
                tr_charset(
                    start.assumingMemoryBound(to: UInt8.self),
                    source.count,
                    room.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt64.self)
                )
            }
        }
    }

    package mutating func insert(_ values: ValueList) {
        withUnsafeMutableBytes(of: &words) { room in
            tr_charset_values(
                values.base,
                values.spans,
                values.count,
                room.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt64.self)
            )
        }
    }

    package mutating func formUnion(_ other: ByteSet) {
        words.0 |= other.words.0
        words.1 |= other.words.1
        words.2 |= other.words.2
        words.3 |= other.words.3
    }

    package func isSuperset(of other: ByteSet) -> Bool {
        other.words.0 & ~words.0 == 0 && other.words.1 & ~words.1 == 0 && other.words.2 & ~words.2 == 0
            && other.words.3 & ~words.3 == 0
    }

    package var inverted: ByteSet { ByteSet(words: (~words.0, ~words.1, ~words.2, ~words.3)) }

    /// Whether any byte is in both.
    package func intersects(_ other: ByteSet) -> Bool {
        other.words.0 & words.0 | other.words.1 & words.1 | other.words.2 & words.2 | other.words.3 & words.3 != 0
    }

    package static let all = ByteSet(words: (.max, .max, .max, .max))
    /// ASCII without the backslash: text that stands for itself in JSON.
    package static let plain = ByteSet(words: (.max, .max & ~(1 << 28), 0, 0))
    /// Everything that is not ASCII.
    package static let other = ByteSet(words: (0, 0, .max, .max))
    package static let digits = ByteSet(ByteView("0123456789"))
    /// Integers and decimal fractions.
    package static let numbers = ByteSet(ByteView("-.0123456789"))
    package static let hexadecimal = ByteSet(ByteView("0123456789abcdef"))
    package static let upperHexadecimal = ByteSet(ByteView("0123456789ABCDEF"))
    package static let word = ByteSet(ByteView("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"))

    package static func == (a: ByteSet, b: ByteSet) -> Bool { a.words == b.words }
}
