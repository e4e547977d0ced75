import Bytes
import LogModel

/// A pair of structured metadata as it stands in a push.
package struct MetadataPair {
    package var name: ByteView
    package var value: ByteView

    package init(name: ByteView, value: ByteView) {
        self.name = name
        self.value = value
    }
}

/// Takes a push apart while it is being decoded: one `begin` for each stream, then its entries in their order.
///
/// Views are valid during the call only. A decoder that fails later has called a sink already: throw away what was
/// collected, a malformed push stores nothing.
package protocol PushSink {
    /// `labels` may be empty and may hold empty values.
    mutating func begin(stream labels: Labels) throws(PushError)

    /// `timestamp` is in nanoseconds.
    mutating func entry(timestamp: Int64, line: ByteView, metadata: [MetadataPair]) throws(PushError)
}
