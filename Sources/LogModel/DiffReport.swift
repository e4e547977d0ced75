import Bytes

/// What changed between two windows of time, most certain first. Made by `LogQuery.DiffEngine`.
package struct DiffReport: Sendable, Equatable {
    package struct Window: Sendable, Equatable {
        package var range: TimeRange
        package var rows: Int

        package init(range: TimeRange, rows: Int) {
            self.range = range
            self.rows = rows
        }
    }

    package enum Direction: String, Sendable, CaseIterable {
        /// Never before.
        case new
        /// Never after.
        case gone
        case more
        case less
    }

    package struct Change: Sendable, Equatable {
        package var direction: Direction
        /// What kind of thing changed: its raw value is what the API says.
        package var kind: String
        /// The field or label it is of; of a shape empty.
        package var field: String
        /// The form of a text with `<_>` for what varies, a value, or the fields of a shape.
        package var text: ByteString
        package var before: Int
        package var after: Int
        /// Rows that `after` would have if nothing but the volume had changed.
        package var expected: Double
        /// Twice the logarithm of the likelihood ratio, corrected for overdispersion, below 0 where there is less.
        package var score: Double
        /// Values of the label that was asked about in which it changed; empty: in all.
        package var groups: [ByteString]

        package init(
            direction: Direction, kind: String, field: String, text: ByteString, before: Int, after: Int,
            expected: Double, score: Double, groups: [ByteString] = []
        ) {
            self.direction = direction
            self.kind = kind
            self.field = field
            self.text = text
            self.before = before
            self.after = after
            self.expected = expected
            self.score = score
            self.groups = groups
        }
    }

    package var before: Window
    package var after: Window
    package var by: ByteString?
    /// Rows after for each row before, where nothing changed.
    package var scale: Double
    package var changes: [Change]
    /// Changes found, those beyond the limit included.
    package var found: Int
    /// Things compared.
    package var compared: Int
    /// Fields whose values say nothing: ids, measurements, long text.
    package var leftOut: [String]
    /// Whether there was more than is counted: `Census.isCut`.
    package var isCut: Bool

    package init(
        before: Window, after: Window, by: ByteString? = nil, scale: Double, changes: [Change], found: Int, compared: Int,
        leftOut: [String], isCut: Bool
    ) {
        self.before = before
        self.after = after
        self.by = by
        self.scale = scale
        self.changes = changes
        self.found = found
        self.compared = compared
        self.leftOut = leftOut
        self.isCut = isCut
    }
}
