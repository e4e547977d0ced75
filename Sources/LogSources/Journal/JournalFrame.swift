import Bytes

/// What the helper process says on its standard output.
///
/// ```
/// frame    length u32 (of what follows), kind u8, body
/// entry    cursor, realtime u64, count of fields, then name and value of each   (strings and counts with varints)
/// end      the entry that was the last at start has been sent: nothing follows
/// lost     the cursor was not found; reading goes on behind it by number and time
/// failure  text: what is wrong, after which the process ends
/// alive    nothing is new: said about once a second, so that a reader that hangs is noticed
/// ```
enum JournalFrame: Equatable {
    case entry(JournalEntry)
    case end
    case lost
    case failure(String)
    case alive

    /// Largest frame, bytes. A helper that says more than it is broken.
    static let sizeMax = 160 << 20

    func encode(into out: ByteArena) {
        let start = out.count
        out.append(littleEndian: UInt32(0))
        switch self {
        case .entry(let entry):
            out.append(UInt8(1))
            out.append(prefixed: entry.cursor)
            out.append(littleEndian: entry.realtime)
            out.append(varint: UInt64(entry.fields.count))
            for field in entry.fields {
                out.append(prefixed: field.name)
                out.append(prefixed: field.value)
            }
        case .end: out.append(UInt8(2))
        case .lost: out.append(UInt8(3))
        case .failure(let text):
            out.append(UInt8(4))
            out.append(prefixed: ByteString(text))
        case .alive: out.append(UInt8(5))
        }
        out.store(littleEndian: UInt32(truncatingIfNeeded: out.count - start - 4), at: start)
    }

    /// The frame at the front of `bytes` and how long it is; nil when it is not complete yet.
    static func decode(_ bytes: ByteView) throws(DecodeError) -> (frame: JournalFrame, length: Int)? {
        guard bytes.count >= 4 else { return nil }
        var head = ByteReader(bytes)
        let length = Int(try head.littleEndian(UInt32.self))
        guard length >= 1, length <= sizeMax else { throw DecodeError("a frame of \(length) bytes") }
        guard bytes.count >= 4 + length else { return nil }
        var body = ByteReader(bytes[4..<4 + length])
        let frame: JournalFrame
        switch try body.byte() {
        case 1:
            let cursor = ByteString(try body.prefixed())
            let realtime = try body.littleEndian(UInt64.self)
            let count = try body.count()
            var fields: [JournalEntry.Field] = []
            fields.reserveCapacity(min(count, 64))
            for _ in 0..<count {
                let name = ByteString(try body.prefixed())
                fields.append(JournalEntry.Field(name: name, value: ByteString(try body.prefixed())))
            }
            frame = .entry(JournalEntry(cursor: cursor, realtime: realtime, fields: fields))
        case 2: frame = .end
        case 3: frame = .lost
        case 4: frame = .failure(try body.prefixed().string)
        case 5: frame = .alive
        case let kind: throw DecodeError("unknown frame \(kind)")
        }
        guard body.isAtEnd else { throw DecodeError("a frame with \(body.remaining) bytes too many", at: body.offset) }
        return (frame, 4 + length)
    }
}
