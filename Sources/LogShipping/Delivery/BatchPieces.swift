import Bytes
import LogModel

/// Cuts a batch that is far over the size that its destination wants: a block that was read at once may be many times as large.
enum BatchPieces {
    /// In order, each with `sizeMax` bytes of lines at most, or one line. A batch of up to twice `sizeMax` stays whole: servers cut what is too
    /// large for them down anyway, and most batches are a little over. O(rows) where it is cut.
    static func of(_ batch: WriteBatch, sizeMax: Int) -> [WriteBatch] {
        guard batch.bytes.count > 2 * max(sizeMax, 1), batch.rows.count > 1 else { return [batch] }
        var pieces: [WriteBatch] = []
        var piece = WriteBatch(tenant: batch.tenant)
        var size = 0
        for row in batch.rows {
            let length = batch.withLine(row) { $0.count }
            if size > 0, size + length > sizeMax {
                pieces.append(piece)
                piece = WriteBatch(tenant: batch.tenant)
                size = 0
            }
            let stream = piece.stream(batch.streams[Int(row.stream)])
            let metadata = piece.metadataSet(batch.metadata[Int(row.metadata)])
            batch.withLine(row) { piece.add(timestamp: row.timestamp, stream: stream, metadata: metadata, line: $0) }
            size += length
        }
        pieces.append(piece)
        return pieces
    }
}
