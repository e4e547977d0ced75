import Bytes
import LogModel

extension LogQL {
    package enum RangeOperator: String, Sendable, CaseIterable {
        case count = "count_over_time"
        case rate = "rate"
        case rateCounter = "rate_counter"
        case bytes = "bytes_over_time"
        case bytesRate = "bytes_rate"
        case avg = "avg_over_time"
        case sum = "sum_over_time"
        case min = "min_over_time"
        case max = "max_over_time"
        case stddev = "stddev_over_time"
        case stdvar = "stdvar_over_time"
        case quantile = "quantile_over_time"
        case first = "first_over_time"
        case last = "last_over_time"
        case absent = "absent_over_time"
        /// Beyond Loki: how many different values a label has.
        case countDistinct = "count_distinct_over_time"
    }

    package enum VectorOperator: String, Sendable, CaseIterable {
        case sum, avg, count, max, min, stddev, stdvar, bottomk, topk
        case approxTopk = "approx_topk"
        case sort
        case sortDesc = "sort_desc"
    }

    /// `by (…)` or `without (…)`, labels in the order of the text.
    package struct Grouping: Sendable, Equatable {
        package var without: Bool
        package var labels: [ByteString]

        package init(without: Bool, labels: [ByteString]) {
            self.without = without
            self.labels = labels
        }
    }

    /// `| unwrap …` and the filters behind it.
    package struct Unwrap: Sendable, Equatable {
        package enum Conversion: String, Sendable, CaseIterable {
            /// As a number.
            case none = ""
            case bytes
            case duration
            /// The same as `duration`.
            case durationSeconds = "duration_seconds"
        }

        package var label: ByteString
        package var conversion: Conversion
        package var filters: [LabelFilter]

        package init(label: ByteString, conversion: Conversion = .none, filters: [LabelFilter] = []) {
            self.label = label
            self.conversion = conversion
            self.filters = filters
        }
    }

    /// A function over the lines (or unwrapped values) of a window.
    package struct RangeAggregation: Sendable, Equatable {
        package var op: RangeOperator
        /// The quantile; nil for every other operator.
        package var parameter: Double?
        package var log: LogExpression
        /// Nanoseconds, ≥ 0.
        package var range: Int64
        /// Nanoseconds; positive looks back, negative ahead.
        package var offset: Int64
        package var unwrap: Unwrap?
        /// The label whose values `count_distinct_over_time` counts; nil for every other operator.
        package var counted: ByteString?
        /// nil: series keep all their labels. Empty `by ()`: one series without labels.
        package var grouping: Grouping?

        package init(
            op: RangeOperator,
            parameter: Double? = nil,
            log: LogExpression,
            range: Int64,
            offset: Int64 = 0,
            unwrap: Unwrap? = nil,
            counted: ByteString? = nil,
            grouping: Grouping? = nil
        ) {
            self.op = op
            self.parameter = parameter
            self.log = log
            self.range = range
            self.offset = offset
            self.unwrap = unwrap
            self.counted = counted
            self.grouping = grouping
        }
    }

    /// A function over the series of an instant.
    package struct VectorAggregation: Sendable, Equatable {
        package var op: VectorOperator
        /// k of topk, bottomk and approx_topk, > 0; nil for every other operator.
        package var parameter: Int?
        /// nil: one group (`by ()` is the same and is parsed to nil). `without ()` keeps every label.
        package var grouping: Grouping?
        package var inner: MetricExpression

        package init(op: VectorOperator, parameter: Int? = nil, grouping: Grouping? = nil, inner: MetricExpression) {
            self.op = op
            self.parameter = parameter
            self.grouping = grouping
            self.inner = inner
        }
    }

    /// `label_replace(inner, "dst", "replacement", "src", "regex")`; the regex was compiled once as `^(?:regex)$`.
    package struct LabelReplace: Sendable, Equatable {
        package var inner: MetricExpression
        package var destination: ByteString
        package var replacement: ByteString
        package var source: ByteString
        package var regex: String

        package init(
            inner: MetricExpression,
            destination: ByteString,
            replacement: ByteString,
            source: ByteString,
            regex: String
        ) {
            self.inner = inner
            self.destination = destination
            self.replacement = replacement
            self.source = source
            self.regex = regex
        }
    }
}
