import Bytes

/// A stretch of bytes in one of the buffers of an entry. An offset, not a pointer: buffers grow.
package struct TextRef: Sendable, Equatable {
    package enum Origin: UInt8, Sendable {
        /// The line as it was read.
        case input
        /// What stages have written.
        case scratch
        /// Values of interned label sets.
        case labels
    }

    package var origin: Origin
    package var start: UInt32
    package var count: UInt32

    @inlinable
    package init(_ origin: Origin, _ start: Int, _ count: Int) {
        self.origin = origin
        self.start = UInt32(truncatingIfNeeded: start)
        self.count = UInt32(truncatingIfNeeded: count)
    }

    package static let empty = TextRef(.input, 0, 0)

    /// Bytes `range` of this stretch.
    package func part(_ range: Range<Int>) -> TextRef { TextRef(origin, Int(start) &+ range.lowerBound, range.count) }
}

/// One value of the extracted map.
package struct ExtractedValue: Sendable, Equatable {
    package enum Kind: UInt8, Sendable {
        /// Not in the map.
        case absent
        /// In the map, without a value: JSON's null, or a path that leads nowhere. No text.
        case null
        case text
        case number
        /// The text is `true` or `false`.
        case boolean
    }

    package var kind: Kind
    package var text: TextRef

    package init(_ kind: Kind, _ text: TextRef = .empty) {
        self.kind = kind
        self.text = text
    }

    package static let absent = ExtractedValue(.absent)
    package static let null = ExtractedValue(.null)

    /// Whether it converts to a text.
    package var hasText: Bool { kind.rawValue >= Kind.text.rawValue }
}

/// What travels through a pipeline with one line: the line, the extracted map, and the buffers both point into.
///
/// Names of the map are known when the pipeline is built: a name is a slot number. All values of one entry live in the
/// input, in `scratch` (forgotten with the entry) or among the labels, so that a line costs no allocation.
package struct EntryState {
    /// The line as it was read. Valid only while the entry is worked on.
    package var input = ByteView()
    /// What stages write; emptied between entries.
    package let scratch = ByteArena(capacity: 4096)
    /// A second buffer, for stages whose input lies in `scratch` while they write to it.
    private let aside = ByteArena(capacity: 4096)
    /// Where `TextRef.Origin.labels` points.
    package let labelBytes: ByteArena

    /// The line as it is now.
    package var line = TextRef.empty
    package var slots: [ExtractedValue]

    /// `labelBytes` is shared with whoever interns label sets.
    package init(slotCount: Int, labelBytes: ByteArena) {
        slots = [ExtractedValue](repeating: .absent, count: slotCount)
        self.labelBytes = labelBytes
    }

    /// Begins with the next line; its extracted map is empty.
    package mutating func begin(_ line: ByteView) {
        input = line
        self.line = TextRef(.input, 0, line.count)
        scratch.reset()
        for i in slots.indices { slots[i] = .absent }
    }

    /// The bytes of a stretch. Valid until `scratch` is appended to.
    package func view(_ ref: TextRef) -> ByteView {
        let range = Int(ref.start)..<Int(ref.start) + Int(ref.count)
        switch ref.origin {
        case .input: return input[range]
        case .scratch: return scratch[range]
        case .labels: return labelBytes[range]
        }
    }

    /// The bytes of a stretch, which stay valid while `scratch` grows; until the next call.
    package func stableView(_ ref: TextRef) -> ByteView {
        guard ref.origin == .scratch else { return view(ref) }
        aside.reset()
        aside.append(view(ref))
        return aside.view
    }

    /// The text of a slot; nil when it is absent or null.
    package func text(_ slot: Int) -> ByteView? {
        let value = slots[slot]
        return value.hasText ? view(value.text) : nil
    }

    /// The text of a stage's source: a slot, or the line for nil. Nil when the slot has none.
    package func source(_ slot: Int?) -> TextRef? {
        guard let slot else { return line }
        let value = slots[slot]
        return value.hasText ? value.text : nil
    }

    /// Appends to `scratch`, and says where it went.
    package func store(_ bytes: ByteView) -> TextRef {
        let start = scratch.count
        scratch.append(bytes)
        return TextRef(.scratch, start, bytes.count)
    }

    /// What was appended to `scratch` since it held `start` bytes.
    package func stored(since start: Int) -> TextRef { TextRef(.scratch, start, scratch.count - start) }
}
