import Bytes
import LogModel
import Metrics

/// Derived counters and histograms as they are kept across restarts, and which lines are in them.
///
/// A file: magic; families (name, kind, bounds, series); marks of sources; CRC32C of it all. Numbers are varints or the
/// eight bytes of a Double, texts have their length in front. Gauges are not in it: what they show is over.
package struct MetricSnapshot: Sendable {
    struct Family: Sendable, Equatable {
        enum Value: Sendable, Equatable {
            case counter(Double)
            case histogram(Histogram.Snapshot)
        }

        /// Empty: a counter.
        var bounds: [Double]
        var isHistogram: Bool
        var series: [(labels: Labels, value: Value)]

        static func == (a: Family, b: Family) -> Bool {
            a.bounds == b.bounds && a.isHistogram == b.isHistogram && a.series.count == b.series.count
                && zip(a.series, b.series).allSatisfy { $0.labels == $1.labels && $0.value == $1.value }
        }
    }

    var families: [String: Family] = [:]
    var marks: [ByteString: MetricLedger.Mark] = [:]

    private static let magic: StaticString = "tailrace metrics 1\n"

    /// Whether there is nothing to keep.
    package var isEmpty: Bool { families.isEmpty }

    package func encode() -> ByteArena {
        let out = ByteArena(capacity: 4096)
        out.append(Self.magic)
        out.append(varint: UInt64(families.count))
        for (name, family) in families.sorted(by: { $0.key < $1.key }) {
            out.append(prefixed: ByteString(name))
            out.append(UInt8(family.isHistogram ? 1 : 0))
            out.append(varint: UInt64(family.bounds.count))
            for bound in family.bounds { out.append(littleEndian: bound.bitPattern) }
            out.append(varint: UInt64(family.series.count))
            for (labels, value) in family.series.sorted(by: { $0.labels < $1.labels }) {
                labels.encode(into: out)
                switch value {
                case .counter(let number): out.append(littleEndian: number.bitPattern)
                case .histogram(let snapshot):
                    for count in snapshot.counts { out.append(varint: count) }
                    out.append(littleEndian: snapshot.sum.bitPattern)
                }
            }
        }
        out.append(varint: UInt64(marks.count))
        for (source, mark) in marks.sorted(by: { $0.key < $1.key }) {
            out.append(prefixed: source)
            out.append(varint: mark.upTo)
            out.append(varint: UInt64(mark.waiting.count))
            for (from, next) in mark.waiting.sorted(by: { $0.key < $1.key }) {
                out.append(varint: from)
                out.append(varint: UInt64(next))
            }
        }
        out.append(littleEndian: CRC32C.of(out.view))
        return out
    }

    init() {}

    package init(_ bytes: ByteView) throws(DecodeError) {
        guard bytes.hasPrefix(Self.magic), bytes.count >= 4 else { throw DecodeError("not a file of metrics") }
        let body = bytes.prefix(bytes.count - 4)
        var tail = ByteReader(bytes.suffix(4))
        guard try tail.littleEndian(UInt32.self) == CRC32C.of(body) else { throw DecodeError("checksum mismatch") }
        var reader = ByteReader(body)
        try reader.seek(to: Self.magic.utf8CodeUnitCount)
        for _ in 0..<(try reader.count()) {
            let name = ByteString(try reader.prefixed()).string
            families[name] = try Self.family(&reader)
        }
        for _ in 0..<(try reader.count()) {
            let source = ByteString(try reader.prefixed())
            var mark = MetricLedger.Mark(upTo: try reader.varint())
            for _ in 0..<(try reader.count()) {
                let from = try reader.varint()
                mark.waiting[from] = Int(truncatingIfNeeded: try reader.varint())
            }
            marks[source] = mark
        }
    }

    private static func family(_ reader: inout ByteReader) throws(DecodeError) -> Family {
        let isHistogram = try reader.byte() == 1
        var bounds: [Double] = []
        for _ in 0..<(try reader.count()) { bounds.append(Double(bitPattern: try reader.littleEndian(UInt64.self))) }
        var family = Family(bounds: bounds, isHistogram: isHistogram, series: [])
        for _ in 0..<(try reader.count()) {
            let labels = try Labels.decode(&reader)
            if isHistogram {
                var counts: [UInt64] = []
                for _ in 0...bounds.count { counts.append(try reader.varint()) }
                let sum = Double(bitPattern: try reader.littleEndian(UInt64.self))
                family.series.append((labels, .histogram(Histogram.Snapshot(counts: counts, sum: sum))))
            } else {
                family.series.append((labels, .counter(Double(bitPattern: try reader.littleEndian(UInt64.self)))))
            }
        }
        return family
    }
}
