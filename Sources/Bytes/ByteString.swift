/// Bytes that are owned and compared as bytes: label names and values, tenants, source keys.
///
/// Not `String`, whose equality is canonical equivalence: `é` written in one or in two scalars would be the same label.
@frozen @usableFromInline
package struct ByteString: Hashable, Comparable, Sendable {
    @usableFromInline package var bytes: [UInt8]

    @inlinable package init() { bytes = [] }
    @inlinable package init(_ bytes: [UInt8]) { self.bytes = bytes }
    @inlinable package init(_ view: ByteView) { bytes = view.copy() }
    @inlinable package init(_ text: String) { bytes = [UInt8](text.utf8) }

    @inlinable package var count: Int { bytes.count }
    @inlinable package var isEmpty: Bool { bytes.isEmpty }

    /// As text; bytes that are not UTF-8 become U+FFFD.
    package var string: String { String(decoding: bytes, as: UTF8.self) }

    @inlinable
    package func withView<R, E: Error>(_ body: (ByteView) throws(E) -> R) throws(E) -> R { try bytes.withView(body) }

    @inlinable
    package static func == (a: ByteString, b: ByteString) -> Bool {
        a.bytes.count == b.bytes.count && a.withView { x in b.withView { y in x == y } }
    }

    @inlinable
    package static func < (a: ByteString, b: ByteString) -> Bool { a.withView { x in b.withView { y in x < y } } }

    @inlinable
    package static func == (a: ByteString, b: ByteView) -> Bool { a.withView { $0 == b } }

    @inlinable
    package func hash(into hasher: inout Hasher) { withView { hasher.combine($0) } }

    package func hasPrefix(_ text: String) -> Bool { withView { view in text.withView { view.hasPrefix($0) } } }
    package func hasSuffix(_ text: String) -> Bool { withView { view in text.withView { view.hasSuffix($0) } } }
}

extension ByteString: ExpressibleByStringLiteral, CustomStringConvertible {
    @inlinable package init(stringLiteral text: String) { self.init(text) }
    @usableFromInline package var description: String { string }
}
