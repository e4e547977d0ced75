import LogModel

/// The instants at which a metric query is evaluated: `start`, `start + step`, … (`count` of them).
struct StepGrid: Sendable, Equatable {
    /// Nanoseconds since 1970.
    var start: Int64
    /// Nanoseconds, > 0.
    var step: Int64
    /// > 0
    var count: Int

    /// The one instant of an instant query.
    static func instant(_ time: Int64) -> StepGrid { StepGrid(start: time, step: 1, count: 1) }

    /// Saturates at the ends of the calendar.
    func time(_ index: Int) -> Int64 {
        let (distance, overflow) = Int64(index).multipliedReportingOverflow(by: step)
        if overflow { return .max }
        return Timestamp(nanoseconds: start).advanced(by: distance).nanoseconds
    }
}

/// One series of an evaluation: a value, or none, at each instant.
///
/// A gap is a certain signalling NaN, which neither arithmetic nor parsing can produce; every other NaN is a value.
/// That makes a series one array of numbers, half the memory of values beside a bitmap.
struct StepSeries {
    var labels: Labels
    var values: [Double]

    init(labels: Labels, values: [Double]) {
        self.labels = labels
        self.values = values
    }

    /// A series of gaps.
    init(labels: Labels, count: Int) {
        self.init(labels: labels, values: [Double](repeating: .gap, count: count))
    }

    var isEmpty: Bool { values.allSatisfy(\.isGap) }
}

extension Double {
    private static var gapBits: UInt64 { 0x7FF0_0000_0000_0002 }

    /// No value at this instant.
    static var gap: Double { Double(bitPattern: gapBits) }
    var isGap: Bool { bitPattern == Double.gapBits }
}

/// What an expression evaluates to: a number, the same at every instant, or series.
enum StepValue {
    case scalar(Double)
    case series([StepSeries])
}

extension [StepSeries] {
    /// Series with equal labels become one; where both have a value, the earlier series' value stays. Series without any
    /// value disappear. Order of first appearance.
    mutating func mergeEqualLabels() {
        removeAll(where: \.isEmpty)
        var first: [Labels: Int] = [:]
        first.reserveCapacity(count)
        var merged: [StepSeries] = []
        merged.reserveCapacity(count)
        for series in self {
            guard let at = first[series.labels] else {
                first[series.labels] = merged.count
                merged.append(series)
                continue
            }
            for i in series.values.indices where merged[at].values[i].isGap { merged[at].values[i] = series.values[i] }
        }
        self = merged
    }
}
