import Glibc

/// LZ4 frames, as clients of OpenTelemetry may send them (format: "LZ4 Frame format description" 1.6, "LZ4 Block Format").
///
/// ```
/// magic(4) flags(1) block size(1) [content size(8)] [dictionary(4)] check(1)
/// { size(4), high bit: stored as it is | bytes | [xxh32(4)] } … 0(4) [xxh32 of the content(4)]
/// ```
/// A block is a row of sequences: literals, then a copy of what stands up to 64 KiB before, within the block where blocks
/// are independent, else within the frame. Every length and distance is checked before it is used.
extension CappedReader {
    /// Appends what the LZ4 frames in `body` hold. Frames one behind the other are read as one, skippable ones are
    /// skipped; frames that need a dictionary are refused. Linear in input and output.
    package static func lz4(_ body: ByteView, limit: Int, into out: ByteArena) throws(InflateError) {
        let start = out.count
        var reader = LZ4Reader(ByteReader(body), out: out, room: start + limit, limit: limit)
        do throws(InflateError) {
            repeat { try reader.frame() } while !reader.isAtEnd
        } catch {
            out.truncate(to: start)
            throw error
        }
    }
}

private struct LZ4Reader {
    private var input: ByteReader
    private let out: ByteArena
    /// Size of `out` that must not be passed.
    private let room: Int
    private let limit: Int

    init(_ input: ByteReader, out: ByteArena, room: Int, limit: Int) {
        self.input = input
        self.out = out
        self.room = room
        self.limit = limit
    }

    var isAtEnd: Bool { input.isAtEnd }

    private static let magic: UInt32 = 0x184D_2204
    /// Sixteen magic numbers, of frames that are not for us.
    private static let skippable: UInt32 = 0x184D_2A50

    private func damaged(_ words: String) -> InflateError { .damaged("lz4: \(words)") }

    private mutating func read<Value>(_ body: (inout ByteReader) throws(DecodeError) -> Value) throws(InflateError)
        -> Value
    {
        do throws(DecodeError) { return try body(&input) } catch { throw damaged("the stream ends early") }
    }

    private mutating func word() throws(InflateError) -> UInt32 {
        try read { (reader) throws(DecodeError) in try reader.littleEndian(UInt32.self) }
    }

    mutating func frame() throws(InflateError) {
        let first = try word()
        if first & ~0xF == Self.skippable {
            let size = Int(try word())
            _ = try read { (reader) throws(DecodeError) in try reader.bytes(size) }
            return
        }
        guard first == Self.magic else { throw damaged("not a frame") }
        let head = input.offset
        let flags = try read { (reader) throws(DecodeError) in try reader.byte() }
        let sizes = try read { (reader) throws(DecodeError) in try reader.byte() }
        guard flags >> 6 == 1, flags & 0b10 == 0, sizes & 0x8F == 0, sizes >> 4 >= 4 else {
            throw damaged("unknown kind of frame")
        }
        // The content size says nothing that is believed.
        if flags & 0b1000 != 0 { _ = try read { (reader) throws(DecodeError) in try reader.bytes(8) } }
        guard flags & 1 == 0 else { throw damaged("the frame needs a dictionary") }
        let check = XXH32.of(input.view[head..<input.offset])
        guard try read({ (reader) throws(DecodeError) in try reader.byte() }) == UInt8(truncatingIfNeeded: check >> 8) else {
            throw damaged("the head is damaged")
        }
        let blockMax = 1 << (8 + 2 * Int(sizes >> 4))
        let begin = out.count
        while true {
            let size = try word()
            if size == 0 { break }
            let length = Int(size & 0x7FFF_FFFF)
            guard length <= blockMax else { throw damaged("a block is too large") }
            let block = try read { (reader) throws(DecodeError) in try reader.bytes(length) }
            if flags & 0b1_0000 != 0, XXH32.of(block) != (try word()) { throw damaged("a block is damaged") }
            if size >> 31 == 1 {
                try take(length)
                out.append(block)
            } else {
                let from = out.count
                try decode(block, window: flags & 0b10_0000 != 0 ? from : begin)
                guard out.count - from <= blockMax else { throw damaged("a block is too large") }
            }
        }
        if flags & 0b100 != 0, XXH32.of(out.view[begin..<out.count]) != (try word()) {
            throw damaged("the content is damaged")
        }
    }

    /// Whether `length` bytes more are allowed.
    private func take(_ length: Int) throws(InflateError) {
        guard length <= room - out.count else { throw .tooLarge(limit: limit) }
    }

    /// `window`: where in `out` copies may begin.
    private func decode(_ block: ByteView, window: Int) throws(InflateError) {
        var at = 0
        func byte() throws(InflateError) -> UInt8 {
            guard at < block.count else { throw damaged("a block ends early") }
            defer { at += 1 }
            return block[at]
        }
        /// Lengths of 15 and more go on in bytes, up to the first that is not 255.
        func length(_ nibble: UInt8) throws(InflateError) -> Int {
            var length = Int(nibble)
            guard nibble == 15 else { return length }
            while true {
                let more = try byte()
                length += Int(more)
                if more < 255 { return length }
            }
        }
        while true {
            let token = try byte()
            let literals = try length(token >> 4)
            guard literals <= block.count - at else { throw damaged("a block ends early") }
            try take(literals)
            out.append(block[at..<at + literals])
            at += literals
            // The last sequence has no copy.
            if at == block.count { return }
            let distance = Int(try byte()) | Int(try byte()) << 8
            let count = try length(token & 15) + 4
            guard distance > 0, distance <= out.count - window else { throw damaged("a copy of what is not there") }
            try take(count)
            out.append(copyOf: count, from: out.count - distance)
        }
    }
}

extension ByteArena {
    /// Appends `count` bytes of the contents from `start`. It may reach into what it appends: then those repeat.
    fileprivate func append(copyOf count: Int, from start: Int) {
        precondition(start >= 0 && start < self.count && count >= 0)
        let distance = self.count - start
        // The closure sees the contents where they are after making room.
        appendUnsafe(capacity: count) { room in
            guard let to = room.baseAddress else { return 0 }
            var done = 0
            while done < count {
                // What has been copied can be copied from, so each turn does twice as much.
                let part = min(distance + done, count - done)
                unsafe memcpy(to + done, to - distance, part)
                done += part
            }
            return count
        }
    }
}

/// The 32-bit hash of xxHash 0, as LZ4's frames have it. (Our own formats use `XXH3`.)
enum XXH32 {
    private static let primes: (UInt32, UInt32, UInt32, UInt32, UInt32) = (
        0x9E37_79B1, 0x85EB_CA77, 0xC2B2_AE3D, 0x27D4_EB2F, 0x1656_67B1
    )

    /// Seed 0. All arithmetic is modulo 2³².
    static func of(_ bytes: ByteView) -> UInt32 {
        func turn(_ value: UInt32, _ by: UInt32) -> UInt32 { value << by | value >> (32 - by) }
        func word(_ at: Int) -> UInt32 {
            UInt32(bytes[at]) | UInt32(bytes[at + 1]) << 8 | UInt32(bytes[at + 2]) << 16 | UInt32(bytes[at + 3]) << 24
        }
        func round(_ lane: UInt32, _ at: Int) -> UInt32 { turn(lane &+ word(at) &* primes.1, 13) &* primes.0 }
        var at = 0
        var hash = primes.4
        if bytes.count >= 16 {
            var (a, b, c, d) = (primes.0 &+ primes.1, primes.1, UInt32(0), 0 &- primes.0)
            while at + 16 <= bytes.count {
                a = round(a, at)
                b = round(b, at + 4)
                c = round(c, at + 8)
                d = round(d, at + 12)
                at += 16
            }
            hash = turn(a, 1) &+ turn(b, 7) &+ turn(c, 12) &+ turn(d, 18)
        }
        hash = hash &+ UInt32(truncatingIfNeeded: bytes.count)
        while at + 4 <= bytes.count {
            hash = turn(hash &+ word(at) &* primes.2, 17) &* primes.3
            at += 4
        }
        while at < bytes.count {
            hash = turn(hash &+ UInt32(bytes[at]) &* primes.4, 11) &* primes.0
            at += 1
        }
        hash = (hash ^ hash >> 15) &* primes.1
        hash = (hash ^ hash >> 13) &* primes.2
        return hash ^ hash >> 16
    }
}
