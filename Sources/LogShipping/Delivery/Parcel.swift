import NIOCore

/// One request that is to be sent: a tenant's share of a batch, encoded.
struct Parcel: Sendable {
    /// `logproto.PushRequest`, a snappy block.
    var body: ByteBuffer
    var entries: Int
    /// Bytes of the lines in it.
    var bytes: Int
    var tenant: String
    /// `X-Tailrace-Batch`: the same whenever the same content is sent.
    var batchHeader: String
    /// Which of the requests under way it belongs to: always the same one for a stream.
    var shard: Int
}
