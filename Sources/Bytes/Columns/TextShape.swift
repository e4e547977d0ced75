import CKernels

/// Values of one length of which each position is constant or drawn from a small alphabet: ids, hashes, UUIDs. Packed at
/// 4 bits a hexadecimal digit, 6 bits a letter or digit.
package struct TextShape: Sendable {
    private var raw: tr_shape

    /// nil unless all values have one shape. O(bytes).
    package init?(_ values: ValueList) {
        raw = tr_shape()
        guard tr_find_shape(values.base, values.spans, values.count, &raw) != 0 else { return nil }
    }

    /// Bits of what varies in a value.
    package var bits: Int { Int(raw.bits) }
    /// Bytes of a value.
    package var length: Int { Int(raw.length) }
    /// Bytes of a packed value.
    package var stride: Int { Int(raw.stride) }

    /// Whether a byte can occur in a value.
    package var charset: ByteSet {
        var result = ByteSet()
        withUnsafeBytes(of: raw.constant) { constants in
            withUnsafeBytes(of: raw.kind) { kinds in
                for i in 0..<length {
                    switch Int(kinds[i]) {
                    case Int(TR_CLASS_CONSTANT): result.insert(constants[i])
                    case Int(TR_CLASS_HEX): result.formUnion(.hexadecimal)
                    case Int(TR_CLASS_HEX_UPPER): result.formUnion(.upperHexadecimal)
                    default: result.formUnion(.word)
                    }
                }
            }
        }
        return result
    }

    package func pack(_ values: ValueList, into out: ByteArena) {
        out.appendUnsafe(capacity: values.count * stride + 8) { room in
            withUnsafePointer(to: raw) {
                tr_pack_shape(
                    values.base,
                    values.spans,
                    values.count,
                    $0,
                    room.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self)
                )
            }
            return values.count * stride
        }
    }

    /// The values of packed bytes, `stride` for each.
    package func unpack(_ packed: ByteView, count: Int) -> ValueBuffer? {
        guard packed.count == count * stride else { return nil }
        let result = ValueBuffer(capacity: 64, values: count)
        let written = packed.withUnsafeBytes { source in
            result.fill(values: count, room: count * length) { out, spans in
                withUnsafePointer(to: raw) {
                    tr_format_shape(
                        source.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self),
                        count,
                        $0,
                        out,
                        spans
                    )
                }
                return count * length
            }
        }
        return written < 0 ? nil : result
    }

    /// Which of the packed values hold the needle where asked, one bit each; nil when `packed` is too short. Each place
    /// where it may stand costs a comparison of up to eight bytes a value.
    package func match(_ needle: ByteView, _ place: NeedlePlace, in packed: ByteView, count: Int) -> [UInt64]? {
        guard packed.count >= count * stride else { return nil }
        var bits = [UInt64](repeating: 0, count: (count + 63) / 64)
        packed.withUnsafeBytes { source in
            needle.withUnsafeBytes { needle in
                guard let values = source.baseAddress, let start = needle.baseAddress, count > 0 else { return }
                withUnsafePointer(to: raw) {
                    tr_match_shape(
                        values.assumingMemoryBound(to: UInt8.self),
                        count,
                        $0,
                        start.assumingMemoryBound(to: UInt8.self),
                        needle.count,
                        place.rawValue,
                        &bits
                    )
                }
            }
        }
        return bits
    }

    package func encode(into out: ByteArena) {
        out.append(varint: UInt64(length))
        withUnsafeBytes(of: raw.constant) { out.append(ByteView(unsafe: $0)[0..<length]) }
        withUnsafeBytes(of: raw.kind) { out.append(ByteView(unsafe: $0)[0..<length]) }
    }

    package init(decoding reader: inout ByteReader) throws(DecodeError) {
        raw = tr_shape()
        let length = try reader.varint()
        guard length > 0, length <= UInt64(TR_SHAPE_MAX) else {
            throw DecodeError("bad shape", at: reader.offset)
        }
        raw.length = UInt32(length)
        let constants = try reader.bytes(Int(length))
        let kinds = try reader.bytes(Int(length))
        withUnsafeMutableBytes(of: &raw.constant) { for i in 0..<Int(length) { $0[i] = constants[i] } }
        withUnsafeMutableBytes(of: &raw.kind) { for i in 0..<Int(length) { $0[i] = kinds[i] } }
        guard tr_check_shape(&raw) != 0 else { throw DecodeError("bad shape", at: reader.offset) }
    }
}
