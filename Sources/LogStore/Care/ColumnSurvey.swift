import Bytes
import LogModel

/// Adds up columns and templates over segments: each segment numbers its own, so they are told apart by path and text.
struct ColumnSurvey {
    private struct Key: Hashable {
        var path: [ByteString]
        var earlier: Int
        var kind: HoleKind
    }

    private let codecs: CodecPool
    private let countsDistinct: Bool
    private var columns: [Key: StoreInfo.Column] = [:]
    private var templates: [ByteString: Int] = [:]
    /// Columns of which a row group has neither dictionary nor one value: how many values differ was not looked at.
    private var unknown: Set<Key> = []
    private static let textMax = 120

    init(codecs: CodecPool, countsDistinct: Bool) {
        self.codecs = codecs
        self.countsDistinct = countsDistinct
    }

    var sortedColumns: [StoreInfo.Column] {
        columns.map { key, column in
            var column = column
            if unknown.contains(key) { column.distinct = nil }
            return column
        }.sorted { ($1.sum, $0.name) < ($0.sum, $1.name) }
    }

    var sortedTemplates: [StoreInfo.Template] {
        templates.map { StoreInfo.Template(rows: $0.value, text: $0.key.string) }
            .sorted { ($1.rows, $0.text) < ($0.rows, $1.text) }
    }

    mutating func add(_ segment: Segment) throws(StoreError) {
        let layout = try codecs.with { codec throws(StoreError) in try segment.layout(codec) }
        let keys = layout.columns.map { Key(path: $0.path, earlier: $0.earlier, kind: $0.kind) }
        for (number, key) in keys.enumerated() {
            var column = columns[key] ?? StoreInfo.Column(name: Self.name(key, number), kind: "\(key.kind)", forms: [:])
            if let chunks = layout.columns[number].dictionary {
                column.dictionaryBytes += chunks.lengths.packed + chunks.bytes.packed
                column.filterBytes += chunks.trigrams?.packed ?? 0
            }
            columns[key] = column
        }
        for group in segment.groups {
            for chunk in group.columns {
                let key = keys[chunk.column]
                let bytes = chunk.body.packed + chunk.pages.reduce(0) { $0 + $1.chunk.packed }
                columns[key]?.forms["\(chunk.form)", default: 0] += bytes
                columns[key]?.bytes += bytes
                columns[key]?.filterBytes += chunk.filters.reduce(0) { $0 + $1.packed }
                columns[key]?.values += chunk.count
            }
        }
        for group in segment.groups.indices { try count(segment, group, layout, keys) }
        for (number, key) in keys.enumerated() where layout.columns[number].dictionary != nil {
            let entries = try codecs.with { codec throws(StoreError) in try segment.dictionary(number, codec) }
            note(entries.list, key)
        }
    }

    /// Rows of templates, and the values of the group.
    private mutating func count(
        _ segment: Segment, _ group: Int, _ layout: SegmentLayout, _ keys: [Key]
    ) throws(StoreError) {
        let reader = try GroupReader(segment: segment, group: group, codecs: codecs)
        try reader.load()
        var rows = [Int](repeating: 0, count: layout.templates.count)
        for template in reader.templateOf { rows[Int(template)] += 1 }
        for (template, count) in rows.enumerated() where count > 0 {
            templates[Self.text(layout, template), default: 0] += count
        }
        var times: [Int64]?
        for chunk in segment.groups[group].columns {
            let key = keys[chunk.column]
            switch chunk.form {
            case .dictionary: continue
            case .constant:
                note(try reader.body(of: chunk.column), key)
            default:
                guard countsDistinct else {
                    unknown.insert(key)
                    continue
                }
                let values = try reader.values(of: chunk.column, ranks: 0..<chunk.count) { () throws(StoreError) in
                    let all: [Int64]
                    if let times { all = times } else {
                        all = try codecs.with { codec throws(StoreError) in try segment.times(group: group, codec: codec) }
                        times = all
                    }
                    return zip(all, reader.templateOf).filter { layout.columnsOf[Int($1)].contains(chunk.column) }.map(\.0)
                }
                withExtendedLifetime(values) { note(values.list, key) }
            }
        }
    }

    private mutating func note(_ values: ValueList, _ key: Key) {
        var counter = columns[key]?.distinct ?? DistinctCount()
        columns[key]?.distinct = nil
        for i in 0..<values.count { counter.add(XXH3.of(values[i])) }
        columns[key]?.distinct = counter
    }

    private mutating func note(_ value: ByteView, _ key: Key) {
        var counter = columns[key]?.distinct ?? DistinctCount()
        counter.add(XXH3.of(value))
        columns[key]?.distinct = counter
    }

    /// `a.b`, a key that would be misread in quotes; `a.b~1` for an earlier member of the same path.
    private static func name(_ key: Key, _ number: Int) -> String {
        if key.path.isEmpty { return "#\(number)" }
        let text = key.path.map { part in
            let isPlain = part.withView { part in
                !part.isEmpty && part.isUTF8 && part.allSatisfy { $0 > 0x20 && $0 != 0x2E && $0 != 0x22 && $0 != 0x7E }
            }
            return isPlain ? part.string : GoQuote.quote(part.string)
        }.joined(separator: ".")
        return key.earlier == 0 ? text : "\(text)~\(key.earlier)"
    }

    private static func text(_ layout: SegmentLayout, _ template: Int) -> ByteString {
        let out = ByteArena(capacity: 256)
        for piece in layout.templates.pieces(of: template) {
            let literal = layout.templates.literal(piece)
            out.append(literal)
            if piece.column != nil { out.append("…") }
            if out.count > textMax {
                // Not in the middle of a character.
                var end = textMax
                while end > 0, out.view[end] & 0xC0 == 0x80 { end -= 1 }
                out.truncate(to: end)
                out.append(" [more]")
                break
            }
        }
        return ByteString(out.view)
    }
}


/// How many different hashes there were: exact up to `exactMax`, beyond it an estimate (HyperLogLog with 4,096 registers:
/// about 1.6 % off). Memory: 4 KiB then.
package struct DistinctCount: Sendable {
    private var exact: Set<UInt64> = []
    private var registers: [UInt8] = []
    private static let exactMax = 4_096
    private static let bits = 12

    package init() {}

    package var isExact: Bool { registers.isEmpty }

    package mutating func add(_ hash: UInt64) {
        if registers.isEmpty {
            exact.insert(hash)
            guard exact.count > Self.exactMax else { return }
            registers = [UInt8](repeating: 0, count: 1 << Self.bits)
            for known in exact { note(known) }
            exact = []
        } else {
            note(hash)
        }
    }

    private mutating func note(_ hash: UInt64) {
        let place = Int(hash >> UInt64(64 - Self.bits))
        let rank = UInt8(min((hash << UInt64(Self.bits)).leadingZeroBitCount, 64 - Self.bits) + 1)
        if registers[place] < rank { registers[place] = rank }
    }

    package var count: Int {
        if registers.isEmpty { return exact.count }
        let size = Double(registers.count)
        var sum = 0.0
        var empty = 0
        for register in registers {
            sum += 1 / Double(1 << UInt64(register))
            if register == 0 { empty += 1 }
        }
        // Flajolet et al. 2007, with linear counting where many registers are empty. 64-bit hashes need no other end.
        let estimate = 0.7213 / (1 + 1.079 / size) * size * size / sum
        if estimate <= 2.5 * size, empty > 0 { return Int(size * Self.logarithm(size / Double(empty))) }
        return Int(estimate)
    }

    /// ln(x) for 1 ≤ x ≤ 4,096, by halving and a series: no C library in this module.
    private static func logarithm(_ x: Double) -> Double {
        var value = x
        var halvings = 0.0
        while value > 1.5 {
            value /= 2
            halvings += 1
        }
        let y = (value - 1) / (value + 1)
        var term = y
        var sum = 0.0
        for odd in stride(from: 1.0, through: 39, by: 2) {
            sum += term / odd
            term *= y * y
        }
        return 2 * sum + halvings * 0.693_147_180_559_945_3
    }
}
