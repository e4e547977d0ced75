import CKernels

/// A page of text as it is handed to a codec: one byte that says how, then the text, plain or with its frequent words
/// replaced by bytes that do not occur in it (see `tr_words_pack`).
package enum ProsePage {
    private static let plain: UInt8 = 0
    private static let words: UInt8 = 1

    /// Appends the page. O(text).
    package static func pack(_ text: ByteView, into out: ByteArena) {
        let start = out.count
        out.append(words)
        var packed = 0
        out.appendUnsafe(capacity: tr_words_bound(text.count)) { room in
            packed = text.withUnsafeBytes { source in
                guard let base = source.baseAddress else { return 0 }
                return tr_words_pack(
                    base.assumingMemoryBound(to: UInt8.self),
                    source.count,
                    room.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self)
                )
            }
            return packed
        }
        if packed > 0 { return }
        out.truncate(to: start)
        out.append(plain)
        out.append(text)
    }

    /// Appends the text of a page of at most `limit` bytes.
    package static func unpack(_ page: ByteView, limit: Int, into out: ByteArena) throws(DecodeError) {
        var reader = ByteReader(page)
        switch try reader.byte() {
        case plain: out.append(page.suffix(from: 1))
        case words:
            let body = page.suffix(from: 1)
            let isGood = body.withUnsafeBytes { source in
                guard let base = source.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return false }
                let size = Int(tr_words_length(base, source.count))
                guard size >= 0, size <= limit else { return false }
                var status: Int32 = -1
                out.appendUnsafe(capacity: size) { room in
                    status = tr_words_unpack(
                        base,
                        source.count,
                        room.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self),
                        size
                    )
                    return status == 0 ? size : 0
                }
                return status == 0
            }
            guard isGood else { throw DecodeError("a page of words does not make its text", at: 1) }
        default: throw DecodeError("unknown form of a page", at: 0)
        }
    }
}
