import CKernels

/// Rows sorted into groups by a code, and what is done with the values of a group: the loops of range aggregations over
/// columns. Buffers are kept from call to call. For one thread.
package struct RowLists {
    package private(set) var rows: [UInt32] = []
    private var ends: [UInt32] = []

    package init() {}

    /// Lists the rows of `range` whose bit is set in `words`. O(range).
    package mutating func list(_ words: [UInt64], _ range: Range<Int>) {
        precondition(range.lowerBound >= 0 && (range.upperBound + 63) / 64 <= words.count)
        rows = [UInt32](unsafeUninitializedCapacity: range.count) { room, filled in
            filled = range.isEmpty ? 0 : tr_rows_of(words, range.lowerBound, range.upperBound, room.baseAddress.unsafelyUnwrapped)
        }
    }

    /// Sorts those rows by their code, then calls `body` with each code below `width` that occurs and the places of its
    /// rows in `rows`. False when a code is not below `width`. O(range + width).
    package mutating func sort(
        _ words: [UInt64],
        _ range: Range<Int>,
        by codes: [UInt32],
        width: Int
    ) -> [(code: Int, places: Range<Int>)]? {
        precondition(range.lowerBound >= 0 && range.upperBound <= codes.count && (range.upperBound + 63) / 64 <= words.count)
        if range.isEmpty { return [] }
        if ends.count < width { ends = [UInt32](repeating: 0, count: width) }
        var status: Int32 = 0
        rows = [UInt32](unsafeUninitializedCapacity: range.count) { room, filled in
            status = tr_rows_by_code(
                codes, words, range.lowerBound, range.upperBound, width, &ends, room.baseAddress.unsafelyUnwrapped)
            filled = status == 0 && width > 0 ? Int(ends[width - 1]) : 0
        }
        return status == 0 ? groups(width) : nil
    }

    /// As `sort`, but only counts the rows.
    package mutating func count(
        _ words: [UInt64],
        _ range: Range<Int>,
        by codes: [UInt32],
        width: Int
    ) -> [(code: Int, places: Range<Int>)]? {
        precondition(range.lowerBound >= 0 && range.upperBound <= codes.count && (range.upperBound + 63) / 64 <= words.count)
        if range.isEmpty { return [] }
        if ends.count < width { ends = [UInt32](repeating: 0, count: width) }
        guard tr_rows_by_code(codes, words, range.lowerBound, range.upperBound, width, &ends, nil) == 0 else { return nil }
        return groups(width)
    }

    private func groups(_ width: Int) -> [(code: Int, places: Range<Int>)] {
        var result: [(code: Int, places: Range<Int>)] = []
        var from = 0
        for code in 0..<width {
            let end = Int(ends[code])
            if end > from { result.append((code, from..<end)) }
            from = end
        }
        return result
    }

    /// The values of some of the listed rows.
    package func gather(_ values: [Double], _ places: Range<Int>) -> [Double] {
        precondition(places.lowerBound >= 0 && places.upperBound <= rows.count)
        precondition(places.isEmpty || rows[places].allSatisfy { Int($0) < values.count })
        return [Double](unsafeUninitializedCapacity: places.count) { room, filled in
            if places.isEmpty { return }
            rows.withUnsafeBufferPointer { rows in
                tr_gather_doubles(
                    values,
                    rows.baseAddress.unsafelyUnwrapped + places.lowerBound,
                    places.count,
                    room.baseAddress.unsafelyUnwrapped
                )
            }
            filled = places.count
        }
    }
}

/// Arithmetic over columns of doubles.
package enum Doubles {
    /// In eight sums side by side: not to the last bit what adding in order gives.
    package static func sum(_ values: ArraySlice<Double>) -> Double {
        values.withUnsafeBufferPointer { $0.isEmpty ? 0 : tr_sum_doubles($0.baseAddress.unsafelyUnwrapped, $0.count) }
    }

    /// The k-th smallest, NaN being the least, and the one behind it, or itself where it is the last. Values are
    /// reordered. O(count) on average.
    package static func select(_ k: Int, _ values: inout [Double]) -> (value: Double, next: Double) {
        precondition(k >= 0 && k < values.count)
        var next = 0.0
        let count = values.count
        let value = values.withUnsafeMutableBufferPointer {
            tr_select_double($0.baseAddress.unsafelyUnwrapped, count, k, &next)
        }
        return (value, next)
    }

    /// Each value over the divisor.
    package static func scaled(_ values: [Int64], by divisor: Double) -> [Double] {
        [Double](unsafeUninitializedCapacity: values.count) { room, filled in
            if values.isEmpty { return }
            tr_scale_integers(values, values.count, divisor, room.baseAddress.unsafelyUnwrapped)
            filled = values.count
        }
    }
}
