import CKernels

/// The templates of a segment: how lines are put together from the values of columns.
package struct LineTemplates: Sendable {
    package struct Piece: Sendable {
        package var literal: Range<Int>
        /// nil: the line ends with the literal.
        package var column: Int?
    }

    private let bytes: OwnedBytes
    private var raw: [tr_piece] = []
    private var first: [UInt32] = [0]
    private static let end = UInt32.max

    /// `spelled`: the templates one after another, as `LineShredder.template` gives them, `columns` of them known.
    package init(_ spelled: OwnedBytes, count: Int, columns: Int) throws(DecodeError) {
        bytes = spelled
        var reader = ByteReader(spelled.view)
        for _ in 0..<count {
            while true {
                let length = try reader.littleEndian(UInt32.self)
                let start = reader.offset
                _ = try reader.bytes(Int(length))
                let column = try reader.littleEndian(UInt32.self)
                guard column == Self.end || Int(column) < columns else {
                    throw DecodeError("a template of no column", at: reader.offset)
                }
                raw.append(tr_piece(literal: UInt32(start), length: length, column: column))
                if column == Self.end { break }
            }
            first.append(UInt32(raw.count))
        }
        guard reader.isAtEnd else { throw DecodeError("templates are too long", at: reader.offset) }
    }

    package var count: Int { first.count - 1 }

    package func pieces(of template: Int) -> [Piece] {
        raw[Int(first[template])..<Int(first[template + 1])].map {
            Piece(
                literal: Int($0.literal)..<Int($0.literal) + Int($0.length),
                column: $0.column == Self.end ? nil : Int($0.column)
            )
        }
    }

    package func literal(_ piece: Piece) -> ByteView { bytes.view[piece.literal] }

    /// The columns that a template's rows have a value in, in order of their place in the line.
    package func columns(of template: Int) -> [Int] {
        raw[Int(first[template])..<Int(first[template + 1])].compactMap {
            $0.column == Self.end ? nil : Int($0.column)
        }
    }

    /// The length of each line of some rows. `columns[c]` holds the values of these rows.
    package func lengths(_ templates: ArraySlice<UInt32>, _ columns: [ValueList?]) throws(DecodeError) -> [UInt32] {
        var total: Int64 = 0
        let lengths = [UInt32](unsafeUninitializedCapacity: templates.count) { room, filled in
            guard templates.count > 0 else { return }
            Self.withValues(columns) { values in
                templates.withUnsafeBufferPointer { rows in
                    total = tr_line_lengths(
                        rows.baseAddress.unsafelyUnwrapped,
                        rows.count,
                        raw,
                        first,
                        count,
                        values,
                        columns.count,
                        room.baseAddress.unsafelyUnwrapped
                    )
                }
            }
            filled = total < 0 ? 0 : templates.count
        }
        guard total >= 0 else { throw DecodeError("templates and columns differ") }
        return lengths
    }

    /// Appends the lines of the rows whose bit is set in `wanted`; returns where each lies in `out`, empty for the others.
    /// Columns that are nil are those that no wanted row has, but others may.
    package func rebuild(
        _ templates: ArraySlice<UInt32>,
        wanted: [UInt64],
        _ columns: [ValueList?],
        into out: ByteArena
    ) throws(DecodeError) -> (starts: [Int], lengths: [UInt32]) {
        precondition(wanted.count >= (templates.count + 63) / 64)
        if templates.isEmpty { return ([], []) }
        let sizes = try lengths(templates, columns)
        var room = 0
        for (row, size) in sizes.enumerated() where wanted[row >> 6] >> UInt64(row & 63) & 1 == 1 { room += Int(size) }
        guard room <= 1 << 31 else { throw DecodeError("lines of \(room) bytes are over the limit") }
        let base = out.count
        var written: Int64 = 0
        var starts = [Int](repeating: 0, count: templates.count)
        var lengths = [UInt32](repeating: 0, count: templates.count)
        Self.withValues(columns) { values in
            templates.withUnsafeBufferPointer { rows in
                bytes.view.withUnsafeBytes { literals in
                    starts.withUnsafeMutableBytes { starts in
                        out.appendUnsafe(capacity: room) { space in
                            written = tr_line_rebuild(
                                rows.baseAddress.unsafelyUnwrapped,
                                rows.count,
                                wanted,
                                literals.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self),
                                raw,
                                first,
                                count,
                                values,
                                columns.count,
                                space.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self),
                                room,
                                starts.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: Int64.self),
                                &lengths
                            )
                            return max(0, Int(written))
                        }
                    }
                }
            }
        }
        guard written >= 0 else { throw DecodeError("templates and columns differ") }
        if base > 0 { for row in starts.indices { starts[row] += base } }
        return (starts, lengths)
    }

    private static func withValues(_ columns: [ValueList?], _ body: (UnsafeMutablePointer<tr_values>) -> Void) {
        var values = columns.map { list in
            tr_values(base: list?.base, spans: list?.spans, count: list?.count ?? 0, next: 0)
        }
        if values.isEmpty { values.append(tr_values(base: nil, spans: nil, count: 0, next: 0)) }
        values.withUnsafeMutableBufferPointer { body($0.baseAddress.unsafelyUnwrapped) }
    }
}
