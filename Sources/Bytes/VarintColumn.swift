import CKernels

/// Runs of varints, decoded at once: time and length columns, where one call a value would cost more than the value.
package enum VarintColumn {
    /// Appends `count` LEB128 values that begin at `offset` of `view` to `out`; returns the offset behind them.
    package static func decode(
        _ view: ByteView,
        from offset: Int,
        count: Int,
        into out: inout [UInt64]
    ) throws(DecodeError) -> Int {
        guard offset >= 0, offset <= view.count, count >= 0, count <= view.count - offset else {
            throw DecodeError("column ends early", at: offset)
        }
        out.reserveCapacity(out.count + count)
        let base = view.base
        let end = view.count
        var at = offset
        for _ in 0..<count {
            // Every load is behind a check against `end`.
            guard at < end else { throw DecodeError("column ends early", at: at) }
            var byte = unsafe base.load(fromByteOffset: at, as: UInt8.self)
            at += 1
            var value = UInt64(byte & 0x7F)
            var shift: UInt64 = 7
            while byte >= 0x80 {
                guard at < end, shift < 64 else { throw DecodeError("bad varint in a column", at: at) }
                byte = unsafe base.load(fromByteOffset: at, as: UInt8.self)
                at += 1
                if shift == 63, byte > 1 { throw DecodeError("bad varint in a column", at: at) }
                value |= UInt64(byte & 0x7F) << shift
                shift += 7
            }
            out.append(value)
        }
        return at
    }

    /// Appends `count` times to `out`: `first`, then each a step of a LEB128 number of `unit`s behind the one before.
    /// Returns the offset behind the bytes read, which begin at `offset` of `view`.
    package static func decodeTimes(
        _ view: ByteView,
        from offset: Int,
        count: Int,
        first: Int64,
        unit: Int64,
        into out: inout [Int64]
    ) throws(DecodeError) -> Int {
        guard count > 0, offset >= 0, offset <= view.count, count - 1 <= view.count - offset else {
            throw DecodeError("column ends early", at: offset)
        }
        var read: Int64 = 0
        out += [Int64](unsafeUninitializedCapacity: count) { room, filled in
            guard let start = room.baseAddress else { return }
            read = view.suffix(from: offset).withUnsafeBytes { source in
                source.baseAddress.map {
                    tr_unpack_steps($0.assumingMemoryBound(to: UInt8.self), source.count, count, first, unit, start)
                } ?? -1
            }
            filled = read < 0 ? 0 : count
        }
        guard read >= 0 else { throw DecodeError("bad varint in a column", at: offset) }
        return offset + Int(read)
    }
}
