import Bytes

/// Chooses the form of a column and codes it. One for each segment that is written: it holds the dictionaries.
///
/// Forms are tried from the one that says most about the values to the one that says nothing; where two fit, the smaller
/// wins. O(bytes of the values).
final class ColumnEncoder {
    /// A coded column, ready to be packed.
    struct Coded {
        var form: ColumnForm
        var body: ByteArena
        /// Whether a codec may make the body smaller.
        var isCompressible = false
        var lengths: ClosedRange<Int>
        var charset: ByteSet?
        var numbers: ClosedRange<Int64>?
        /// Whether values are looked for one by one: ids.
        var isSearched = false
    }

    private var dictionaries: [Int: ValueDictionary] = [:]
    private let splitter = TextSplitter()
    private let scratch = ByteArena(capacity: 64 << 10)

    static let entriesMax = 65_536
    static let dictionaryBytesMax = 4 << 20
    /// Bytes of all dictionaries of a segment.
    static let dictionariesMax = 16 << 20
    /// Numbers of so few values are better off as codes.
    private static let fewNumbers = 64
    /// Shapes that say less than this many bits are left to dictionaries.
    private static let shapeBitsMin = 32

    /// The entries of the columns that have a dictionary.
    var entries: [(column: Int, entries: ValueList)] {
        dictionaries.sorted { $0.key < $1.key }.filter { $0.value.count > 0 }.map { ($0.key, $0.value.entries) }
    }

    /// `times`: of the entry of each value, nanoseconds.
    func encode(_ values: ValueList, column: Int, times: () -> [Int64]) -> Coded {
        let lengths = bounds(of: values)
        if lengths.lowerBound == lengths.upperBound, isConstant(values) {
            let body = ByteArena(capacity: values[0].count)
            body.append(values[0])
            return Coded(form: .constant, body: body, lengths: lengths, charset: ByteSet(values[0]))
        }
        if lengths.upperBound <= 40 {
            if lengths.upperBound <= 19, let numbers = values.integers() { return integers(numbers, values, column, lengths) }
            if let (numbers, format) = values.decimals() { return decimals(numbers, format, lengths) }
            if lengths.lowerBound >= 19, let (clock, pattern) = values.times() {
                return timestamps(clock, pattern, times(), lengths)
            }
        }
        if lengths.lowerBound == lengths.upperBound, let shape = TextShape(values), shape.bits >= Self.shapeBitsMin {
            if let coded = codes(values, column, lengths, freshMax: values.count / 16) { return coded }
            let body = ByteArena(capacity: values.count * shape.stride + 512)
            shape.encode(into: body)
            shape.pack(values, into: body)
            return Coded(form: .shape, body: body, lengths: lengths, charset: shape.charset, isSearched: true)
        }
        if let coded = codes(values, column, lengths, freshMax: values.count / 4 + 64) { return coded }
        return text(values, lengths)
    }

    // MARK: Forms

    private func integers(
        _ numbers: [Int64],
        _ values: ValueList,
        _ column: Int,
        _ lengths: ClosedRange<Int>
    ) -> Coded {
        let body = ByteArena(capacity: 4096)
        IntegerBlocks.pack(numbers, into: body)
        // A small dictionary of its own tells how few the values are, before the segment's gets them.
        let probe = ValueDictionary(entriesMax: Self.fewNumbers, bytesMax: 4096)
        if body.count > 64, let few = probe.encode(values, freshMax: Self.fewNumbers) {
            let width = probe.count <= 1 ? 0 : Int.bitWidth - (probe.count - 1).leadingZeroBitCount
            let cost = min(few.count * width / 8, ValueDictionary.runs(few) * 3)
            if cost * 10 < body.count * 8, let coded = codes(values, column, lengths, freshMax: Self.fewNumbers) {
                return coded
            }
        }
        return Coded(
            form: .integers,
            body: body,
            lengths: lengths,
            charset: .numbers,
            numbers: range(numbers)
        )
    }

    private func decimals(_ numbers: [Int64], _ format: DecimalFormat, _ lengths: ClosedRange<Int>) -> Coded {
        let body = ByteArena(capacity: 4096)
        body.append(UInt8(format.scale))
        body.append(format.style.rawValue)
        IntegerBlocks.pack(numbers, into: body)
        return Coded(form: .decimals, body: body, lengths: lengths, charset: .numbers, numbers: range(numbers))
    }

    private func timestamps(
        _ clock: [Int64],
        _ pattern: TimePattern,
        _ times: [Int64],
        _ lengths: ClosedRange<Int>
    ) -> Coded {
        var differences: [Int64] = []
        differences.reserveCapacity(clock.count)
        // As printed the clock has few digits; the difference keeps them when the entry's time has no more.
        var unit: Int64 = 1_000_000_000
        for (shown, time) in zip(clock, times) {
            let difference = shown &- time
            while difference % unit != 0 { unit /= 10 }
            differences.append(difference)
        }
        if unit > 1 { for i in differences.indices { differences[i] /= unit } }
        let body = ByteArena(capacity: 4096)
        pattern.encode(into: body)
        body.append(varint: UInt64(unit))
        IntegerBlocks.pack(differences, into: body)
        return Coded(form: .times, body: body, lengths: lengths, charset: pattern.charset)
    }

    /// nil where the values are too many for a dictionary.
    private func codes(_ values: ValueList, _ column: Int, _ lengths: ClosedRange<Int>, freshMax: Int) -> Coded? {
        let dictionary: ValueDictionary
        let held = dictionaries.values.reduce(0) { $0 + $1.byteCount }
        let freshMax = held < Self.dictionariesMax ? freshMax : 0
        if let known = dictionaries[column] {
            dictionary = known
        } else {
            guard freshMax > 0 else { return nil }
            dictionary = ValueDictionary(entriesMax: Self.entriesMax, bytesMax: Self.dictionaryBytesMax)
            dictionaries[column] = dictionary
        }
        guard let codes = dictionary.encode(values, freshMax: freshMax) else { return nil }
        let body = ByteArena(capacity: 1024)
        let isCompressible = CodeColumn.encode(codes, into: body)
        return Coded(form: .dictionary, body: body, isCompressible: isCompressible, lengths: lengths, charset: nil)
    }

    /// Types and numbers, or the plain bytes.
    private func text(_ values: ValueList, _ lengths: ClosedRange<Int>) -> Coded {
        if let types = splitter.split(values, typesMax: max(16, values.count / 8)) {
            let body = ByteArena(capacity: 64 << 10)
            TextColumn.encode(types, splitter, into: body)
            // Text of few types is mostly numbers; what a codec would make of the plain bytes need not be asked.
            if splitter.typeCount * 64 <= values.count || body.count * 6 < values.byteCount {
                return Coded(
                    form: .text,
                    body: body,
                    isCompressible: true,
                    lengths: lengths,
                    charset: TextColumn.charset(splitter)
                )
            }
        }
        let body = ByteArena(capacity: 4096)
        IntegerBlocks.pack(values.lengths, into: body)
        return Coded(form: .prose, body: body, lengths: lengths, charset: values.charset)
    }

    // MARK: Values

    private func bounds(of values: ValueList) -> ClosedRange<Int> {
        var low = Int.max
        var high = 0
        for length in values.lengths {
            low = min(low, Int(length))
            high = max(high, Int(length))
        }
        return min(low, high)...high
    }

    private func isConstant(_ values: ValueList) -> Bool {
        let first = values[0]
        for i in 1..<max(1, values.count) where values[i] != first { return false }
        return true
    }

    private func range(_ numbers: [Int64]) -> ClosedRange<Int64> {
        var low = Int64.max
        var high = Int64.min
        for number in numbers {
            low = min(low, number)
            high = max(high, number)
        }
        return min(low, high)...high
    }
}
