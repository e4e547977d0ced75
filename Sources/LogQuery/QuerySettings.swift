/// How queries are run, the same for all of them. What differs by tenant stands in `Limits`.
package struct QuerySettings: Sendable, Equatable {
    /// Answer as Loki does where Loki has a known oddity: range queries aligned to multiples of their step, label
    /// filters that match more than their regex says, and so on.
    package var lokiQuirks = false
    /// Accept selectors that match every stream, `{}` among them.
    package var allowAllStreams = false
    /// Return equal entries (stream, time, line, metadata) of log queries once. Off: a store that deduplicates does so
    /// when entries come in, and equal lines of a tailed file are two lines. Counting never removes any.
    package var dropsEqualEntries = false
    /// Entries of a log query that names no limit.
    package var defaultLimit = 100

    package init() {}
}
