import Bytes
import LogModel
import Testing

@Suite struct WriteBatchTests {
    @Test func internsStreamsAndMetadata() {
        var batch = WriteBatch(tenant: .fake)
        let a = batch.stream(Labels(["app": "a"]))
        let b = batch.stream(Labels(["app": "b"]))
        #expect(batch.stream(Labels(["app": "a"])) == a && a != b)
        #expect(batch.metadataSet(Labels()) == 0)
        let info = batch.metadataSet(Labels(["detected_level": "info"]))
        #expect(batch.metadataSet(Labels(["detected_level": "info"])) == info)
        batch.add(timestamp: 5, stream: b, metadata: info, line: ByteView("hello"))
        batch.add(timestamp: 6, stream: a, line: ByteView(""))
        #expect(batch.rows.map { batch.withLine($0) { $0.string } } == ["hello", ""])
        batch.removeAll()
        #expect(batch.isEmpty && batch.streams.isEmpty && batch.metadata == [Labels()])
    }

    @Test func bitmapBorders() {
        for count in [0, 1, 63, 64, 65, 128, 1000] {
            #expect(Bitmap(count: count, repeating: true).population == count)
            #expect(Bitmap(count: count).isEmpty)
        }
        var bits = Bitmap(count: 65)
        bits[64] = true
        #expect(bits[64] && !bits[0] && bits.population == 1)
        bits[64] = false
        #expect(bits.isEmpty)
    }

    @Test func timeStaysOnTheCalendar() {
        #expect(Timestamp.max.advanced(by: 1) == .max)
        #expect(Timestamp.min.advanced(by: -1) == .min)
        #expect(TimeRange(Timestamp(nanoseconds: 5), Timestamp(nanoseconds: 1)).isEmpty)
        let range = TimeRange(Timestamp(nanoseconds: 10), Timestamp(nanoseconds: 20))
        #expect(range.contains(Timestamp(nanoseconds: 10)) && !range.contains(Timestamp(nanoseconds: 20)))
        #expect(!range.overlaps(first: Timestamp(nanoseconds: 20), last: Timestamp(nanoseconds: 30)))
    }
}
