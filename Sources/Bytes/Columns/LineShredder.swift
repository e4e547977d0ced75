import CKernels

/// What stands in the holes of a column.
package enum HoleKind: UInt8, Sendable {
    /// A whole line that no template takes.
    case line = 0
    /// The inside of a JSON string, as written.
    case string = 1
    case number = 2
    /// `true`, `false`, `null`.
    case atom = 3
    /// A JSON array, as written.
    case array = 4
    /// A JSON object of so many members that it is not looked into, as written.
    case object = 5
}

/// Cuts JSON lines into templates and columns of values. Learns as it goes; one for each segment that is written.
///
/// A line is literal, value, literal, …, literal. Nothing is parsed into another form, so key order, spaces, escapes and
/// the spelling of numbers stay what they are. A line that has a template is valid JSON. Memory: the values of one run.
package final class LineShredder {
    private let raw: OpaquePointer

    package init() {
        guard let raw = tr_shredder_new() else { fatalOutOfMemory(64) }
        self.raw = raw
    }

    deinit { tr_shredder_free(raw) }

    /// Cuts the lines, which lie one after another in `text`; returns the template of each. Nil without memory.
    /// Without `cuts` lines stay whole.
    package func run(_ text: ByteView, _ lines: LineTable, cuts: Bool = true) -> [UInt32]? {
        var status: Int32 = 0
        let templates = [UInt32](unsafeUninitializedCapacity: lines.count) { room, filled in
            guard lines.count > 0 else { return }
            status = text.withUnsafeBytes { bytes in
                tr_shredder_run(
                    raw,
                    bytes.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self),
                    lines.spans,
                    lines.count,
                    cuts ? 1 : 0,
                    room.baseAddress.unsafelyUnwrapped
                )
            }
            filled = status == 0 ? lines.count : 0
        }
        return status == 0 ? templates : nil
    }

    package var columnCount: Int { Int(tr_shredder_columns(raw)) }

    /// The values that the last run gave a column; nil for none. Valid until the next run.
    package func values(of column: Int) -> ValueList? {
        var base: UnsafePointer<UInt8>?
        var spans: UnsafePointer<tr_span>?
        let count = tr_shredder_values(raw, UInt32(column), &base, &spans)
        guard count > 0, let base, let spans else { return nil }
        return ValueList(unsafe: base, spans: spans, count: count)
    }

    /// The path of a column: keys as written, each with a zero byte behind it, then a byte that counts earlier members of
    /// the same path.
    package func column(_ number: Int) -> (path: ByteView, kind: HoleKind) {
        var path: UnsafePointer<UInt8>?
        var length = 0
        let kind = tr_shredder_column(raw, UInt32(number), &path, &length)
        guard let path, let kind = UInt8(exactly: kind).flatMap(HoleKind.init(rawValue:)) else {
            preconditionFailure("column outside the shredder")
        }
        return (ByteView(unsafe: UnsafeRawPointer(path), count: length), kind)
    }

    package var templateCount: Int { Int(tr_shredder_templates(raw)) }

    /// Whether rows of a template have a value in a column. O(pieces).
    package func template(_ number: Int, has column: Int) -> Bool {
        var rest = template(number)
        while rest.count >= 8 {
            func word(_ at: Int) -> UInt32 { (0..<4).reduce(0) { $0 | UInt32(rest[at + $1]) << UInt32(8 * $1) } }
            let length = Int(word(0))
            if word(4 + length) == UInt32(column) { return true }
            rest = rest.suffix(from: 8 + length)
        }
        return false
    }

    /// The pieces of a template, as `LineTemplates` reads them.
    package func template(_ number: Int) -> ByteView {
        var length = 0
        let start = tr_shredder_template(raw, UInt32(number), &length)
        return ByteView(unsafe: UnsafeRawPointer(start), count: length)
    }
}

/// Lines that lie one after another in a buffer.
package final class LineTable {
    private let table = ByteArena(capacity: 64 << 10)
    package private(set) var count = 0

    package init() {}

    package func append(start: Int, length: Int) {
        table.append(littleEndian: UInt32(start))
        table.append(littleEndian: UInt32(length))
        count += 1
    }

    package func reset() {
        table.reset()
        count = 0
    }

    package subscript(row: Int) -> Range<Int> {
        precondition(row >= 0 && row < count)
        let span = unsafe spans[row]
        return Int(span.start)..<Int(span.start) + Int(span.length)
    }

    fileprivate var spans: UnsafePointer<tr_span> {
        table.view.withUnsafeBytes { $0.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: tr_span.self) }
    }
}
