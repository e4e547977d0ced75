import CSnappy
import CZlib
import CZstd

/// Codecs of the store's pages. The raw value stands on disk.
package enum Codec: UInt8, Sendable, CaseIterable {
    case none = 0
    case zlib = 1
    case zstd = 2
}

/// One encoder and decoder of pages, with its working memory. One for each thread.
package final class PageCodec {
    private var zstdEncoder: OpaquePointer?
    private var zstdDecoder: OpaquePointer?

    package init() {}

    deinit {
        ZSTD_freeCCtx(zstdEncoder)
        ZSTD_freeDCtx(zstdDecoder)
    }

    /// Appends `page` compressed to `out`. `level` is the codec's own (zstd 1–19, zlib 1–9).
    package func compress(_ page: ByteView, codec: Codec, level: Int32, into out: ByteArena) throws(DecodeError) {
        switch codec {
        case .none: out.append(page)
        case .zstd:
            if zstdEncoder == nil { zstdEncoder = ZSTD_createCCtx() }
            guard let context = zstdEncoder else { throw DecodeError("zstd: no memory") }
            var failure: String?
            out.appendUnsafe(capacity: ZSTD_compressBound(page.count)) { room in
                page.withUnsafeBytes { source in
                    let n = ZSTD_compressCCtx(
                        context, room.baseAddress, room.count, source.baseAddress, source.count, level)
                    if ZSTD_isError(n) != 0 { failure = String(cString: ZSTD_getErrorName(n)) }
                    return failure == nil ? n : 0
                }
            }
            if let failure { throw DecodeError("zstd: \(failure)") }
        case .zlib:
            var failed = false
            out.appendUnsafe(capacity: Int(compressBound(UInt(page.count)))) { room in
                page.withUnsafeBytes { source in
                    var length = uLongf(room.count)
                    let status = compress2(
                        room.baseAddress?.assumingMemoryBound(to: Bytef.self), &length,
                        source.baseAddress?.assumingMemoryBound(to: Bytef.self), uLong(source.count), level)
                    failed = status != Z_OK
                    return failed ? 0 : Int(length)
                }
            }
            if failed { throw DecodeError("zlib: cannot compress") }
        }
    }

    /// Appends the page that `packed` holds, which must decode to exactly `size` bytes.
    package func decompress(
        _ packed: ByteView, codec: Codec, size: Int, into out: ByteArena
    ) throws(DecodeError) {
        guard size >= 0, size <= Self.pageMax else { throw DecodeError("page of \(size) bytes is over the limit") }
        switch codec {
        case .none:
            guard packed.count == size else { throw DecodeError("page has \(packed.count) bytes, expected \(size)") }
            out.append(packed)
        case .zstd:
            if zstdDecoder == nil { zstdDecoder = ZSTD_createDCtx() }
            guard let context = zstdDecoder else { throw DecodeError("zstd: no memory") }
            var written = -1
            out.appendUnsafe(capacity: size) { room in
                packed.withUnsafeBytes { source in
                    let n = ZSTD_decompressDCtx(
                        context, room.baseAddress, room.count, source.baseAddress, source.count)
                    if ZSTD_isError(n) == 0 { written = n }
                    return max(written, 0)
                }
            }
            guard written == size else { throw DecodeError("zstd: damaged page") }
        case .zlib:
            var written = -1
            out.appendUnsafe(capacity: size) { room in
                packed.withUnsafeBytes { source in
                    var length = uLongf(room.count)
                    let status = uncompress(
                        room.baseAddress?.assumingMemoryBound(to: Bytef.self), &length,
                        source.baseAddress?.assumingMemoryBound(to: Bytef.self), uLong(source.count))
                    if status == Z_OK { written = Int(length) }
                    return max(written, 0)
                }
            }
            guard written == size else { throw DecodeError("zlib: damaged page") }
        }
    }

    /// Largest page that is decoded at all, bytes: chosen above the 16 MiB line limit.
    package static let pageMax = 256 << 20
}

/// Why a compressed body was refused.
package enum InflateError: Error, Equatable, Sendable {
    /// It grew past the cap; nothing more was decoded.
    case tooLarge(limit: Int)
    case damaged(String)
}

/// The one door for compressed bodies from outside: output grows step by step and never past the cap.
package enum CappedReader {
    package enum Format: Sendable { case gzip, deflate, zlib }

    /// Appends what `body` holds to `out`. Bytes behind the end of the stream are refused, several gzip members are
    /// read as one, as RFC 1952 says.
    package static func inflate(
        _ body: ByteView, _ format: Format, limit: Int, into out: ByteArena
    ) throws(InflateError) {
        let windowBits: Int32 =
            switch format {
            case .gzip: 15 + 16
            case .deflate: -15
            case .zlib: 15
            }
        var stream = z_stream()
        guard inflateInit2_(&stream, windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw .damaged("no memory")
        }
        defer { inflateEnd(&stream) }
        let start = out.count
        var failure: InflateError?
        body.withUnsafeBytes { source in
            stream.next_in = UnsafeMutablePointer(mutating: source.baseAddress?.assumingMemoryBound(to: Bytef.self))
            var left = source.count
            var done = false
            while !done, failure == nil {
                if stream.avail_in == 0, left > 0 {
                    let chunk = min(left, 1 << 30)
                    stream.avail_in = uInt(chunk)
                    left -= chunk
                }
                let room = min(max(64 << 10, out.count - start), limit - (out.count - start) + 1, 16 << 20)
                if room <= 0 {
                    failure = .tooLarge(limit: limit)
                    break
                }
                var status: Int32 = Z_OK
                out.appendUnsafe(capacity: room) { buffer in
                    stream.next_out = buffer.baseAddress?.assumingMemoryBound(to: Bytef.self)
                    stream.avail_out = uInt(room)
                    status = CZlib.inflate(&stream, Z_NO_FLUSH)
                    return room - Int(stream.avail_out)
                }
                if out.count - start > limit { failure = .tooLarge(limit: limit) }
                switch status {
                case Z_OK: break
                case Z_STREAM_END:
                    let more = Int(stream.avail_in) + left
                    if more == 0 {
                        done = true
                    } else if format == .gzip, inflateReset(&stream) == Z_OK {
                        // The next member; a body that only looks like one fails as damaged.
                    } else {
                        failure = failure ?? .damaged("bytes behind the end of the stream")
                    }
                case Z_BUF_ERROR where stream.avail_in == 0 && left == 0:
                    failure = failure ?? .damaged("the stream ends early")
                case Z_BUF_ERROR: break
                default: failure = failure ?? .damaged(stream.msg.map { String(cString: $0) } ?? "not a stream")
                }
            }
        }
        if let failure {
            out.truncate(to: start)
            throw failure
        }
    }

    /// Window of a zstd stream that is decoded at all, as a power of two. RFC 8878 asks for 8 MiB; 32 MiB are what the
    /// encoders of log shippers use at their highest levels, and what one request may cost beside its body.
    private static let windowLogMax: Int32 = 25

    /// Appends what the zstd frames in `body` hold.
    package static func zstd(_ body: ByteView, limit: Int, into out: ByteArena) throws(InflateError) {
        guard let context = ZSTD_createDCtx() else { throw .damaged("no memory") }
        defer { ZSTD_freeDCtx(context) }
        ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, windowLogMax)
        let start = out.count
        var failure: InflateError?
        body.withUnsafeBytes { source in
            var input = ZSTD_inBuffer(src: source.baseAddress, size: source.count, pos: 0)
            // What the last call asks for: 0 at the end of a frame.
            var hint = 1
            while failure == nil {
                let room = min(max(64 << 10, out.count - start), limit - (out.count - start) + 1, 16 << 20)
                if room <= 0 {
                    failure = .tooLarge(limit: limit)
                    break
                }
                var isFull = false
                out.appendUnsafe(capacity: room) { buffer in
                    var output = ZSTD_outBuffer(dst: buffer.baseAddress, size: room, pos: 0)
                    hint = ZSTD_decompressStream(context, &output, &input)
                    isFull = output.pos == room
                    return output.pos
                }
                if ZSTD_isError(hint) != 0 {
                    failure = .damaged("zstd: \(String(cString: ZSTD_getErrorName(hint)))")
                } else if out.count - start > limit {
                    failure = .tooLarge(limit: limit)
                } else if input.pos == input.size, !isFull {
                    // Everything is read and nothing is held back: the end, if it is one.
                    if hint != 0 { failure = .damaged("the stream ends early") }
                    break
                }
            }
        }
        if let failure {
            out.truncate(to: start)
            throw failure
        }
    }

    /// Appends what the snappy block `body` holds. The declared length is checked against the cap before anything is
    /// allocated, and against 22 times the input, more than which a snappy block can never hold per input byte of copies.
    package static func snappy(_ body: ByteView, limit: Int, into out: ByteArena) throws(InflateError) {
        var declared = 0
        let known = body.withUnsafeBytes { source in
            snappy_uncompressed_length(source.baseAddress?.assumingMemoryBound(to: CChar.self), source.count, &declared)
        }
        guard known == SNAPPY_OK else { throw .damaged("snappy: corrupt input") }
        guard declared <= limit else { throw .tooLarge(limit: limit) }
        // A copy element of 2 bytes yields at most 64: a header that promises more than 32 bytes a byte lies.
        guard declared <= body.count &* 32 &+ 64 else { throw .damaged("snappy: corrupt input") }
        var good = false
        out.appendUnsafe(capacity: max(declared, 1)) { room in
            body.withUnsafeBytes { source in
                var length = room.count
                let status = snappy_uncompress(
                    source.baseAddress?.assumingMemoryBound(to: CChar.self), source.count,
                    room.baseAddress?.assumingMemoryBound(to: CChar.self), &length)
                good = status == SNAPPY_OK && length == declared
                return good ? length : 0
            }
        }
        guard good else { throw .damaged("snappy: corrupt input") }
    }
}

/// Compressed bodies on their way out.
package enum Compressor {
    /// Appends `body` as one snappy block.
    package static func snappy(_ body: ByteView, into out: ByteArena) {
        out.appendUnsafe(capacity: snappy_max_compressed_length(body.count)) { room in
            body.withUnsafeBytes { source in
                var length = room.count
                let status = snappy_compress(
                    source.baseAddress?.assumingMemoryBound(to: CChar.self), source.count,
                    room.baseAddress?.assumingMemoryBound(to: CChar.self), &length)
                precondition(status == SNAPPY_OK, "snappy_max_compressed_length was too small")
                return length
            }
        }
    }

    /// Appends `body` as one zstd frame.
    package static func zstd(_ body: ByteView, level: Int32 = 1, into out: ByteArena) throws(DecodeError) {
        try PageCodec().compress(body, codec: .zstd, level: level, into: out)
    }

    /// Appends `body` as one gzip member.
    package static func gzip(_ body: ByteView, level: Int32 = 1, into out: ByteArena) throws(InflateError) {
        var stream = z_stream()
        guard
            deflateInit2_(
                &stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
                Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else { throw .damaged("no memory") }
        defer { deflateEnd(&stream) }
        guard body.count <= Int(UInt32.max) else { throw .tooLarge(limit: Int(UInt32.max)) }
        var status: Int32 = Z_OK
        out.appendUnsafe(capacity: Int(deflateBound(&stream, uLong(body.count))) + 64) { room in
            body.withUnsafeBytes { source in
                stream.next_in = UnsafeMutablePointer(mutating: source.baseAddress?.assumingMemoryBound(to: Bytef.self))
                stream.avail_in = uInt(source.count)
                stream.next_out = room.baseAddress?.assumingMemoryBound(to: Bytef.self)
                stream.avail_out = uInt(room.count)
                status = deflate(&stream, Z_FINISH)
                return room.count - Int(stream.avail_out)
            }
        }
        guard status == Z_STREAM_END else { throw .damaged("deflate failed") }
    }
}
