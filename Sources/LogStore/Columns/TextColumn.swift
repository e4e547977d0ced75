import Bytes

/// The body of a column of text: number of types; of each type its spelling; the codes of the values, their length in
/// front; of each slot of each type its numbers, their length in front.
struct TextColumn {
    private let joiner: TextJoiner
    private let codes: ByteView
    private let count: Int
    /// Where the numbers of each slot lie.
    private let numbers: [ByteView]
    private let firstSlot: [UInt32]
    private let types: ValueBuffer
    static func encode(_ types: [UInt32], _ splitter: TextSplitter, into out: ByteArena) {
        let count = splitter.typeCount
        out.append(varint: UInt64(count))
        for type in 0..<count { out.append(prefixed: splitter.type(type).spelling) }
        let part = ByteArena(capacity: 4096)
        _ = CodeColumn.encode(types, into: part)
        out.append(prefixed: part.view)
        for type in 0..<count {
            for slot in 0..<splitter.type(type).slots {
                part.reset()
                IntegerBlocks.pack(splitter.numbers(type: type, slot: slot), into: part)
                out.append(prefixed: part.view)
            }
        }
    }

    /// Bytes that occur in values of these types.
    static func charset(_ splitter: TextSplitter) -> ByteSet {
        var set = ByteSet.digits
        for type in 0..<splitter.typeCount { set.insert(splitter.type(type).spelling) }
        return set
    }

    /// `body` must outlive the column.
    init(_ body: ByteView, count: Int) throws(DecodeError) {
        var reader = ByteReader(body)
        let typeCount = try reader.count()
        let types = ValueBuffer(capacity: 4096, values: typeCount)
        var firstSlot: [UInt32] = [0]
        for _ in 0..<typeCount {
            let spelling = try reader.prefixed()
            guard let slots = TextJoiner.slots(in: spelling) else { throw DecodeError("bad type", at: reader.offset) }
            types.append(spelling)
            firstSlot.append((firstSlot.last ?? 0) + UInt32(slots))
        }
        codes = try reader.prefixed()
        var numbers: [ByteView] = []
        for _ in 0..<Int(firstSlot.last ?? 0) { numbers.append(try reader.prefixed()) }
        guard reader.isAtEnd else { throw DecodeError("a column of text is too long", at: reader.offset) }
        self.count = count
        self.numbers = numbers
        self.firstSlot = firstSlot
        self.types = types
        joiner = TextJoiner(types: types, slots: [], firstSlot: firstSlot)
    }

    var spellings: ValueList { types.list }

    func codes(_ range: Range<Int>) throws(DecodeError) -> [UInt32] {
        try CodeColumn.decode(codes, count: count, range: range, limit: types.count)
    }

    /// Values `range`. O(values).
    func values(_ range: Range<Int>) throws(DecodeError) -> ValueBuffer {
        let all = try codes(0..<count)
        let none = [UInt32](repeating: 0, count: types.count)
        var before = none
        for code in all[..<range.lowerBound] { before[Int(code)] += 1 }
        var inside = none
        for code in all[range] { inside[Int(code)] += 1 }
        // How many values of each type there are.
        var totals = zip(before, inside).map { $0 + $1 }
        for code in all[range.upperBound...] { totals[Int(code)] += 1 }
        var slots: [[Int64]] = []
        slots.reserveCapacity(numbers.count)
        for type in totals.indices {
            let rows = Int(before[type])..<Int(before[type] + inside[type])
            for slot in Int(firstSlot[type])..<Int(firstSlot[type + 1]) {
                slots.append(
                    rows.isEmpty
                        ? [] : try IntegerBlocks.unpack(numbers[slot], count: Int(totals[type]), range: rows)
                )
            }
        }
        var joiner = joiner
        joiner.slots = slots
        return try joiner.join(all[range], before: none)
    }
}
