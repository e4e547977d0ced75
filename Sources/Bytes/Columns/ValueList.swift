import CKernels

/// Values of one column, in the order of their rows: spans of a buffer. Borrowed like `ByteView`: valid as long as what
/// it was taken from is neither changed nor freed.
package struct ValueList: @unchecked Sendable {
    // Sendable: as ByteView, nothing behind it is written while it is in use.
    let base: UnsafePointer<UInt8>
    let spans: UnsafePointer<tr_span>
    package let count: Int

    /// Both pointers must stay readable while the list is used.
    init(unsafe base: UnsafePointer<UInt8>, spans: UnsafePointer<tr_span>, count: Int) {
        self.base = base
        self.spans = spans
        self.count = count
    }

    package subscript(index: Int) -> ByteView {
        precondition(index >= 0 && index < count, "value outside the list")
        let span = unsafe spans[index]
        return ByteView(unsafe: UnsafeRawPointer(base + Int(span.start)), count: Int(span.length))
    }

    package func slice(_ range: Range<Int>) -> ValueList {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "range outside the list")
        return ValueList(unsafe: base, spans: spans + range.lowerBound, count: range.count)
    }

    /// The length of each value, bytes.
    package var lengths: [Int64] {
        [Int64](unsafeUninitializedCapacity: count) { room, filled in
            for i in 0..<count { room[i] = Int64(spans[i].length) }
            filled = count
        }
    }

    /// The bytes that occur in values. O(bytes).
    package var charset: ByteSet {
        var set = ByteSet()
        set.insert(self)
        return set
    }

    /// Bytes of all values.
    package var byteCount: Int {
        var sum = 0
        for i in 0..<count { sum &+= Int(unsafe spans[i].length) }
        return sum
    }

    /// The values as integers; nil unless printing them gives the same bytes (no leading zero, no `-0`, no more than 18
    /// digits).
    package func integers() -> [Int64]? {
        var isWhole = false
        let values = [Int64](unsafeUninitializedCapacity: count) { room, filled in
            isWhole = count > 0 && tr_parse_integers(base, spans, count, room.baseAddress.unsafelyUnwrapped) != 0
            filled = isWhole ? count : 0
        }
        return isWhole ? values : nil
    }

    /// The values as decimal fractions of one style; nil when they follow none.
    package func decimals() -> (values: [Int64], format: DecimalFormat)? {
        var scale: Int32 = 0
        var style: Int32 = 0
        var isWhole = false
        let values = [Int64](unsafeUninitializedCapacity: count) { room, filled in
            isWhole =
                count > 0
                && tr_parse_decimals(base, spans, count, room.baseAddress.unsafelyUnwrapped, &scale, &style) != 0
            filled = isWhole ? count : 0
        }
        guard isWhole, let format = DecimalFormat(scale: Int(scale), style: Int(style)) else { return nil }
        return (values, format)
    }

    /// The values as nanoseconds since 1970 of the clock they show; nil when they do not follow one pattern.
    package func times() -> (values: [Int64], pattern: TimePattern)? {
        var pattern = tr_time_pattern()
        var isWhole = false
        let values = [Int64](unsafeUninitializedCapacity: count) { room, filled in
            isWhole =
                count > 0 && tr_parse_times(base, spans, count, &pattern, room.baseAddress.unsafelyUnwrapped) != 0
            filled = isWhole ? count : 0
        }
        return isWhole ? (values, TimePattern(raw: pattern)) : nil
    }

    /// Sets the bit of each value that holds the needle where asked. `bits` has a word for each 64 values.
    package func match(_ needle: ByteView, _ place: NeedlePlace, into bits: inout [UInt64]) {
        precondition(bits.count >= (count + 63) / 64)
        needle.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress, count > 0 else { return }
            tr_match_values(
                base,
                spans,
                count,
                start.assumingMemoryBound(to: UInt8.self),
                bytes.count,
                place.rawValue,
                &bits
            )
        }
    }
}

/// Where in a value a needle must stand.
package enum NeedlePlace: Int32, Sendable {
    case inside = 0
    case start = 1
    case end = 2
    case whole = 3
}

/// How decimal fractions of a column are spelled; values are mantissas: `value × 10^-scale`.
package struct DecimalFormat: Sendable, Equatable {
    package enum Style: UInt8, Sendable {
        /// Always `scale` digits behind the point.
        case fixed = 0
        /// No trailing zeros, but one digit behind the point: `0.5`, `2.0`.
        case point = 1
        /// No trailing zeros and then no point: `0.5`, `2`.
        case short = 2
    }

    /// 1 … 17.
    package let scale: Int
    package let style: Style

    /// nil when out of bounds.
    package init?(scale: Int, style: Int) {
        guard (1...17).contains(scale), let style = UInt8(exactly: style).flatMap(Style.init(rawValue:)) else { return nil }
        self.scale = scale
        self.style = style
    }
}
