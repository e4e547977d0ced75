import Bytes
import LogModel
import LogTestKit
import Metrics
import Testing

@testable import LogStore

/// Rows whose lines have every form of column, and rows that have none.
private func mixedRows(_ seed: UInt64, count: Int, hosts: Int = 4) -> [StoredRow] {
    var random = SeededRandom(seed)
    let models = ["llama-3-8b", "llama-2-70b", "mistral"]
    return (0..<count).map { i in
        let time = noon + Int64(i) * 1_234_000
        let id = String((random.next() | 1 << 63), radix: 16)
        let clock = Timestamp(nanoseconds: time).rfc3339
        let line: String
        switch random.below(12) {
        case 0: line = "INFO 10:\(10 + random.below(50)):01 worker \(random.below(9)) took \(random.below(5000)) ms"
        case 1: line = String((0..<random.below(40)).map { _ in Character(UnicodeScalar(UInt8(random.below(128)))) })
        case 2: line = #"{"odd\#(random.below(4))":[1,{"x":null}],"a":1,"a":"1"}"#
        case 3: line = ""
        default:
            line =
                #"{"time": "\#(clock)", "level": "\#(random.chance(0.9) ? "INFO" : "ERROR")", "id": "req_\#(id)", "model": "\#(models[random.below(3)])""#
                + #", "ms": \#(random.below(30_000)), "ratio": 0.\#(random.below(90) + 10), "msg": "took \#(random.below(99_999)) of \#(random.below(9)) steps\u00e9", "ok": true}"#
        }
        return StoredRow(
            labels: label(["host": hosts == 1 ? "h" : "h\(i * hosts / count)"]),
            timestamp: time,
            line: Array(line.utf8),
            metadata: random.chance(0.1) ? label(["trace": "\(i)"]) : Labels()
        )
    }
}

extension Timestamp {
    fileprivate var rfc3339: String {
        let buffer = ValueBuffer()
        let pattern = ValueBuffer()
        "2026-11-01T00:00:00.000000Z".withView { pattern.append($0) }
        guard let format = pattern.list.times()?.pattern else { return "" }
        buffer.append(times: [nanoseconds], format)
        return buffer.list[0].string
    }
}

@Suite struct ColumnTests {
    private static let setup = settings {
        $0.headSize = 8 << 20
        $0.segmentSize = 64 << 20
    }

    @Test(arguments: [Codec.zstd, .zlib, .none])
    func linesComeBackThroughEveryFormSealedAndMergedTwice(codec: Codec) async throws {
        let registry = Registry()
        var setup = Self.setup
        setup.codec = codec
        let store = try open(SimDisk(), setup, registry: registry)
        let written = mixedRows(1, count: 6000)
        for part in 0..<4 {
            _ = try await store.append(batch(Array(written[part * 1500..<(part + 1) * 1500])))
            try await store.flush()
            if part % 2 == 1 { try await store.compact() }
        }
        let found = try rows(store)
        #expect(found == written)
        #expect(try rows(store, direction: .backward, limit: 10) == written)
        let forms = Set(store.core.snapshot().segments.flatMap { $0.groups.flatMap { $0.columns.map(\.form) } })
        // `raw` is read only: earlier versions wrote it.
        #expect(forms == Set(ColumnForm.allCases).subtracting([.raw]))
        #expect(store.core.metrics.uncutSegments.value == 0)
        await store.close()
    }

    @Test func anyStretchOfRowsComesBack() async throws {
        let store = try open(SimDisk(), Self.setup)
        let written = mixedRows(2, count: 9000, hosts: 1)
        _ = try await store.append(batch(written))
        try await store.flush()
        let segment = try #require(store.core.snapshot().segments.first)
        let times = try store.core.codecs.with { try segment.times(group: 0, codec: $0) }
        var random = SeededRandom(4)
        for _ in 0..<60 {
            let reader = try GroupReader(segment: segment, group: 0, codecs: store.core.codecs)
            for _ in 0..<3 {
                let low = random.below(9000)
                let high = min(9000, low + 1 + random.below(700))
                // Few of them too, so that whole templates are of no interest.
                let thin = random.chance(0.5)
                let wanted = (0..<(high - low + 63) / 64).map { _ in
                    thin ? random.next() & random.next() & random.next() & random.next() : random.next()
                }
                let lines = reader.lines(low..<high, wanted: wanted, times: times[low..<high])
                #expect(lines.faults.isEmpty && lines.damaged.isEmpty)
                for row in low..<high {
                    let at = row - low
                    let line = lines.bytes.view[lines.starts[at]..<lines.starts[at] + Int(lines.lengths[at])].copy()
                    if wanted[at >> 6] >> UInt64(at & 63) & 1 == 1 {
                        #expect(line == written[row].line)
                    } else {
                        #expect(line.isEmpty)
                    }
                }
            }
        }
        let lengths = try segment.lengths(group: 0, codecs: store.core.codecs)
        #expect(lengths.map { Int($0) } == written.map(\.line.count))
        await store.close()
    }

    @Test func columnsTakeLessThanTheCodecAloneWould() async throws {
        let store = try open(SimDisk(), Self.setup)
        let written = mixedRows(3, count: 20_000)
        _ = try await store.append(batch(written))
        try await store.flush()
        let whole = ByteArena()
        for row in written { whole.append(row.line) }
        let packed = ByteArena()
        try PageCodec().compress(whole.view, codec: .zstd, level: 19, into: packed)
        #expect(store.core.snapshot().segments.reduce(0) { $0 + $1.size } < packed.count)
        await store.close()
    }

    @Test func oneBrokenColumnTakesOnlyTheRowsThatHaveIt() async throws {
        let disk = SimDisk()
        let store = try open(disk, Self.setup)
        let whole = (0..<50).map { i in
            StoredRow(labels: label(["a": "b"]), timestamp: noon + Int64(i), line: Array("text \(i)x\(i * i)".utf8))
        }
        let cut = (50..<100).map { i in
            StoredRow(labels: label(["a": "b"]), timestamp: noon + Int64(i), line: Array(#"{"n": \#(i * 7919)}"#.utf8))
        }
        _ = try await store.append(batch(whole + cut))
        try await store.flush()
        let segment = try #require(store.core.snapshot().segments.first)
        let column = try #require(segment.groups[0].columns.first { $0.form == .integers })
        let path = segment.path
        await store.close()
        var bytes = try #require(disk.bytes(of: path))
        bytes[column.body.offset] ^= 1
        disk.setBytes(bytes, of: path)
        let again = try open(disk, Self.setup)
        #expect(try rows(again) == whole)
        #expect(try again.catalogue(tenant: .fake, range: .all).damaged.count == 1)
        await again.close()
    }

    @Test func codesComeBackInEveryForm() throws {
        var random = SeededRandom(6)
        let columns: [[UInt32]] = [
            [5], [UInt32](repeating: 3, count: 100), (0..<1000).map { _ in UInt32(random.below(200)) },
            (0..<3000).map { _ in UInt32(random.below(60_000)) }, (0..<4000).map { UInt32($0 / 500) * 1000 },
        ]
        for codes in columns {
            let out = ByteArena()
            _ = CodeColumn.encode(codes, into: out)
            for range in [0..<codes.count, codes.count / 2..<codes.count, 0..<0] {
                let read = try CodeColumn.decode(out.view, count: codes.count, range: range, limit: 60_000)
                #expect(read == Array(codes[range]))
            }
            #expect(throws: DecodeError.self) {
                try CodeColumn.decode(out.view, count: codes.count, range: 0..<codes.count, limit: 3)
            }
        }
    }
}
