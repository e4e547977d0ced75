import CKernels

/// Sets of rows as words of 64 bits, and columns of the rows that have a value. O(rows) each, by kernels.
package enum RowBits {
    /// The words of each code in turn; nil when a code is not below `width`.
    package static func byCode(_ codes: [UInt32], width: Int) -> [UInt64]? {
        if width == 0, !codes.isEmpty { return nil }
        let words = (codes.count + 63) / 64
        var isGood = true
        let bits = [UInt64](unsafeUninitializedCapacity: words * width) { room, filled in
            guard let base = room.baseAddress, words * width > 0 else { return }
            isGood = tr_bits_by_code(codes, codes.count, width, base) == 0
            filled = words * width
        }
        return isGood ? bits : nil
    }

    /// Rows whose code is marked in `wanted` by a 1, others being 0; nil when a code is outside of it.
    package static func pick(_ codes: [UInt32], _ wanted: [UInt8]) -> [UInt64]? {
        var isGood = true
        let words = (codes.count + 63) / 64
        let bits = [UInt64](unsafeUninitializedCapacity: words) { room, filled in
            guard let base = room.baseAddress, words > 0 else { return }
            isGood = tr_pick_codes(codes, codes.count, wanted, wanted.count, base) == 0
            filled = words
        }
        return isGood ? bits : nil
    }

    package enum Comparison: Int32, Sendable {
        case equal = 0
        case notEqual = 1
        case greater = 2
        case greaterOrEqual = 3
        case less = 4
        case lessOrEqual = 5
    }

    /// Values of which the comparison with `number` holds.
    package static func compare(_ values: [Double], _ op: Comparison, _ number: Double) -> [UInt64] {
        let words = (values.count + 63) / 64
        return [UInt64](unsafeUninitializedCapacity: words) { room, filled in
            guard let base = room.baseAddress, words > 0 else { return }
            tr_compare_doubles(values, values.count, op.rawValue, number, base)
            filled = words
        }
    }

    /// From values to rows: bit k of `values` goes to the k-th row of `present`.
    package static func spread(_ values: [UInt64], over present: [UInt64]) -> [UInt64] {
        [UInt64](unsafeUninitializedCapacity: present.count) { room, filled in
            guard let base = room.baseAddress, !present.isEmpty else { return }
            tr_spread_bits(values, values.count, present, present.count, base)
            filled = present.count
        }
    }

    /// A value for each of `rows` rows, 0 where it has none; nil when there are not as many values as rows in `present`.
    package static func expand(_ values: [Double], over present: [UInt64], rows: Int) -> [Double]? {
        precondition(present.count == (rows + 63) / 64)
        var isGood = values.isEmpty || rows > 0
        let result = [Double](unsafeUninitializedCapacity: rows) { room, filled in
            guard let base = room.baseAddress, rows > 0 else { return }
            isGood = tr_expand_doubles(values, values.count, present, rows, base) == 0
            filled = isGood ? rows : 0
        }
        return isGood ? result : nil
    }

    package static func expand(_ codes: [UInt32], over present: [UInt64], rows: Int) -> [UInt32]? {
        precondition(present.count == (rows + 63) / 64)
        var isGood = codes.isEmpty || rows > 0
        let result = [UInt32](unsafeUninitializedCapacity: rows) { room, filled in
            guard let base = room.baseAddress, rows > 0 else { return }
            isGood = tr_expand_codes(codes, codes.count, present, rows, base) == 0
            filled = isGood ? rows : 0
        }
        return isGood ? result : nil
    }

    /// Adds (own + 1) × base to the code of each row that is present.
    package static func combine(_ codes: inout [UInt32], _ own: [UInt32], over present: [UInt64], base: UInt32) {
        precondition(own.count == codes.count && present.count == (codes.count + 63) / 64)
        let count = codes.count
        if count > 0 { tr_combine_codes(&codes, own, present, count, base) }
    }
}

/// Codes of rows, as they are stored, to 32 bits each. nil when a code is not below `limit`.
package enum RowCodes {
    package static func widened(_ bytes: ByteView, limit: Int) -> [UInt32]? {
        made(bytes.count) { out in
            bytes.withUnsafeBytes { source in
                source.baseAddress.map {
                    tr_widen_codes($0.assumingMemoryBound(to: UInt8.self), source.count, limit, out)
                } ?? 0
            }
        }
    }

    package static func narrowed(_ values: [Int64], limit: Int) -> [UInt32]? {
        made(values.count) { tr_narrow_codes(values, values.count, limit, $0) }
    }

    /// Codes `range` of `count` from pairs of a code and its repeats, varints.
    package static func repeated(_ bytes: ByteView, count: Int, range: Range<Int>, limit: Int) -> [UInt32]? {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        return made(range.count) { out in
            bytes.withUnsafeBytes { source in
                source.baseAddress.map {
                    tr_unpack_runs(
                        $0.assumingMemoryBound(to: UInt8.self), source.count, count, range.lowerBound, range.upperBound,
                        limit, out)
                } ?? -1
            }
        }
    }

    private static func made(_ count: Int, _ body: (UnsafeMutablePointer<UInt32>) -> Int32) -> [UInt32]? {
        var isGood = true
        let result = [UInt32](unsafeUninitializedCapacity: count) { room, filled in
            guard let base = room.baseAddress, count > 0 else { return }
            isGood = body(base) == 0
            filled = isGood ? count : 0
        }
        return isGood ? result : nil
    }
}
