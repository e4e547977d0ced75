import LogModel

/// A report as data. What it says is decided here; text, JSON, CSV and HTML only differ in how they show it.
package struct ReportDocument: Sendable {
    /// A cell of a table, or a figure. What is not known is `missing`, never 0.
    package enum Value: Sendable, Equatable {
        case text(String)
        case integer(Int)
        /// `digits` behind the point where people read it; JSON and CSV have all of them.
        case number(Double, digits: Int)
        case missing

        /// A number that may not exist; infinities and NaN do not.
        package init(_ value: Double?, digits: Int = 2) {
            guard let value, value.isFinite else {
                self = .missing
                return
            }
            self = .number(value, digits: digits)
        }

        var isNumeric: Bool {
            switch self {
            case .integer, .number: true
            case .text, .missing: false
            }
        }
    }

    /// One figure with a name for machines and one for people.
    package struct Figure: Sendable {
        package var key: String
        package var label: String
        package var value: Value
        package var unit: String

        package init(_ key: String, _ label: String, _ value: Value, unit: String = "") {
            self.key = key
            self.label = label
            self.value = value
            self.unit = unit
        }
    }

    package struct Column: Sendable {
        package var key: String
        package var label: String

        package init(_ key: String, _ label: String) {
            self.key = key
            self.label = label
        }
    }

    package struct Table: Sendable {
        package var name: String
        package var title: String
        package var columns: [Column]
        /// Each as long as `columns`.
        package var rows: [[Value]]
        /// Too long for a terminal: left to the other forms.
        package var isDetail = false

        package init(_ name: String, _ title: String, _ columns: [Column], rows: [[Value]] = [], isDetail: Bool = false) {
            self.name = name
            self.title = title
            self.columns = columns
            self.rows = rows
            self.isDetail = isDetail
        }
    }

    package struct Plot: Sendable {
        package enum Axis: Sendable, Equatable {
            /// Seconds since 1970.
            case time
            case number(String)
        }

        package struct Series: Sendable {
            package enum Style: Sendable { case line, points, bars }

            package var name: String
            package var style: Style
            package var points: [(x: Double, y: Double)]

            package init(_ name: String, _ style: Style, _ points: [(x: Double, y: Double)]) {
                self.name = name
                self.style = style
                self.points = points
            }
        }

        package var title: String
        package var x: Axis
        package var yLabel: String
        package var series: [Series]
        /// Vertical lines.
        package var marks: [(x: Double, label: String)] = []
        /// A horizontal line: what was to be reached.
        package var target: (y: Double, label: String)?

        package init(_ title: String, x: Axis = .time, yLabel: String, series: [Series]) {
            self.title = title
            self.x = x
            self.yLabel = yLabel
            self.series = series
        }
    }

    /// `slo`, `cost` …
    package var kind: String
    package var title: String
    package var selector: String
    package var range: TimeRange
    package var figures: [Figure] = []
    package var tables: [Table] = []
    package var plots: [Plot] = []
    package var notes: [String] = []
    /// Why there is no answer; nil: there is one. A sentence.
    package var refusal: String?
    /// What was asked, in LogQL; empty unless somebody wants to know.
    package var queries: [String] = []

    package init(kind: String, title: String, selector: String, range: TimeRange) {
        self.kind = kind
        self.title = title
        self.selector = selector
        self.range = range
    }
}
