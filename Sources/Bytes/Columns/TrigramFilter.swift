import CKernels

/// Says of a text that it surely stands in none of some values, by the runs of three bytes that occur in them: at most
/// 32 KiB, less for few, 8 KiB for less than 1 MiB of text. Texts of less than three bytes may stand anywhere.
package enum TrigramFilter {
    /// Appends the filter of the values; false where so many runs occur that it would say little. O(bytes).
    package static func append(_ values: ValueList, to out: ByteArena) -> Bool {
        let start = out.count
        out.appendUnsafe(capacity: Int(TR_TRIGRAMS_MAX)) { room in
            tr_trigrams(
                values.base,
                values.spans,
                values.count,
                room.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self)
            )
        }
        return out.count > start
    }

    /// O(bytes of the text).
    package static func mayHold(_ text: ByteView, _ filter: ByteView) -> Bool {
        if text.isEmpty || filter.isEmpty { return true }
        return filter.withUnsafeBytes { bytes in
            text.withUnsafeBytes { text in
                tr_trigrams_contain(
                    bytes.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self),
                    bytes.count,
                    text.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self),
                    text.count
                ) != 0
            }
        }
    }
}
