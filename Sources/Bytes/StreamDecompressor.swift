import CBzip2
import CZlib
import CZstd

/// Decodes a compressed stream piece by piece, with memory that does not depend on what it holds.
///
/// Several gzip members, bzip2 streams or zstd frames behind each other are one text, as their tools have it. What stands behind
/// the last one and begins no other is ignored and shows in `hasTrailingBytes`.
package final class StreamDecompressor {
    /// By the names that Promtail's `decompression.format` has, and `zst`.
    package enum Format: String, Sendable, CaseIterable {
        case gzip = "gz"
        case zlib = "z"
        case bzip2 = "bz2"
        case zstd = "zst"

        /// What a file is, by how it begins. zlib has no mark of its own.
        package init?(beginning: ByteView) {
            if beginning.hasPrefix([0x1F, 0x8B]) {
                self = .gzip
            } else if beginning.hasPrefix([0x42, 0x5A, 0x68]) {
                self = .bzip2
            } else if beginning.hasPrefix([0x28, 0xB5, 0x2F, 0xFD]) {
                self = .zstd
            } else {
                return nil
            }
        }

        /// Endings of names of compressed files.
        package static let endings = [".gz", ".bz2", ".zst"]
    }

    /// Windows of zstd up to 128 MiB, as its own tool takes without being asked.
    private static let windowLogMax: Int32 = 27

    private let format: Format
    // The streams of zlib and bzip2 point at themselves: they must not move.
    private let deflated: UnsafeMutablePointer<z_stream>
    private let sorted: UnsafeMutablePointer<bz_stream>
    private var frames: OpaquePointer?
    private var isOpen = false
    /// A member has begun and not ended.
    private var isInside = false
    private var members = 0
    /// Bytes of the member so far, to tell a broken one from what is none.
    private var memberBytes = 0
    package private(set) var hasTrailingBytes = false

    /// Whether the text may end here: the last member is complete.
    package var isComplete: Bool { members > 0 && !isInside }

    package init(_ format: Format) throws(DecodeError) {
        self.format = format
        deflated = .allocate(capacity: 1)
        deflated.initialize(to: z_stream())
        sorted = .allocate(capacity: 1)
        sorted.initialize(to: bz_stream())
        let isThere: Bool
        switch format {
        case .gzip, .zlib:
            let windowBits: Int32 = format == .gzip ? 15 + 16 : 15
            isThere = inflateInit2_(deflated, windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
        case .bzip2: isThere = BZ2_bzDecompressInit(sorted, 0, 0) == BZ_OK
        case .zstd:
            frames = ZSTD_createDCtx()
            isThere = frames != nil
            if let frames { ZSTD_DCtx_setParameter(frames, ZSTD_d_windowLogMax, Self.windowLogMax) }
        }
        isOpen = isThere
        guard isThere else { throw DecodeError("no memory to decompress with") }
    }

    deinit {
        if isOpen {
            switch format {
            case .gzip, .zlib: inflateEnd(deflated)
            case .bzip2: BZ2_bzDecompressEnd(sorted)
            case .zstd: ZSTD_freeDCtx(frames)
            }
        }
        deflated.deallocate()
        sorted.deallocate()
    }

    /// Decodes some of `input` and appends `room` bytes at most; returns how much of the input it took. It has to be called
    /// again with the rest, and without input until it appends less than `room`. Throws where the stream is damaged.
    package func step(_ input: ByteView, room: Int, into out: ByteArena) throws(DecodeError) -> Int {
        if hasTrailingBytes { return input.count }
        if !isInside, members > 0 {
            if input.isEmpty { return 0 }
            guard try begin(input) else {
                hasTrailingBytes = true
                return input.count
            }
        }
        let before = out.count
        var taken = 0
        var ending: Result<Bool, DecodeError> = .success(false)
        out.appendUnsafe(capacity: room) { buffer in
            let buffer = UnsafeMutableRawBufferPointer(rebasing: buffer[..<room])
            return input.withUnsafeBytes { source in
                let (used, made, outcome) = decode(source, buffer)
                taken = used
                ending = outcome
                return made
            }
        }
        memberBytes += taken
        if taken > 0 || out.count > before { isInside = true }
        switch ending {
        case .success(let isOver):
            if isOver {
                isInside = false
                members += 1
                memberBytes = 0
            }
        case .failure(let error):
            // Padding behind the end, which gzip and bzip2 ignore too.
            guard members > 0, memberBytes <= 10, out.count == before else { throw error }
            hasTrailingBytes = true
            isInside = false
            return input.count
        }
        return taken
    }

    /// Prepares for another member. False: what follows is none.
    private func begin(_ input: ByteView) throws(DecodeError) -> Bool {
        switch format {
        case .zlib: return false
        case .gzip:
            guard input[0] == 0x1F else { return false }
            guard inflateReset(deflated) == Z_OK else { throw DecodeError("gzip: cannot go on") }
        case .bzip2:
            guard input[0] == 0x42 else { return false }
            BZ2_bzDecompressEnd(sorted)
            sorted.pointee = bz_stream()
            isOpen = BZ2_bzDecompressInit(sorted, 0, 0) == BZ_OK
            guard isOpen else { throw DecodeError("no memory to decompress with") }
        case .zstd: break
        }
        return true
    }

    private func decode(
        _ source: UnsafeRawBufferPointer, _ room: UnsafeMutableRawBufferPointer
    ) -> (taken: Int, made: Int, Result<Bool, DecodeError>) {
        // Chunks that fit the libraries' 32-bit counts; callers give far less.
        let given = min(source.count, 1 << 30)
        switch format {
        case .gzip, .zlib:
            deflated.pointee.next_in = UnsafeMutablePointer(mutating: source.baseAddress?.assumingMemoryBound(to: Bytef.self))
            deflated.pointee.avail_in = uInt(given)
            deflated.pointee.next_out = room.baseAddress?.assumingMemoryBound(to: Bytef.self)
            deflated.pointee.avail_out = uInt(room.count)
            let status = inflate(deflated, Z_NO_FLUSH)
            let taken = given - Int(deflated.pointee.avail_in)
            let made = room.count - Int(deflated.pointee.avail_out)
            switch status {
            case Z_OK, Z_BUF_ERROR: return (taken, made, .success(false))
            case Z_STREAM_END: return (taken, made, .success(true))
            default:
                let words = deflated.pointee.msg.map { String(cString: $0) } ?? "status \(status)"
                return (taken, made, .failure(DecodeError("\(format == .gzip ? "gzip" : "zlib"): \(words)")))
            }
        case .bzip2:
            sorted.pointee.next_in = UnsafeMutablePointer(mutating: source.baseAddress?.assumingMemoryBound(to: CChar.self))
            sorted.pointee.avail_in = UInt32(given)
            sorted.pointee.next_out = room.baseAddress?.assumingMemoryBound(to: CChar.self)
            sorted.pointee.avail_out = UInt32(room.count)
            let status = BZ2_bzDecompress(sorted)
            let taken = given - Int(sorted.pointee.avail_in)
            let made = room.count - Int(sorted.pointee.avail_out)
            switch status {
            case BZ_OK: return (taken, made, .success(false))
            case BZ_STREAM_END: return (taken, made, .success(true))
            default: return (taken, made, .failure(DecodeError("bzip2: damaged (status \(status))")))
            }
        case .zstd:
            var input = ZSTD_inBuffer(src: source.baseAddress, size: given, pos: 0)
            var output = ZSTD_outBuffer(dst: room.baseAddress, size: room.count, pos: 0)
            let status = ZSTD_decompressStream(frames, &output, &input)
            if ZSTD_isError(status) != 0 {
                let words = String(cString: ZSTD_getErrorName(status))
                return (input.pos, output.pos, .failure(DecodeError("zstd: \(words)")))
            }
            // 0 without anything done is the end that was told before.
            return (input.pos, output.pos, .success(status == 0 && (input.pos > 0 || output.pos > 0)))
        }
    }
}

extension ByteView {
    package func hasPrefix(_ bytes: [UInt8]) -> Bool { bytes.withView { hasPrefix($0) } }
}
