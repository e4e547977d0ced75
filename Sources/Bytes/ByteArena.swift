import Glibc

/// A growing buffer in one piece: batches, WAL records, codec pages, responses.
///
/// Appending may move the memory, so keep offsets across appends and take views between them. The last `slack` bytes
/// behind the contents are always readable (their value is unspecified), so that kernels may load whole words.
/// Not thread-safe; hand it over by turning it into `OwnedBytes`.
@usableFromInline
package final class ByteArena {
    // Unchecked: an arena has one user at a time, and no closure that it calls can reach it.
    @exclusivity(unchecked) @usableFromInline var base: UnsafeMutableRawPointer
    @exclusivity(unchecked) @usableFromInline var capacity: Int
    @exclusivity(unchecked) @usableFromInline var used: Int = 0

    /// Readable bytes behind the contents: one AVX-512 load, as simdjson and others ask for.
    @usableFromInline static let slack = 64

    package init(capacity: Int = 256) {
        let wanted = max(capacity, 64)
        base = ByteArena.allocate(wanted + ByteArena.slack)
        self.capacity = wanted
    }

    deinit { free(base) }

    @inlinable package var count: Int { used }
    @inlinable package var isEmpty: Bool { used == 0 }
    /// Bytes of memory held.
    package var footprint: Int { capacity + ByteArena.slack }

    /// The contents. Valid until the next append or reset.
    @inlinable package var view: ByteView { ByteView(unsafe: base, count: used) }
    @inlinable package subscript(range: Range<Int>) -> ByteView { view[range] }

    @inlinable
    package func append(_ view: ByteView) {
        reserve(view.count)
        unsafe memcpy(base + used, view.base, view.count)
        used += view.count
    }

    @inlinable package func append(_ string: ByteString) { string.withView { append($0) } }
    @inlinable package func append(_ bytes: [UInt8]) { bytes.withView { append($0) } }
    @inlinable package func append(_ text: String) { text.withView { append($0) } }
    @inlinable package func append(_ text: StaticString) { append(ByteView(text)) }

    @inlinable
    package func append(_ byte: UInt8) {
        reserve(1)
        unsafe base.storeBytes(of: byte, toByteOffset: used, as: UInt8.self)
        used += 1
    }

    /// Little endian.
    @inlinable
    package func append<T: FixedWidthInteger>(littleEndian value: T) {
        reserve(MemoryLayout<T>.size)
        unsafe base.storeBytes(of: value.littleEndian, toByteOffset: used, as: T.self)
        used += MemoryLayout<T>.size
    }

    /// Overwrites bytes already appended, little endian.
    @inlinable
    package func store<T: FixedWidthInteger>(littleEndian value: T, at offset: Int) {
        precondition(offset >= 0 && offset + MemoryLayout<T>.size <= used)
        unsafe base.storeBytes(of: value.littleEndian, toByteOffset: offset, as: T.self)
    }

    /// LEB128, as protobuf's varint: 1 to 10 bytes.
    @inlinable
    package func append(varint value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(truncatingIfNeeded: rest))
    }

    /// Zigzag, then LEB128.
    @inlinable
    package func append(signedVarint value: Int64) {
        append(varint: UInt64(bitPattern: (value << 1) ^ (value >> 63)))
    }

    /// Length as a varint, then the bytes.
    @inlinable
    package func append(prefixed view: ByteView) {
        append(varint: UInt64(view.count))
        append(view)
    }

    @inlinable package func append(prefixed string: ByteString) { string.withView { append(prefixed: $0) } }

    /// Decimal digits with a sign where negative.
    package func append(decimal value: Int64) {
        var digits: (UInt64, UInt64, UInt64) = (0, 0, 0)  // 24 bytes, 20 digits and a sign at most
        withUnsafeMutableBytes(of: &digits) { buffer in
            var i = buffer.count
            var rest = value.magnitude
            repeat {
                i -= 1
                buffer[i] = UInt8(truncatingIfNeeded: rest % 10) + 0x30
                rest /= 10
            } while rest > 0
            if value < 0 {
                i -= 1
                buffer[i] = 0x2D
            }
            append(ByteView(unsafe: UnsafeRawBufferPointer(rebasing: buffer[i...])))
        }
    }

    /// Lets `body` write up to `capacity` bytes behind the contents; it returns how many it wrote.
    @inlinable
    package func appendUnsafe(capacity room: Int, _ body: (UnsafeMutableRawBufferPointer) -> Int) {
        reserve(room)
        let written = body(UnsafeMutableRawBufferPointer(start: base + used, count: room))
        precondition(written >= 0 && written <= room)
        used += written
    }

    /// Makes room for `more` bytes, doubling.
    @inlinable
    package func reserve(_ more: Int) {
        if capacity - used < more { grow(to: used + more) }
    }

    @usableFromInline
    func grow(to wanted: Int) {
        let next = max(wanted, capacity &* 2)
        guard let moved = realloc(base, next + ByteArena.slack) else { fatalOutOfMemory(next) }
        base = moved
        capacity = next
    }

    /// Forgets the contents, keeps the memory.
    @inlinable package func reset() { used = 0 }

    /// Cuts the contents back to `count` bytes.
    @inlinable
    package func truncate(to count: Int) {
        precondition(count >= 0 && count <= used)
        used = count
    }

    /// The contents as an immutable, shareable value. The arena is empty afterwards.
    package func take() -> OwnedBytes {
        let (memory, count) = release()
        return OwnedBytes(adopting: memory, count: count)
    }

    /// Hands over the memory; the arena begins anew.
    fileprivate func release() -> (UnsafeMutableRawPointer, Int) {
        defer {
            base = ByteArena.allocate(64 + ByteArena.slack)
            capacity = 64
            used = 0
        }
        return (base, used)
    }

    static func allocate(_ size: Int) -> UnsafeMutableRawPointer {
        guard let memory = malloc(size) else { fatalOutOfMemory(size) }
        return memory
    }
}

/// Immutable bytes with one owner count: WAL payloads in the head, decoded pages in caches.
@usableFromInline
package final class OwnedBytes: @unchecked Sendable {
    // Sendable: the memory is never written after `init`.
    private let base: UnsafeMutableRawPointer
    package let count: Int

    init(adopting base: UnsafeMutableRawPointer, count: Int) {
        self.base = base
        self.count = count
    }

    private init(adopting arena: ByteArena) {
        (base, count) = arena.release()
    }

    package init(_ view: ByteView) {
        base = ByteArena.allocate(view.count + ByteArena.slack)
        count = view.count
        view.withUnsafeBytes { source in
            if let start = source.baseAddress { memcpy(base, start, source.count) }
        }
    }

    package convenience init(_ bytes: [UInt8]) {
        // Copied inside the closure: a view of a temporary would outlive it.
        let arena = ByteArena(capacity: bytes.count)
        arena.append(bytes)
        self.init(adopting: arena)
    }

    deinit { free(base) }

    /// Valid as long as this object is held.
    package var view: ByteView { ByteView(unsafe: base, count: count) }
}

func fatalOutOfMemory(_ size: Int) -> Never {
    let words = "tailrace: out of memory: no \(size) bytes to be had\n"
    _ = words.withCString { write(2, $0, strlen($0)) }
    abort()
}
