import Bytes

/// What the ways in know of a store.
package protocol StoreWriter: Sendable {
    /// Stores the batch; returns when it is durable under the store's policy and visible to queries. Lines and source
    /// positions become durable together or not at all (I2, I3).
    func append(_ batch: WriteBatch) async throws(StoreError) -> AppendReceipt

    /// The position of a source as committed with its last lines.
    func position(of source: ByteString) -> SourcePosition?

    /// All committed positions of sources whose identity begins with `prefix`.
    func positions(withPrefix prefix: ByteString) -> [(source: ByteString, position: SourcePosition)]

    /// Seals the head and publishes it as a segment.
    func flush() async throws(StoreError)
}

package struct AppendReceipt: Sendable, Equatable {
    /// Rows stored by this batch.
    package var stored: Int
    /// Rows left out because an equal one is stored already, or because their source range is committed already.
    package var duplicates: Int
    /// Where some rows of the batch were stored and others not: whether each was. nil: all or none, as `stored` says.
    package var kept: [Bool]?

    package init(stored: Int, duplicates: Int, kept: [Bool]? = nil) {
        self.stored = stored
        self.duplicates = duplicates
        self.kept = kept
    }
}

/// Why a store refused.
package struct StoreError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Kind: Sendable, Equatable {
        /// Nothing is wrong with the batch; try again later (disk full, shutting down).
        case retryLater
        /// The source's committed position is another: read on from there.
        case positionMismatch(committed: UInt64)
        /// The directory belongs to another process.
        case locked
        /// Bytes on disk are not what was written.
        case damaged
        /// The system refused: permissions, missing directory …
        case system
        /// The caller's fault.
        case invalid
    }

    package var kind: Kind
    /// What happened, where, and what to do.
    package var message: String

    package init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    package var description: String { message }
}

/// How far a source (a file, a journal) has been read.
package struct SourcePosition: Sendable, Equatable {
    /// Offset behind the last committed line; for sources without offsets, a count of entries.
    package var offset: UInt64
    /// The source's own words: fingerprint of a file, cursor of a journal.
    package var detail: ByteString

    package init(offset: UInt64, detail: ByteString = ByteString()) {
        self.offset = offset
        self.detail = detail
    }
}

/// A step of a source, committed with the batch that carries its lines.
package struct SourceAdvance: Sendable, Equatable {
    package var source: ByteString
    /// Where the batch begins: must equal the committed offset (or 0 for a new source).
    package var from: UInt64
    package var to: SourcePosition

    package init(source: ByteString, from: UInt64, to: SourcePosition) {
        self.source = source
        self.from = from
        self.to = to
    }
}

/// The sequence number of a client's batch: a repeated one is acknowledged and not stored.
package struct BatchKey: Sendable, Hashable {
    package var client: ByteString
    package var epoch: UInt64
    package var sequence: UInt64

    package init(client: ByteString, epoch: UInt64, sequence: UInt64) {
        self.client = client
        self.epoch = epoch
        self.sequence = sequence
    }
}

/// Lines on their way into a store: one block of bytes, and integers about them.
///
/// ```
/// streams   [Labels]             label sets of the batch
/// metadata  [Labels]             sets of structured metadata; 0 is the empty set
/// rows      time, stream, metadata, start and length of the line
/// bytes     the lines, back to back
/// ```
package struct WriteBatch: Sendable {
    package struct Row: Sendable, Equatable {
        package var timestamp: Int64
        package var start: UInt32
        package var length: UInt32
        package var stream: UInt32
        package var metadata: UInt32
    }

    package var tenant: Tenant
    package private(set) var streams: [Labels] = []
    package private(set) var metadata: [Labels] = [Labels()]
    package private(set) var rows: [Row] = []
    package private(set) var bytes: [UInt8] = []
    /// Positions that become durable together with the rows. With any, `deduplicates` is ignored.
    package var advances: [SourceAdvance] = []
    package var key: BatchKey?
    /// Whether a row equal in stream, time, line and metadata to a stored one is left out (pushes, as Loki does).
    package var deduplicates = false

    private var streamIndex = LabelTable()
    private var metadataIndex = LabelTable()

    package init(tenant: Tenant) { self.tenant = tenant }

    /// Largest batch, bytes of lines: offsets are 32 bits wide.
    package static let bytesMax = 1 << 30

    /// Number of a stream in this batch. O(labels).
    package mutating func stream(_ labels: Labels) -> UInt32 {
        UInt32(streamIndex.number(of: labels, in: &streams))
    }

    /// Number of a metadata set in this batch; the empty one is 0.
    package mutating func metadataSet(_ labels: Labels) -> UInt32 {
        if labels.isEmpty { return 0 }
        return UInt32(metadataIndex.number(of: labels, in: &metadata))
    }

    /// Adds a line. `stream` and `metadata` come from the two calls above.
    package mutating func add(timestamp: Int64, stream: UInt32, metadata: UInt32 = 0, line: ByteView) {
        precondition(Int(stream) < streams.count && Int(metadata) < self.metadata.count)
        precondition(bytes.count + line.count <= Self.bytesMax, "a batch holds at most 1 GiB of lines")
        rows.append(
            Row(
                timestamp: timestamp, start: UInt32(bytes.count), length: UInt32(line.count), stream: stream,
                metadata: metadata))
        line.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }

    package var isEmpty: Bool { rows.isEmpty }

    /// Replaces the labels of every stream; rows keep their stream numbers.
    package mutating func relabel(_ transform: (Labels) -> Labels) {
        streams = streams.map(transform)
        streamIndex.removeAll()
        for (number, labels) in streams.enumerated() {
            let hash = labels.contentHash
            // Of those that became equal the first one is found.
            if streamIndex.find(hash, where: { streams[$0] == labels }) == nil { streamIndex.insert(hash, number) }
        }
    }

    package func withLine<R>(_ row: Row, _ body: (ByteView) -> R) -> R {
        bytes.withView { body($0[Int(row.start)..<Int(row.start) + Int(row.length)]) }
    }

    /// Forgets rows and lines but keeps memory; streams and metadata are forgotten too.
    package mutating func removeAll() {
        streams.removeAll(keepingCapacity: true)
        metadata.removeSubrange(1...)
        rows.removeAll(keepingCapacity: true)
        bytes.removeAll(keepingCapacity: true)
        advances.removeAll()
        key = nil
        streamIndex.removeAll()
        metadataIndex.removeAll()
    }
}
