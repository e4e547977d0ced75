import LogModel

/// One entry of `tests:`: lines, and what the pipeline of a job must make of them.
package struct PipelineTestCase: Sendable, Equatable {
    package struct Entry: Sendable, Equatable {
        /// All labels, exactly; nil: any.
        package var labels: Labels?
        /// All structured metadata, exactly; nil: any.
        package var metadata: Labels?
        package var line: String?
        /// RE2.
        package var lineMatches: String?
        package var lineContains: [String] = []
        package var lineNotContains: [String] = []
        /// Nanoseconds.
        package var timestamp: Int64?
        package var place = 0

        package init() {}
    }

    package var name: String
    /// Line in the file, for messages.
    package var place: Int
    /// nil: the only job of the file.
    package var job: String?
    /// Of the input's stream; nil: those of the job's first target.
    package var labels: Labels?
    /// When the lines are read, nanoseconds.
    package var now: Int64
    package var input: [String]
    /// nil: any.
    package var entries: [Entry]?
    /// Lines that make no entry.
    package var dropped: Int?
    /// Series or sums of them, as `name` or `name{label="value"}`, and their values.
    package var metrics: [(selector: String, value: Double)]

    /// 2026-01-01T00:00:00Z
    package static let defaultNow: Int64 = 1_767_225_600_000_000_000

    package init(name: String, place: Int) {
        self.name = name
        self.place = place
        now = Self.defaultNow
        input = []
        metrics = []
    }

    package static func == (a: Self, b: Self) -> Bool {
        a.name == b.name && a.job == b.job && a.labels == b.labels && a.now == b.now && a.input == b.input && a.entries == b.entries
            && a.dropped == b.dropped && a.metrics.map(\.selector) == b.metrics.map(\.selector)
            && a.metrics.map(\.value) == b.metrics.map(\.value)
    }
}
