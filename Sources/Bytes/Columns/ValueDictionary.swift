import CKernels

/// Distinct values of a column, numbered in the order of first sight. Grows up to a number of entries and bytes.
package final class ValueDictionary {
    private let raw: OpaquePointer
    /// Entries that were there when the last list was taken in.
    package var count: Int { tr_dictionary_count(raw) }

    package init(entriesMax: Int, bytesMax: Int) {
        guard let raw = tr_dictionary_new(entriesMax, bytesMax) else { fatalOutOfMemory(bytesMax) }
        self.raw = raw
    }

    deinit { tr_dictionary_free(raw) }

    /// The code of each value, new ones added. Nil, and nothing added, when that goes over the limits or more than
    /// `freshMax` values are new. O(bytes).
    package func encode(_ values: ValueList, freshMax: Int) -> [UInt32]? {
        var fits = false
        let codes = [UInt32](unsafeUninitializedCapacity: values.count) { room, filled in
            guard let start = room.baseAddress, values.count > 0 else { return }
            fits = tr_dictionary_encode(raw, values.base, values.spans, values.count, freshMax, start) != 0
            filled = fits ? values.count : 0
        }
        return fits ? codes : nil
    }

    /// Bytes of all entries.
    package var byteCount: Int {
        var size = 0
        _ = tr_dictionary_bytes(raw, &size)
        return size
    }

    /// The entries. Valid until the next `encode`.
    package var entries: ValueList {
        var size = 0
        return ValueList(unsafe: tr_dictionary_bytes(raw, &size), spans: tr_dictionary_spans(raw), count: count)
    }

    /// Runs of equal codes.
    package static func runs(_ codes: [UInt32]) -> Int { tr_count_runs(codes, codes.count) }
}
