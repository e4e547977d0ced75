import Bytes

/// The name of a label with its hash: what stages keep, so that a look-up compares integers first.
package struct LabelName: Hashable, Sendable, CustomStringConvertible {
    package let bytes: ByteString
    package let hash: UInt32

    package init(_ bytes: ByteString) {
        self.bytes = bytes
        hash = bytes.withView { LabelName.hash(of: $0) }
    }

    package init(_ text: String) { self.init(ByteString(text)) }

    package var description: String { bytes.string }

    /// Keys of logs are chosen by strangers: the seed differs from process to process.
    static let seed = UInt64.random(in: .min ... .max)

    static func hash(of name: ByteView) -> UInt32 { UInt32(truncatingIfNeeded: XXH3.of(name, seed: seed)) }

    package static func == (a: LabelName, b: LabelName) -> Bool { a.hash == b.hash && a.bytes == b.bytes }

    package func hash(into hasher: inout Hasher) { hasher.combine(hash) }

    static let error = LabelName("__error__")
    static let errorDetails = LabelName("__error_details__")
    static let preserveError = LabelName("__preserve_error__")

    /// What a parser appends to a name that the stream or the metadata already has.
    static let collisionSuffix: StaticString = "_extracted"
}

extension [LabelName] {
    /// Index of the name, or nil. O(n): lists of a query are short.
    func index(hash: UInt32, name: ByteView) -> Int? {
        for i in indices where self[i].hash == hash && self[i].bytes == name { return i }
        return nil
    }
}
