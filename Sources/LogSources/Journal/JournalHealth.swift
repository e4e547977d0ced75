/// Whether a journal is followed: what a source knows of its helper process. Times in monotonic nanoseconds.
package struct JournalHealth: Sendable {
    /// How long a helper may be silent, or fail again and again without an entry in between.
    package static let staleAfter: Int64 = 10_000_000_000
    /// A helper that has run so long is not one of those that end at once.
    private static let settledAfter: Int64 = 5_000_000_000
    /// After so many times `staleAfter` a silent helper is ended and another one started. Two minutes: one that lives says so every second
    /// once it is at the journal's end, but finding the place in a journal of many gigabytes takes its time.
    private static let endedAfter: Int64 = 12

    /// While the source waits for the helper; not while it waits for room further down, which is no fault of the journal.
    private var listeningSince: Int64?
    private var failingSince: Int64?
    private var startedAt: Int64 = 0
    private var words = ""

    mutating func started(now: Int64) {
        startedAt = now
        listeningSince = now
    }

    /// Something has come; it is being worked on.
    mutating func heard() { listeningSince = nil }
    mutating func listens(now: Int64) { listeningSince = now }
    /// An entry has come.
    mutating func moved() { failingSince = nil }
    /// The journal is read to its end.
    mutating func idle(now: Int64) { if now - startedAt >= Self.settledAfter { failingSince = nil } }

    mutating func failed(_ words: String, now: Int64) {
        listeningSince = nil
        failingSince = failingSince ?? now
        self.words = words
    }

    /// How long a helper has said nothing, nanoseconds, once that is too long; nil: not yet, or nobody listened.
    func deadSilence(now: Int64, staleAfter: Int64 = staleAfter) -> Int64? {
        guard let listeningSince, now - listeningSince >= Self.endedAfter * staleAfter else { return nil }
        return now - listeningSince
    }

    func trouble(now: Int64, staleAfter: Int64 = staleAfter) -> String? {
        if let failingSince, now - failingSince >= staleAfter {
            return "the journal cannot be read for \((now - failingSince) / 1_000_000_000) s: \(words)"
        }
        if let listeningSince, now - listeningSince >= staleAfter {
            return "the journal's reader has said nothing for \((now - listeningSince) / 1_000_000_000) s"
        }
        return nil
    }
}
