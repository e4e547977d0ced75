/// Why bytes from outside could not be decoded. `offset` counts from the start of the view that was read.
package struct DecodeError: Error, Equatable, CustomStringConvertible {
    package var message: String
    package var offset: Int

    package init(_ message: String, at offset: Int = 0) {
        self.message = message
        self.offset = offset
    }

    package var description: String { "\(message) (at byte \(offset))" }
}

/// Reads foreign bytes from front to back; what is missing is an error, never a trap.
package struct ByteReader {
    package let view: ByteView
    package private(set) var offset: Int

    package init(_ view: ByteView) {
        self.view = view
        offset = 0
    }

    package var remaining: Int { view.count - offset }
    package var isAtEnd: Bool { offset >= view.count }

    package mutating func byte() throws(DecodeError) -> UInt8 {
        guard offset < view.count else { throw DecodeError("unexpected end", at: offset) }
        defer { offset += 1 }
        return view[offset]
    }

    package mutating func littleEndian<T: FixedWidthInteger>(_: T.Type = T.self) throws(DecodeError) -> T {
        let size = MemoryLayout<T>.size
        guard remaining >= size else { throw DecodeError("unexpected end", at: offset) }
        let value = view.withUnsafeBytes { unsafe $0.loadUnaligned(fromByteOffset: offset, as: T.self) }
        offset += size
        return T(littleEndian: value)
    }

    package mutating func varint() throws(DecodeError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        let start = offset
        while true {
            let next = try byte()
            if shift == 63, next > 1 { throw DecodeError("varint longer than 64 bits", at: start) }
            value |= UInt64(next & 0x7F) << shift
            if next < 0x80 { return value }
            shift += 7
            if shift > 63 { throw DecodeError("varint longer than 64 bits", at: start) }
        }
    }

    package mutating func signedVarint() throws(DecodeError) -> Int64 {
        let raw = try varint()
        return Int64(bitPattern: (raw >> 1) ^ (0 &- (raw & 1)))
    }

    /// A varint that counts bytes or items of at least one byte each: more than what is left is a lie.
    package mutating func count() throws(DecodeError) -> Int {
        let start = offset
        let value = try varint()
        guard value <= UInt64(remaining) else { throw DecodeError("length \(value) reaches past the end", at: start) }
        return Int(value)
    }

    package mutating func bytes(_ length: Int) throws(DecodeError) -> ByteView {
        guard length >= 0, length <= remaining else { throw DecodeError("unexpected end", at: offset) }
        defer { offset += length }
        return view[offset..<offset + length]
    }

    /// Length as a varint, then that many bytes.
    package mutating func prefixed() throws(DecodeError) -> ByteView { try bytes(try count()) }

    package mutating func seek(to position: Int) throws(DecodeError) {
        guard position >= 0, position <= view.count else { throw DecodeError("seek outside", at: position) }
        offset = position
    }
}
