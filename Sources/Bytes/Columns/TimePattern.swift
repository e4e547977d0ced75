import CKernels

/// How the times of a column are spelled: `YYYY-MM-DD?hh:mm:ss`, a fraction, a suffix such as `Z`.
package struct TimePattern: Sendable {
    var raw: tr_time_pattern

    init(raw: tr_time_pattern) { self.raw = raw }

    /// Bytes of a time.
    package var length: Int { withUnsafePointer(to: raw) { tr_time_length($0) } }

    /// Bytes that occur in times.
    package var charset: ByteSet {
        var set = ByteSet.digits
        for byte in [raw.separator, 0x2D, 0x3A] { set.insert(byte) }
        if raw.digits > 0 { set.insert(raw.mark) }
        withUnsafeBytes(of: raw.suffix) { for i in 0..<Int(raw.suffix_length) { set.insert($0[i]) } }
        return set
    }

    package func encode(into out: ByteArena) {
        out.append(raw.separator)
        out.append(raw.mark)
        out.append(raw.digits)
        out.append(raw.suffix_length)
        withUnsafeBytes(of: raw.suffix) { out.append(ByteView(unsafe: $0)) }
    }

    package static func decode(_ reader: inout ByteReader) throws(DecodeError) -> TimePattern {
        var raw = tr_time_pattern()
        raw.separator = try reader.byte()
        raw.mark = try reader.byte()
        raw.digits = try reader.byte()
        raw.suffix_length = try reader.byte()
        let suffix = try reader.bytes(8)
        guard raw.digits <= 9, raw.suffix_length <= 8 else { throw DecodeError("bad time pattern", at: reader.offset) }
        withUnsafeMutableBytes(of: &raw.suffix) { room in
            for i in 0..<8 { room[i] = suffix[i] }
        }
        return TimePattern(raw: raw)
    }
}
