import Bytes

/// Codes of rows – dictionary entries, templates, types – in whichever form is smallest.
enum CodeColumn {
    enum Form: UInt8 {
        /// One code for all.
        case same = 0
        /// Code and number of repeats, varints.
        case runs = 1
        case packed = 2
        /// One byte a code: for the entropy coder of the codec.
        case bytes = 3
    }

    /// Appends the codes. Returns whether a codec may make them smaller. O(count).
    static func encode(_ codes: [UInt32], into out: ByteArena) -> Bool {
        let runs = ValueDictionary.runs(codes)
        if runs <= 1 {
            out.append(Form.same.rawValue)
            out.append(varint: UInt64(codes.first ?? 0))
            return false
        }
        var most: UInt32 = 0
        for code in codes { most = max(most, code) }
        let width = 32 - most.leadingZeroBitCount
        // A run takes some three bytes.
        if runs * 3 * 8 < codes.count * width {
            out.append(Form.runs.rawValue)
            var at = 0
            while at < codes.count {
                var end = at + 1
                while end < codes.count, codes[end] == codes[at] { end += 1 }
                out.append(varint: UInt64(codes[at]))
                out.append(varint: UInt64(end - at))
                at = end
            }
            return true
        }
        if most < 256 {
            out.append(Form.bytes.rawValue)
            out.reserve(codes.count)
            for code in codes { out.append(UInt8(truncatingIfNeeded: code)) }
            return true
        }
        out.append(Form.packed.rawValue)
        IntegerBlocks.pack(codes.map { Int64($0) }, into: out)
        return false
    }

    /// Codes `range` of `count`, each below `limit`.
    static func decode(_ view: ByteView, count: Int, range: Range<Int>, limit: Int) throws(DecodeError) -> [UInt32] {
        var reader = ByteReader(view)
        guard let form = Form(rawValue: try reader.byte()) else { throw DecodeError("unknown form of codes") }
        guard range.lowerBound >= 0, range.upperBound <= count else { throw DecodeError("codes outside their column") }
        func checked(_ code: UInt64) throws(DecodeError) -> UInt32 {
            guard code < UInt64(limit) else { throw DecodeError("code \(code) of \(limit)") }
            return UInt32(code)
        }
        switch form {
        case .same: return [UInt32](repeating: try checked(try reader.varint()), count: range.count)
        case .runs:
            guard let codes = RowCodes.repeated(view.suffix(from: 1), count: count, range: range, limit: limit) else {
                throw DecodeError("runs of codes do not make their column")
            }
            return codes
        case .packed:
            let values = try IntegerBlocks.unpack(view.suffix(from: 1), count: count, range: range)
            guard let codes = RowCodes.narrowed(values, limit: limit) else { throw DecodeError("a code of more than \(limit)") }
            return codes
        case .bytes:
            guard view.count - 1 == count else { throw DecodeError("codes and rows differ") }
            guard let codes = RowCodes.widened(view[1 + range.lowerBound..<1 + range.upperBound], limit: limit) else {
                throw DecodeError("a code of more than \(limit)")
            }
            return codes
        }
    }
}
