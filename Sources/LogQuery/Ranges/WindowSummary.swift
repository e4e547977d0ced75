import Bytes

/// What must be known of a stretch of samples to answer a range aggregation, so that two neighbouring stretches can be
/// put together. `merge` is associative; the older stretch comes first.
protocol WindowSummary {
    init(_ sample: Sample)
    /// Of at least one value, whose order does not matter.
    init(_ values: ArraySlice<Double>)
    mutating func add(_ sample: Sample)
    static func merge(_ older: Self, _ newer: Self) -> Self
}

struct Sample {
    /// Nanoseconds.
    var time: Int64
    var value: Double
    /// Later arrival, larger number: decides between equal times of a stream.
    var arrival: UInt64 = 0
    /// Decides between equal times of several streams, see `StreamRanking`.
    var stream: UInt32 = 0
}

extension WindowSummary {
    init(_ values: ArraySlice<Double>) {
        self.init(Sample(time: 0, value: values[values.startIndex]))
        for value in values.dropFirst() { add(Sample(time: 0, value: value)) }
    }
}

/// Sum. NaN and infinities go as in IEEE arithmetic.
struct SumSummary: WindowSummary {
    var sum: Double
    init(_ sample: Sample) { sum = sample.value }
    init(_ values: ArraySlice<Double>) { sum = Doubles.sum(values) }
    init(sum: Double) { self.sum = sum }
    @inline(__always) mutating func add(_ sample: Sample) { sum += sample.value }
    static func merge(_ a: SumSummary, _ b: SumSummary) -> SumSummary {
        var a = a
        a.sum += b.sum
        return a
    }
}

/// Mean, by increments, so that large values do not overflow.
struct MeanSummary: WindowSummary {
    var mean: Double
    var count: Double
    init(_ sample: Sample) {
        mean = sample.value
        count = 1
    }
    @inline(__always) mutating func add(_ sample: Sample) {
        count += 1
        mean = RunningMean.add(sample.value, to: mean, count: count)
    }
    static func merge(_ a: MeanSummary, _ b: MeanSummary) -> MeanSummary {
        var a = a
        a.mean = RunningMean.merge(a.mean, a.count, b.mean, b.count)
        a.count += b.count
        return a
    }
}

/// Smallest and largest; NaN only where there is nothing else.
struct ExtremaSummary: WindowSummary {
    var min: Double
    var max: Double
    init(_ sample: Sample) {
        min = sample.value
        max = sample.value
    }
    @inline(__always) mutating func add(_ sample: Sample) {
        if sample.value < min || min.isNaN { min = sample.value }
        if sample.value > max || max.isNaN { max = sample.value }
    }
    static func merge(_ a: ExtremaSummary, _ b: ExtremaSummary) -> ExtremaSummary {
        var a = a
        if b.min < a.min || a.min.isNaN { a.min = b.min }
        if b.max > a.max || a.max.isNaN { a.max = b.max }
        return a
    }
}

/// Population variance: Welford's recurrence, and Chan's rule to merge (Chan, Golub, LeVeque 1979).
struct VarianceSummary: WindowSummary {
    var count: Double
    var mean: Double
    /// Sum of squared deviations.
    var squares: Double

    init(_ sample: Sample) {
        count = 1
        mean = sample.value
        // Welford's first step multiplies by (x − x): NaN for an infinity, and that must outlive merging.
        squares = sample.value - sample.value
    }
    @inline(__always) mutating func add(_ sample: Sample) {
        count += 1
        let delta = sample.value - mean
        mean += delta / count
        squares += delta * (sample.value - mean)
    }
    static func merge(_ a: VarianceSummary, _ b: VarianceSummary) -> VarianceSummary {
        let count = a.count + b.count
        let delta = b.mean - a.mean
        var a = a
        a.squares += b.squares + delta * delta * (a.count * b.count / count)
        a.mean = RunningMean.merge(a.mean, a.count, b.mean, b.count)
        a.count = count
        return a
    }
    var variance: Double { squares / count }
}

/// First and last by time; of equal times the earlier, respectively later arrival.
struct EndsSummary: WindowSummary {
    var first: Sample
    var last: Sample
    init(_ sample: Sample) {
        first = sample
        last = sample
    }
    @inline(__always) mutating func add(_ sample: Sample) {
        if sample.isBefore(first) { first = sample }
        if !sample.isBefore(last) { last = sample }
    }
    static func merge(_ a: EndsSummary, _ b: EndsSummary) -> EndsSummary {
        var a = a
        if b.first.isBefore(a.first) { a.first = b.first }
        if !b.last.isBefore(a.last) { a.last = b.last }
        return a
    }
}

extension Sample {
    @inline(__always) func isBefore(_ other: Sample) -> Bool {
        if time != other.time { return time < other.time }
        return stream != other.stream ? stream < other.stream : arrival < other.arrival
    }
}

/// A counter's growth: samples must be added in time order.
struct CounterSummary: WindowSummary {
    var first: Sample
    var last: Sample
    var count: Double
    /// What was lost at resets: the value before each drop.
    var lost: Double

    init(_ sample: Sample) {
        first = sample
        last = sample
        count = 1
        lost = 0
    }
    mutating func add(_ sample: Sample) {
        if sample.value < last.value { lost += last.value }
        last = sample
        count += 1
    }
    static func merge(_ a: CounterSummary, _ b: CounterSummary) -> CounterSummary {
        var a = a
        a.lost += b.lost
        if b.first.value < a.last.value { a.lost += a.last.value }
        a.last = b.last
        a.count += b.count
        return a
    }

    /// Prometheus's extrapolated rate over the window (`windowStart`, `windowEnd`], nanoseconds; 0 for a single sample.
    func rate(windowStart: Int64, windowEnd: Int64) -> Double {
        guard count >= 2 else { return 0 }
        let delta = last.value - first.value + lost
        let span = Double(last.time - first.time) / 1e9
        let gap = span / (count - 1)
        var toStart = Double(first.time - windowStart) / 1e9
        var toEnd = Double(windowEnd - last.time) / 1e9
        let range = Double(windowEnd - windowStart) / 1e9
        let threshold = gap * 1.1
        if toStart >= threshold { toStart = gap / 2 }
        if delta > 0 && first.value >= 0 {
            // A counter cannot have been below zero: no extrapolation beyond where it was 0.
            let toZero = span * (first.value / delta)
            if toZero < toStart { toStart = toZero }
        }
        if toEnd >= threshold { toEnd = gap / 2 }
        return delta * ((span + toStart + toEnd) / span) / range
    }
}
