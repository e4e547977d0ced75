import CKernels
import Glibc

/// A borrowed run of bytes: where a line is between the buffer that owns it and the place that prints it.
///
/// A view owns nothing and keeps nothing alive. It is valid as long as the buffer it was taken from (`ByteArena`,
/// `OwnedBytes`, an array inside `withView`) is neither freed nor grown. Pass it down, never store it beside code that
/// could outlive the buffer; copy with `copy()` or `ByteString` for that. Reads are bounds-checked.
///
/// Equality and hash are those of the bytes; ordering is `memcmp`'s.
@frozen @usableFromInline
package struct ByteView: @unchecked Sendable {
    // Sendable: the bytes behind a view are never written while a view on them is in use (see above).
    @usableFromInline let base: UnsafeRawPointer
    @usableFromInline package let count: Int

    /// `base` must stay readable for `count` bytes while the view is used.
    @inlinable
    package init(unsafe base: UnsafeRawPointer, count: Int) {
        self.base = base
        self.count = count
    }

    @inlinable
    package init(unsafe buffer: UnsafeRawBufferPointer) {
        self.base = buffer.baseAddress ?? ByteView.nowhere
        self.count = buffer.count
    }

    /// The empty view.
    @inlinable
    package init() {
        self.init(unsafe: ByteView.nowhere, count: 0)
    }

    // Never read: every view on it is empty. A pointer that is not null spares optionals on the hot path.
    @inlinable
    static var nowhere: UnsafeRawPointer { UnsafeRawPointer(bitPattern: 64).unsafelyUnwrapped }

    @inlinable package var isEmpty: Bool { count == 0 }
    @inlinable package var indices: Range<Int> { 0..<count }

    @inlinable
    package subscript(index: Int) -> UInt8 {
        precondition(index >= 0 && index < count, "byte outside the view")
        return unsafe base.load(fromByteOffset: index, as: UInt8.self)
    }

    /// The bytes of `range`, which must lie inside the view.
    @inlinable
    package subscript(range: Range<Int>) -> ByteView {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "range outside the view")
        return ByteView(unsafe: base + range.lowerBound, count: range.count)
    }

    @inlinable package func prefix(_ length: Int) -> ByteView { self[0..<Swift.min(length, count)] }
    @inlinable package func suffix(from start: Int) -> ByteView { self[start..<count] }
    @inlinable package func suffix(_ length: Int) -> ByteView { self[Swift.max(0, count - length)..<count] }
    @inlinable package var first: UInt8? { count == 0 ? nil : self[0] }
    @inlinable package var last: UInt8? { count == 0 ? nil : self[count - 1] }

    /// The raw memory, for C. Valid inside the closure.
    @inlinable
    package func withUnsafeBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try body(UnsafeRawBufferPointer(start: base, count: count))
    }

    // MARK: Searching

    /// Offset of the first `byte` at or after `start`. O(n), `memchr`.
    @inlinable
    package func firstIndex(of byte: UInt8, from start: Int = 0) -> Int? {
        precondition(start >= 0 && start <= count)
        guard start < count, let hit = memchr(base + start, Int32(byte), count - start) else { return nil }
        return UnsafeRawPointer(hit) - base
    }

    @inlinable
    package func lastIndex(of byte: UInt8) -> Int? {
        let hit = tr_find_last_byte(base, count, byte)
        return hit < 0 ? nil : hit
    }

    /// Offset of the first occurrence of `needle` at or after `start`; the empty needle is found at `start`.
    @inlinable
    package func firstRange(of needle: ByteView, from start: Int = 0) -> Int? {
        precondition(start >= 0 && start <= count)
        if needle.count == 0 { return start }
        let hit = tr_find(base + start, count - start, needle.base, needle.count)
        return hit < 0 ? nil : start + hit
    }

    @inlinable package func contains(_ needle: ByteView) -> Bool { firstRange(of: needle) != nil }
    @inlinable package func contains(_ byte: UInt8) -> Bool { firstIndex(of: byte) != nil }

    @inlinable
    package func hasPrefix(_ other: ByteView) -> Bool {
        count >= other.count && memcmp(base, other.base, other.count) == 0
    }

    @inlinable
    package func hasSuffix(_ other: ByteView) -> Bool {
        count >= other.count && memcmp(base + (count - other.count), other.base, other.count) == 0
    }

    @inlinable
    package func hasPrefix(_ text: StaticString) -> Bool {
        hasPrefix(ByteView(text))
    }

    /// A view on a literal of the program. Valid for ever.
    @inlinable
    package init(_ text: StaticString) {
        self.init(unsafe: UnsafeRawPointer(text.utf8Start), count: text.utf8CodeUnitCount)
    }

    // MARK: Copies and conversions

    @inlinable package func copy() -> [UInt8] { unsafe [UInt8](UnsafeRawBufferPointer(start: base, count: count)) }

    /// As text; bytes that are not UTF-8 become U+FFFD. For the edges only.
    package var string: String { unsafe String(decoding: UnsafeRawBufferPointer(start: base, count: count), as: UTF8.self) }

    /// Whether the bytes are well-formed UTF-8.
    package var isUTF8: Bool { tr_is_utf8(base, count) != 0 }

    /// Without ASCII white space (space, tab, CR, LF) at both ends.
    @inlinable
    package var trimmed: ByteView {
        var low = 0
        var high = count
        while low < high, self[low].isJSONSpace { low += 1 }
        while high > low, self[high - 1].isJSONSpace { high -= 1 }
        return self[low..<high]
    }

    /// The position of `part` inside this view, when it is a view on the same memory and lies inside.
    @inlinable
    package func offset(of part: ByteView) -> Int? {
        let distance = part.base - base
        return distance >= 0 && distance + part.count <= count ? distance : nil
    }
}

extension ByteView: Hashable, Comparable {
    @inlinable
    package static func == (a: ByteView, b: ByteView) -> Bool {
        a.count == b.count && (a.base == b.base || memcmp(a.base, b.base, a.count) == 0)
    }

    @inlinable
    package static func < (a: ByteView, b: ByteView) -> Bool {
        let order = memcmp(a.base, b.base, Swift.min(a.count, b.count))
        return order != 0 ? order < 0 : a.count < b.count
    }

    @inlinable
    package func hash(into hasher: inout Hasher) {
        hasher.combine(bytes: UnsafeRawBufferPointer(start: base, count: count))
    }
}

extension ByteView: CustomStringConvertible {
    @usableFromInline package var description: String { string }
}

extension [UInt8] {
    /// Calls `body` with a view on the array, valid inside.
    @inlinable
    package func withView<R, E: Error>(_ body: (ByteView) throws(E) -> R) throws(E) -> R {
        // `withUnsafeBytes` of the standard library only rethrows untyped errors: the result carries a typed one out.
        let result: Result<R, E> = unsafe self.withUnsafeBytes { buffer in
            do throws(E) { return .success(try body(ByteView(unsafe: buffer))) } catch { return .failure(error) }
        }
        return try result.get()
    }
}

extension String {
    /// Calls `body` with a view on the UTF-8 of the string, valid inside.
    @inlinable
    package func withView<R, E: Error>(_ body: (ByteView) throws(E) -> R) throws(E) -> R {
        var copy = self
        let result: Result<R, E> = copy.withUTF8 { buffer in
            do throws(E) { return .success(try body(ByteView(unsafe: UnsafeRawBufferPointer(buffer)))) } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
}

extension UInt8 {
    @inlinable package var isJSONSpace: Bool { self == 0x20 || self == 0x0A || self == 0x0D || self == 0x09 }
    @inlinable package var isDigit: Bool { self &- 0x30 < 10 }
    @inlinable package var isLetter: Bool { (self | 0x20) &- 0x61 < 26 }
    @inlinable package var isAlphanumeric: Bool { isDigit || isLetter }
    @inlinable package var isHexDigit: Bool { isDigit || (self | 0x20) &- 0x61 < 6 }
    /// ASCII letters only.
    @inlinable package var lowercased: UInt8 { self &- 0x41 < 26 ? self | 0x20 : self }
}
