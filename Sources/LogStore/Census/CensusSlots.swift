import Bytes

/// A stretch of rows, or of values of a column, that counts in one cell.
struct CensusSlot: Equatable {
    var range: Range<Int>
    var cell: Int
}

extension [CensusSlot] {
    /// From the first slot's begin to the last one's end.
    var reach: Range<Int> { (first?.range.lowerBound ?? 0)..<(last?.range.upperBound ?? 0) }

    /// Adds a stretch behind the others; joins it to the last one where they touch and share a cell.
    mutating func add(_ range: Range<Int>, cell: Int) {
        guard !range.isEmpty else { return }
        if let last, last.cell == cell, last.range.upperBound == range.lowerBound {
            self[count - 1].range = last.range.lowerBound..<range.upperBound
        } else {
            append(CensusSlot(range: range, cell: cell))
        }
    }
}

extension CodeColumn {
    /// Counts the codes of some slots: `counts` has `cells` numbers for each of `limit` codes. Runs are not spelled out.
    static func tally(
        _ view: ByteView,
        count: Int,
        slots: [CensusSlot],
        cells: Int,
        limit: Int,
        into counts: inout [UInt32]
    ) throws(DecodeError) {
        precondition(counts.count >= limit * cells)
        guard !slots.isEmpty else { return }
        var reader = ByteReader(view)
        guard let form = Form(rawValue: try reader.byte()) else { throw DecodeError("unknown form of codes") }
        let span = slots.reach
        guard span.lowerBound >= 0, span.upperBound <= count else { throw DecodeError("codes outside their column") }
        switch form {
        case .same, .runs:
            var slot = 0
            var at = 0
            while at < span.upperBound {
                let code = try reader.varint()
                let length = form == .same ? UInt64(count) : try reader.varint()
                guard code < UInt64(limit) else { throw DecodeError("code \(code) of \(limit)") }
                guard length > 0, length <= UInt64(count - at) else { throw DecodeError("runs of codes are too long") }
                let end = at + Int(length)
                while slot < slots.count, slots[slot].range.lowerBound < end {
                    let here = slots[slot].range.clamped(to: at..<end)
                    counts[Int(code) * cells + slots[slot].cell] &+= UInt32(here.count)
                    if slots[slot].range.upperBound > end { break }
                    slot += 1
                }
                at = end
            }
        case .packed:
            for slot in slots {
                for value in try IntegerBlocks.unpack(view.suffix(from: 1), count: count, range: slot.range) {
                    guard value >= 0, value < Int64(limit) else { throw DecodeError("code \(value) of \(limit)") }
                    counts[Int(value) * cells + slot.cell] &+= 1
                }
            }
        case .bytes:
            guard view.count - 1 == count else { throw DecodeError("codes and rows differ") }
            for slot in slots {
                let histogram = ByteHistogram(view[1 + slot.range.lowerBound..<1 + slot.range.upperBound])
                for code in 0..<256 {
                    let rows = histogram[code]
                    if rows == 0 { continue }
                    guard code < limit else { throw DecodeError("code \(code) of \(limit)") }
                    counts[code * cells + slot.cell] &+= rows
                }
            }
        }
    }
}
