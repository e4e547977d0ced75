import CKernels

/// Says of a value that it is surely not among some others, in 10.5 bits for each of them; wrong in one of a hundred
/// cases where it says that it may be.
package enum ValueFilter {
    /// Appends the filter of the values. O(bytes).
    package static func append(_ values: ValueList, to out: ByteArena) {
        let size = tr_filter_bytes(values.count)
        out.appendUnsafe(capacity: size) { room in
            room.initializeMemory(as: UInt8.self, repeating: 0)
            tr_filter_insert(
                room.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self),
                size,
                values.base,
                values.spans,
                values.count
            )
            return size
        }
    }

    package static func mayHold(_ value: ByteView, _ filter: ByteView) -> Bool {
        filter.withUnsafeBytes { bytes in
            value.withUnsafeBytes { key in
                tr_filter_contains(
                    bytes.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self),
                    bytes.count,
                    key.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self),
                    key.count
                ) != 0
            }
        }
    }
}
