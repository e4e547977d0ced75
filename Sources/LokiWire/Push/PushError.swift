/// Why a push was refused as a whole. The message is what the client logs, in Loki's words where Loki has some.
package struct PushError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Kind: Sendable, Equatable {
        /// The body is not what its headers say, or not a push: 400.
        case malformed
        /// Over a limit on what one push may hold: 413.
        case tooLarge
        /// Well-formed, and without a single stream: 422.
        case empty
    }

    package var kind: Kind
    /// Says nothing of what the body holds.
    package var message: String
    /// A stretch of the body around what is wrong, in words that follow `message`. Not for where redaction is on: neither the
    /// answer, which clients log, nor a log of ours may hold what was never redacted.
    package var excerpt: String

    package init(_ kind: Kind, _ message: String, excerpt: String = "") {
        self.kind = kind
        self.message = message
        self.excerpt = excerpt
    }

    package var description: String { message + excerpt }

    package static let noStreams = PushError(.empty, "error at least one valid stream is required for ingestion")
}

/// What one push may hold. Every length in a body is a claim; these are what we believe at most.
package struct PushLimits: Sendable, Equatable {
    /// Body after decompression, bytes.
    package var decodedSizeMax = 256 << 20
    /// Entries of one push. Chosen: an entry may take 2 bytes on the wire and takes 24 in memory.
    package var entriesMax = 4_000_000
    /// Streams of one push. Chosen: a stream may take 10 bytes on the wire and takes some hundred in memory.
    package var streamsMax = 100_000
    /// Labels of one stream, and pairs of structured metadata of one entry, before the tenant's own limits are asked.
    package var pairsMax = 4_096
    /// Text of one stream's labels, bytes.
    package var labelTextMax = 1 << 20

    package init() {}
}
