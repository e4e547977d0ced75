import CKernels

/// Integers in blocks of 1,024, each packed at the width of its own range or of its own steps. Any stretch is read
/// without the blocks around it, though their heads are walked.
package enum IntegerBlocks {
    package static func pack(_ values: [Int64], into out: ByteArena) {
        guard !values.isEmpty else { return }
        out.appendUnsafe(capacity: tr_pack_bound(values.count)) { room in
            tr_pack_integers(
                values,
                values.count,
                room.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self)
            )
        }
    }

    /// Values `range` of `count`.
    package static func unpack(_ bytes: ByteView, count: Int, range: Range<Int>) throws(DecodeError) -> [Int64] {
        guard range.lowerBound >= 0, range.upperBound <= count else { throw DecodeError("numbers outside their column") }
        var isGood = true
        let values = [Int64](unsafeUninitializedCapacity: range.count) { room, filled in
            if range.isEmpty { return }
            bytes.withUnsafeBytes { source in
                isGood =
                    tr_unpack_integers(
                        source.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self),
                        source.count,
                        count,
                        range.lowerBound,
                        range.upperBound,
                        room.baseAddress.unsafelyUnwrapped
                    ) == 0
            }
            filled = isGood ? range.count : 0
        }
        guard isGood else { throw DecodeError("a column of numbers is damaged") }
        return values
    }
}
