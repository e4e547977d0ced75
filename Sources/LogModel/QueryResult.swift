import Bytes

/// The answer to a query, before it is written in anybody's format.
package enum QueryResult: Sendable {
    case streams([ResultStream])
    case matrix([ResultSeries])
    case vector([ResultSample])
    case scalar(timestamp: Int64, value: Double)
}

/// Entries that share their labels, in the order of the answer.
package struct ResultStream: Sendable, Equatable {
    /// All labels; when the request asked for categories, those of the stream only.
    package var labels: Labels
    package var entries: [ResultEntry]

    package init(labels: Labels, entries: [ResultEntry]) {
        self.labels = labels
        self.entries = entries
    }
}

package struct ResultEntry: Sendable, Equatable {
    /// Nanoseconds.
    package var timestamp: Int64
    package var line: ByteString
    /// Empty unless the request asked for categories.
    package var metadata: Labels
    package var parsed: Labels

    package init(timestamp: Int64, line: ByteString, metadata: Labels = Labels(), parsed: Labels = Labels()) {
        self.timestamp = timestamp
        self.line = line
        self.metadata = metadata
        self.parsed = parsed
    }
}

package struct ResultPoint: Sendable, Equatable {
    /// Nanoseconds; answers show milliseconds.
    package var timestamp: Int64
    package var value: Double

    package init(timestamp: Int64, value: Double) {
        self.timestamp = timestamp
        self.value = value
    }
}

package struct ResultSeries: Sendable, Equatable {
    package var labels: Labels
    package var points: [ResultPoint]

    package init(labels: Labels, points: [ResultPoint]) {
        self.labels = labels
        self.points = points
    }
}

package struct ResultSample: Sendable, Equatable {
    package var labels: Labels
    package var point: ResultPoint

    package init(labels: Labels, point: ResultPoint) {
        self.labels = labels
        self.point = point
    }
}

/// What an answer cost.
package struct QueryStatistics: Sendable, Equatable {
    package var linesRead = 0
    package var bytesRead = 0
    package var entriesReturned = 0
    /// Seconds.
    package var execution = 0.0
    package init() {}
}

/// Why a query got no answer. The message is what the user reads, in Loki's words where Loki has some.
package struct QueryError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Kind: Sendable, Equatable {
        /// The query or a parameter is wrong, or a limit is exceeded: 400.
        case invalid
        /// The client went away: 499.
        case cancelled
        /// Past its deadline: 504.
        case timeout
        /// Ours: 500.
        case failed
    }

    package var kind: Kind
    package var message: String

    package init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    package var description: String { message }
}
